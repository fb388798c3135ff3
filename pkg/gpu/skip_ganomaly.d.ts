/* tslint:disable */
/* eslint-disable */

/**
 * A part and the picture of it. `seed` is the lot's. `fault`: what is wrong with it; where it is null, only a `faulty`
 * part has one, which its number decides. `wear`: how far the fault has grown, from 0 (there is none yet) to 1.
 */
export type PartRequest = {
    product: string;
    seed: number;
    purpose: "train" | "good" | "faulty";
    number: number;
    size: number;
    channels: number;
    fault: PartFault | null;
    wear: number;
    drift: { kind: string; amount: number } | null;
};



/**
 * A rendered picture: RGBA, `size` pixels a side. `mask` is 1 where the fault shows and 0 elsewhere, `box` what is around
 * that (x, y, width, height in pixels), null where nothing shows. `fault` is as it has grown.
 */
export type RenderedPart = {
    size: number;
    pixels: Uint8Array<ArrayBuffer>;
    mask: Uint8Array<ArrayBuffer>;
    box: [number, number, number, number] | null;
    fault: PartFault | null;
};



/**
 * What A, R, L and M of a model are: `residual` follows "The residual R is the", `latent` "The latent term L", `marks` "The
 * marks M say" (null if the method does not mark), `heat_map` "The heat map shows where".
 */
export type Explanation = {
    formula: string;
    residual: string;
    latent: string;
    memory_bank: boolean;
    marks: string | null;
    heat_map: string;
};



/**
 * `residual` is the mean R of the held-out images, `held_out` their scores; `memory_bank`: the training images in
 * the score's memory bank, if it has one.
 */
export type Preview = {
    step: number;
    residual: number;
    memory_bank: number | null;
    held_out: number[];
    labelled: LabelledScores | null;
    pictures: PreviewImage[];
};



/** A folder's files, as indices into the paths; `said` is the layout in words. */
export type Listing = {
    layout: string;
    said: string;
    training: number[];
    test: LabelledFile[];
    left_out: number[];
};



/** A line of rendered parts: the kinds of its faults, and the smallest and the largest picture in pixels a side. */
export type ProductLine = {
    product: string;
    faults: string[];
    sizes: [number, number];
};



/** A run: its settings, its position, how many images it trains on and holds out, and its parameters. */
export type TrainingInfo = {
    method: string;
    settings: Settings;
    step: number;
    total_steps: number;
    steps_per_epoch: number;
    training: number;
    held_out: number;
    labelled: Counts | null;
    parameters: number;
};



/** All settings of a run. */
export type Settings = {
    method: string;
    size: number;
    channels: number;
    width: number;
    discriminator_width: number | null;
    features: number;
    components: number;
    epochs: number;
    steps: number | null;
    batch: number;
    seed: number;
    learning_rate: number;
    schedule: string;
    adversarial_weight: number;
    contextual_weight: number;
    latent_weight: number;
    latent_in_discriminator: boolean;
    structural_weight: number;
    marks_weight: number;
    damaged_share: number;
    input_noise: number;
    input_mask: number;
    skip_dropout: number;
    cut_skips: number;
    augment: string;
    label_smoothing: number;
    lambda: number | null;
    mu: number;
    residual: string;
    latent: string;
    balance: string;
    search_steps: number;
    held_out: number;
    threshold_quantile: number;
};
/** The settings that were given; the others follow from the preset. */
export type GivenSettings = Partial<Settings> & { preset?: string };



/** Everything that a model's file says, except its weights. */
export type Header = {
    format: number;
    method: string;
    architecture: Architecture | null;
    preprocessing: Preprocessing;
    scoring: Scoring;
    calibration: Calibration | null;
    training: TrainingRecord | null;
    self_check: SelfCheck | null;
    licence: string | null;
};



/** Faults of one kind and contrast; `words` follows "finds 90 % of them". */
export type FaultSeries = {
    kind: string;
    origin: string;
    contrast: number;
    trials: number;
    hits: number;
    curve: { intercept: number; slope: number } | null;
    a90: number | null;
    a90_95: number | null;
    reason: string | null;
    words: string;
    groups: FaultGroup[];
};
export type FaultGroup = { from: number; to: number; size: number; hits: number; trials: number; probability: number | null };



