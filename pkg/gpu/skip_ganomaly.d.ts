/* tslint:disable */
/* eslint-disable */

/**
 * Where tensors live.
 */
export class Device {
    private constructor();
    free(): void;
    [Symbol.dispose](): void;
    /**
     * Opens `"cpu"` or `"webgpu"`, whichever this module supports.
     */
    static open(kind: string): Promise<Device>;
    /**
     * `"cpu"` or `"webgpu"`.
     */
    readonly kind: string;
}

/**
 * A trained model on a device.
 */
export class Model {
    private constructor();
    free(): void;
    [Symbol.dispose](): void;
    /**
     * `{method, size, channels, parameters, calibrated, threshold, search_steps, header}`; the steps are
     * `null` for methods without a latent optimisation.
     */
    info(): any;
    /**
     * Reads a model file and puts its weights on a device.
     */
    static load(device: Device, bytes: Uint8Array | number[]): Model;
    /**
     * Scores image files. Returns one entry per file, in order; a file that is not a readable image
     * gives `{error}`, and the others are still scored.
     *
     * If the method optimises latent codes, `on_search(step, steps)` is called from time to time; if it
     * returns `false`, the optimisation stops and the promise rejects with an error named `Stopped`.
     */
    score(files: Uint8Array[], on_search?: Function | null): Promise<any[]>;
    /**
     * Scores the built-in images and compares: `{passed, part, expected, got}`, or `null` if the file
     * stores no scores. `part` says which score differs first; where none does, it is A of the first image.
     */
    self_check(): Promise<any>;
}

/**
 * A training run. Only one asynchronous call at a time, and no step during it.
 */
export class Training {
    private constructor();
    free(): void;
    [Symbol.dispose](): void;
    /**
     * A checkpoint to resume from, like the program's `checkpoint.safetensors`; rejects with an error
     * named `Diverged` if a value is not finite, which can happen before a loss shows it.
     */
    checkpoint(): Promise<Uint8Array>;
    /**
     * Calibrates on the held-out images: `{model, threshold, held_out, labelled}`. `on_progress`
     * receives the number of images done and the total; `on_search` as in [`super::Model::score`].
     */
    finish(on_progress: Function, on_search?: Function | null): Promise<any>;
    /**
     * `{losses, previews}` so far, including those before a resumed checkpoint.
     */
    history(): any;
    /**
     * `{method, settings, step, total_steps, steps_per_epoch, training, held_out, labelled,
     * parameters}`
     */
    info(): any;
    /**
     * Losses of every step since the last call, with their step; rejects with an error named `Diverged`
     * if one is not a number.
     */
    losses(): Promise<any>;
    /**
     * The results of the current weights on held-out and labelled images; `shown` of the held-out ones
     * come with their reconstruction and heat map. `on_search` as in [`super::Model::score`].
     */
    preview(shown: number, on_search?: Function | null): Promise<any>;
    /**
     * Whether D was re-initialised since the last call.
     */
    restarted(): boolean;
    /**
     * Resumes from a checkpoint of the program or the page, with the images that it was made with.
     */
    static resume(device: Device, checkpoint: Uint8Array | number[], pictures: TrainingPictures): Training;
    /**
     * Sets images with known labels, one byte each: 0 for normal, otherwise abnormal. They are for
     * information only; nothing is chosen by them.
     */
    set_labelled(pictures: TrainingPictures, abnormal: Uint8Array | number[]): void;
    /**
     * Starts a run with new networks on prepared images, which it takes over.
     */
    static start(device: Device, given: any, pictures: TrainingPictures): Training;
    /**
     * Queues one step that updates `"both"` networks, the `"generator"` or the `"discriminator"`.
     */
    step(update: any): void;
}

/**
 * Images prepared for training.
 */
export class TrainingPictures {
    free(): void;
    [Symbol.dispose](): void;
    /**
     * Decodes and prepares one image: `{width, height}`. A file that is not a readable image adds
     * nothing.
     */
    add(name: string, file: Uint8Array | number[]): any;
    /**
     * Whether there are several images and all are the same.
     */
    all_alike(): boolean;
    /**
     * The digest of names and files, as the program computes it.
     */
    digest(): string;
    /**
     * Reads what [`TrainingPictures::to_bytes`] returned.
     */
    static from_bytes(bytes: Uint8Array | number[]): TrainingPictures;
    /**
     * The name of an image.
     */
    name(index: number): string;
    /**
     * An empty set of images, to be prepared at `size` pixels a side with 1 or 3 channels.
     */
    constructor(size: number, channels: number);
    /**
     * Everything, for storage.
     */
    to_bytes(): Uint8Array;
    /**
     * Memory that they take, in bytes.
     */
    readonly bytes: number;
    /**
     * Number of images.
     */
    readonly count: number;
}

/**
 * Version of the crate, and the devices that this module supports.
 */
export function build_info(): any;

/**
 * All settings of a run, completed from those given, which may name a preset, and checked.
 */
export function complete_settings(given: any): any;

/**
 * The score as shown for a changed threshold; `null` without a calibration.
 */
export function display_score(header: any, threshold: number, score: number): number | undefined;

/**
 * Peak memory of a run in bytes, by use; nothing is allocated.
 */
export function plan_memory(given: any, pictures: number): any;

/**
 * An image decoded and scaled to fit a square of `side` pixels: `{width, height, rgba}`.
 */
export function preview(bytes: Uint8Array | number[], side: number): any;

/**
 * Which of a folder's files are trained on, labelled or left out, as indices into `paths`. The paths are
 * relative to the folder, separated by `/`.
 */
export function recognise(paths: string[]): any;

