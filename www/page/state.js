// @ts-check
/**
 * What several parts of the page need to know: whether there is a model, which one, and where it runs. The document's
 * `data-state`, `data-device`, `data-ready-ms` and `data-first-score-ms` say it to style sheets and tests.
 *
 * @typedef {import("../lib/scorer.js").Loaded} Loaded
 * @typedef {import("../lib/scorer.js").Scorer} Scorer
 */

const { dataset } = document.documentElement;

/** Events: `loaded`, after a model was loaded; `ready`, at the first of them; `failed` (detail: reason); `device` (detail: reason). */
export class PageState extends EventTarget {
  /** @type {"loading" | "ready" | "failed"} */ phase = "loading";
  /** @type {Loaded | null} the model in use */ loaded = null;
  /** The file of the model that is in use, or being loaded. */ file = { name: "", bytes: 0 };
  /** @type {string | null} */ device = null;
  /** @type {number | null} when the first score was seen, in ms since the page began */ firstScoreMs = null;

  /** @param {Scorer} scorer */
  constructor(scorer) {
    super();
    scorer.addEventListener("loaded", (event) => this.#setLoaded(/** @type {CustomEvent<Loaded>} */ (event).detail));
    scorer.addEventListener("failed", (event) => this.fail(/** @type {CustomEvent<string>} */ (event).detail));
    scorer.addEventListener("device", (event) => {
      const { device, reason } = /** @type {CustomEvent<{ device: string, reason: string }>} */ (event).detail;
      dataset.device = this.device = device;
      this.dispatchEvent(new CustomEvent("device", { detail: reason }));
    });
  }

  /** The threshold that came with the model in use. */
  get modelThreshold() {
    return this.loaded?.info.threshold ?? null;
  }

  /** @param {Loaded} loaded */
  #setLoaded(loaded) {
    this.loaded = loaded;
    const before = this.phase;
    dataset.state = this.phase = "ready";
    if (before !== "ready") {
      dataset.readyMs = String(performance.now());
      this.dispatchEvent(new Event("ready"));
    }
    this.dispatchEvent(new Event("loaded"));
  }

  /** The page cannot score. @param {string} reason */
  fail(reason) {
    dataset.state = this.phase = "failed";
    this.dispatchEvent(new CustomEvent("failed", { detail: reason }));
  }

  /** A score is on the screen. @returns {boolean} whether it is the first */
  setScored() {
    if (this.firstScoreMs !== null) return false;
    this.firstScoreMs = performance.now();
    dataset.firstScoreMs = String(this.firstScoreMs);
    return true;
  }
}