/** How small a simulated fault a model finds: in pixels of its images, which have `side` pixels a side. */
export type FoundFaults = {
    normals: number;
    side: number;
    false_alarm_rate: number;
    contrast: number;
    series: FaultSeries[];
};



/** Peak memory of a run in bytes, by use. */
export type MemoryEstimate = {
    weights: number;
    optimisers: number;
    activations: number;
    pictures: number;
    checkpoint: number;
    total: number;
    largest_buffer: number;
};



/** Settings that suit a set of images; `repair`: what suits the method of that name instead. */
export type Suggestion = {
    size: number;
    channels: number;
    width: number;
    batch: number;
    epochs: number;
    repair: { size: number; batch: number; steps: number };
};



/** The losses of a step, by the names that the method gives them; `real` and `fake` are the means of D(x) and D(x^). */
export type StepLosses = { step: number } & Record<string, number>;



/** The three pictures are RGBA, `size` pixels a side. */
export type PreviewImage = {
    name: string;
    score: number;
    residual: number;
    size: number;
    input: Uint8Array<ArrayBuffer>;
    reconstruction: Uint8Array<ArrayBuffer>;
    heat: Uint8Array<ArrayBuffer>;
};



/** The three pictures are RGBA, `size` pixels a side. */
export type ScoredImage = {
    score: number;
    residual: number;
    latent: number | null;
    marks: number | null;
    threshold: number | null;
    verdict: Verdict;
    display: number | null;
    width: number;
    height: number;
    size: number;
    input: Uint8Array<ArrayBuffer>;
    reconstruction: Uint8Array<ArrayBuffer>;
    heat: Uint8Array<ArrayBuffer>;
};
export type ImageResult = ScoredImage | { error: string };



/** What a device made of the built-in images; `part` says which score differs first, or A of the first image. */
export type SelfCheckResult = {
    passed: boolean;
    part: string;
    expected: number;
    got: number;
};



/** `held_out`: the scores of the held-out images; `model`: the file. */
export type Finished = {
    threshold: number | null;
    held_out: number[];
    labelled: LabelledScores | null;
    model: Uint8Array<ArrayBuffer>;
};



/** `search_steps`: of a method that optimises a latent code for each image. */
export type ModelInfo = {
    method: string;
    size: number;
    channels: number;
    parameters: number;
    calibrated: boolean;
    threshold: number | null;
    search_steps: number | null;
    explanation: Explanation;
    header: Header;
};



/** `size` is in sides of the picture; `contrast` is the part of its full depth or colour, from 0 to 1. */
export type PartFault = {
    kind: string;
    size: number;
    contrast: number;
};



export type Architecture = {
    size: number;
    channels: number;
    generator_width: number;
    discriminator_width: number;
    features: number;
    cut_skips: number;
};



export type BuildInfo = {
    version: string;
    devices: DeviceKind[];
};



export type Calibration = {
    normals: number;
    threshold: number;
    rule: "manual" | { "held-out-quantile": number };
    anomaly_score: Quantiles;
    residual: Quantiles;
    latent: Quantiles | null;
    heat_map_scale: number;
    heat_map_floor: number;
};
export type Quantiles = Record<"min" | "q01" | "q05" | "q25" | "median" | "q75" | "q95" | "q99" | "max", number>;



export type Counts = {
    normal: number;
    abnormal: number;
};



export type DeviceKind = "cpu" | "webgpu";
/** Called from time to time during a latent optimisation; `false` ends it. */
export type OnOptimisation = (step: number, steps: number) => boolean;
export type Verdict = "normal" | "anomalous" | "uncalibrated";
/** Which networks a step updates. */
export type Update = "both" | "generator" | "discriminator";



export type History = {
    losses: StepLosses[];
    previews: PreviewPoint[];
};



export type LabelledFile = {
    index: number;
    abnormal: boolean;
    class: string;
};



export type LabelledScores = {
    normal: number[];
    abnormal: number[];
    auroc: number | null;
};



export type Preprocessing = {
    size: number;
    channels: number;
    resize: string;
};



export type PreviewPoint = {
    step: number;
    residual: number;
    auroc: number | null;
};



export type RunPlan = {
    training: number;
    held_out: number;
    steps_per_epoch: number;
    total_steps: number;
    memory: MemoryEstimate;
};



