// @ts-check
/**
 * What the page and the training worker say to each other. Types only: the file has no code.
 *
 * @typedef {{ path: string, source: { blob: Blob } | { url: string } }} TrainFile
 *   a picture: its path below the folder given, '/' between folders; a loose file has just its name
 * @typedef {"idle" | "preparing" | "running" | "paused" | "done" | "failed"} State
 * @typedef {"both" | "generator" | "discriminator"} Update  which network a single step trains
 * @typedef {{
 *   step: number, adversarial: number, contextual: number, latent: number, generator: number,
 *   discriminator: number, real: number | null, fake: number | null,
 * }} Loss  of one step; `real` and `fake` are the means of D(x) and D(x^)
 * @typedef {{ normal: number, abnormal: number }} Counts
 * @typedef {{ normal: number[], abnormal: number[], auroc: number | null }} LabelledScores
 * @typedef {{
 *   name: string, score: number, residual: number, size: number,
 *   input: Uint8Array<ArrayBuffer>, reconstruction: Uint8Array<ArrayBuffer> | null, heat: Uint8Array<ArrayBuffer>,
 * }} PreviewPicture  the three pictures are PNG files
 * @typedef {{
 *   step: number, residual: number, remembered: number | null, held_out: number[], labelled: LabelledScores | null,
 *   pictures: PreviewPicture[],
 * }} Preview  `residual` is the mean R of the held-out pictures, `held_out` their scores; `remembered`: the
 *   training pictures in the score's memory, where it has one
 * @typedef {{ step: number, residual: number, auroc: number | null }} PreviewPoint
 * @typedef {{ losses: Loss[], previews: PreviewPoint[] }} History
 * @typedef {{
 *   weights: number, optimisers: number, activations: number, pictures: number, checkpoint: number, total: number, limit: number,
 * }} Memory
 *   bytes
 * @typedef {{ path: string, reason: string }} Skipped
 *
 * @typedef {{
 *   id: string, name: string, created: number, changed: number, settings: any, step: number, totalSteps: number,
 *   state: "running" | "done" | "failed", bytes: number, minutes: number | null, elapsedMs: number,
 * }} StoredRun  a run as the browser keeps it; times in ms since 1970
 * @typedef {{ available: boolean, bytes: number, usage: number | null, quota: number | null, persisted: boolean | null }} Stored
 *   what everything stored takes; `usage` and `quota` are the browser's own figures for the whole site
 *
 * @typedef {{
 *   layout: string, said: string, pictures: number, labelled: Counts | null, skipped: Skipped[], leftOut: number,
 *   suggested: any, settings: any, digest: string, alike: boolean,
 * }} Prepared
 * @typedef {{
 *   settings: any, steps: number, stepMs: number, totalMs: number, memory: Memory, fits: boolean, would: any | null,
 *   words: string,
 * }} Planned  `would`: what to change for it to fit
 *
 * @typedef {{ type: "open", device: "auto" | "cpu" | "webgpu" }
 *   | { type: "pictures", id: number, files: TrainFile[], given: object }
 *   | { type: "files", files: TrainFile[], given: object }
 *   | { type: "plan", id: number, given: object, minutes: number | null }
 *   | { type: "start", run: string, name: string, given: object, minutes: number | null, paused: boolean }
 *   | { type: "resume", run: string, paused: boolean }
 *   | { type: "continue", id: number, run: string, name: string, minutes: number | null, checkpoint: Blob, paused: boolean }
 *   | { type: "pause" }
 *   | { type: "go" }
 *   | { type: "step", update: Update }
 *   | { type: "stop" }
 *   | { type: "checkpoint", id: number }
 *   | { type: "discard" }
 *   | { type: "ping" }
 * } ToTrainer
 *   - pictures: reads, recognises and prepares them, answered by "prepared"
 *   - files: only remembers them, for a later "plan" or "start"; a new worker gets what the last one had
 *   - plan: rehearses a few real steps on a run of its own, answered by "planned"
 *   - start: a new run on the prepared pictures; `paused`: before its first step
 *   - resume: a stored run, from its last checkpoint
 *   - continue: a checkpoint file on the prepared pictures
 *   - stop: ends the run here, calibrates, gives the model
 *   - checkpoint: the checkpoint file now
 *   - discard: leaves the run; what is stored stays
 *   - ping: answered by "pong" while the worker is alive, unless a step is under way
 *
 * @typedef {{ type: "device", device: "cpu" | "webgpu", reason: string }
 *   | { type: "failed", reason: string }
 *   | { type: "fatal", cause: "panic" | "device-lost", reason: string }
 *   | { type: "refused", id: number, reason: string }
 *   | { type: "prepared", id: number } & Prepared
 *   | { type: "planned", id: number } & Planned
 *   | { type: "progress", phase: "reading" | "compiling" | "planning" | "previewing" | "calibrating" | "resuming", done: number, total: number }
 *   | { type: "searching", step: number, steps: number }
 *   | { type: "state", state: State, run: string | null, step: number, totalSteps: number, words: string }
 *   | { type: "losses", run: string, losses: Loss[], stepMs: number, heapBytes: number | null }
 *   | { type: "preview", run: string, preview: Preview }
 *   | { type: "history", run: string, history: History }
 *   | { type: "continued", id: number, run: string }
 *   | { type: "saved", run: string, step: number, bytes: number }
 *   | { type: "kept", run: string, step: number, checkpoint: Blob }
 *   | { type: "problem", kind: "storage" | "diverged" | "memory" | "pictures" | "device" | "restarted-discriminator", words: string }
 *   | { type: "checkpoint", id: number, step: number, checkpoint: Blob }
 *   | { type: "pong" }
 *   | { type: "finished", run: string, step: number, model: Blob, checkpoint: Blob, threshold: number, heldOut: number[], labelled: LabelledScores | null, elapsedMs: number }
 * } FromTrainer
 *   - failed: the worker could not start
 *   - fatal: this worker is dead; the page starts a new one, which resumes
 *   - refused: what a message with this id asked for cannot be done
 *   - searching: how far a latent optimisation is that a preview or the calibration waits for
 *   - history: what a resumed run had before
 *   - saved: the browser stored a checkpoint; kept: it could not, so the page holds it
 *   - problem: something to tell; the run goes on where it can
 */
export {};
