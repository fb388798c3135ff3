// Held: which files of a drop are taken, in which order, and where in its folder each is said to be.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choiceOf } from '../../www/page/training/picture-input.js';
import { PICTURE, contents, everything, found, walk } from '../../www/lib/walk.js';

const fileOf = (name) => ({ name, webkitRelativePath: '' });

/** What a browser gives of a folder: a tree of names, a hundred entries at a time. */
function entry(tree, name, parent = '') {
  const fullPath = `${parent}/${name}`;
  if (tree === null) return { isFile: true, isDirectory: false, name, fullPath, file: (resolve) => resolve(fileOf(name)) };
  return {
    isFile: false, isDirectory: true, name, fullPath,
    createReader() {
      const left = Object.entries(tree);
      return { readEntries: (resolve) => resolve(left.splice(0, 100).map(([one, inner]) => entry(inner, one, fullPath))) };
    },
  };
}

async function paths(tree, name = 'top') {
  const all = [];
  await walk(entry(tree, name), (file, path) => all.push(path));
  return all;
}

test('a folder is read to its depths, by names, and numbers in names count as numbers', async () => {
  assert.deepEqual(
    await paths({ 'img10.png': null, 'img9.png': null, b: { 'z.png': null, deep: { 'y.png': null } }, 'Img1.png': null, 'a.txt': null, empty: {} }),
    ['top/a.txt', 'top/b/deep/y.png', 'top/b/z.png', 'top/Img1.png', 'top/img9.png', 'top/img10.png'],
  );
});

test('the order does not depend on the order that the browser gives', async () => {
  const names = ['c.png', 'a.png', 'b.png'];
  const one = await paths(Object.fromEntries(names.map((name) => [name, null])));
  const other = await paths(Object.fromEntries(names.reverse().map((name) => [name, null])));
  assert.deepEqual(one, other);
});

test('a folder of more entries than a reader gives at a time is read to its end', async () => {
  const all = await paths(Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`${i}.png`, null])));
  assert.deepEqual(all, Array.from({ length: 250 }, (_, i) => `top/${i}.png`));
});

test('a folder that cannot be read is an error, not an empty folder', async () => {
  const broken = { isFile: false, createReader: () => ({ readEntries: (_, reject) => reject(new Error('gone')) }) };
  await assert.rejects(walk(broken, () => {}), { message: 'gone' });
  await assert.rejects(walk({ isFile: true, file: (_, reject) => reject(new Error('locked')) }, () => {}), { message: 'locked' });
});

test('a drop: folders and files apart; what is no file, and what gives none, is left', () => {
  const item = (kind, directory, file) => ({ kind, webkitGetAsEntry: () => (directory ? { isDirectory: true, name: directory } : { isDirectory: false }), getAsFile: () => file });
  const data = { items: [item('file', 'folder', null), item('string', null, null), item('file', null, fileOf('a.png')), item('file', null, null)] };
  const { directories, files } = contents(data);
  assert.deepEqual([directories.map(({ name }) => name), files.map(({ name }) => name)], [['folder'], ['a.png']]);
  const old = { items: [{ kind: 'file', getAsFile: () => fileOf('b.png') }] };
  assert.deepEqual(contents(old).files.map(({ name }) => name), ['b.png'], 'a browser without folders');
});

test('everything of a drop: loose files first, each with its path', async () => {
  const all = await everything([entry({ 'x.png': null }, 'set')], [fileOf('loose.txt')]);
  assert.deepEqual(all.map(({ name, path }) => [name, path]), [['loose.txt', 'loose.txt'], ['x.png', 'set/x.png']]);
});

test('a file of a folder input says where it lies', () => {
  const file = { name: 'a.png', webkitRelativePath: 'set/good/a.png' };
  assert.deepEqual(found(file), { name: 'a.png', path: 'set/good/a.png', blob: file });
  assert.equal(found(file, 'other/a.png').path, 'other/a.png');
  assert.equal(found(fileOf('a.png')).path, 'a.png');
});

test('pictures by name', () => {
  for (const name of ['a.png', 'a.JPG', 'a.jpeg', 'a.b.webp', 'a.tif', 'a.tiff', 'a.heic', '.png']) assert.ok(PICTURE.test(name), name);
  for (const name of ['a.png.txt', 'png', 'a.svg', 'a.pngx', 'a.safetensors', '']) assert.ok(!PICTURE.test(name), name);
});

const choice = (all) => choiceOf(all.map((path) => ({ path, name: path.split('/').at(-1), blob: path })));

test('to train on: paths below the one folder that was given, whose name is no part of its layout', () => {
  const { files, folder, left } = choice(['set/train/good/a.png', 'set/test/bad/b.png', 'set/notes.txt']);
  assert.deepEqual([files.map(({ path }) => path), folder, left], [['train/good/a.png', 'test/bad/b.png'], 'set', 1]);
  assert.deepEqual(files[0].source, { blob: 'set/train/good/a.png' });
});

test('of several folders, or loose files, each keeps its path', () => {
  for (const all of [['a/x.png', 'b/y.png'], ['a/x.png', 'y.png'], ['x.png', 'y.png']]) {
    const { files, folder } = choice(all);
    assert.deepEqual(files.map(({ path }) => path), all);
    assert.equal(folder, choice(['x.png']).folder);
  }
  assert.deepEqual(choice(['set/notes.txt', 'readme']), { files: [], folder: choice([]).folder, left: 2 });
});
