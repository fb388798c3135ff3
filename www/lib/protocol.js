// @ts-check
/**
 * What the page and its worker say to each other. Types only: the file has no code.
 *
 * @typedef {{ blob: Blob } | { url: string }} Source  where a picture's bytes come from; read when its turn comes
 *
 * @typedef {{
 *   score: number, residual: number, latent: number | null,
 *   threshold: number | null, verdict: "normal" | "anomalous" | "uncalibrated", display: number | null,
 *   width: number, height: number, size: number,
 *   input: Uint8Array<ArrayBuffer>, reconstruction: Uint8Array<ArrayBuffer> | null, heat: Uint8Array<ArrayBuffer>,
 * }} Picture  a scored picture; the three pictures are PNG files
 * @typedef {{ error: string } | Picture} Scored
 *
 * @typedef {{
 *   method: string, size: number, channels: number, parameters: number,
 *   calibrated: boolean, threshold: number | null, search_steps?: number | null, header: any,
 * }} ModelInfo  `search_steps`: of a method that optimises a latent code for each picture; else null or absent
 * @typedef {{ step: number, steps: number, pictures: number }} Search  how far the latent optimisation of a batch is
 * @typedef {{ version: string, devices: string[] }} BuildInfo
 *
 * @typedef {{ type: "open", device: "auto" | "cpu" | "webgpu", reason?: string }
 *   | { type: "load", id: number, model: Blob }
 *   | { type: "score", id: number, items: { key: number, source: Source }[] }
 *   | { type: "cancel", id: number }
 *   | { type: "display", id: number, threshold: number, scores: Float64Array<ArrayBuffer> }} ToWorker
 *   - cancel: the batch is not wanted any more: it is left out, or its search is ended, and "stopped" answers; a batch
 *     that is scored in one go is scored all the same
 *
 * @typedef {{ type: "failed", reason: string }
 *   | { type: "fatal", cause: "panic" | "device-lost", reason: string }
 *   | { type: "device", device: "cpu" | "webgpu", reason: string }
 *   | { type: "loaded", id: number, info: ModelInfo, build: BuildInfo, device: "cpu" | "webgpu", reason: string }
 *   | { type: "load-failed", id: number, reason: string }
 *   | { type: "scored", id: number, device: "cpu" | "webgpu", elapsedMs: number, results: { key: number, result: Scored }[] }
 *   | { type: "searching", id: number } & Search
 *   | { type: "stopped", id: number }
 *   | { type: "displayed", id: number, values: Float64Array<ArrayBuffer> }} FromWorker
 */
export {};
