// @ts-check
/** What stands around the table: counts, order, filter, opacity of the heat maps, and what is done with all rows. */
import { byId, find } from "./dom.js";

const NEEDS_ROWS = ["export-csv", "export-json", "export-zip", "clear"];

/**
 * @param {{
 *   table: import("./table.js").ResultsTable, queue: import("./scoring-queue.js").ScoringQueue,
 *   announce: import("./announce.js").Announce, onClear: () => void,
 * }} page `onClear` is called before the table is cleared
 */
export function controlResults({ table, queue, announce, onClear }) {
  const filters = [...byId("filter").querySelectorAll("button")];
  table.addEventListener("change", () => {
    const counts = table.counts();
    const scored = counts.all - counts.error;
    const parts = [`${scored} scored`];
    if (counts.uncalibrated < scored || scored === 0) parts.push(`${counts.anomalous} anomalous`);
    if (counts.uncalibrated > 0) parts.push(`${counts.uncalibrated} not calibrated`);
    if (counts.error > 0) parts.push(`${counts.error} unreadable`);
    const words = counts.all === 0 ? "No images scored yet." : parts.join(", ");
    if (byId("counts").textContent !== words) {
      byId("counts").textContent = words;
      if (counts.all > 0) announce(words, "counts");
    }
    for (const button of filters) find(button, "span").textContent = String(counts[/** @type {keyof typeof counts} */ (button.dataset.filter)]);
    for (const id of NEEDS_ROWS) byId(id, HTMLButtonElement).disabled = counts.all === 0;
    byId("nothing").hidden = counts.all > 0;
    byId("stale").hidden = counts.stale === 0;
    byId("stale-words").textContent = `${counts.stale} ${counts.stale === 1 ? "result is" : "results are"} from an earlier model and ${counts.stale === 1 ? "is" : "are"} marked. Moving the threshold does not change ${counts.stale === 1 ? "its verdict" : "their verdicts"}.`;
  });

  byId("clear").addEventListener("click", () => {
    onClear();
    table.clear();
    byId("results-title").focus();
    announce("The results were cleared.");
  });

  byId("again").addEventListener("click", () => {
    for (const row of table.rows.filter(({ stale }) => stale)) {
      void queue.request(row.item).then((answer) => {
        if (answer) table.update(row, answer);
      });
    }
  });

  const sort = byId("sort", HTMLSelectElement);
  sort.addEventListener("change", () => table.setSort(sort.value));
  for (const button of filters) {
    button.addEventListener("click", () => {
      for (const other of filters) other.setAttribute("aria-pressed", String(other === button));
      table.setFilter(button.dataset.filter ?? "all");
    });
  }

  const overlay = byId("overlay", HTMLInputElement);
  const showOverlay = () => {
    document.documentElement.style.setProperty("--overlay", String(overlay.valueAsNumber / 100));
    byId("overlay-value").textContent = `${overlay.value} %`;
  };
  overlay.addEventListener("input", showOverlay);
  showOverlay();
}
