// @ts-check
/**
 * A run's settings in the page's address, so that a run can be shared and repeated, and as the line
 * that repeats it with the program.
 *
 * @typedef {string | number | boolean | null} Value  of a setting
 * @typedef {import("./protocol.js").GivenSettings & Record<string, Value | undefined>} Values  settings by name
 * @typedef {{
 *   name: string, field: string, kind: "integer" | "number" | "choice" | "flag", group: string, help: string, default: Value,
 *   optional: boolean, choices?: (string | number)[], min?: number, max?: number, above_min?: boolean, below_max?: boolean,
 * }} Setting
 * @typedef {{ name: string, help: string, methods: string[], changes: Record<string, Value> }} Preset
 * @typedef {{ name: string, title: string, meaning: string }} LossInfo  `name`: as a step's record has it
 * @typedef {{
 *   name: string, source: string, in_steps: boolean, searches: boolean, marks: boolean, settings: string[], losses: LossInfo[],
 *   published: Record<string, Value>,
 * }} Method  `settings` are the fields that mean something to it; `losses` are its own, in order
 * @typedef {{ settings: Setting[], methods: Method[], presets: Preset[] }} Schema  as `skip-ganomaly schema` writes it
 * @typedef {{ given: Values, minutes: number | null, device: string, name: string }} UserSettings
 *   what a person set, by the settings' names with _; the rest is left to the page
 */

/** The settings' names as the program's files have them. @param {string} name */
export const keyOf = (name) => name.replaceAll("-", "_");
/** The same as the program's options and the address have them. @param {string} key */
export const optionOf = (key) => key.replaceAll("_", "-");

const PAGE_OWN = ["model", "set"];

/** The methods that have presets beside the published settings, and which of them the page takes where nobody chose. */
const PRESETS = /** @type {Record<string, string>} */ ({ "skip-ganomaly": "memory", repair: "repair" });

/**
 * The settings that do not belong to a method; most have no preset but the published settings.
 * @param {Method[]} methods @param {string} method
 */
export function unusedBy(methods, method) {
  const used = methods.find(({ name }) => name === method)?.settings ?? [];
  const all = new Set(methods.flatMap(({ settings }) => settings));
  const unused = [...all].filter((field) => !used.includes(field));
  return method in PRESETS ? unused : ["preset", ...unused];
}

/**
 * What the page trains with where nobody chose a preset: without a method either, the one that finds most
 * (docs/results.md).
 * @param {string} [method]
 */
export const presetFor = (method) => (method === undefined ? "repair" : PRESETS[method] ?? "paper");

/** Whether these settings train the method `repair`. @param {{ method?: string, preset?: string }} given */
export const trainsRepair = ({ method, preset = presetFor(method) }) => preset === "repair" || method === "repair";

/**
 * What suits the pictures and the method.
 * @param {import("./protocol.js").Suggestion} suggested @param {{ method?: string, preset?: string, epochs?: number }} given
 */
export function suggestedFor({ repair, ...others }, given) {
  if (!trainsRepair(given)) return others;
  // Steps would stand in place of the epochs that a person gave.
  return { ...others, ...repair, ...(given.epochs !== undefined && { steps: null }) };
}

/**
 * The settings of the form, the preset before them. The page trains in steps: methods that are fitted in one go, and
 * what only those have, are for the program.
 * @param {Schema} schema @returns {Setting[]}
 */
export function allSettings({ settings, methods, presets }) {
  const trained = methods.filter(({ in_steps }) => in_steps);
  const names = trained.map(({ name }) => name);
  const here = settings
    .filter(({ field }) => trained.some((method) => method.settings.includes(field)))
    .map((setting) => (setting.field === "method" ? { ...setting, choices: names } : setting));
  return [{
    name: "preset", field: "preset", kind: "choice", group: "training", default: presets[0].name, optional: false,
    choices: presets.map(({ name }) => name), help: "Settings to start from",
  }, ...here];
}

/**
 * What a text says for a setting.
 * @param {Setting} setting @param {string} text
 * @returns {{ value: Value } | { error: string }} an empty text for an optional setting is null
 */
