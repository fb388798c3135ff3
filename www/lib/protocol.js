// @ts-check
/**
 * What the page and its worker say to each other. Types only: the file has no code.
 *
 * @typedef {"panic" | "device-lost"} Cause
 * @typedef {{ type: "failed", reason: string } | { type: "fatal", cause: Cause, reason: string } | { type: "pong" }} Word
 *   what every worker can say; `failed`: it could not start; `fatal`: it cannot be trusted any more
 *
 * @typedef {{ blob: Blob } | { url: string }} Source  where a picture's bytes come from; read when its turn comes
 *
 * @typedef {import("../pkg/cpu/skip_ganomaly.js").ModelInfo} ModelInfo
 * @typedef {import("../pkg/cpu/skip_ganomaly.js").BuildInfo} BuildInfo
 * @typedef {import("../pkg/cpu/skip_ganomaly.js").ScoredImage} Picture  a scored picture; here the three pictures are
 *   PNG files
 * @typedef {{ error: string } | Picture} Scored
 * @typedef {{ step: number, steps: number, pictures: number }} Optimisation  how far the latent optimisation of a
 *   batch is
 *
 * @typedef {{ type: "open", device: "auto" | "cpu" | "webgpu", reason?: string }
 *   | { type: "load", id: number, model: Blob }
 *   | { type: "score", id: number, items: { key: number, source: Source }[] }
 *   | { type: "cancel", id: number }
 *   | { type: "display", id: number, threshold: number, scores: Float64Array<ArrayBuffer> }} ToWorker
 *   - cancel: the batch is not wanted any more: it is left out, or its optimisation is ended, and "stopped" answers; a batch
 *     that is scored in one go is scored all the same
 *
 * @typedef {Word
 *   | { type: "device", device: "cpu" | "webgpu", reason: string }
 *   | { type: "loaded", id: number, info: ModelInfo, build: BuildInfo, device: "cpu" | "webgpu", reason: string }
 *   | { type: "load-failed", id: number, reason: string }
 *   | { type: "scored", id: number, device: "cpu" | "webgpu", elapsedMs: number, results: { key: number, result: Scored }[] }
 *   | { type: "optimising", id: number } & Optimisation
 *   | { type: "stopped", id: number }
 *   | { type: "displayed", id: number, values: Float64Array<ArrayBuffer> }} FromWorker
 */
export {};
