// @ts-check
/**
 * The settings as a form, made from the crate's own list of them (schema.json). A field that nobody
 * touched shows what the page chose from the pictures; only touched fields count as given.
 *
 * @typedef {import("../../lib/training/url-settings.js").Setting} Setting
 * @typedef {import("../../lib/training/url-settings.js").UserSettings} UserSettings
 * @typedef {import("../../lib/training/url-settings.js").Values} Values
 */
import { unusedBy } from "../../lib/training/url-settings.js";
import { element } from "../dom.js";
import { Field, inWords } from "./field.js";

/** Asked for first; everything else is in a fold. */
const MAIN = ["method", "preset", "size", "channels", "width", "batch"];
/** The length of a run is one of these. */
const LENGTHS = /** @type {const} */ (["epochs", "steps", "minutes"]);
const LENGTH_WORDS = { epochs: "Epochs", steps: "Steps", minutes: "Minutes" };

/** @type {Setting} */
const MINUTES = { name: "minutes", field: "minutes", kind: "number", group: "training", help: "Minutes to train", default: 2, optional: false, min: 0, above_min: true, max: 10_000 };

const GROUPS = /** @type {Record<string, string>} */ ({
  data: "Images", networks: "Networks", training: "Training", losses: "Losses", options: "Regularisation (not in the paper)", score: "Score",
});

const DEVICES = [["auto", "Automatic"], ["cpu", "CPU"], ["webgpu", "WebGPU"]];

/** @param {string} key */
function title(key) {
  const words = key.replaceAll(/[_-]/g, " ");
  return words[0].toUpperCase() + words.slice(1);
}

/** Event: `change`, after a person changed something. */
export class Form extends EventTarget {
  /** @type {Map<string, Field>} */ #fields = new Map();
  #root;
  #methods;
  #length = element("select", { id: "set-length" });
  #lengthField = element("div", { className: "field" });
  #device = element("select", { id: "set-device" });
  #name = element("input", { id: "set-name", type: "text", maxLength: 80, placeholder: "made from the settings", autocomplete: "off" });
  #more = element("details");
  /** @type {"epochs" | "steps" | "minutes"} */ #kind = "epochs";

