// @ts-check
/**
 * One setting in the form: its input, what it is for, and what is wrong with what was entered.
 *
 * @typedef {import("../../lib/training/url-settings.js").Setting} Setting
 */
import { optionOf, parse } from "../../lib/training/url-settings.js";
import { element } from "../dom.js";

/** The program's help without the dashes of its options. @param {string} help */
export const inWords = (help) => help.replace(/--([a-z-]+)/g, (_, name) => name.replaceAll("-", " "));

export class Field {
  /** Whether a person gave the value. */
  touched = false;
  /** @type {HTMLInputElement | HTMLSelectElement} */ input;

  /** @param {Setting} setting @param {() => void} onChange called after a person changed it */
  constructor(setting, onChange) {
    this.setting = setting;
    const id = `set-${optionOf(setting.field)}`;
    this.input = inputFor(setting, id);
    this.error = element("p", { className: "field-error", id: `${id}-error`, hidden: true });
    this.input.value = setting.default === null || setting.default === undefined ? "" : String(setting.default);
    this.input.setAttribute("aria-describedby", `${id}-error ${id}-hint`);
    this.input.addEventListener("change", () => {
      this.touched = !(setting.optional && this.input.value === "");
      this.check();
      onChange();
    });
  }

  /** With its label and help. @param {string} title */
  inBox(title) {
    const hint = element("p", { className: "hint", id: `${this.input.id}-hint` }, inWords(this.setting.help));
    return element("div", { className: "field" }, element("label", { for: this.input.id }, title), this.input, this.error, hint);
  }

  /** @param {string} words empty: nothing is wrong */
  tell(words) {
    this.error.textContent = words;
    this.error.hidden = words === "";
    if (words) this.input.setAttribute("aria-invalid", "true");
    else this.input.removeAttribute("aria-invalid");
  }

  /** Reads the value, and says what is wrong with one that a person gave. */
  check() {
    const badText = this.input instanceof HTMLInputElement && this.input.validity.badInput;
    const parsed = badText ? { error: "Enter a number." } : parse(this.setting, this.input.value);
    this.tell("error" in parsed && this.touched ? parsed.error : "");
    return parsed;
  }
}

/** @param {Setting} setting @param {string} id */
function inputFor({ kind, choices, optional, min, max }, id) {
  const values = kind === "flag" ? ["true", "false"] : choices;
  if (values) {
    const words = kind === "flag" ? ["yes", "no"] : values.map(String);
    return element("select", { id },
      ...(optional ? [element("option", { value: "" }, "the method's default")] : []),
      ...values.map((value, i) => element("option", { value: String(value) }, words[i])));
  }
  const whole = kind === "integer";
  const input = element("input", { id, type: "number", step: whole ? "1" : "any", inputMode: whole ? "numeric" : "decimal" });
  if (min !== undefined) input.min = String(min);
  if (max !== undefined) input.max = String(max);
  if (optional) input.placeholder = "the method's default";
  return input;
}
