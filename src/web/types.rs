//! What the page is given, each with its TypeScript type beside it: `pkg/*/skip_ganomaly.d.ts` carries
//! them, and a test holds their fields against those of the values.

use serde::{Deserialize, Serialize, Serializer};
#[cfg(target_family = "wasm")]
use wasm_bindgen::prelude::*;

use crate::calibration::{self, Verdict};
use crate::data::image::{self, ImageError, Preprocessing};
use crate::data::layout;
use crate::data::product::{
    Drift, DriftKind, Fault, FaultKind, Lot, Product, Purpose, SIZES, Scene, bounds, mask,
};
use crate::detector::{Calibrated, Explanation, Scored, explain};
use crate::device::DeviceKind;
use crate::model::{DeviceCheck, Model, Score};
use crate::model_file::{Header, ModelFileError, Precision};
use crate::run::Run;
use crate::run::preview::{self, LabelledImages, LabelledScores};
use crate::score::RawScore;
use crate::settings::{config::TrainConfig, method::Method};
use crate::train::history::{self, Check, StepLosses};

/// A TypeScript type of the package.
macro_rules! typescript {
    ($name:ident $text:literal) => {
        #[cfg_attr(target_family = "wasm", wasm_bindgen(typescript_custom_section))]
        const $name: &str = $text;
    };
}

