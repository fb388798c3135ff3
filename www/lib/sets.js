// @ts-check
/**
 * What the page can look at: lines of products, whose pictures it renders itself, and one set of real pictures. Each
 * has a model of its own, and parts to begin with.
 *
 * @typedef {import("../pkg/cpu/skip_ganomaly.js").PartRequest} PartRequest
 * @typedef {import("../pkg/cpu/skip_ganomaly.js").ProductLine} ProductLine
 * @typedef {{ id: string, title: string, model: string, method: { id: string, title: string }, normals: string }} PictureSet
 *   `model`: its file, below models/; `method`: that model's; `normals`: what it was trained on
 * @typedef {PictureSet & { noun: string }} Line  `noun`: what a part's name begins with
 * @typedef {{ number: number, purpose: PartRequest["purpose"], kind: string | null, size: keyof typeof FAULT_SIZES, wear: number }} Part
 *   `kind`: of its fault; null for a sound part, or where the line is to say it
 */

/** The real pictures. */
export const SOLAR = "solar-ir";
/** The set that the page opens with. */
export const FIRST = "board";

/** What stands beside a picture that the page has made. */
export const RENDERED = "Rendered image";

/** How large a fault can be, in sides of the picture. */
export const FAULT_SIZES = { small: 0.06, medium: 0.12, large: 0.2 };
/** Parts are rendered at this size, in pixels a side, and in the gallery at that. */
const SIDE = 128;
const THUMB_SIDE = 96;

/** Samples of a line: so many sound ones, so many in all. */
const SOUND_SAMPLES = 8;
const SAMPLES = 24;
/** Parts to train on, and so many labelled ones beside them, sound and faulty each. */
const TRAINING_PARTS = 200;
const LABELLED_PARTS = 50;

/**
 * The part that each line opens with, by rule, whatever its model makes of it: the first of the lot with a fault of the
 * first kind in the line's list.
 * @type {Part}
 */
export const FIRST_PART = { number: 0, purpose: "faulty", kind: null, size: "large", wear: 0.7 };

/** @param {string} id @param {string} title @param {string} normals @returns {Line} */
const line = (id, title, normals) => ({ id, title, noun: title.toLowerCase(), normals, model: `lines/${id}.safetensors`, method: { id: "repair", title: "Repair" } });

/** @type {Line[]} */
const LINES = [
  line("fabric", "Fabric", "sound fabric"),
  line("board", "Circuit board", "sound circuit boards"),
  line("gear", "Gear", "sound gears"),
  line("wood", "Wood", "sound wood"),
];

/** @type {(PictureSet | Line)[]} in the order that they are offered */
export const SETS = [...LINES, { id: SOLAR, title: "Solar modules: real thermal images", model: `${SOLAR}.safetensors`, method: { id: "skip-ganomaly", title: "Skip-GANomaly (2019)" }, normals: "thermal images of normal solar modules" }];

/** The set with this name. @param {string | null} id */
export const setOf = (id) => SETS.find((one) => one.id === id) ?? null;

/** The product line with this name; null for other sets. @param {string | null} id */
export const lineOf = (id) => LINES.find((one) => one.id === id) ?? null;

/**
 * The set that the page opens with: the one that the address names, or else the one that its model belongs to.
 * @param {string | null} asked @param {string | null} model the address of a model
 */
export function openingSet(asked, model) {
  const named = setOf(asked);
  if (named) return named;
  const path = model?.split(/[?#]/)[0] ?? "";
  const own = SETS.find((one) => path.endsWith(`models/${one.model}`)) ?? (/(^|\/)models\/methods\/[^/]+$/.test(path) ? setOf(SOLAR) : null);
  return own ?? /** @type {PictureSet} */ (setOf(FIRST));
}

/** The page's lead, for a model of a line. @param {Line} line @param {string} [finds] how small a fault it finds, where that is known */
export const lineWords = ({ normals }, finds = "") => `This model has only ever seen ${normals}, never a fault. Let one grow with the slider, and watch when the model notices.${finds && ` ${finds}`}`;

/** A fault's kind as words. @param {string} kind */
export const kindWords = (kind) => kind.replaceAll("-", " ");

/** What the program is asked for. @param {string} product @param {Part} part @param {number} [side] @returns {PartRequest} */
export const requestOf = (product, { number, purpose, kind, size, wear }, side = SIDE) => ({
  product, number, purpose, seed: 0, size: side, channels: 3, wear, drift: null,
  fault: kind === null ? null : { kind, size: FAULT_SIZES[size], contrast: 1 },
});

/** A part as an image to be scored. @param {Line} of @param {Part} part */
export function itemOf(of, part) {
  const name = [of.noun, `part ${part.number}`, ...(part.kind === null ? [] : [kindWords(part.kind)])].join(", ");
  return { name, path: `rendered/${name}`, label: part.kind === null ? "normal" : kindWords(part.kind), part, source: { part: requestOf(of.id, part) } };
}

/** A part's small picture. @param {Line} of @param {Part} part */
export const thumbOf = (of, part) => requestOf(of.id, part, THUMB_SIDE);

/** The samples of a line: sound parts, then each kind of fault in turn, plain before slight. @param {ProductLine} of @returns {Part[]} */
export function samplesOf({ faults }) {
  const sizes = /** @type {(keyof typeof FAULT_SIZES)[]} */ (["large", "medium", "small"]);
  const faulty = Array.from({ length: SAMPLES - SOUND_SAMPLES }, (_, i) => ({
    kind: faults[i % faults.length], size: sizes[Math.floor(i / faults.length) % sizes.length], number: SOUND_SAMPLES + i,
  }));
  faulty.sort((a, b) => faults.indexOf(a.kind) - faults.indexOf(b.kind));
  return [
    ...Array.from({ length: SOUND_SAMPLES }, (_, number) => /** @type {Part} */ ({ number, purpose: "good", kind: null, size: "large", wear: 0 })),
    ...faulty.map((one) => /** @type {Part} */ ({ ...one, purpose: "faulty", wear: 1 })),
  ];
}

/** @param {number} number */
const stem = (number) => `${String(number).padStart(3, "0")}.png`;

/** Parts to train on, with labelled ones of which half are faulty, as files of a folder. @param {Line} of @param {ProductLine} line */
export function trainingParts(of, { faults }) {
  /** @param {string} folder @param {PartRequest["purpose"]} purpose @param {number} number */
  const file = (folder, purpose, number) => ({
    path: `${folder}/${stem(number)}`,
    source: { part: requestOf(of.id, { number, purpose, kind: null, size: "large", wear: 1 }) },
  });
  const numbers = (/** @type {number} */ count) => Array.from({ length: count }, (_, number) => number);
  return [
    ...numbers(TRAINING_PARTS).map((number) => file("train/good", "train", number)),
    ...numbers(LABELLED_PARTS).map((number) => file("test/good", "good", number)),
    // The number decides the kind of a lot's faulty part.
    ...numbers(LABELLED_PARTS).map((number) => ({
      ...file("", "faulty", number), path: `test/${faults[number % faults.length]}/${stem(Math.floor(number / faults.length))}`,
    })),
  ];
}

/** The same set in the program, which names its files alike. @param {Line} of */
export const trainingSource = ({ id }) => `product:${id},size=${SIDE},normals=${TRAINING_PARTS},test=${2 * LABELLED_PARTS}`;

