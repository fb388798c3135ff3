// @ts-check
/**
 * "About this model": what the model file says about itself. The header is shown as it is; nothing
 * is filled in that the file does not say.
 *
 * @typedef {import("./protocol.js").ModelInfo} ModelInfo
 */

const NUMBER = new Intl.NumberFormat("en");

/** @param {string} key */
const words = (key) => key.replaceAll(/[_-]/g, " ").replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();

/** @param {unknown} value @returns {string} */
function say(value) {
  if (typeof value === "number") return Number.isInteger(value) ? NUMBER.format(value) : String(Number(value.toPrecision(6)));
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (value === null || value === undefined) return "not stated";
  if (Array.isArray(value)) return value.length <= 6 && value.every((one) => typeof one !== "object") ? value.map(say).join(", ") : `${value.length} values`;
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

/** Where the threshold comes from, in words. @param {any} header @returns {string} */
export function thresholdSource(header) {
  const calibration = header?.calibration;
  if (!calibration) return "";
  const { rule, normals } = calibration;
  if (rule === "manual") return "set by hand when the model was made";
  const quantile = rule?.["held-out-quantile"];
  const of = `${NUMBER.format(normals)} held-out normal pictures`;
  if (typeof quantile === "number") return `from the ${ordinal(quantile * 100)} percentile of ${of}`;
  return `from ${of}`;
}

/** What A is, as a formula. @param {any} scoring */
export function scoreFormula({ lambda, balance } = {}) {
  if (typeof lambda !== "number") return "A";
  const rest = Number((1 - lambda).toFixed(6));
  // Balanced parts are shifted and scaled by what held-out normals have.
  const [r, l] = balance === "quantile" ? ["R′", "L′"] : ["R", "L"];
  /** @param {number} weight @param {string} part */
  const term = (weight, part) => (weight === 1 ? part : `${weight} ${part}`);
  return `A = ${[[lambda, r], [rest, l]].filter(([weight]) => weight !== 0).map(([w, part]) => term(Number(w), String(part))).join(" + ")}`;
}

/** What became of the skips, as a sentence; nothing where all are there. @param {any} header */
export function skipsWords(header) {
  const cut = header?.architecture?.cut_skips ?? 0;
  if (cut === 0) return "";
  const all = cut >= Math.log2(header.architecture.size) - 1;
  return ` In this model ${all ? "all skip connections" : `the ${cut} outermost skip connections`} are cut, so that it cannot copy.`;
}

/** What L compares, to go on after "The latent term L". @param {any} header */
export function latentWords(header) {
  if (header?.method === "pca" || header?.method === "nearest") {
    if (header.scoring?.latent !== "memory") return "is not used: this method has no networks";
    return "is the distance to the nearest of the remembered training pictures, in their half-whitened principal components";
  }
  if (header?.method === "egbad") return "compares what the discriminator sees in the two, each beside the code of the picture";
  if (header?.method === "ganomaly") return "is the difference between the code of the picture and the code of the redrawn one";
  if (header?.method === "aae") return "is the probability, which the discriminator gives the picture's code, of not being one of the prior's draws; this method's score leaves it out";
  if (header?.method === "alocc") return "is the probability, which the discriminator gives the redrawn one, of not being a normal picture";
  switch (header?.scoring?.latent) {
    case "memory":
      return "is the distance of the picture's encoding, which the generator makes, to the nearest one that the model remembers of the normal pictures it was trained on";
    case "layers":
      return "compares what all layers of the discriminator see in the two";
    default:
      return "compares what the discriminator sees in the two";
  }
}

/** @param {HTMLElement} list @param {string} term @param {string} value */
function entry(list, term, value) {
  const group = document.createElement("div");
  const dt = document.createElement("dt");
  const dd = document.createElement("dd");
  dt.textContent = term;
  dd.textContent = value;
  group.append(dt, dd);
  list.append(group);
}

/** @param {HTMLElement} list @param {string} title @param {unknown} value */
function section(list, title, value) {
  if (value === null || value === undefined) return;
  if (typeof value !== "object" || Array.isArray(value)) {
    entry(list, title, say(value));
    return;
  }
  for (const [key, inner] of Object.entries(value)) {
    if (inner !== null && typeof inner === "object" && !Array.isArray(inner)) {
      const flat = Object.entries(inner).filter(([, one]) => one === null || typeof one !== "object");
      if (flat.length > 0) entry(list, `${title}: ${words(key)}`, flat.map(([name, one]) => `${words(name)} ${say(one)}`).join(", "));
    } else {
      entry(list, `${title}: ${words(key)}`, say(inner));
    }
  }
}

/** @param {HTMLElement} list @param {ModelInfo} info @param {{ name: string, bytes: number }} file */
export function showModel(list, info, file) {
  const { header } = info;
  list.replaceChildren();
  entry(list, "File", `${file.name}, ${(file.bytes / 1048576).toFixed(2)} MB`);
  entry(list, "Method", info.method);
  entry(list, "Input", `${info.size} × ${info.size} pixels, ${info.channels === 1 ? "grey" : `${info.channels} channels`}`);
  entry(list, "Parameters", NUMBER.format(info.parameters));
  entry(list, "Threshold", info.threshold === null ? "none: the file holds no calibration" : `${say(info.threshold)} ${thresholdSource(header)}`);
  section(list, "Architecture", header?.architecture);
  section(list, "Preprocessing", header?.preprocessing);
  section(list, "Score", header?.scoring);
  section(list, "Training", header?.training);
  section(list, "Calibration", header?.calibration);
  section(list, "Licence", header?.licence ?? header?.license ?? "not stated");
}
