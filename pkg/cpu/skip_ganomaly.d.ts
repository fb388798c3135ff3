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
     * Opens `"cpu"` or `"webgpu"`, whichever this module holds.
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
     * `{method, size, channels, parameters, calibrated, threshold, header}`
     */
    info(): any;
    /**
     * Reads a model file and puts its weights on a device.
     */
    static load(device: Device, bytes: Uint8Array | number[]): Model;
    /**
     * Scores picture files. One entry a file, in order; a file that is no readable picture gives
     * `{error}` and the others go on.
     */
    score(files: Uint8Array[]): Promise<any[]>;
    /**
     * Scores the built-in picture and compares: `{passed, expected, got, tolerance}`, or `null`
     * where the file stores no score.
     */
    self_check(): Promise<any>;
}

/**
 * Networks under training. Losses wait on the device until they are asked for.
 */
export class Trainer {
    private constructor();
    free(): void;
    [Symbol.dispose](): void;
    /**
     * Fresh networks; `options` are the settings of [`TrainConfig`], each with its default.
     */
    static create(device: Device, options: any): Trainer;
    /**
     * Losses of every step since the last call.
     */
    losses(): Promise<any>;
    /**
     * Queues one training step on `batch · channels · size · size` values in [-1, 1].
     */
    step(pictures: Float32Array | number[]): void;
}

/**
 * Version of the crate, and the devices that this module holds.
 */
export function build_info(): any;

/**
 * The score as shown for a threshold that was moved; `null` without a calibration.
 */
export function display_score(header: any, threshold: number, score: number): number | undefined;

/**
 * A picture decoded and scaled to fit a square of `side` pixels: `{width, height, rgba}`.
 */
export function preview(bytes: Uint8Array | number[], side: number): any;

/**
 * Makes a panic readable in the console. Called once after the module is loaded.
 */
export function start(): void;

export type InitInput = RequestInfo | URL | Response | BufferSource | WebAssembly.Module;

export interface InitOutput {
    readonly memory: WebAssembly.Memory;
    readonly __wbg_device_free: (a: number, b: number) => void;
    readonly __wbg_model_free: (a: number, b: number) => void;
    readonly __wbg_trainer_free: (a: number, b: number) => void;
    readonly build_info: () => [number, number, number];
    readonly device_kind: (a: number) => [number, number];
    readonly device_open: (a: number, b: number) => any;
    readonly display_score: (a: any, b: number, c: number) => [number, number, number, number];
    readonly model_info: (a: number) => [number, number, number];
    readonly model_load: (a: number, b: number, c: number) => [number, number, number];
    readonly model_score: (a: number, b: number, c: number) => any;
    readonly model_self_check: (a: number) => any;
    readonly preview: (a: number, b: number, c: number) => [number, number, number];
    readonly start: () => void;
    readonly trainer_create: (a: number, b: any) => [number, number, number];
    readonly trainer_losses: (a: number) => any;
    readonly trainer_step: (a: number, b: number, c: number) => [number, number];
    readonly wasm_bindgen__convert__closures_____invoke__h1d0c86c72c0126dc: (a: number, b: number, c: any) => [number, number];
    readonly wasm_bindgen__convert__closures_____invoke__h7f017cdc1d1be1bb: (a: number, b: number, c: any, d: any) => void;
    readonly __wbindgen_malloc: (a: number, b: number) => number;
    readonly __wbindgen_realloc: (a: number, b: number, c: number, d: number) => number;
    readonly __wbindgen_free: (a: number, b: number, c: number) => void;
    readonly __wbindgen_exn_store: (a: number) => void;
    readonly __externref_table_alloc: () => number;
    readonly __wbindgen_externrefs: WebAssembly.Table;
    readonly __wbindgen_destroy_closure: (a: number, b: number) => void;
    readonly __externref_drop_slice: (a: number, b: number) => void;
    readonly __externref_table_dealloc: (a: number) => void;
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
