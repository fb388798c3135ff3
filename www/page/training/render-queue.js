// @ts-check
/** When charts and pictures are drawn: a few times a second at most, one a frame, and only where someone can see them. */

const DRAW_EVERY_MS = 250;

/** Runs what was asked for, the last of each kind, one a frame, while its part of the page is in view. */
export class RenderQueue {
  /** @type {Map<object, () => void>} */ #asked = new Map();
  #inView = false;
  #frame = 0;
  #timer = 0;
  #last = 0;

  /** @param {HTMLElement} section */
  constructor(section) {
    new IntersectionObserver((entries) => {
      // On a busy machine several changes come at once: the last one counts.
      this.#inView = entries[entries.length - 1].isIntersecting;
      this.#plan();
    }, { rootMargin: "100px" }).observe(section);
    document.addEventListener("visibilitychange", () => this.#plan());
  }

  /** @param {object} key @param {() => void} draw */
  ask(key, draw) {
    this.#asked.set(key, draw);
    this.#plan();
  }

  #plan() {
    if (this.#frame || this.#timer || this.#asked.size === 0 || !this.#inView || document.hidden) return;
    const wait = this.#last + DRAW_EVERY_MS - performance.now();
    if (wait > 0) {
      this.#timer = setTimeout(() => {
        this.#timer = 0;
        this.#plan();
      }, wait);
      return;
    }
    const round = [...this.#asked];
    this.#asked.clear();
    this.#last = performance.now();
    const next = () => {
      const [, draw] = round.shift() ?? [];
      draw?.();
      this.#frame = round.length > 0 ? requestAnimationFrame(next) : 0;
      if (this.#frame === 0) this.#plan();
    };
    this.#frame = requestAnimationFrame(next);
  }
}