export type Scoring = {
    lambda: number;
    residual: string;
    latent: string;
    balance: string;
    mu?: number;
    normaliser: { residual: Span; latent: Span; marks?: Span[] } | null;
    search_steps?: number;
};
/** From the median to the 95th percentile. */
export type Span = { median: number; q95: number };



export type SelfCheck = {
    anomaly_score: number;
    tolerance: number;
    scores?: { anomaly_score: number; residual: number; latent: number | null; marks?: number }[];
};



export type TrainingRecord = {
    config: Settings;
    data_digest: string;
    pictures: number;
    held_out: number;
    steps: number;
    epochs: number;
    losses: Record<string, number> | null;
};



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
    static open(kind: DeviceKind): Promise<Device>;
    /**
     * `"cpu"` or `"webgpu"`.
     */
    readonly kind: DeviceKind;
}

/**
 * A trained model on a device.
 */
export class Model {
    private constructor();
    free(): void;
    [Symbol.dispose](): void;
    /**
     * The scores on their display scale for another threshold; `undefined` without a calibration.
     */
    display_scores(threshold: number, scores: Float64Array | number[]): Float64Array | undefined;
    /**
     * Everything about the model except its weights.
     */
    info(): ModelInfo;
    /**
     * Reads a model file and puts its weights on a device.
     */
    static load(device: Device, bytes: Uint8Array | number[]): Model;
    /**
     * Scores image files. Returns one entry per file, in order; a file that is not a readable image
     * gives `{error}`, and the others are still scored.
     *
     * If the method optimises latent codes, `on_optimisation(step, steps)` is called from time to time;
     * if it returns `false`, the optimisation stops and the promise rejects with an error named `Stopped`.
     */
    score(files: Uint8Array[], on_optimisation?: OnOptimisation): Promise<ImageResult[]>;
    /**
     * Scores the built-in images and compares; `null` if the file stores no scores.
     */
    self_check(): Promise<SelfCheckResult | null>;
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
    checkpoint(): Promise<Uint8Array<ArrayBuffer>>;
    /**
     * Calibrates on the held-out images. `on_progress` receives the number of images done and the total;
     * `on_optimisation` as in [`super::model::Model::score`].
     */
    finish(on_progress: (done: number, total: number) => void, on_optimisation?: OnOptimisation): Promise<Finished>;
    /**
     * Losses and previews so far, including those before a resumed checkpoint.
     */
    history(): History;
    /**
     * The run's settings, its position, and its images.
     */
    info(): TrainingInfo;
    /**
     * Losses of every step since the last call, with their step; rejects with an error named `Diverged`
     * if one is not a number.
     */
    losses(): Promise<StepLosses[]>;
    /**
     * The results of the current weights on held-out and labelled images; `shown` of the held-out ones
     * come with their reconstruction and heat map. `on_optimisation` as in [`super::model::Model::score`].
     */
    preview(shown: number, on_optimisation?: OnOptimisation): Promise<Preview>;
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
    static start(device: Device, given: GivenSettings, pictures: TrainingPictures): Training;
    /**
     * Queues one step that updates `"both"` networks, the `"generator"` or the `"discriminator"`.
     */
    step(update: Update): void;
}

/**
 * Images prepared for training.
 */
export class TrainingPictures {
    free(): void;
    [Symbol.dispose](): void;
    /**
     * Decodes and prepares one image. A file that is not a readable image adds nothing.
     */
    add(name: string, file: Uint8Array | number[]): void;
    /**
     * Renders and prepares a part.
     */
    add_part(name: string, request: PartRequest): void;
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
     * An empty set of images, to be prepared at `size` pixels a side with 1 or 3 channels.
     */
    constructor(size: number, channels: number);
    /**
     * Everything, for storage.
     */
    to_bytes(): Uint8Array<ArrayBuffer>;
    /**
     * Number of images.
     */
    readonly count: number;
}

/**
 * Version of the crate, and the devices that this module supports.
 */
export function build_info(): BuildInfo;

/**
 * All settings of a run, completed from those given, which may name a preset, and checked.
 */
export function complete_settings(given: GivenSettings): Settings;

/**
 * Measures how small a fault a model finds in the images that its run held out, of all that it was given: `pictures`.
 * `on_progress` receives the number of images done and the total; if it returns `false`, the promise rejects with an
 * error named `Stopped`.
 */