  /** @param {HTMLElement} root @param {Setting[]} settings @param {import("../../lib/training/url-settings.js").Method[]} methods */
  constructor(root, settings, methods) {
    super();
    this.#root = root;
    this.#methods = methods;
    const byName = new Map(settings.map((setting) => [setting.field, setting]));
    const main = element("div", { className: "fields" });
    for (const key of MAIN) {
      const setting = byName.get(key);
      if (setting) main.append(this.#field(setting));
    }
    main.append(this.#lengths(byName));
    const seed = byName.get("seed");
    if (seed) main.append(this.#field(seed));
    for (const [value, words] of DEVICES) this.#device.append(element("option", { value }, words));
    main.append(
      this.#plain("Device", this.#device, "Where the training runs"),
      this.#plain("Name of the run", this.#name, "Shown in lists and charts"),
    );

    this.#more.append(element("summary", {}, "Losses, regularisation and more settings"));
    /** @type {Map<string, HTMLElement>} */
    const groups = new Map();
    for (const setting of settings) {
      if (this.#fields.has(setting.field) || /** @type {readonly string[]} */ (LENGTHS).includes(setting.field)) continue;
      const name = GROUPS[setting.group] ?? title(setting.group);
      let group = groups.get(name);
      if (!group) {
        group = element("div", { className: "fields" });
        groups.set(name, group);
        this.#more.append(element("fieldset", {}, element("legend", {}, name), group));
      }
      group.append(this.#field(setting));
    }
    const reset = element("button", { type: "button", className: "quiet", id: "set-reset" }, "Reset to the suggested settings");
    reset.addEventListener("click", () => {
      this.#forget();
      this.#changed();
    });
    root.replaceChildren(main, this.#more, reset);
    this.#suitMethod();
    root.addEventListener("submit", (event) => event.preventDefault());
  }

  /** @param {string} words @param {HTMLInputElement | HTMLSelectElement} input @param {string} hint */
  #plain(words, input, hint) {
    const help = element("p", { className: "hint", id: `${input.id}-hint` }, hint);
    input.setAttribute("aria-describedby", help.id);
    input.addEventListener("change", () => this.#changed());
    return element("div", { className: "field" }, element("label", { for: input.id }, words), input, help);
  }

  /** @param {Setting} setting */
  #add(setting) {
    const field = new Field(setting, () => {
      this.#suitPreset(setting.field);
      this.#changed();
    });
    this.#fields.set(setting.field, field);
    return field;
  }

  /** A preset has its method: of the two, what was chosen last decides the other. @param {string} changed the setting that was changed */
  #suitPreset(changed) {
    const other = this.#fields.get(changed === "preset" ? "method" : "preset");
    if (other && ["preset", "method"].includes(changed)) other.touched = false;
  }

  /** @param {Setting} setting */
  #field(setting) {
    return this.#add(setting).inBox(title(setting.name));
  }

  /** Epochs, steps or minutes: one choice and one number. @param {Map<string, Setting>} byName */
  #lengths(byName) {
    const row = element("div", { className: "length" }, this.#length);
    this.#length.setAttribute("aria-label", "Unit of the run's length");
    const hint = element("p", { className: "hint" });
    this.#lengthField.append(element("span", { className: "label" }, "Length"), row, hint);
    for (const key of LENGTHS) {
      const setting = key === "minutes" ? MINUTES : byName.get(key);
      if (!setting) continue;
      // The kind that is chosen always has a number.
      const { input, error } = this.#add({ ...setting, optional: false, default: setting.default ?? 500 });
      input.setAttribute("aria-label", LENGTH_WORDS[key]);
      this.#length.append(element("option", { value: key }, LENGTH_WORDS[key]));
      row.append(input);
      hint.before(error);
    }
    this.#length.addEventListener("change", () => {
      this.#showLength(/** @type {"epochs" | "steps" | "minutes"} */ (this.#length.value));
      const field = this.#fields.get(this.#kind);
      if (field) field.touched = true;
      this.#changed();
    });
    this.#showLength("epochs");
    return this.#lengthField;
  }

  /** @param {"epochs" | "steps" | "minutes"} kind */
  #showLength(kind) {
    this.#kind = kind;
    this.#length.value = kind;
    for (const key of LENGTHS) {
      const field = this.#fields.get(key);
      if (!field) continue;
      field.input.hidden = key !== kind;
      if (key === kind) {
        const hint = this.#lengthField.querySelector(".hint");
        if (hint) hint.textContent = inWords(field.setting.help);
      } else {
        field.touched = false;
        field.tell("");
      }
    }
  }

  /** The settings that the method has no use for are not shown, and count as not given. */
  #suitMethod() {
    const unused = this.#unused();
    for (const [key, { input }] of this.#fields) {
      const box = /** @type {HTMLElement | null} */ (input.closest(".field"));
      if (box && box !== this.#lengthField) box.hidden = unused.includes(key);
    }
    for (const group of this.#more.querySelectorAll("fieldset")) group.hidden = !group.querySelector(".field:not([hidden])");
  }

  /** The method that is chosen, or follows from the preset. */
  get method() {
    return this.#fields.get("method")?.input.value ?? this.#methods[0].name;
  }

  #unused() {
    return unusedBy(this.#methods, this.method);
  }

  #changed() {
    this.#suitMethod();
    this.dispatchEvent(new CustomEvent("change"));
  }