typescript! { COMMON_TS r#"
export type DeviceKind = "cpu" | "webgpu";
/** Called from time to time during a latent optimisation; `false` ends it. */
export type OnOptimisation = (step: number, steps: number) => boolean;
export type Verdict = "normal" | "anomalous" | "uncalibrated";
/** Which networks a step updates. */
export type Update = "both" | "generator" | "discriminator";
"# }

/// A `Uint8Array` rather than an array of numbers.
fn as_bytes<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

typescript! { BUILD_INFO_TS r#"
export type BuildInfo = {
    version: string;
    devices: DeviceKind[];
};
"# }

/// The version of the crate, and the devices that a module supports.
#[derive(Serialize)]
pub struct BuildInfo {
    version: &'static str,
    devices: Vec<&'static str>,
}

impl BuildInfo {
    /// Of this build.
    #[expect(clippy::new_without_default, reason = "there is but one")]
    pub fn new() -> Self {
        let devices = DeviceKind::BUILT_IN.iter().map(|kind| kind.as_str());
        Self {
            version: env!("CARGO_PKG_VERSION"),
            devices: devices.collect(),
        }
    }
}

// --- Models ------------------------------------------------------------------------------------

typescript! { HEADER_TS r#"
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
"# }

typescript! { ARCHITECTURE_TS r#"
export type Architecture = {
    size: number;
    channels: number;
    generator_width: number;
    discriminator_width: number;
    features: number;
    cut_skips: number;
};
"# }

typescript! { PREPROCESSING_TS r#"
export type Preprocessing = {
    size: number;
    channels: number;
    resize: string;
};
"# }

typescript! { SCORING_TS r#"
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
"# }

typescript! { CALIBRATION_TS r#"
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
"# }

typescript! { TRAINING_RECORD_TS r#"
export type TrainingRecord = {
    config: Settings;
    data_digest: string;
    pictures: number;
    held_out: number;
    steps: number;
    epochs: number;
    losses: Record<string, number> | null;
};
"# }

typescript! { SELF_CHECK_TS r#"
export type SelfCheck = {
    anomaly_score: number;
    tolerance: number;
    scores?: { anomaly_score: number; residual: number; latent: number | null; marks?: number }[];
};
"# }

typescript! { EXPLANATION_TS r#"
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
"# }

typescript! { MODEL_INFO_TS r#"
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
"# }

/// What the page shows about a model.
#[derive(Serialize)]
pub struct ModelInfo<'a> {
    method: &'static str,
    size: usize,
    channels: usize,
    parameters: usize,
    calibrated: bool,
    threshold: Option<f64>,
    search_steps: Option<usize>,
    explanation: Explanation,
    header: &'a Header,
}

impl<'a> ModelInfo<'a> {
    /// Of a loaded model.
    pub fn of(model: &'a Model) -> Self {
        let header = model.header();
        let Preprocessing { size, channels, .. } = header.preprocessing;
        Self {
            method: header.method.as_str(),
            size,
            channels,
            parameters: model.num_params(),
            calibrated: model.calibration().is_some(),
            threshold: model.calibration().map(|c| c.threshold),
            search_steps: model.latent_steps(),
            explanation: explain(header),
            header,
        }
    }
}

typescript! { SELF_CHECK_RESULT_TS r#"
/** What a device made of the built-in images; `part` says which score differs first, or A of the first image. */
export type SelfCheckResult = {
    passed: boolean;
    part: string;
    expected: number;
    got: number;
};
"# }

/// The result of a self check.
#[derive(Serialize)]
pub struct SelfCheckResult {
    passed: bool,
    part: &'static str,
    expected: f64,
    got: f64,
}

impl SelfCheckResult {
    /// Where no score differs, `part` is A of the first image.
    pub fn of(check: DeviceCheck) -> Self {
        let (part, expected, got) = match &check.mismatch {
            None => ("the anomaly score", check.expected, check.got),
            Some(mismatch) => (mismatch.part, mismatch.expected, mismatch.got),
        };
        Self {
            passed: check.mismatch.is_none(),
            part,
            expected,
            got,
        }
    }
}

typescript! { SCORED_IMAGE_TS r#"
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
"# }

/// An image's score, or why there is none.
#[derive(Serialize)]
#[serde(untagged)]
pub enum ImageResult {
    /// The file is not a readable image.
    Unreadable {
        /// Why.
        error: String,
    },
    /// It was scored.
    Scored(Box<ScoredImage>),
}

/// What the page shows about an image.
#[derive(Serialize)]
pub struct ScoredImage {
    score: f64,
    residual: f64,
    latent: Option<f64>,
    marks: Option<f64>,
    threshold: Option<f64>,
    verdict: Verdict,
    display: Option<f64>,
    width: u32,
    height: u32,
    size: usize,
    #[serde(serialize_with = "as_bytes")]
    input: Vec<u8>,
    #[serde(serialize_with = "as_bytes")]
    reconstruction: Vec<u8>,
    #[serde(serialize_with = "as_bytes")]
    heat: Vec<u8>,
}

impl ImageResult {
    /// Of a file, with the model's threshold.
    pub fn of(scored: Result<Score, ImageError>, threshold: Option<f64>) -> Self {
        match scored {
            Err(reason) => Self::Unreadable {
                error: reason.to_string(),
            },
            Ok(score) => Self::Scored(Box::new(ScoredImage {
                score: score.anomaly_score,
                residual: score.residual,
                latent: score.latent,
                marks: score.marks,
                threshold,
                verdict: score.verdict,
                display: score.display,
                width: score.original_size.0,
                height: score.original_size.1,
                size: score.size,
                input: score.input,
                reconstruction: score.reconstruction,
                heat: score.heat_map,
            })),
        }
    }
}

// --- Product lines -----------------------------------------------------------------------------

typescript! { PRODUCT_LINE_TS r#"
/** A line of rendered parts: the kinds of its faults, and the smallest and the largest picture in pixels a side. */
export type ProductLine = {
    product: string;
    faults: string[];
    sizes: [number, number];
};
"# }

/// A product line.
#[derive(Serialize)]
pub struct ProductLine {
    product: &'static str,
    faults: Vec<&'static str>,
    sizes: [usize; 2],
}

impl ProductLine {
    /// All of them.
    pub fn all() -> Vec<Self> {
        let of = |product: Product| Self {
            product: product.as_str(),
            faults: names(product.faults(), FaultKind::as_str),
            sizes: [*SIZES.start(), *SIZES.end()],
        };
        Product::ALL.map(of).into()
    }
}

typescript! { PART_REQUEST_TS r#"
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
"# }

typescript! { PART_FAULT_TS r#"
/** `size` is in sides of the picture; `contrast` is the part of its full depth or colour, from 0 to 1. */
export type PartFault = {
    kind: string;
    size: number;
    contrast: number;
};
"# }

/// A part that is asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartRequest {
    product: String,
    seed: u64,
    purpose: String,
    number: u32,
    /// Side of the picture in pixels.
    pub size: usize,
    /// 1 (grey) or 3 (colour).
    pub channels: usize,
    fault: Option<PartFault>,
    wear: f32,
    drift: Option<PartDrift>,
}

/// A fault by its name.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PartFault {
    kind: String,
    size: f32,
    contrast: f32,
}

/// A drift by its name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PartDrift {
    kind: String,
    amount: f32,
}

fn names<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|&one| name(one)).collect()
}

/// The one of `all` with this name.
fn named<T: Copy>(
    what: &str,
    asked: &str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<T, String> {
    let found = all.iter().find(|&&one| name(one) == asked);
    found.copied().ok_or_else(|| {
        let all = names(all, name).join(", ");
        format!("expected {what} of {all}, got {asked:?}")
    })
}

fn between(what: &str, value: f32, [least, most]: [f32; 2]) -> Result<f32, String> {
    match (least..=most).contains(&value) {
        true => Ok(value),
        false => Err(format!(
            "expected {what} from {least} to {most}, got {value}"
        )),
    }
}

impl PartRequest {
    /// The scene that is to be photographed.
    ///
    /// # Errors
    /// What was expected and what was given.
    pub fn scene(&self) -> Result<Scene, String> {
        let product = named("a product", &self.product, &Product::ALL, Product::as_str)?;
        if !SIZES.contains(&self.size) {
            let (least, most, size) = (SIZES.start(), SIZES.end(), self.size);
            return Err(format!(
                "expected a size of {least} to {most} pixels, got {size}"
            ));
        }
        if !matches!(self.channels, 1 | 3) {
            return Err(format!("expected 1 or 3 channels, got {}", self.channels));
        }
        let mut lot = Lot::new(product, self.seed);
        if let Some(PartDrift { kind, amount }) = &self.drift {
            lot.drift = Some(Drift {
                kind: named("a drift", kind, &DriftKind::ALL, DriftKind::as_str)?,
                amount: between("an amount of drift", *amount, [0.0, 1.0])?,
            });
        }
        let wear = between("a wear", self.wear, [0.0, 1.0])?;
        let purpose = match self.purpose.as_str() {
            "train" => Purpose::Train,
            "good" => Purpose::Good,
            "faulty" => Purpose::Faulty,
            other => {
                return Err(format!(
                    "expected a purpose of train, good, faulty, got {other:?}"
                ));
            }
        };
        let fault = self.fault.as_ref().map(|fault| fault.of(product));
        let fault = fault.transpose()?;
        if let Some(fault) = fault {
            lot.faults = vec![fault.kind];
            lot.sizes = fault.size..=fault.size;
            lot.contrasts = fault.contrast..=fault.contrast;
        }
        let mut scene = lot.part(purpose, self.number);
        // A lot's sound parts have no seed for a fault: their own will do.
        let seed = scene.seed;
        let own = scene.fault.or(fault.map(|fault| Fault { seed, ..fault }));
        scene.fault = own.and_then(|fault| fault.worn(wear));
        Ok(scene)
    }
}

impl PartFault {
    fn of(&self, product: Product) -> Result<Fault, String> {
        let what = format!("a fault of the line {}, one", product.as_str());
        Ok(Fault {
            kind: named(&what, &self.kind, product.faults(), FaultKind::as_str)?,
            size: between("a fault's size in sides", self.size, [0.0, 1.0])?,
            contrast: between("a fault's contrast", self.contrast, [0.0, 1.0])?,
            seed: 0,
        })
    }
}

typescript! { RENDERED_PART_TS r#"
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
"# }

/// A part's picture and where its fault shows.
#[derive(Serialize)]
pub struct RenderedPart {
    size: usize,
    #[serde(serialize_with = "as_bytes")]
    pixels: Vec<u8>,
    #[serde(serialize_with = "as_bytes")]
    mask: Vec<u8>,
    r#box: Option<[usize; 4]>,
    fault: Option<PartFault>,
}

impl RenderedPart {
    /// Of a scene, at the size and with the channels asked for. `sound` is the picture of the scene without its fault.
    pub fn of(scene: &Scene, sound: &[u8], size: usize, channels: usize) -> Self {
        let faulty = scene.fault.map(|_| scene.photograph(size, channels));
        let picture = faulty.as_deref().unwrap_or(sound);
        let mask = mask(sound, picture, channels);
        let rgba = |pixel: &[u8]| match *pixel {
            [r, g, b] => [r, g, b, 255],
            _ => [pixel[0], pixel[0], pixel[0], 255],
        };
        Self {
            size,
            pixels: picture.chunks_exact(channels).flat_map(rgba).collect(),
            r#box: bounds(&mask, size),
            mask,
            fault: scene.fault.map(|fault| PartFault {
                kind: fault.kind.as_str().to_owned(),
                size: fault.size,
                contrast: fault.contrast,
            }),
        }
    }
}

// --- Plans -------------------------------------------------------------------------------------

typescript! { SETTINGS_TS r#"
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
"# }

typescript! { SUGGESTION_TS r#"
/** Settings that suit a set of images; `repair`: what suits the method of that name instead. */
export type Suggestion = {
    size: number;
    channels: number;
    width: number;
    batch: number;
    epochs: number;
    repair: { size: number; batch: number; steps: number };
};
"# }

typescript! { MEMORY_ESTIMATE_TS r#"
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
"# }

typescript! { RUN_PLAN_TS r#"
export type RunPlan = {
    training: number;
    held_out: number;
    steps_per_epoch: number;
    total_steps: number;
    memory: MemoryEstimate;
};
"# }

typescript! { LISTING_TS r#"
/** A folder's files, as indices into the paths; `said` is the layout in words. */
export type Listing = {
    layout: string;
    said: string;
    training: number[];
    test: LabelledFile[];
    left_out: number[];
};
"# }

/// The content of a folder.
#[derive(Serialize)]
pub struct Listing<'a> {
    layout: &'static str,
    said: String,
    training: &'a [usize],
    test: Vec<LabelledFile<'a>>,
    left_out: &'a [usize],
}

typescript! { LABELLED_FILE_TS r#"
export type LabelledFile = {
    index: number;
    abnormal: boolean;
    class: string;
};
"# }

/// A file whose label is known.
#[derive(Serialize)]
pub struct LabelledFile<'a> {
    index: usize,
    abnormal: bool,
    class: &'a str,
}

impl<'a> Listing<'a> {
    /// Of what was recognised.
    pub fn of(listing: &'a layout::Listing) -> Self {
        let labelled = listing.test.iter().map(|file| LabelledFile {
            index: file.index,
            abnormal: file.abnormal,
            class: &file.class,
        });
        Self {
            layout: listing.layout.as_str(),
            said: listing.layout.to_string(),
            training: &listing.train,
            test: labelled.collect(),
            left_out: &listing.left_out,
        }
    }
}

// --- Runs --------------------------------------------------------------------------------------

typescript! { TRAINING_INFO_TS r#"
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
"# }

/// A run and its position.
#[derive(Serialize)]
pub struct TrainingInfo<'a> {
    method: Method,
    settings: &'a TrainConfig,
    step: u64,
    total_steps: u64,
    steps_per_epoch: u64,
    training: usize,
    held_out: usize,
    labelled: Option<Counts>,
    parameters: usize,
}

typescript! { COUNTS_TS r#"
export type Counts = {
    normal: number;
    abnormal: number;
};
"# }

/// Numbers of labelled images.
#[derive(Serialize)]
pub struct Counts {
    normal: usize,
    abnormal: usize,
}

impl<'a> TrainingInfo<'a> {
    /// Of a run as it is.
    pub fn of(run: &'a Run, labelled: Option<&LabelledImages>, parameters: usize) -> Self {
        let (training, held_out) = run.counts();
        Self {
            method: run.config().method,
            settings: run.config(),
            step: run.steps(),
            total_steps: run.total_steps(),
            steps_per_epoch: run.steps_per_epoch(),
            training,
            held_out,
            labelled: labelled.map(|labelled| {
                let abnormal = labelled.abnormal.iter().filter(|&&label| label).count();
                Counts {
                    normal: labelled.abnormal.len() - abnormal,
                    abnormal,
                }
            }),
            parameters,
        }
    }
}

typescript! { STEP_LOSSES_TS r#"
/** The losses of a step, by the names that the method gives them; `real` and `fake` are the means of D(x) and D(x^). */
export type StepLosses = { step: number } & Record<string, number>;
"# }

typescript! { HISTORY_TS r#"
export type History = {
    losses: StepLosses[];
    previews: PreviewPoint[];
};
"# }

/// What a run measured so far.
#[derive(Serialize)]
pub struct History<'a> {
    losses: &'a [StepLosses],
    previews: &'a [Check],
}

impl<'a> History<'a> {
    /// Of a run's history.
    pub fn of(history: &'a history::History) -> Self {
        Self {
            losses: &history.losses,
            previews: &history.checks,
        }
    }
}

typescript! { PREVIEW_POINT_TS r#"
export type PreviewPoint = {
    step: number;
    residual: number;
    auroc: number | null;
};
"# }

typescript! { LABELLED_SCORES_TS r#"
export type LabelledScores = {
    normal: number[];
    abnormal: number[];
    auroc: number | null;
};
"# }

typescript! { PREVIEW_TS r#"
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
"# }

/// The results of a run's current weights.
#[derive(Serialize)]
pub struct Preview<'a> {
    step: u64,
    residual: f64,
    memory_bank: Option<usize>,
    held_out: Vec<f64>,
    labelled: Option<&'a LabelledScores>,
    pictures: Vec<PreviewImage<'a>>,
}

typescript! { PREVIEW_IMAGE_TS r#"
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
"# }

/// An image of a preview.
#[derive(Serialize)]
pub struct PreviewImage<'a> {
    name: &'a str,
    score: f64,
    residual: f64,
    size: usize,
    #[serde(serialize_with = "as_bytes")]
    input: Vec<u8>,
    #[serde(serialize_with = "as_bytes")]
    reconstruction: Vec<u8>,
    #[serde(serialize_with = "as_bytes")]
    heat: Vec<u8>,
}

impl<'a> Preview<'a> {
    /// Of a run whose images are prepared in this way. A preview's heat maps have a fixed scale.
    pub fn of(preview: &'a preview::Preview, preprocessing: &Preprocessing) -> Self {
        let Preprocessing { size, channels, .. } = *preprocessing;
        let range = calibration::heat_map_range(None);
        let shown = |shown: &'a preview::Shown| {
            let Scored {
                raw, x_hat, map, ..
            } = &shown.scored;
            PreviewImage {
                name: &shown.name,
                score: raw.anomaly_score,
                residual: raw.residual,
                size,
                input: image::to_rgba(&shown.input, channels, size),
                reconstruction: image::to_rgba(x_hat, channels, size),
                heat: image::heat_map_rgba(map, &range),
            }
        };
        Self {
            step: preview.step,
            residual: preview.residual(),
            memory_bank: preview.memory_bank,
            held_out: scores_of(&preview.held_out),
            labelled: preview.labelled.as_ref(),
            pictures: preview.shown.iter().map(shown).collect(),
        }
    }
}

fn scores_of<'a>(raw: impl IntoIterator<Item = &'a RawScore>) -> Vec<f64> {
    raw.into_iter().map(|raw| raw.anomaly_score).collect()
}

typescript! { FINISHED_TS r#"
/** `held_out`: the scores of the held-out images; `model`: the file. */
export type Finished = {
    threshold: number | null;
    held_out: number[];
    labelled: LabelledScores | null;
    model: Uint8Array<ArrayBuffer>;
};
"# }

/// A finished run.
#[derive(Serialize)]
pub struct Finished {
    threshold: Option<f64>,
    held_out: Vec<f64>,
    labelled: Option<LabelledScores>,
    #[serde(serialize_with = "as_bytes")]
    model: Vec<u8>,
}

impl Finished {
    /// Of a calibrated model.
    ///
    /// # Errors
    /// If a weight is not finite.
    pub fn of(
        calibrated: &Calibrated,
        labelled: Option<LabelledScores>,
    ) -> Result<Self, ModelFileError> {
        let calibration = calibrated.model.header.calibration.as_ref();
        Ok(Self {
            threshold: calibration.map(|calibration| calibration.threshold),
            held_out: scores_of(calibrated.held_out.iter().map(|(_, raw)| raw)),
            labelled,
            model: calibrated.model.to_bytes(Precision::F32)?,
        })
    }
}

typescript! { FOUND_FAULTS_TS r#"
/** How small a simulated fault a model finds: in pixels of its images, which have `side` pixels a side. */
export type FoundFaults = {
    normals: number;
    side: number;
    false_alarm_rate: number;
    contrast: number;
    series: FaultSeries[];
};
"# }

typescript! { FAULT_SERIES_TS r#"
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
"# }

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use burn::tensor::Device;
    use pollster::block_on;
    use serde_json::{Value, to_value};

    use super::*;
    use crate::data::pictures::InMemory;
    use crate::model_file::ModelFile;
    use crate::run::faults::find_faults;
    use crate::run::plan;
    use crate::run::preview::score_labelled;

    /// Holds the fields of a type against those of a value, and what each of them can be.
    fn agree(typescript: &str, value: impl Serialize) {
        let (_, body) = typescript.split_once("= {\n").expect("a type with fields");
        let (body, _) = body.split_once("\n};").expect("its end");
        let value = to_value(value).expect("plain values");
        let mut left = value.as_object().expect("an object").clone();
        for field in body.lines() {
            let (name, kind) = field.trim().split_once(": ").expect("a field");
            let Some(value) = left.remove(name.trim_end_matches('?')) else {
                assert!(name.ends_with('?'), "no value for {field} in {value}");
                continue;
            };
            let fits = match &value {
                Value::Null => kind.contains("null"),
                Value::Bool(_) => kind.contains("boolean"),
                Value::Number(_) => kind.starts_with("number"),
                Value::String(_) => {
                    kind.starts_with("string") || kind.contains('"') || kind == "Verdict;"
                }
                Value::Array(_) => {
                    kind.contains("[]") || kind.contains("Array") || kind.starts_with('[')
                }
                Value::Object(_) => kind.contains('{') || kind.starts_with(char::is_uppercase),
            };
            assert!(fits, "{field} is given as {value}");
        }
        assert!(left.is_empty(), "no type for {left:?}");
    }

    fn folder(path: &str) -> std::path::PathBuf {
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
    }

    #[test]
    fn a_models_types_are_those_of_its_values() {
        let bytes = std::fs::read(folder("www/models/solar-ir.safetensors")).expect("the model");
        let file = ModelFile::from_bytes(&bytes).expect("a model");
        let model = Model::load(file, &Device::flex()).expect("a model");
        let header = model.header();
        agree(BUILD_INFO_TS, BuildInfo::new());
        agree(HEADER_TS, header);
        agree(ARCHITECTURE_TS, header.architecture);
        agree(PREPROCESSING_TS, &header.preprocessing);
        agree(SCORING_TS, header.scoring);
        agree(CALIBRATION_TS, &header.calibration);
        agree(TRAINING_RECORD_TS, &header.training);
        agree(SELF_CHECK_TS, &header.self_check);
        agree(MODEL_INFO_TS, ModelInfo::of(&model));
        agree(EXPLANATION_TS, explain(header));
        let check = block_on(model.check_device()).expect("a device");
        agree(SELF_CHECK_RESULT_TS, check.map(SelfCheckResult::of));

        let image = std::fs::read(folder("www/samples/gallery/cracking_7366.png"));
        let files = [image.expect("an image"), b"no image".to_vec()];
        let scores = block_on(model.score_all(files, &mut ())).expect("a device");
        let results = scores.into_iter().map(|s| ImageResult::of(s, Some(1.0)));
        let results: Vec<Value> = results.map(|r| to_value(r).expect("values")).collect();
        agree(SCORED_IMAGE_TS, &results[0]);
        let verdicts = [Verdict::Normal, Verdict::Anomalous, Verdict::Uncalibrated];
        let named = |verdict: Verdict| COMMON_TS.contains(&format!("\"{verdict}\""));
        assert!(verdicts.into_iter().all(named));
        assert!(results[1]["error"].is_string());
    }

    fn request(change: Value) -> Result<PartRequest, String> {
        let mut request = serde_json::json!({
            "product": "gear", "seed": 0, "purpose": "faulty", "number": 3, "size": 32, "channels": 3,
            "fault": { "kind": "scratch", "size": 0.2, "contrast": 1 }, "wear": 1,
            "drift": { "kind": "light", "amount": 0.5 },
        });
        let fields = request.as_object_mut().expect("an object");
        fields.extend(change.as_object().expect("an object").clone());
        agree(PART_REQUEST_TS, &request);
        let request: PartRequest = serde_json::from_value(request).map_err(|e| e.to_string())?;
        request.scene().map(|_| request)
    }

    fn rendered(change: Value) -> RenderedPart {
        let request = request(change).expect("a request");
        let scene = request.scene().expect("a scene");
        let sound = Scene {
            fault: None,
            ..scene
        };
        let sound = sound.photograph(request.size, request.channels);
        RenderedPart::of(&scene, &sound, request.size, request.channels)
    }

    #[test]
    fn a_parts_types_are_those_of_its_values() {
        agree(PRODUCT_LINE_TS, &ProductLine::all()[0]);
        let part = rendered(serde_json::json!({}));
        agree(RENDERED_PART_TS, &part);
        agree(PART_FAULT_TS, &part.fault);
        assert_eq!(part.pixels.len(), 32 * 32 * 4);
        assert_eq!(part.mask.len(), 32 * 32);
    }

    #[test]
    fn a_fault_grows_from_nothing_and_its_box_is_around_it() {
        let worn = |wear: f64| rendered(serde_json::json!({ "wear": wear, "size": 64 }));
        let sound = worn(0.0);
        assert!(sound.fault.is_none() && sound.r#box.is_none());
        let marked = |part: &RenderedPart| part.mask.iter().map(|&m| usize::from(m)).sum::<usize>();
        let [half, full] = [worn(0.5), worn(1.0)];
        assert!(0 < marked(&half) && marked(&half) < marked(&full));
        let [x, y, width, height] = full.r#box.expect("a box");
        let inside =
            |at: usize| (x..x + width).contains(&(at % 64)) && (y..y + height).contains(&(at / 64));
        assert!((0..64 * 64).all(|at| full.mask[at] == 0 || inside(at)));
        // What a number alone decides is what the lot has; a sound part can be given a fault too.
        let own = rendered(serde_json::json!({ "fault": null }));
        assert_eq!(
            own.fault.expect("a fault").kind,
            Product::Gear.faults()[3].as_str()
        );
        assert!(
            rendered(serde_json::json!({ "purpose": "good" }))
                .r#box
                .is_some()
        );
        assert!(
            rendered(serde_json::json!({ "purpose": "good", "fault": null }))
                .r#box
                .is_none()
        );
    }

    /// Parts that the page trains on are those of `product:LINE` in the program, under the names that the page gives.
    #[cfg(feature = "cli")]
    #[test]
    fn the_page_and_the_program_train_on_the_same_parts() {
        use crate::data::dataset::{Dataset, Options};
        use crate::data::picture_cache::PictureCache;
        use crate::data::pictures::Pictures;
        use crate::data::prepared::PreparedPictures;

        let source = "product:gear,size=48,normals=3,test=4";
        let set = Dataset::open(source, &Options::default()).expect("a product line");
        let preprocessing = Preprocessing::new(32, 3);
        let program = PictureCache::new(set.train, &preprocessing, u64::MAX, |_| ());
        let mut page = PreparedPictures::new(preprocessing);
        for number in 0..3 {
            let train = serde_json::json!({
                "purpose": "train", "number": number, "size": 48, "fault": null, "drift": null,
            });
            let scene = request(train).expect("a request").scene().expect("a scene");
            let name = format!("train/good/{number:03}.png");
            let added = page.add_pixels(name, scene.photograph(48, 3), 48, 3);
            added.expect("a new set");
        }
        assert_eq!(page.digest(), program.digest());
        assert_eq!(page.name(2), program.name(2));
    }

    #[test]
    fn a_bad_request_says_what_was_expected_and_what_it_got() {
        let fault = |kind: &str, size: f64, contrast: f64| serde_json::json!({ "fault": { "kind": kind, "size": size, "contrast": contrast } });
        for (change, words) in [
            (
                serde_json::json!({ "product": "egg" }),
                "expected a product of fabric, board, gear, wood, got \"egg\"",
            ),
            (
                serde_json::json!({ "purpose": "fun" }),
                "expected a purpose of train, good, faulty, got \"fun\"",
            ),
            (
                serde_json::json!({ "size": 31 }),
                "expected a size of 32 to 2048 pixels, got 31",
            ),
            (
                serde_json::json!({ "channels": 2 }),
                "expected 1 or 3 channels, got 2",
            ),
            (
                serde_json::json!({ "wear": 1.5 }),
                "expected a wear from 0 to 1, got 1.5",
            ),
            (
                fault("hole", 0.1, 1.0),
                "expected a fault of the line gear, one of chip, bent-tooth",
            ),
            (
                fault("chip", 1.1, 1.0),
                "expected a fault's size in sides from 0 to 1, got 1.1",
            ),
            (
                fault("chip", 0.1, -1.0),
                "expected a fault's contrast from 0 to 1, got -1",
            ),
            (
                serde_json::json!({ "drift": { "kind": "rain", "amount": 1 } }),
                "expected a drift of light, focus",
            ),
        ] {
            let reason = request(change).expect_err(words);
            assert!(reason.starts_with(words), "{reason}");
        }
    }

    #[test]
    fn a_runs_types_are_those_of_its_values() {
        let config = TrainConfig {
            channels: 1,
            width: 2,
            batch: 4,
            steps: Some(1),
            ..TrainConfig::default()
        };
        agree(SETTINGS_TS, &config);
        agree(SUGGESTION_TS, plan::suggest(&[], 4));
        agree(RUN_PLAN_TS, plan::plan(&config, 20));
        agree(MEMORY_ESTIMATE_TS, plan::plan(&config, 20).memory);
        let paths = ["train/good/0.png", "test/bent/1.png"].map(str::to_owned);
        let listing = layout::recognise(&paths).expect("a layout");
        agree(LISTING_TS, Listing::of(&listing));
        agree(LABELLED_FILE_TS, &Listing::of(&listing).test[0]);

        let images = |count: usize| {
            let values = (0..count * 1024).map(|k| (k % 37) as f32 / 37.0);
            Box::new(InMemory::new(values.collect(), 1024, "d"))
        };
        let labelled = LabelledImages {
            pictures: images(2),
            abnormal: vec![false, true],
        };
        let mut run = Run::new(&config, images(20), &Device::flex()).expect("a run");
        let info = TrainingInfo::of(&run, Some(&labelled), run.num_params());
        agree(COUNTS_TS, &info.labelled);
        agree(TRAINING_INFO_TS, info);
        run.step().expect("a step");
        block_on(run.read_losses()).expect("losses");
        let preview = block_on(run.preview(Some(&labelled), 1, &mut ())).expect("a preview");
        let shown = Preview::of(&preview, &config.preprocessing());
        agree(PREVIEW_IMAGE_TS, &shown.pictures[0]);
        agree(LABELLED_SCORES_TS, shown.labelled);
        agree(PREVIEW_TS, shown);
        agree(HISTORY_TS, History::of(run.history()));
        agree(PREVIEW_POINT_TS, run.history().checks[0]);
        let losses = to_value(&run.history().losses[0]).expect("losses");
        let mut losses = losses.as_object().expect("an object").values();
        assert!(losses.all(Value::is_number), "{STEP_LOSSES_TS}");

        let finished = block_on(run.finish(Precision::F32, &mut ())).expect("a model");
        let go_on = |_, _| ControlFlow::Continue(());
        let (device, own) = (Device::flex(), images(20));
        let found = find_faults(&finished.model, &device, &*own, 0, go_on);
        let found = block_on(found).expect("a measurement");
        agree(FAULT_SERIES_TS, &found.series[0]);
        agree(FOUND_FAULTS_TS, found);
        let mut progress = ();
        let scores = score_labelled(&*finished.detector, &labelled, 2, &mut progress);
        let scores = block_on(scores).expect("scores");
        agree(
            FINISHED_TS,
            Finished::of(&finished, Some(scores)).expect("a file"),
        );
    }
}
