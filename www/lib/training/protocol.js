// @ts-check
/**
 * What the page and the training worker say to each other. Types only: the file has no code.
 *
 * @typedef {import("../../pkg/cpu/skip_ganomaly.js").FoundFaults} FoundFaults
 * @typedef {{ path: string, source: import("../protocol.js").Source }} TrainFile
 *   a picture: its path below the folder given, '/' between folders; a loose file has just its name
 * @typedef {"idle" | "preparing" | "running" | "paused" | "done" | "failed"} State
 * @typedef {import("../../pkg/cpu/skip_ganomaly.js").Update} Update
 * @typedef {import("../../pkg/cpu/skip_ganomaly.js").Settings} Settings
 * @typedef {import("../../pkg/cpu/skip_ganomaly.js").GivenSettings} GivenSettings
 * @typedef {import("../../pkg/cpu/skip_ganomaly.js").Suggestion} Suggestion
 * @typedef {import("../../pkg/cpu/skip_ganomaly.js").StepLosses} Loss
 * @typedef {import("../../pkg/cpu/skip_ganomaly.js").Counts} Counts
 * @typedef {import("../../pkg/cpu/skip_ganomaly.js").LabelledScores} LabelledScores
 * @typedef {import("../../pkg/cpu/skip_ganomaly.js").Preview} Preview  here the pictures are PNG files
 * @typedef {import("../../pkg/cpu/skip_ganomaly.js").PreviewPoint} PreviewPoint
 * @typedef {import("../../pkg/cpu/skip_ganomaly.js").History} History
 * @typedef {Omit<import("../../pkg/cpu/skip_ganomaly.js").MemoryEstimate, "largest_buffer"> & { limit: number }} Memory
 * @typedef {{ batch?: number, width?: number }} Change  to settings
 * @typedef {{ path: string, reason: string }} Skipped
 *
 * @typedef {{
 *   id: string, name: string, created: number, changed: number, settings: Settings, step: number, totalSteps: number,
 *   state: "running" | "done" | "failed", bytes: number, minutes: number | null, elapsedMs: number,
 * }} StoredRun  a run as the browser keeps it; times in ms since 1970
 * @typedef {{ available: boolean, bytes: number, usage: number | null, quota: number | null, persisted: boolean | null }} Stored
 *   what everything stored takes; `usage` and `quota` are the browser's own figures for the whole site
 *
 * @typedef {{
 *   layout: string, said: string, pictures: number, labelled: Counts | null, skipped: Skipped[], leftOut: number,
 *   suggested: Suggestion, settings: Settings, heldOut: number, digest: string, alike: boolean,
 * }} Prepared  `heldOut`: pictures that the settings hold out
 * @typedef {{
 *   settings: Settings, steps: number, stepMs: number, totalMs: number, memory: Memory, fits: boolean, would: Change | null,
 *   words: string,
 * }} Planned  `would`: what to change for it to fit
 *
 * @typedef {{ type: "open", device: "auto" | "cpu" | "webgpu" }
 *   | { type: "pictures", id: number, files: TrainFile[], given: GivenSettings }
 *   | { type: "files", files: TrainFile[], given: GivenSettings }
 *   | { type: "stored", run: string }
 *   | { type: "plan", id: number, given: GivenSettings, minutes: number | null }
 *   | { type: "start", run: string, name: string, given: GivenSettings, minutes: number | null, paused: boolean }
 *   | { type: "resume", run: string, paused: boolean }
 *   | { type: "continue", id: number, run: string, name: string, minutes: number | null, checkpoint: Blob, paused: boolean }
 *   | { type: "pause" }
 *   | { type: "go" }
 *   | { type: "step", update: Update }
 *   | { type: "stop" }
 *   | { type: "checkpoint", id: number }
 *   | { type: "discard" }
 *   | { type: "measure", id: number, model: Blob }
 *   | { type: "leave" }
 * } ToTrainer
 *   - pictures: reads, recognises and prepares them, answered by "prepared"
 *   - files: only remembers them, for a later "plan" or "start"; a new worker gets what the last one had
 *   - stored: the pictures stored with this run are the prepared ones, as they were for the last worker
 *   - plan: rehearses a few real steps on a run of its own, answered by "planned"
 *   - start: a new run on the prepared pictures; `paused`: before its first step
 *   - resume: a stored run, from its last checkpoint
 *   - continue: a checkpoint file on the prepared pictures
 *   - stop: ends the run here, calibrates, gives the model
 *   - checkpoint: the checkpoint file now
 *   - discard: leaves the run; what is stored stays
 *   - measure: how small a fault a finished run's model finds, on the pictures that it was trained with, answered by
 *     "measured"; any later message ends it, "leave" without more
 *
 * @typedef {import("../protocol.js").Word
 *   | { type: "device", device: "cpu" | "webgpu", reason: string }
 *   | { type: "refused", id: number, reason: string }
 *   | { type: "prepared", id: number } & Prepared
 *   | { type: "planned", id: number } & Planned
 *   | { type: "progress", phase: "reading" | "compiling" | "planning" | "previewing" | "calibrating" | "resuming" | "measuring", done: number, total: number }
 *   | { type: "measured", id: number, found: FoundFaults }
 *   | { type: "optimising", step: number, steps: number }
 *   | { type: "state", state: State, run: string | null, step: number, totalSteps: number, words: string }
 *   | { type: "losses", run: string, losses: Loss[], stepMs: number, heapBytes: number | null }
 *   | { type: "preview", run: string, preview: Preview }
 *   | { type: "history", run: string, history: History }
 *   | { type: "continued", id: number, run: string }
 *   | { type: "saved", run: string, step: number, bytes: number }
 *   | { type: "kept", run: string, step: number, checkpoint: Blob }
 *   | { type: "problem", kind: "storage" | "diverged" | "memory" | "pictures" | "device" | "restarted-discriminator", words: string }
 *   | { type: "checkpoint", id: number, step: number, checkpoint: Blob }
 *   | { type: "finished", run: string, step: number, model: Blob, checkpoint: Blob, threshold: number | null, heldOut: number[], labelled: LabelledScores | null, elapsedMs: number }
 * } FromTrainer
 *   - fatal: the page starts a new worker, which resumes
 *   - refused: what a message with this id asked for cannot be done
 *   - optimising: how far a latent optimisation is that a preview or the calibration waits for
 *   - history: what a resumed run had before
 *   - saved: the browser stored a checkpoint; kept: it could not, so the page holds it
 *   - problem: something to tell; the run goes on where it can
 */
export {};