export function parse(setting, text) {
  const trimmed = text.trim();
  if (trimmed === "") {
    return setting.optional ? { value: null } : { error: "Enter a value." };
  }
  if (setting.kind === "flag") {
    if (trimmed === "true" || trimmed === "false") return { value: trimmed === "true" };
    return { error: `Expected true or false, got "${trimmed}".` };
  }
  if (setting.kind === "choice") {
    if (setting.choices?.some((choice) => String(choice) === trimmed)) return { value: trimmed };
    return { error: `Expected one of ${setting.choices?.join(", ")}, got "${trimmed}".` };
  }
  const value = Number(trimmed);
  if (!Number.isFinite(value)) return { error: `Expected a number, got "${trimmed}".` };
  if (setting.kind === "integer" && !Number.isSafeInteger(value)) return { error: `Expected a whole number, got ${trimmed}.` };
  if (setting.choices && !setting.choices.some((choice) => Number(choice) === value)) {
    return { error: `Expected one of ${setting.choices.join(", ")}, got ${trimmed}.` };
  }
  const { min = -Infinity, max = Infinity } = setting;
  if (value < min || (setting.above_min && value === min)) return { error: `Expected ${setting.above_min ? "more than" : "at least"} ${min}, got ${trimmed}.` };
  if (value > max || (setting.below_max && value === max)) return { error: `Expected ${setting.below_max ? "less than" : "at most"} ${max}, got ${trimmed}.` };
  return { value };
}

/**
 * @param {string} search as in location.search
 * @param {Setting[]} settings
 * @returns {{ userSettings: UserSettings, texts: Map<string, string>, unknown: string[] }} `texts` are the settings
 *   as they stand in the address, the wrong ones too, so that the form can show them
 */
export function readAddress(search, settings) {
  const known = new Map(settings.map((setting) => [setting.field, setting]));
  /** @type {UserSettings} */
  const userSettings = { given: {}, minutes: null, device: "auto", name: "" };
  const texts = new Map();
  const unknown = [];
  for (const [name, text] of new URLSearchParams(search)) {
    const key = keyOf(name);
    const setting = known.get(key);
    if (setting) {
      texts.set(key, text);
      const parsed = parse(setting, text);
      if ("value" in parsed && parsed.value !== null) userSettings.given[key] = parsed.value;
    } else if (key === "minutes") {
      texts.set(key, text);
      const minutes = Number(text);
      if (minutes > 0 && Number.isFinite(minutes)) userSettings.minutes = minutes;
    } else if (key === "device") {
      if (text === "cpu" || text === "webgpu") userSettings.device = text;
    } else if (key === "name") {
      userSettings.name = text.slice(0, 80);
    } else if (!PAGE_OWN.includes(key)) {
      unknown.push(name);
    }
  }
  return { userSettings, texts, unknown };
}

/** The page's address with a run's settings. @param {UserSettings} userSettings @param {string} page the page's own address */
export function toAddress(userSettings, page) {
  const url = new URL(page);
  url.hash = "train";
  const kept = PAGE_OWN.map((name) => [name, url.searchParams.get(name)]);
  url.search = "";
  for (const [name, value] of kept) if (name && value !== null) url.searchParams.set(name, value);
  for (const [key, value] of Object.entries(userSettings.given)) {
    if (value !== null && value !== undefined) url.searchParams.set(optionOf(key), String(value));
  }
  if (userSettings.minutes !== null) url.searchParams.set("minutes", String(userSettings.minutes));
  if (userSettings.device !== "auto") url.searchParams.set("device", userSettings.device);
  if (userSettings.name) url.searchParams.set("name", userSettings.name);
  return url.href;
}

/** For a shell: quoted where it has to be. @param {string} word */
const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/**
 * The line that repeats a run with the program: its preset, and every setting that differs from it.
 * @param {Values} settings all settings of the run
 * @param {Schema} schema @param {string} folder the pictures' folder
 */
export function trainCommand(settings, schema, folder) {
  const preset = schema.presets.find(({ name }) => name === settings.preset) ?? schema.presets[0];
  const published = schema.methods.find(({ name }) => name === settings.method)?.published ?? {};
  const words = ["skip-ganomaly", "train", "--data", quoted(folder)];
  if (preset !== schema.presets[0]) words.push("--preset", preset.name);
  for (const { name, field, default: plain } of schema.settings) {
    const value = settings[field] ?? null;
    // A number of steps stands in place of the epochs.
    if (field === "epochs" && settings.steps != null) continue;
    if (value === null || value === (preset.changes[field] ?? published[field] ?? plain)) continue;
    words.push(`--${name}`, quoted(String(value)));
  }
  return [...words, "--out", "RUN"].join(" ");
}

/** The line that goes on with a checkpoint. @param {string} checkpoint @param {string} folder */
export const resumeCommand = (checkpoint, folder) =>
  `skip-ganomaly train --resume ${quoted(checkpoint)} --data ${quoted(folder)} --out RUN`;
