// @ts-check
/**
 * From files to prepared pictures: which are training pictures, which cannot be read, and the bytes
 * that the networks see. Works in slices, so that the worker takes messages meanwhile.
 *
 * @typedef {import("../engine.js").Module} Module
 * @typedef {import("./protocol.js").TrainFile} TrainFile
 * @typedef {import("./protocol.js").Skipped} Skipped
 * @typedef {import("./protocol.js").Suggestion} Suggestion
 * @typedef {import("./protocol.js").GivenSettings} GivenSettings
 * @typedef {import("./store.js").Pictures} Pictures
 */
import { isPanic, read, text, UserError } from "../engine.js";
import { renderPart } from "../parts.js";
import { presetFor, suggestedFor } from "./url-settings.js";
import { yieldNow } from "./yield.js";

/** Pictures that size, channels and batch are suggested from. */
const LOOKED_AT = 24;
/** Files that are read ahead of the one that is decoded: a fetch takes longer than a decoding. */
const READ_AHEAD = 8;
const SLICE_MS = 50;

/** Thrown when later pictures took the place of those that were being prepared. */
export class Superseded extends UserError {
  constructor() {
    super("Other images were chosen in the meantime.");
  }
}

/**
 * All settings of a run: those given, else those that suit the pictures, else the page's own.
 * Throws where one is out of range.
 * @param {Module} module @param {Suggestion} suggested @param {GivenSettings} given
 */
export function settingsOf(module, suggested, given) {
  return module.complete_settings({ preset: presetFor(given.method), ...suggestedFor(suggested, given), ...given });
}

/** A part has no file: it is rendered when it is added. @param {TrainFile} file */
const readOne = async ({ source }) => ("part" in source ? new Uint8Array() : read(source));

/** @param {TrainFile[]} files @returns {AsyncGenerator<{ file: TrainFile, bytes: Uint8Array | null, reason: string }>} */
async function* readAll(files) {
  /** @type {Promise<PromiseSettledResult<Uint8Array>>[]} */
  const ahead = [];
  let next = 0;
  const more = () => {
    if (next < files.length) ahead.push(Promise.allSettled([readOne(files[next++])]).then(([one]) => one));
  };
  for (let i = 0; i < READ_AHEAD; i++) more();
  for (const file of files) {
    const one = await /** @type {Promise<PromiseSettledResult<Uint8Array>>} */ (ahead.shift());
    more();
    if (one.status === "fulfilled") yield { file, bytes: one.value, reason: "" };
    else yield { file, bytes: null, reason: text(one.reason) };
  }
}

/**
 * @param {Module} module
 * @param {TrainFile[]} files
 * @param {GivenSettings} given
 * @param {{ superseded: () => boolean, progress: (done: number, total: number) => void }} watch
 * @returns {Promise<Pictures>} throws `UserError` where there is no picture to train on
 */
export async function prepare(module, files, given, { superseded, progress }) {
  const found = module.recognise(files.map((file) => file.path));
  const training = Array.from(found.training, (index) => files[index]);
  /** @type {{ file: TrainFile, abnormal: boolean }[]} */
  const labelled = found.test.map((one) => ({ file: files[one.index], abnormal: one.abnormal }));
  const total = training.length + labelled.length;
  progress(0, total);

  const first = [];
  const [one] = training;
  // Parts are all alike in what suits them.
  if (one && "part" in one.source) first.push((await renderPart(module, one.source.part)).file);
  else for await (const { bytes } of readAll(training.slice(0, LOOKED_AT))) if (bytes) first.push(bytes);
  const suggested = module.suggest_settings(first, training.length);
  const { size, channels } = settingsOf(module, suggested, given);

  /** @type {Skipped[]} */
  const skipped = [];
  let done = 0;
  let sliceBegan = performance.now();
  /** @param {TrainFile[]} list @param {(index: number) => void} [added] */
  const collect = async (list, added) => {
    const pictures = new module.TrainingPictures(size, channels);
    let index = 0;
    for await (const { file, bytes, reason } of readAll(list)) {
      try {
        if (!bytes) throw new UserError(reason);
        if ("part" in file.source) pictures.add_part(file.path, file.source.part);
        else pictures.add(file.path, bytes);
        added?.(index);
      } catch (error) {
        if (isPanic(error)) throw error;
        skipped.push({ path: file.path, reason: text(error) });
      }
      index++;
      done++;
      if (performance.now() - sliceBegan > SLICE_MS) {
        progress(done, total);
        await yieldNow();
        sliceBegan = performance.now();
      }
      if (superseded()) {
        pictures.free();
        throw new Superseded();
      }
    }
    return pictures;
  };

  const normals = await collect(training);
  if (normals.count === 0) {
    normals.free();
    const [one] = skipped;
    throw new UserError(`${training.length === 1 ? "The image" : `None of the ${training.length} images`} ${training.length === 1 ? "cannot" : "can"} be read. ${one.path}: ${one.reason}`);
  }
  /** @type {number[]} */
  const abnormal = [];
  const others = labelled.length > 0
    ? await collect(labelled.map((one) => one.file), (index) => abnormal.push(labelled[index].abnormal ? 1 : 0))
    : null;
  progress(total, total);
  const anomalies = abnormal.filter(Boolean).length;
  const result = {
    size,
    channels,
    count: normals.count,
    training: normals.to_bytes(),
    labelled: abnormal.length > 0 ? others?.to_bytes() ?? null : null,
    abnormal: abnormal.length > 0 ? Uint8Array.from(abnormal) : null,
    counts: abnormal.length > 0 ? { normal: abnormal.length - anomalies, abnormal: anomalies } : null,
    layout: found.layout,
    said: found.said,
    skipped,
    leftOut: found.left_out.length,
    suggested,
    digest: normals.digest(),
    alike: normals.all_alike(),
  };
  normals.free();
  others?.free();
  return result;
}
