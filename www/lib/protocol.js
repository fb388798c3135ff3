// @ts-check
/**
 * What the page and its worker say to each other. Types only: the file has no code.
 *
 * @typedef {"panic" | "device-lost"} Cause
 * @typedef {{ type: "failed", reason: string } | { type: "fatal", cause: Cause, reason: string } | { type: "pong" }} Word
 *   what every worker can say; `failed`: it could not start; `fatal`: it cannot be trusted any more
 *
 * @typedef {import("../pkg/cpu/skip_ganomaly.js").PartRequest} PartRequest
 * @typedef {import("../pkg/cpu/skip_ganomaly.js").ProductLine} ProductLine
 * @typedef {{ size: number, file: Uint8Array<ArrayBuffer>, box: number[] | null, outline: string }} Rendered  a part's
 *   picture: a PNG, `size` pixels a side; `box` and `outline` are around what its fault changes, empty without one
 * @typedef {{ blob: Blob } | { url: string }} FileSource
 * @typedef {FileSource | { part: PartRequest }} Source  where a picture's bytes come from; read, or rendered, when its turn
 *   comes
 *
 * @typedef {import("../pkg/cpu/skip_ganomaly.js").ModelInfo} ModelInfo
 * @typedef {import("../pkg/cpu/skip_ganomaly.js").BuildInfo} BuildInfo
 * @typedef {import("../pkg/cpu/skip_ganomaly.js").ScoredImage & { rendered?: Rendered }} Picture  a scored picture; here the
 *   three pictures are PNG files. `rendered`: the part, where it is one of a product line
 * @typedef {{ error: string } | Picture} Scored
 * @typedef {{ step: number, steps: number, pictures: number }} Optimisation  how far the latent optimisation of a
 *   batch is
 *
 * @typedef {{ type: "open", device: "auto" | "cpu" | "webgpu", reason?: string }
 *   | { type: "load", id: number, model: Blob }
 *   | { type: "score", id: number, items: { key: number, source: Source }[] }
 *   | { type: "cancel", id: number }
 *   | { type: "render", id: number, part: PartRequest }
 *   | { type: "display", id: number, threshold: number, scores: Float64Array<ArrayBuffer> }} ToWorker
 *   - cancel: the batch is not wanted any more: it is left out, or its optimisation is ended, and "stopped" answers; a batch
 *     that is scored in one go is scored all the same
 *   - render: the part's picture alone, without a score
 *
 * @typedef {Word
 *   | { type: "device", device: "cpu" | "webgpu", reason: string }
 *   | { type: "loaded", id: number, info: ModelInfo, build: BuildInfo, lines: ProductLine[], device: "cpu" | "webgpu", reason: string }
 *   | { type: "load-failed", id: number, reason: string }
 *   | { type: "scored", id: number, device: "cpu" | "webgpu", elapsedMs: number, results: { key: number, result: Scored }[] }
 *   | { type: "optimising", id: number } & Optimisation
 *   | { type: "stopped", id: number }
 *   | { type: "rendered", id: number, rendered: Rendered }
 *   | { type: "render-failed", id: number, reason: string }
 *   | { type: "displayed", id: number, values: Float64Array<ArrayBuffer> }} FromWorker
 */
export {};
