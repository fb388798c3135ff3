// @ts-check
/** The results as files: CSV, JSON, and a ZIP with the images. */
import { COLUMNS, toCsv, toJson } from "../lib/csv.js";
import { reasonOf } from "../lib/format.js";
import { ZipWriter } from "../lib/zip.js";
import { byId } from "./dom.js";
import { download } from "./download.js";

/** Files are added for this long at a time. */
const ADDING_MS = 20;

/**
 * @param {{
 *   state: import("./state.js").PageState, table: import("./table.js").ResultsTable,
 *   threshold: import("./threshold.js").ThresholdControl, second: import("./second-method.js").SecondMethod,
 *   notice: import("./notices.js").Notice,
 * }} page
 */
export function exportResults({ state, table, threshold, second, notice }) {
  /** The rows as lines, the columns that they have, and what holds for all of them. */
  const collect = async () => {
    await threshold.placeScores();
    const more = second.comparison?.columns(table.rows) ?? [];
    const lines = table.lines().map((line, i) => ({ ...line, ...more[i] }));
    const columns = [...COLUMNS, ...Object.keys(more[0] ?? {})];
    const { loaded, file, modelThreshold, device } = state;
    const about = {
      program: `skip-ganomaly ${loaded?.build.version ?? ""}`.trim(),
      model: loaded && { file: file.name, method: loaded.info.method, size: loaded.info.size, channels: loaded.info.channels, threshold: modelThreshold },
      threshold: table.threshold,
      device,
      ...second.comparison?.about(),
    };
    return { csv: toCsv(lines, columns), json: toJson(lines, about, columns) };
  };

  byId("export-csv").addEventListener("click", async () => {
    download("skip-ganomaly.csv", new Blob([(await collect()).csv], { type: "text/csv;charset=utf-8" }));
  });
  byId("export-json").addEventListener("click", async () => {
    download("skip-ganomaly.json", new Blob([(await collect()).json], { type: "application/json" }));
  });
  const zipButton = byId("export-zip", HTMLButtonElement);
  zipButton.addEventListener("click", async () => {
    zipButton.disabled = true;
    try {
      const { csv, json } = await collect();
      const rows = table.rows.slice();
      const zip = new ZipWriter();
      const encoder = new TextEncoder();
      zip.add("scores.csv", encoder.encode(csv));
      zip.add("scores.json", encoder.encode(json));
      let pause = performance.now() + ADDING_MS;
      for (const row of rows) {
        const stem = `pictures/${row.item.path.replace(/\.[^./]+$/, "")}`;
        const { picture } = row;
        const other = second.comparison?.pictureOf(row);
        const input = (picture ?? other)?.input;
        if (input) zip.add(`${stem}-input.png`, input);
        for (const [made, prefix] of /** @type {const} */ ([[picture, stem], [other, `${stem}-second`]])) {
          if (made?.reconstruction) zip.add(`${prefix}-reconstruction.png`, made.reconstruction);
          if (made) zip.add(`${prefix}-heat.png`, made.heat);
        }
        if (performance.now() > pause) {
          await new Promise((resolve) => setTimeout(resolve));
          pause = performance.now() + ADDING_MS;
        }
      }
      download("skip-ganomaly.zip", zip.finish());
    } catch (error) {
      notice(reasonOf(error), { bad: true, about: "export" });
    } finally {
      zipButton.disabled = table.rows.length === 0;
    }
  });
}
