// @ts-check
/**
 * How small a fault a model finds, in one sentence and as the shape of a curve. The measurement is the program's
 * (`evaluate --simulated`), or the page's after a training.
 *
 * @typedef {import("../pkg/cpu/skip_ganomaly.js").FoundFaults} FoundFaults
 * @typedef {import("../pkg/cpu/skip_ganomaly.js").FaultSeries} FaultSeries
 * @typedef {Pick<FoundFaults, "false_alarm_rate" | "side"> & { series: Pick<FaultSeries, "kind" | "words">[] }} InShort
 *   what is known of the bundled models
 */

/** The faults that the sentence is about. */
const PLAINEST = "scratch";
/** Places along a curve. */
const POINTS = 40;

/** @param {number} share */
const percent = (share) => `${Number((100 * share).toFixed(1))} %`;

/** @param {InShort} found */
export function foundWords({ false_alarm_rate: alarms, side, series }) {
  const one = series.find(({ kind }) => kind === PLAINEST) ?? series[0];
  return `At ${percent(alarms)} false alarms it finds 90 % of simulated ${one.kind === "scratch" ? "scratches" : `${one.kind}s`} in images of ${side} × ${side} ${one.words}.`;
}

/** What the numbers are, and what they are not. @param {FoundFaults} found */
export const measuredWords = ({ normals, contrast }) =>
  `Simulated scratches and spots with a contrast of ${contrast} (the change as a share of the range from black to white), on the ${normals} normal images that the run held out. Real faults may look otherwise.`;

/**
 * The probability of detection over the size: each series' curve as points, and the shares found among neighbouring
 * sizes. Both coordinates run from 0 to 1, sizes by their logarithm.
 * @param {FoundFaults} found
 */
export function detectionShape({ series }) {
  const sizes = series.flatMap(({ groups }) => groups.flatMap(({ from, to }) => [from, to]));
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  const place = (/** @type {number} */ size) => Math.log(size / least) / Math.log(most / least);
  return {
    least,
    most,
    place,
    lines: series.map(({ kind, curve, groups }) => ({
      kind,
      curve: curve === null ? [] : Array.from({ length: POINTS + 1 }, (_, i) => {
        const size = least * (most / least) ** (i / POINTS);
        return { x: i / POINTS, y: 1 / (1 + Math.exp(-(curve.intercept + curve.slope * Math.log(size)))) };
      }),
      dots: groups.map(({ size, hits, trials }) => ({ x: place(size), y: hits / trials })),
    })),
  };
}
