// Held: what CSV and JSON say of a row, that a reader of RFC 4180 gets it back, and that no name acts as a formula.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COLUMNS, csvCell, lineOf, secondOf, toCsv, toJson } from '../../www/lib/csv.js';

/** RFC 4180, read anew: records of fields. */
function read(text) {
  const records = [];
  let record = [];
  let field = '';
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const letter = text[i];
    if (quoted) {
      if (letter !== '"') field += letter;
      else if (text[i + 1] === '"') field += text[++i];
      else quoted = false;
    } else if (letter === '"') {
      assert.equal(field, '', 'a quote stands at the beginning of a field');
      quoted = true;
    } else if (letter === ',') {
      record.push(field);
      field = '';
    } else if (letter === '\r') {
      assert.equal(text[++i], '\n', 'a line ends with CRLF');
      records.push([...record, field]);
      record = [];
      field = '';
    } else {
      assert.notEqual(letter, '\n', 'a line feed alone stands in quotes');
      field += letter;
    }
  }
  assert.deepEqual([quoted, record, field], [false, [], ''], 'the last line ends like the others');
  return records;
}

const picture = { score: 0.25, residual: 0.1, latent: null, marks: 0.7 };
const row = (more) => ({ item: { name: 'a.png', path: 'set/a.png' }, picture, threshold: 0.5, verdict: 'normal', display: 0.25, error: null, ...more });

test('quotes, commas and line ends in names come back as they were', () => {
  const names = ['plain.png', 'a,b.png', 'a"b".png', '"', 'two\nlines', 'two\r\nlines', ' spaced ', 'ümläut 🙂.png', ''];
  const [head, ...records] = read(toCsv(names.map((name) => ({ name })), ['name', 'score']));
  assert.deepEqual(head, ['name', 'score']);
  assert.deepEqual(records, names.map((name) => [name, '']));
});

test('a text that a spreadsheet would run gets an apostrophe; a number never does', () => {
  for (const name of ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1']) {
    assert.deepEqual(read(toCsv([{ name }], ['name']))[1], [`'${name}`]);
  }
  assert.deepEqual(read(toCsv([{ name: '=HYPERLINK("x","y")' }], ['name']))[1], ['\'=HYPERLINK("x","y")']);
  for (const name of ['a=1', "'=1", '1-2']) assert.equal(csvCell(name), name);
  assert.equal(csvCell(-0.5), '-0.5');
});

test('numbers have a point, no grouping and all their digits, whatever the locale', () => {
  const numbers = [0.1 + 0.2, 1234567.5, -1e-7, 1e21, 0, 1 / 3];
  const [, ...records] = read(toCsv(numbers.map((score) => ({ score })), ['score']));
  records.forEach(([text], i) => {
    assert.match(text, /^-?\d+(\.\d+)?(e[+-]\d+)?$/);
    assert.equal(Number(text), numbers[i]);
  });
});

test('what is not there is an empty field, not the word null', () => {
  assert.equal(toCsv([{ a: null, b: undefined }], ['a', 'b', 'c']), 'a,b,c\r\n,,\r\n');
  assert.equal(toCsv([]), `${COLUMNS.join(',')}\r\n`);
});

test('a row: its path as the name, its numbers as they are, of an unreadable one only the error', () => {
  assert.deepEqual(Object.keys(lineOf(row())), COLUMNS);
  assert.deepEqual(lineOf(row()), { name: 'set/a.png', score: 0.25, residual: 0.1, latent: null, marks: 0.7, threshold: 0.5, verdict: 'normal', display: 0.25, error: null });
  const bad = lineOf(row({ picture: null, threshold: null, verdict: 'error', error: 'not a picture' }));
  assert.deepEqual(bad, { name: 'set/a.png', score: null, residual: null, latent: null, marks: null, threshold: null, verdict: 'error', display: null, error: 'not a picture' });
});

test('a second method: the same columns under other names, whatever became of the row', () => {
  const done = { state: 'done', answer: null, picture, error: null, threshold: 0.2, verdict: 'anomalous', display: 0.7 };
  const columns = ['method', ...COLUMNS.slice(1)].map((name) => `second_${name}`);
  const cases = [done, { ...done, picture: null, error: 'unreadable', threshold: null, verdict: 'error', display: null }, { ...done, state: 'stopped', picture: null }, undefined];
  const lines = cases.map((second) => secondOf('PCA', second));
  for (const line of lines) assert.deepEqual(Object.keys(line), columns);
  assert.deepEqual(lines[0], {
    second_method: 'PCA', second_score: 0.25, second_residual: 0.1, second_latent: null, second_marks: 0.7,
    second_threshold: 0.2, second_verdict: 'anomalous', second_display: 0.7, second_error: null,
  });
  assert.deepEqual([lines[1].second_verdict, lines[1].second_error], ['error', 'unreadable']);
  for (const line of lines.slice(2)) {
    assert.equal(line.second_verdict, null, 'no verdict where it gave none');
    assert.ok(line.second_error, 'and a word why');
  }
});

test('both methods in one file: every record has every column', () => {
  const lines = [row(), row({ picture: null, error: 'a, "b"' })].map((one) => ({ ...lineOf(one), ...secondOf('PCA', undefined) }));
  const columns = [...COLUMNS, ...Object.keys(secondOf('PCA', undefined))];
  const [head, ...records] = read(toCsv(lines, columns));
  assert.deepEqual(head, columns);
  for (const record of records) assert.equal(record.length, columns.length);
  assert.equal(records[1][COLUMNS.indexOf('error')], 'a, "b"');
});

test('JSON: what it is about first, then the pictures with every column, null where there is nothing', () => {
  const json = JSON.parse(toJson([lineOf(row()), {}], { program: 'x 1' }, [...COLUMNS, 'second_score']));
  assert.deepEqual(Object.keys(json), ['program', 'pictures']);
  assert.deepEqual(json.pictures[0], { ...lineOf(row()), second_score: null });
  assert.deepEqual(json.pictures[1], Object.fromEntries([...COLUMNS, 'second_score'].map((name) => [name, null])));
});