export function find_small_faults(device: Device, model: Uint8Array | number[], pictures: TrainingPictures, seed: number, on_progress: (done: number, total: number) => boolean): Promise<FoundFaults>;

/**
 * The images, length and memory of a run on a number of images; nothing is allocated.
 */
export function plan_run(given: GivenSettings, pictures: number): RunPlan;

/**
 * How the images of a checkpoint or a model are prepared.
 */
export function preprocessing_of(file: Uint8Array | number[]): Preprocessing;

/**
 * The product lines.
 */
export function product_lines(): ProductLine[];

/**
 * Which of a folder's files are trained on, labelled or left out, as indices into `paths`. The paths are
 * relative to the folder, separated by `/`.
 */
export function recognise(paths: string[]): Listing;

/**
 * The picture of a part, and where its fault shows.
 */
export function render_part(request: PartRequest): RenderedPart;

/**
 * Makes a panic readable in the console. Called once after the module is loaded.
 */
export function start(): void;

/**
 * Settings that suit `count` images, of which `files` are a sample; files that cannot be read are
 * ignored.
 */
export function suggest_settings(files: Uint8Array[], count: number): Suggestion;

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
    readonly find_small_faults: (a: number, b: number, c: number, d: number, e: number, f: any) => any;
    readonly model_display_scores: (a: number, b: number, c: number, d: number) => [number, number];
    readonly model_info: (a: number) => [number, number, number];
    readonly model_load: (a: number, b: number, c: number) => [number, number, number];
    readonly model_score: (a: number, b: number, c: number, d: number) => any;
    readonly model_self_check: (a: number) => any;
    readonly plan_run: (a: any, b: number) => [number, number, number];
    readonly preprocessing_of: (a: number, b: number) => [number, number, number];
    readonly product_lines: () => [number, number, number];
    readonly recognise: (a: number, b: number) => [number, number, number];
    readonly render_part: (a: any) => [number, number, number];
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
    readonly trainingpictures_add: (a: number, b: number, c: number, d: number, e: number) => [number, number];
    readonly trainingpictures_add_part: (a: number, b: number, c: number, d: any) => [number, number];
    readonly trainingpictures_all_alike: (a: number) => number;
    readonly trainingpictures_count: (a: number) => number;
    readonly trainingpictures_digest: (a: number) => [number, number];
    readonly trainingpictures_from_bytes: (a: number, b: number) => [number, number, number];
    readonly trainingpictures_new: (a: number, b: number) => [number, number, number];
    readonly trainingpictures_to_bytes: (a: number) => [number, number, number];
    readonly wasm_bindgen__convert__closures_____invoke__h1719ec2ad59babfd: (a: number, b: number, c: any) => [number, number];
    readonly wasm_bindgen__convert__closures_____invoke__h1719ec2ad59babfd_41: (a: number, b: number, c: any) => [number, number];
    readonly wasm_bindgen__convert__closures_____invoke__h1719ec2ad59babfd_42: (a: number, b: number, c: any) => [number, number];
    readonly wasm_bindgen__convert__closures_____invoke__h3fe61c1fb5bdca27: (a: number, b: number, c: any, d: any) => void;
    readonly wasm_bindgen__convert__closures_____invoke__h40d9836e92bdb5d4: (a: number, b: number, c: any) => [number, number];
    readonly wasm_bindgen__convert__closures_____invoke__h8a7613392d9b50e9: (a: number, b: number, c: any) => void;
    readonly wasm_bindgen__convert__closures_____invoke__h8a7613392d9b50e9_40: (a: number, b: number, c: any) => void;
    readonly __wbindgen_malloc_command_export: (a: number, b: number) => number;
    readonly __wbindgen_realloc_command_export: (a: number, b: number, c: number, d: number) => number;
    readonly __wbindgen_free_command_export: (a: number, b: number, c: number) => void;
    readonly __wbindgen_exn_store_command_export: (a: number) => void;
    readonly __externref_table_alloc_command_export: () => number;
    readonly __wbindgen_externrefs: WebAssembly.Table;
    readonly __wbindgen_destroy_closure_command_export: (a: number, b: number) => void;
    readonly __externref_table_dealloc_command_export: (a: number) => void;
    readonly __externref_drop_slice_command_export: (a: number, b: number) => void;
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