/**
 * Makes a panic readable in the console. Called once after the module is loaded.
 */
export function start(): void;

/**
 * Settings that suit `count` images, of which `files` are a sample; files that cannot be read are
 * ignored.
 */
export function suggest_settings(files: Uint8Array[], count: number): any;

export type InitInput = RequestInfo | URL | Response | BufferSource | WebAssembly.Module;

export interface InitOutput {
    readonly memory: WebAssembly.Memory;
    readonly __wbg_device_free: (a: number, b: number) => void;
    readonly __wbg_model_free: (a: number, b: number) => void;
    readonly __wbg_training_free: (a: number, b: number) => void;
    readonly __wbg_trainingpictures_free: (a: number, b: number) => void;
    readonly build_info: () => [number, number, number];
    readonly complete_settings: (a: any) => [number, number, number];
    readonly device_kind: (a: number) => [number, number];
    readonly device_open: (a: number, b: number) => any;
    readonly display_score: (a: any, b: number, c: number) => [number, number, number, number];
    readonly model_info: (a: number) => [number, number, number];
    readonly model_load: (a: number, b: number, c: number) => [number, number, number];
    readonly model_score: (a: number, b: number, c: number, d: number) => any;
    readonly model_self_check: (a: number) => any;
    readonly plan_memory: (a: any, b: number) => [number, number, number];
    readonly preview: (a: number, b: number, c: number) => [number, number, number];
    readonly recognise: (a: number, b: number) => [number, number, number];
    readonly start: () => void;
    readonly suggest_settings: (a: number, b: number, c: number) => [number, number, number];
    readonly training_checkpoint: (a: number) => any;
    readonly training_finish: (a: number, b: any, c: number) => any;
    readonly training_history: (a: number) => [number, number, number];
    readonly training_info: (a: number) => [number, number, number];
    readonly training_losses: (a: number) => any;
    readonly training_preview: (a: number, b: number, c: number) => any;
    readonly training_restarted: (a: number) => [number, number, number];
    readonly training_resume: (a: number, b: number, c: number, d: number) => [number, number, number];
    readonly training_set_labelled: (a: number, b: number, c: number, d: number) => [number, number];
    readonly training_start: (a: number, b: any, c: number) => [number, number, number];
    readonly training_step: (a: number, b: any) => [number, number];
    readonly trainingpictures_add: (a: number, b: number, c: number, d: number, e: number) => [number, number, number];
    readonly trainingpictures_all_alike: (a: number) => number;
    readonly trainingpictures_bytes: (a: number) => number;
    readonly trainingpictures_count: (a: number) => number;
    readonly trainingpictures_digest: (a: number) => [number, number];
    readonly trainingpictures_from_bytes: (a: number, b: number) => [number, number, number];
    readonly trainingpictures_name: (a: number, b: number) => [number, number, number, number];
    readonly trainingpictures_new: (a: number, b: number) => [number, number, number];
    readonly trainingpictures_to_bytes: (a: number) => [number, number, number];
    readonly wasm_bindgen__convert__closures_____invoke__h1719ec2ad59babfd: (a: number, b: number, c: any) => [number, number];
    readonly wasm_bindgen__convert__closures_____invoke__h1719ec2ad59babfd_39: (a: number, b: number, c: any) => [number, number];
    readonly wasm_bindgen__convert__closures_____invoke__h1719ec2ad59babfd_40: (a: number, b: number, c: any) => [number, number];
    readonly wasm_bindgen__convert__closures_____invoke__h3fe61c1fb5bdca27: (a: number, b: number, c: any, d: any) => void;
    readonly wasm_bindgen__convert__closures_____invoke__h40d9836e92bdb5d4: (a: number, b: number, c: any) => [number, number];
    readonly wasm_bindgen__convert__closures_____invoke__h8a7613392d9b50e9: (a: number, b: number, c: any) => void;
    readonly wasm_bindgen__convert__closures_____invoke__h8a7613392d9b50e9_38: (a: number, b: number, c: any) => void;
    readonly __wbindgen_malloc_command_export: (a: number, b: number) => number;
    readonly __wbindgen_realloc_command_export: (a: number, b: number, c: number, d: number) => number;
    readonly __wbindgen_free_command_export: (a: number, b: number, c: number) => void;
    readonly __wbindgen_exn_store_command_export: (a: number) => void;
    readonly __externref_table_alloc_command_export: () => number;
    readonly __wbindgen_externrefs: WebAssembly.Table;
    readonly __wbindgen_destroy_closure_command_export: (a: number, b: number) => void;
    readonly __externref_drop_slice_command_export: (a: number, b: number) => void;
    readonly __externref_table_dealloc_command_export: (a: number) => void;
    readonly __wbindgen_start: () => void;
}

export type SyncInitInput = BufferSource | WebAssembly.Module;

/**
 * Instantiates the given `module`, which can either be bytes or
 * a precompiled `WebAssembly.Module`.
 *
 * @param {{ module: SyncInitInput }} module - Passing `SyncInitInput` directly is deprecated.
 *
 * @returns {InitOutput}
 */
export function initSync(module: { module: SyncInitInput } | SyncInitInput): InitOutput;

/**
 * If `module_or_path` is {RequestInfo} or {URL}, makes a request and
 * for everything else, calls `WebAssembly.instantiate` directly.
 *
 * @param {{ module_or_path: InitInput | Promise<InitInput> }} module_or_path - Passing `InitInput` directly is deprecated.
 *
 * @returns {Promise<InitOutput>}
 */
export default function __wbg_init (module_or_path?: { module_or_path: InitInput | Promise<InitInput> } | InitInput | Promise<InitInput>): Promise<InitOutput>;
