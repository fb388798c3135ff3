// @ts-check
/**
 * What a model file says about itself, in words.
 *
 * @typedef {import("./protocol.js").ModelInfo} ModelInfo
 * @typedef {ModelInfo["header"]} Header
 */

const NUMBER = new Intl.NumberFormat("en");

/** @param {string} key */
const words = (key) => key.replaceAll(/[_-]/g, " ").replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();

/** @param {unknown} value @returns {string} */
function valueText(value) {
  if (typeof value === "number") return Number.isInteger(value) ? NUMBER.format(value) : String(Number(value.toPrecision(6)));
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (value === null || value === undefined) return "not stated";
  if (Array.isArray(value)) return value.length <= 6 && value.every((one) => typeof one !== "object") ? value.map(valueText).join(", ") : `${value.length} values`;
  return String(value);
}

/** @param {number} n */
function ordinal(n) {
  const text = String(Number(n.toFixed(4)));
  if (!/^\d+$/.test(text)) return `${text}th`;
  const tail = n % 100;
  const end = tail >= 11 && tail <= 13 ? "th" : { 1: "st", 2: "nd", 3: "rd" }[n % 10] ?? "th";
  return `${text}${end}`;
}

/** Where the threshold comes from, in words. @param {Header} header */
export function thresholdSource({ calibration }) {
  if (!calibration) return "";
  const { rule, normals } = calibration;
  if (rule === "manual") return "set by hand when the model was made";
  return `the ${ordinal(rule["held-out-quantile"] * 100)} percentile of the scores of ${NUMBER.format(normals)} held-out normal images`;
}

/** What became of the skips, as a sentence; nothing where all are there. @param {Header} header */
export function skipsWords({ architecture }) {
  if (!architecture || architecture.cut_skips === 0) return "";
  const { cut_skips: cut, size } = architecture;
  const all = cut >= Math.log2(size) - 1;
  const which = all ? "all skip connections are" : cut === 1 ? "the outermost skip connection is" : `the ${cut} outermost skip connections are`;
  return ` In this model, ${which} cut, so that it cannot simply copy its input.`;
}

/** @type {Record<string, string>} */
const METHOD_WORDS = {
  "skip-ganomaly": "Skip-GANomaly (Akçay, Atapour-Abarghouei and Breckon, 2019) trains a generator G with skip connections against a discriminator D, on normal images only. The generator encodes each image and reconstructs it from the code.",
  repair: "Repair gives Skip-GANomaly's networks another task. On normal images only, some of them damaged on purpose, the generator G learns to repair what was damaged, and the discriminator D to mark it, pixel by pixel.",
  ganomaly: "GANomaly (Akçay, Atapour-Abarghouei and Breckon, 2018) trains an encoder, a decoder and a second encoder (together the generator G) against a discriminator D, on normal images only. It encodes each image, reconstructs it from the code and encodes the reconstruction.",
  anogan: "AnoGAN (Schlegl and others, 2017) trains a generative adversarial network on normal images only. It has no encoder: it optimises a latent code for each image, so that the generator's image comes as close to it as possible, which takes seconds.",
  egbad: "EGBAD (Zenati and others, 2018) trains an encoder together with a generator G against a discriminator D, on normal images only. The encoder gives the code of an image, from which the generator reconstructs it.",
  alocc: "ALOCC (Sabokrou and others, 2018) trains a network to remove noise from normal images, against a discriminator D. The network's output is the reconstruction.",
  aae: "An adversarial autoencoder (Makhzani and others, 2015) reconstructs each image from a code. A discriminator D keeps the codes of the normal training images close to a normal distribution.",
  pca: "This model has no network. It reconstructs each image from the leading principal components of the normal training images.",
  nearest: "This model has no network. It compares each image with the normal training images; the nearest of them takes the place of a reconstruction.",
};

/** How the loaded model's method works. @param {Header} header */
export const methodWords = ({ method }) => METHOD_WORDS[method] ?? "This model was trained on normal images only.";

/** What the heat map of this model shows, as a caption. @param {ModelInfo} info */
export const heatWords = ({ explanation }) => (explanation.marks ? "what it marks" : "where the two differ");

/** The lead of the page, for the model that is loaded. @param {ModelInfo} info @param {string} [subject] what it was trained on */
export function leadWords({ method, explanation, header }, subject = "normal images") {
  if (explanation.marks) {
    return `The loaded model was trained only on ${subject}, some of them damaged on purpose, and repairs each image you add. The score says how plainly it finds something damaged; a heat map shows what it marks.`;
  }
  const map = "a heat map shows where the two differ.";
  const reconstructs = `The loaded model was trained only on ${subject} and reconstructs each image you add.`;
  const { lambda } = header.scoring;
  if (explanation.memory_bank && lambda === 0) {
    return `${reconstructs} The score says how far an image is from the normal images that the model's memory bank stands for; a heat map shows what the model failed to reconstruct.`;
  }
  switch (method) {
    case "nearest":
      return `The loaded model compares each image you add with the ${subject} it was fitted on. The score says how far the image is from the nearest of them; ${map}`;
    case "ganomaly":
      if (lambda === 0) return `${reconstructs} The score says how far the codes of the image and of its reconstruction lie apart; ${map}`;
      break;
    case "alocc":
      if (lambda === 0) return `${reconstructs} The score says how much the model's discriminator doubts the reconstruction; a heat map shows where it differs from the image.`;
      break;
  }
  return `${reconstructs} The score says how much the image and its reconstruction differ; ${map}`;
}

/** A part of the header as terms and values, as it is. @param {string} title @param {unknown} part @returns {[string, string][]} */
function partEntries(title, part) {
  if (part === null || part === undefined) return [];
  if (typeof part !== "object" || Array.isArray(part)) return [[title, valueText(part)]];
  return Object.entries(part).flatMap(([key, value]) => {
    const term = `${title}: ${words(key)}`;
    if (value === null || typeof value !== "object" || Array.isArray(value)) return [[term, valueText(value)]];
    const flat = Object.entries(value).filter(([, one]) => one === null || typeof one !== "object");
    return flat.length === 0 ? [] : [[term, flat.map(([name, one]) => `${words(name)} ${valueText(one)}`).join(", ")]];
  });
}

/**
 * "About this model": terms and values. Nothing is filled in that the file does not say.
 * @param {ModelInfo} info @param {{ name: string, bytes: number }} file @returns {[string, string][]}
 */
export function modelEntries({ header, method, size, channels, parameters, threshold }, file) {
  return [
    ["File", `${file.name}, ${(file.bytes / 1048576).toFixed(2)} MB`],
    ["Method", method],
    ["Input", `${size} × ${size} pixels, ${channels === 1 ? "grey" : `${channels} channels`}`],
    ["Parameters", NUMBER.format(parameters)],
    ["Threshold", threshold === null ? "none: the file contains no calibration" : `${valueText(threshold)}, ${thresholdSource(header)}`],
    ...partEntries("Architecture", header.architecture),
    ...partEntries("Preprocessing", header.preprocessing),
    ...partEntries("Score", header.scoring),
    ...partEntries("Training", header.training),
    ...partEntries("Calibration", header.calibration),
    ...partEntries("Licence", header.licence ?? "not stated"),
  ];
}
