// @ts-check
/**
 * What comes before a run: the images that were chosen, the settings that suit them, and a plan.
 *
 * @typedef {import("../../lib/training/protocol.js").Prepared} Prepared
 * @typedef {import("../../lib/training/protocol.js").Planned} Planned
 * @typedef {import("../../lib/training/session.js").TrainingSession} TrainingSession
 * @typedef {import("../../lib/training/url-settings.js").UserSettings} UserSettings
 * @typedef {import("../../lib/training/url-settings.js").Values} Values
 * @typedef {import("./picture-input.js").Choice} Choice
 */
import { plural, reasonOf } from "../../lib/format.js";
import { presetFor, suggestedFor } from "../../lib/training/url-settings.js";
import { byId, element } from "../dom.js";
import { saidOf } from "./picture-input.js";
import { PlanView } from "./plan.js";

/** Width of the networks, before the pictures say what suits them. */
const WIDTH = 8;
/** A plan is made this long after the last change. */
const PLAN_AFTER_MS = 500;

/** Event: `prepared`, after images were prepared. */
export class Preparation extends EventTarget {
  /** @type {Choice | null} */ choice = null;
  /** @type {Prepared | null} what was made of the choice */ prepared = null;
  /** @type {Planned | null} for the settings as they are */ plan = null;
  /** Whether the images are there, once that is known. */ ready = Promise.resolve(false);
  planView = new PlanView();
  #page;
  /** Count what was asked for: only the last one counts. */
  #choices = 0;
  #plans = 0;
  #planTimer = 0;
  #suits = element("p", { className: "hint" }, "Once you have chosen images, suggested settings are filled in here.");

  /**
   * @param {{
   *   schema: import("../../lib/training/url-settings.js").Schema, form: import("./form.js").Form,
   *   status: import("./status.js").Status, session: () => TrainingSession, isBusy: () => boolean, isStarting: () => boolean,
   * }} page  what of the section this part needs
   */
  constructor(page) {
    super();
    this.#page = page;
    byId("train-form").before(this.#suits);
  }

  // --- Images

  /** @param {Choice} choice */
  choose(choice) {
    this.choice = choice;
    this.ready = this.#prepare(choice);
  }

  /** The same images again, for another session. */
  repeat() {
    if (this.choice) this.choose(this.choice);
  }

  /** @param {Choice} choice @returns {Promise<boolean>} */
  async #prepare(choice) {
    const { form, status, session, isStarting } = this.#page;
    const number = ++this.#choices;
    const said = byId("train-said");
    this.prepared = null;
    this.forgetPlan();
    said.replaceChildren(element("p", {}, `${plural(choice.files.length, "image")} chosen.`));
    status.tell(`Reading ${plural(choice.files.length, "image")}.`);
    let prepared;
    try {
      prepared = await session().prepare(choice.files, this.given(form.userSettings()));
      if (number !== this.#choices) return false;
    } catch (error) {
      if (number !== this.#choices) return false;
      this.choice = null;
      said.replaceChildren();
      this.#refused(reasonOf(error));
      return false;
    } finally {
      status.progress(0, 1);
    }
    this.prepared = prepared;
    const { settings, skipped } = prepared;
    said.replaceChildren(...saidOf(prepared, choice.left));
    form.show({ preset: presetFor(settings.method), ...settings });
    this.#suits.textContent = "Suggested for your images. Change any setting; the plan below is updated.";
    const left = skipped.length;
    if (!isStarting()) status.tell(`The images are ready.${left > 0 ? ` ${plural(left, "file")} could not be read and ${left === 1 ? "was" : "were"} skipped.` : ""}`);
    this.planSoon();
    this.dispatchEvent(new Event("prepared"));
    return true;
  }

  // --- Settings

  /** Shows what holds where a person says nothing. @param {Values} [given] what was said */
  showDefaults(given = this.#page.form.userSettings()?.given) {
    const { form, schema: { settings, methods, presets } } = this.#page;
    const preset = given?.preset ?? presetFor(given?.method);
    const { changes } = presets.find(({ name }) => name === preset) ?? presets[0];
    const method = given?.method ?? (typeof changes.method === "string" ? changes.method : methods[0].name);
    form.show({
      preset,
      ...Object.fromEntries(settings.map(({ field, default: value }) => [field, value])),
      ...methods.find(({ name }) => name === method)?.published,
      ...changes,
      method,
      width: WIDTH,
      ...(this.prepared && suggestedFor(this.prepared.suggested, { ...given, preset })),
    });
  }

  /** What the session is given: the page's preset, and what a person set. @param {UserSettings | null} userSettings */
  given = (userSettings) => ({ preset: presetFor(userSettings?.given.method), ...userSettings?.given });

  /** All settings of a run, as far as the page knows them. @param {UserSettings} userSettings @returns {Values} */
  settingsOf = (userSettings) => ({ ...this.prepared?.settings, ...this.plan?.settings, ...this.given(userSettings) });

  // --- Plan

  /** A plan on its way is of no use any more; the one that is shown stays. */
  endPlanning() {
    this.#plans++;
    clearTimeout(this.#planTimer);
  }

  forgetPlan() {
    this.endPlanning();
    this.plan = null;
    this.planView.clear();
  }

  planSoon() {
    if (this.#page.isBusy()) return;
    this.forgetPlan();
    if (this.prepared) this.#planTimer = setTimeout(() => void this.#makePlan(), PLAN_AFTER_MS);
  }

  async #makePlan() {
    const { form, status, session, isBusy } = this.#page;
    const userSettings = form.userSettings();
    if (!userSettings || !this.prepared || isBusy()) return;
    const number = ++this.#plans;
    let plan;
    try {
      plan = await session().plan(this.given(userSettings), userSettings.minutes);
      if (number !== this.#plans) return;
    } catch (error) {
      if (number === this.#plans) this.#refused(reasonOf(error));
      return;
    } finally {
      if (!isBusy()) status.progress(0, 1);
    }
    this.plan = plan;
    form.show({ preset: presetFor(plan.settings.method), ...plan.settings });
    this.planView.show(plan);
    status.tell(plan.fits ? "Ready to train." : "These settings do not fit.");
  }

  /** A refusal: beside its field where it names one. @param {string} words */
  #refused(words) {
    const { form, status } = this.#page;
    if (form.showProblem(words)) {
      status.tell("Correct the marked setting.");
    } else {
      status.tell("");
      status.problem(words);
    }
  }
}