  /** The settings that a person gave, all of them good; null when one is not. @returns {UserSettings | null} */
  userSettings() {
    /** @type {Values} */
    const given = {};
    /** @type {number | null} */
    let minutes = null;
    let good = true;
    const unused = this.#unused();
    for (const [key, field] of this.#fields) {
      if (!field.touched || unused.includes(key)) continue;
      const parsed = field.check();
      if ("error" in parsed) good = false;
      else if (key === "minutes") minutes = parsed.value === null ? null : Number(parsed.value);
      else given[key] = field.setting.choices?.some((choice) => typeof choice === "number") ? Number(parsed.value) : parsed.value;
    }
    return good ? { given, minutes, device: this.#device.value, name: this.#name.value.trim() } : null;
  }

  /** To the first field that is wrong. */
  focusInvalid() {
    const unused = this.#unused();
    for (const [key, { input }] of this.#fields) {
      if (input.getAttribute("aria-invalid") !== "true" || unused.includes(key)) continue;
      if (this.#more.contains(input)) this.#more.open = true;
      input.focus();
      return;
    }
  }

  /** Values as a person would give them, wrong ones too. @param {Iterable<[string, string]>} texts */
  give(texts) {
    for (const [key, text] of texts) {
      const field = this.#fields.get(key);
      if (!field) continue;
      if (key === "epochs" || key === "steps" || key === "minutes") this.#showLength(key);
      if (field.input instanceof HTMLSelectElement && ![...field.input.options].some(({ value }) => value === text)) {
        const { setting } = field;
        field.tell(`The address asks for "${text}". Expected one of ${(setting.choices ?? ["true", "false"]).join(", ")}.`);
        continue;
      }
      field.input.value = text;
      field.touched = true;
      if (field.input.value === "" && text !== "") {
        // A number field drops what is no number, and says nothing.
        field.touched = false;
        field.input.value = String(field.setting.default ?? "");
        field.tell(`The address asks for "${text}", which is not a number.`);
      } else {
        field.check();
      }
      if (field.error.textContent && this.#more.contains(field.input)) this.#more.open = true;
    }
    this.#suitMethod();
  }

  #forget() {
    for (const field of this.#fields.values()) {
      field.touched = false;
      field.tell("");
    }
    this.#showLength("epochs");
  }

  /** @param {UserSettings} userSettings a run to do again: nothing else stays given */
  fill(userSettings) {
    this.#forget();
    const given = Object.entries(userSettings.given).filter(([, value]) => value !== null && value !== undefined);
    this.give(given.map(([key, value]) => [key, String(value)]));
    if (userSettings.minutes !== null) this.give([["minutes", String(userSettings.minutes)]]);
    this.#device.value = userSettings.device;
    this.#name.value = userSettings.name;
    this.#changed();
  }

  /** What is in force where a person said nothing. @param {Values} settings */
  show(settings) {
    if (!LENGTHS.some((key) => this.#fields.get(key)?.touched) && !LENGTHS.some((key) => document.activeElement === this.#fields.get(key)?.input)) {
      this.#showLength(settings.steps == null ? "epochs" : "steps");
    }
    for (const [key, field] of this.#fields) {
      if (field.touched || document.activeElement === field.input) continue;
      const value = settings[key];
      if (value === undefined) continue;
      if (value === null && !field.setting.optional) continue;
      field.input.value = value === null ? "" : String(value);
      field.tell("");
    }
    this.#suitMethod();
  }

  /** What the program says of a setting, beside its field. @param {string} words @returns {boolean} whether it names one */
  showProblem(words) {
    const name = /^([a-z][a-z-]*)\b/.exec(words)?.[1];
    const field = [...this.#fields.values()].find(({ setting }) => setting.name === name);
    if (!field || this.#unused().includes(field.setting.field)) return false;
    field.tell(words);
    if (this.#more.contains(field.input)) this.#more.open = true;
    return true;
  }

  /** @param {{ device?: string, name?: string }} words */
  set({ device, name }) {
    if (device !== undefined) this.#device.value = device;
    if (name !== undefined) this.#name.value = name;
  }

  /** @param {boolean} locked */
  lock(locked) {
    for (const control of this.#root.querySelectorAll("input, select, button")) /** @type {HTMLInputElement} */ (control).disabled = locked;
  }
}
