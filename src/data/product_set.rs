//! A data set of one product line: which part each of its files shows. Its pictures are rendered when they are asked
//! for (`product:fabric`), or written to a folder in MVTec's layout; they are the same.

use std::error::Error;
use std::ops::RangeInclusive;
use std::sync::Arc;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Command, FromArgMatches};
use serde::Serialize;

use super::product::{
    Drift, DriftKind, Fault, FaultKind, Lot, Product, Purpose, SIZES, Scene, bounds, mask,
};

/// Most pictures of one use.
const MOST: u32 = 1_000_000;

/// How often a fault is drawn until it shows.
const TRIES: u32 = 20;

/// The options of a data set of one product line: those of `generate`, and with `=` those of `product:LINE`.
#[derive(Clone, Debug, PartialEq, Args)]
pub struct ProductOptions {
    /// Product line: fabric, board, gear or wood
    #[arg(long, value_name = "LINE", value_parser = product)]
    pub product: Product,
    /// Side of the square pictures in pixels, from 32 to 2048
    #[arg(long, value_name = "PIXELS", default_value = "64", value_parser = size)]
    pub size: usize,
    /// Channels of the pictures: 1 for grey, 3 for colour
    #[arg(long, default_value = "3", value_parser = channels)]
    pub channels: usize,
    /// Number of normal pictures to train on, from 1 to 1000000
    #[arg(long, value_name = "N", default_value = "500", value_parser = normals)]
    pub normals: u32,
    /// Number of pictures to test on, normal and faulty ones together, from 0 to 1000000
    #[arg(long, value_name = "N", default_value = "200", value_parser = count)]
    pub test: u32,
    /// Kinds of faults, taken in turn: names with commas or + between them [default: all of the product line]
    #[arg(long, value_name = "KINDS")]
    pub faults: Option<String>,
    /// Sizes of the faults in pixels, from 1 to a side, all equally likely: one number, or two as in 4..24 [default:
    /// 0.04 to 0.2 of a side]
    #[arg(long, value_name = "PIXELS", value_parser = span)]
    pub fault_size: Option<RangeInclusive<f32>>,
    /// Contrasts of the faults, all equally likely: one number, or two as in 0.4..1; 0 is none, 1 the fault's full
    /// depth or colour [default: 0.4..1]
    #[arg(long, value_name = "SHARE", value_parser = span)]
    pub fault_contrast: Option<RangeInclusive<f32>>,
    /// Share of the pictures to test on that have a fault, from 0 to 1
    #[arg(long, value_name = "SHARE", default_value = "0.5", value_parser = share)]
    pub fault_share: f64,
    /// A change of all pictures to test on that is no fault: light, focus, camera or material, with an amount up to
    /// 1 as in light:0.5 [default amount: 1]
    #[arg(long, value_name = "KIND", value_parser = drift)]
    pub drift: Option<Drift>,
    /// Another seed gives other parts
    #[arg(long, default_value = "0", value_parser = seed)]
    pub seed: u64,
}

impl ProductOptions {
    /// The options in `fabric,size=64,faults=hole+stain`: the product line, then options as `generate` has them.
    ///
    /// # Errors
    /// What was expected, in words for the user.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = text.split(',');
        let mut arguments = vec![format!("--product={}", parts.next().unwrap_or_default())];
        for part in parts {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| format!("expected an option as in size=64, got {part:?}"))?;
            arguments.push(format!("--{name}={value}"));
        }
        let mut command = Self::augment_args(Command::new("product"))
            .no_binary_name(true)
            .disable_help_flag(true);
        let matches = command.try_get_matches_from_mut(arguments);
        matches
            .and_then(|matches| Self::from_arg_matches(&matches))
            .map_err(|error| plain(&error, &command))
    }
}

/// What is wrong, without the words about a command line.
fn plain(error: &clap::Error, command: &Command) -> String {
    let said = error.to_string();
    let asked = error.get(ContextKind::InvalidArg);
    match (error.kind(), error.source(), asked) {
        (ErrorKind::UnknownArgument, _, Some(ContextValue::String(asked))) => {
            let names = command.get_arguments().skip(1);
            let names: Vec<&str> = names.filter_map(clap::Arg::get_long).collect();
            let asked = asked.trim_start_matches('-');
            format!(
                "expected one of the options {}, got {asked}",
                listed(&names)
            )
        }
        (_, Some(reason), _) => reason.to_string(),
        _ => said
            .lines()
            .next()
            .unwrap_or_default()
            .replace("error: ", ""),
    }
}

/// `a, b or c`.
fn listed(names: &[&str]) -> String {
    match names {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        few => few.concat(),
    }
}

fn by_name<T: Copy>(text: &str, all: &[T], name: fn(T) -> &'static str) -> Result<T, String> {
    let found = all.iter().find(|&&one| name(one) == text);
    found.copied().ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|&one| name(one)).collect();
        format!("expected {}, got {text:?}", listed(&names))
    })
}

fn within<T: std::str::FromStr + PartialOrd>(
    text: &str,
    range: RangeInclusive<T>,
    expected: impl FnOnce() -> String,
) -> Result<T, String> {
    let value = text.parse().ok().filter(|value| range.contains(value));
    value.ok_or_else(|| format!("expected {}, got {text}", expected()))
}

fn product(text: &str) -> Result<Product, String> {
    by_name(text, &Product::ALL, Product::as_str)
}

fn size(text: &str) -> Result<usize, String> {
    let words = || format!("a size of {} to {} pixels", SIZES.start(), SIZES.end());
    within(text, SIZES, words)
}

fn channels(text: &str) -> Result<usize, String> {
    match text {
        "1" => Ok(1),
        "3" => Ok(3),
        _ => Err(format!("expected 1 or 3 channels, got {text}")),
    }
}

fn normals(text: &str) -> Result<u32, String> {
    within(text, 1..=MOST, || format!("1 to {MOST} normal pictures"))
}

fn count(text: &str) -> Result<u32, String> {
    within(text, 0..=MOST, || {
        format!("0 to {MOST} pictures to test on")
    })
}

fn share(text: &str) -> Result<f64, String> {
    within(text, 0.0..=1.0, || "a share of 0 to 1".to_owned())
}

fn seed(text: &str) -> Result<u64, String> {
    within(text, 0..=u64::MAX, || {
        format!("a seed of 0 to {}", u64::MAX)
    })
}

/// One number, or two with `..` between them.
fn span(text: &str) -> Result<RangeInclusive<f32>, String> {
    let number = |text: &str| text.parse().ok().filter(|number: &f32| number.is_finite());
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    match (number(from), number(to)) {
        (Some(from), Some(to)) if from <= to => Ok(from..=to),
        _ => Err(format!(
            "expected a number, or two as in 4..24 with the smaller one first, got {text}"
        )),
    }
}

fn drift(text: &str) -> Result<Drift, String> {
    let (kind, amount) = text.split_once(':').unwrap_or((text, "1"));
    let kind = by_name(kind, &DriftKind::ALL, DriftKind::as_str)?;
    let amount = within(amount, 0.0..=1.0, || {
        "an amount of drift of 0 to 1".to_owned()
    })?;
    Ok(Drift { kind, amount })
}

/// The kinds of faults of a list such as `scratch,hole`.
fn kinds(text: &str, product: Product) -> Result<Vec<FaultKind>, String> {
    let mut kinds = Vec::new();
    for name in text.split([',', '+']) {
        let kind = by_name(name, product.faults(), FaultKind::as_str)
            .map_err(|wrong| format!("{wrong}: the faults of the line {}", product.as_str()))?;
        if kinds.contains(&kind) {
            return Err(format!(
                "expected each kind of fault once, got {name} twice"
            ));
        }
        kinds.push(kind);
    }
    Ok(kinds)
}

/// A data set of one product line.
#[derive(Clone, Debug, PartialEq)]
pub struct ProductSet {
    lot: Lot,
    size: usize,
    channels: usize,
    normals: u32,
    good: u32,
    faulty: u32,
}

/// None of its numbers is a NaN.
impl Eq for ProductSet {}

impl ProductSet {
    /// The data set with these options.
    ///
    /// # Errors
    /// If the product line does not have a kind of fault, or a fault's size or contrast is out of range, in words
    /// for the user.
    pub fn new(options: &ProductOptions) -> Result<Self, String> {
        let mut lot = Lot::new(options.product, options.seed);
        lot.drift = options.drift;
        if let Some(faults) = &options.faults {
            lot.faults = kinds(faults, options.product)?;
        }
        let side = options.size as f32;
        let inside = |given: &Option<RangeInclusive<f32>>, range: RangeInclusive<f32>, what| {
            let Some(given) = given else { return Ok(None) };
            let (from, to) = (*given.start(), *given.end());
            match range.contains(&from) && range.contains(&to) {
                true => Ok(Some((from, to))),
                false => Err(format!(
                    "expected {what} of {} to {}, got {from}..{to}",
                    range.start(),
                    range.end()
                )),
            }
        };
        let what = "a fault size in pixels";
        if let Some((from, to)) = inside(&options.fault_size, 1.0..=side, what)? {
            lot.sizes = from / side..=to / side;
        }
        if let Some((from, to)) = inside(&options.fault_contrast, 0.0..=1.0, "a fault contrast")? {
            lot.contrasts = from..=to;
        }
        let faulty = (f64::from(options.test) * options.fault_share).round() as u32;
        Ok(Self {
            lot,
            size: options.size,
            channels: options.channels,
            normals: options.normals,
            good: options.test - faulty,
            faulty,
        })
    }

    /// Side of its pictures in pixels.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Channels of its pictures: 1 or 3.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The kinds of its faults.
    pub fn faults(&self) -> &[FaultKind] {
        &self.lot.faults
    }

    /// The parts to train on and those to test on, in the order in which a folder of their files is listed.
    pub fn parts(self: &Arc<Self>) -> [Vec<Part>; 2] {
        let of = |purpose, count| {
            (0..count).map(move |number| Part {
                set: Arc::clone(self),
                purpose,
                number,
            })
        };
        let mut test: Vec<Part> = of(Purpose::Good, self.good).collect();
        test.extend(of(Purpose::Faulty, self.faulty));
        test.sort_by_cached_key(|part| (part.folder(), part.number));
        [of(Purpose::Train, self.normals).collect(), test]
    }
}

/// Product line, size, faults, drift and seed, in words.
impl std::fmt::Display for ProductSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { lot, size, .. } = self;
        let colour = if self.channels == 1 { "grey" } else { "colour" };
        let side = *size as f32;
        let faults: Vec<&str> = lot.faults.iter().map(|kind| kind.as_str()).collect();
        write!(
            f,
            "parts of the product line {} (rendered), {size} x {size}, {colour}, seed {}; faults: {} of {} to {} pixels \
             and a contrast of {} to {}",
            lot.product.as_str(),
            lot.seed,
            faults.join(", "),
            lot.sizes.start() * side,
            lot.sizes.end() * side,
            lot.contrasts.start(),
            lot.contrasts.end(),
        )?;
        match &lot.drift {
            Some(drift) => write!(f, "; drift {} in the test part", drift_name(drift)),
            None => Ok(()),
        }
    }
}

/// A drift as the option has it: `light:0.5`.
fn drift_name(drift: &Drift) -> String {
    format!("{}:{}", drift.kind.as_str(), drift.amount)
}

/// One part of a data set: one picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    set: Arc<ProductSet>,
    purpose: Purpose,
    number: u32,
}

impl Part {
    /// The data set.
    pub fn set(&self) -> &ProductSet {
        &self.set
    }

    /// The kind of its fault; none if it is normal.
    pub fn fault(&self) -> Option<FaultKind> {
        let faults = &self.set.lot.faults;
        let kind = || faults[self.number as usize % faults.len()];
        (self.purpose == Purpose::Faulty).then(kind)
    }

    fn folder(&self) -> String {
        match (self.purpose, self.fault()) {
            (_, Some(kind)) => format!("test/{}", kind.as_str()),
            (Purpose::Train, None) => "train/good".to_owned(),
            (_, None) => "test/good".to_owned(),
        }
    }

    /// Its number in its folder, without an extension.
    fn stem(&self) -> String {
        let set = &self.set;
        let most = set.normals.max(set.good).max(set.faulty);
        let digits = (most - 1).to_string().len().max(3);
        let each = match self.purpose {
            Purpose::Faulty => set.lot.faults.len() as u32,
            Purpose::Train | Purpose::Good => 1,
        };
        format!("{:0digits$}", self.number / each)
    }

    /// The file of its picture below the data set's folder: `test/hole/003.png`.
    pub fn name(&self) -> String {
        format!("{}/{}.png", self.folder(), self.stem())
    }

    /// The file of its mask, if it has a fault: `ground_truth/hole/003_mask.png`.
    pub fn mask_name(&self) -> Option<String> {
        let kind = self.fault()?.as_str();
        Some(format!("ground_truth/{kind}/{}_mask.png", self.stem()))
    }

    /// Renders the part. A fault that does not change the picture is drawn anew.
    ///
    /// # Errors
    /// If no fault of its kind shows, in words for the user.
    pub fn render(&self) -> Result<Rendered, String> {
        let lot = &self.set.lot;
        let scene = lot.part(self.purpose, self.number);
        let Some(fault) = scene.fault else {
            return Ok(self.sound());
        };
        let drawn = (0..TRIES).map(|times| lot.redrawn(self.purpose, self.number, times));
        let side = self.set.size as f32;
        self.first_that_shows(drawn).ok_or_else(|| {
            format!(
                "a fault of the kind {} with a size of {} to {} pixels and a contrast of {} to {} is too small or too \
                 faint to be seen in pictures of {side} pixels: {TRIES} of them changed no pixel",
                fault.kind.as_str(),
                lot.sizes.start() * side,
                lot.sizes.end() * side,
                lot.contrasts.start(),
                lot.contrasts.end(),
            )
        })
    }

    /// Renders the part with another fault than its own, drawn anew where it does not change the picture; `None` if it
    /// never does.
    pub fn with_fault(&self, fault: Fault) -> Option<Rendered> {
        let scene = self.set.lot.part(self.purpose, self.number);
        self.first_that_shows((0..u64::from(TRIES)).map(|times| Scene {
            fault: Some(Fault {
                seed: fault.seed.wrapping_add(times),
                ..fault
            }),
            ..scene
        }))
    }

    /// The part without a fault.
    fn sound(&self) -> Rendered {
        let scene = Scene {
            fault: None,
            ..self.set.lot.part(self.purpose, self.number)
        };
        Rendered {
            scene,
            pixels: scene.photograph(self.set.size, self.set.channels),
            change: None,
        }
    }

    /// The first of the part's scenes whose fault changes the picture.
    fn first_that_shows(&self, mut scenes: impl Iterator<Item = Scene>) -> Option<Rendered> {
        let ProductSet { size, channels, .. } = *self.set;
        let sound = self.sound().pixels;
        scenes.find_map(|scene| {
            let pixels = scene.photograph(size, channels);
            let change = Change::new(&sound, &pixels, size, channels)?;
            Some(Rendered {
                scene,
                pixels,
                change: Some(change),
            })
        })
    }
}

/// Its data set and its name there.
impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.set, self.name())
    }
}

/// The picture of a part.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    scene: Scene,
    /// `size * size` pixels row by row, each of `channels` bytes.
    pub pixels: Vec<u8>,
    /// What its fault changes; none if it is normal.
    pub change: Option<Change>,
}

/// What a fault changes in a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// 1 for each pixel that it changes, 0 for the others, row by row.
    pub mask: Vec<u8>,
    /// Mean absolute difference of the changed pixels from those without the fault, from 0 to 255.
    pub difference: f64,
    /// Left, top, width and height of the changed pixels, in pixels.
    pub bounds: [usize; 4],
    /// Number of changed pixels.
    pub area: usize,
}

impl Change {
    /// None if nothing changed.
    fn new(sound: &[u8], faulty: &[u8], size: usize, channels: usize) -> Option<Self> {
        let mask = mask(sound, faulty, channels);
        let bounds = bounds(&mask, size)?;
        let area = mask.iter().filter(|&&on| on == 1).count();
        // Pixels that did not change add nothing.
        let pairs = sound.iter().zip(faulty);
        let total: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        Some(Self {
            difference: total as f64 / (area * channels) as f64,
            bounds,
            area,
            mask,
        })
    }
}

/// A line of `manifest.jsonl`: how a picture came about.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The picture, below the folder.
    pub file: String,
    /// The mask, below the folder.
    pub mask: Option<String>,
    /// The product line.
    pub product: &'static str,
    /// The kind of fault.
    pub fault: Option<&'static str>,
    /// How long or wide the fault was to be, in pixels.
    pub size: Option<f32>,
    /// How much of its full change the fault was to make, from 0 to 1.
    pub contrast: Option<f32>,
    /// As [`Change::difference`].
    pub difference: Option<f64>,
    /// As [`Change::bounds`].
    #[serde(rename = "box")]
    pub bounds: Option<[usize; 4]>,
    /// As [`Change::area`].
    pub area: Option<usize>,
    /// The drift with its amount, as in `light:0.5`.
    pub drift: Option<String>,
    /// Seed of the part, 16 hexadecimal digits.
    pub seed: String,
    /// Seed of the fault, 16 hexadecimal digits.
    pub fault_seed: Option<String>,
}

impl Row {
    /// The line of a part that was rendered.
    pub fn new(part: &Part, rendered: &Rendered) -> Self {
        let Rendered { scene, change, .. } = rendered;
        let (fault, change) = (scene.fault.as_ref(), change.as_ref());
        let hex = |seed: u64| format!("{seed:016x}");
        Self {
            file: part.name(),
            mask: part.mask_name(),
            product: scene.product.as_str(),
            fault: fault.map(|fault| fault.kind.as_str()),
            size: fault.map(|fault| fault.size * part.set.size as f32),
            contrast: fault.map(|fault| fault.contrast),
            difference: change.map(|change| change.difference),
            bounds: change.map(|change| change.bounds),
            area: change.map(|change| change.area),
            drift: scene.drift.as_ref().map(drift_name),
            seed: hex(scene.seed),
            fault_seed: fault.map(|fault| hex(fault.seed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> Result<ProductSet, String> {
        ProductSet::new(&ProductOptions::parse(text)?)
    }

    #[test]
    fn options_have_their_defaults_and_ranges() {
        let plain = set("gear").unwrap();
        assert_eq!((plain.size, plain.channels, plain.normals), (64, 3, 500));
        assert_eq!((plain.good, plain.faulty), (100, 100));
        assert_eq!(plain.lot, Lot::new(Product::Gear, 0));

        let text = "gear,size=32,channels=1,normals=7,test=9,faults=chip+dent,fault-size=4..8,fault-contrast=1,\
                    fault-share=0.3,drift=light:0.5,seed=18446744073709551615";
        let all = set(text).unwrap();
        assert_eq!((all.size, all.channels, all.normals), (32, 1, 7));
        assert_eq!((all.good, all.faulty), (6, 3));
        assert_eq!(all.lot.faults, [FaultKind::Chip, FaultKind::Dent]);
        assert_eq!(
            (all.lot.sizes.clone(), all.lot.contrasts.clone()),
            (0.125..=0.25, 1.0..=1.0)
        );
        let drift = Drift {
            kind: DriftKind::Light,
            amount: 0.5,
        };
        assert_eq!((all.lot.drift, all.lot.seed), (Some(drift), u64::MAX));
        let said = all.to_string();
        for word in [
            "gear (rendered), 32 x 32, grey",
            "chip, dent of 4 to 8 pixels",
            "drift light:0.5",
        ] {
            assert!(said.contains(word), "{word:?} is not in: {said}");
        }
    }

    #[test]
    fn what_does_not_fit_says_what_would() {
        for (text, words) in [
            ("", "expected fabric, board, gear or wood, got \"\""),
            ("cup", "expected fabric, board, gear or wood, got \"cup\""),
            (
                "gear,size=31",
                "expected a size of 32 to 2048 pixels, got 31",
            ),
            ("gear,size=2049", "expected a size of 32 to 2048 pixels"),
            ("gear,size=a", "got a"),
            ("gear,channels=2", "expected 1 or 3 channels, got 2"),
            (
                "gear,normals=0",
                "expected 1 to 1000000 normal pictures, got 0",
            ),
            (
                "gear,test=-1",
                "expected 0 to 1000000 pictures to test on, got -1",
            ),
            ("gear,faults=chip+knot", "bent-tooth, crack, scratch"),
            ("gear,faults=", "got \"\": the faults of the line gear"),
            ("gear,faults=chip+chip", "chip twice"),
            ("gear,fault-size=0..9", "of 1 to 64, got 0..9"),
            ("gear,size=32,fault-size=33", "of 1 to 32, got 33..33"),
            ("gear,fault-size=9..4", "the smaller one first, got 9..4"),
            ("gear,fault-size=inf", "got inf"),
            ("gear,fault-contrast=0.5..1.5", "of 0 to 1, got 0.5..1.5"),
            ("gear,fault-share=2", "expected a share of 0 to 1, got 2"),
            (
                "gear,drift=dust",
                "expected light, focus, camera or material",
            ),
            ("gear,drift=light:2", "an amount of drift of 0 to 1, got 2"),
            ("gear,seed=-1", "expected a seed of 0 to"),
            ("gear,sise=64", "size, channels, normals, test, faults"),
            ("gear,64", "expected an option as in size=64, got \"64\""),
            ("gear,size=64,size=32", "cannot be used multiple times"),
        ] {
            let message = set(text).unwrap_err();
            assert!(message.contains(words), "{text}: {message}");
        }
    }

    #[test]
    fn every_file_is_one_part_in_the_order_of_a_folder() {
        let set =
            Arc::new(set("gear,normals=1001,test=9,faults=dent+crack,fault-share=0.6").unwrap());
        let [train, test] = set.parts();
        assert_eq!(train.len(), 1001);
        assert_eq!(train[7].name(), "train/good/0007.png");
        let names: Vec<String> = test.iter().map(Part::name).collect();
        let (cracks, dents) = (2, 3);
        assert_eq!(names.len(), cracks + 4 + dents);
        assert_eq!(
            (&names[0][..], &names[4][..]),
            ("test/crack/0000.png", "test/dent/0002.png")
        );
        assert_eq!(
            test[4].mask_name().unwrap(),
            "ground_truth/dent/0002_mask.png"
        );
        assert_eq!(
            (&names[5][..], test[5].mask_name()),
            ("test/good/0000.png", None)
        );
        let mut sorted = names.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted, names);
    }

    #[test]
    fn a_fault_that_cannot_show_is_an_error() {
        let set = Arc::new(set("gear,size=32,fault-contrast=0").unwrap());
        let [_, test] = set.parts();
        assert!(
            test[0]
                .render()
                .unwrap_err()
                .contains("too small or too faint")
        );
        let good = test.iter().find(|part| part.fault().is_none()).unwrap();
        assert_eq!(good.render().unwrap().change, None);
    }

    #[test]
    fn a_row_says_how_the_picture_came_about() {
        let set = set("gear,size=32,faults=scratch,fault-size=16,fault-contrast=1,drift=focus:0.5");
        let [train, test] = Arc::new(set.unwrap()).parts();
        let part = test.last().unwrap();
        let rendered = part.render().unwrap();
        let row = Row::new(part, &rendered);
        assert_eq!(
            (row.fault, row.size, row.contrast),
            (Some("scratch"), Some(16.0), Some(1.0))
        );
        assert_eq!(row.drift.as_deref(), Some("focus:0.5"));
        let change = rendered.change.unwrap();
        let [left, top, width, height] = change.bounds;
        let on = |at: usize| change.mask[at] == 1;
        let inside = |at: usize| {
            (left..left + width).contains(&(at % 32)) && (top..top + height).contains(&(at / 32))
        };
        assert!((0..32 * 32).all(|at| !on(at) || inside(at)));
        assert_eq!((0..32 * 32).filter(|&at| on(at)).count(), change.area);
        assert!(change.difference >= 1.0 / 3.0 && row.area == Some(change.area));

        let json = serde_json::to_value(Row::new(&train[0], &train[0].render().unwrap())).unwrap();
        assert_eq!(
            (&json["fault"], &json["drift"], &json["box"]),
            (&().into(), &().into(), &().into())
        );
        assert_eq!(json["seed"].as_str().unwrap().len(), 16);
    }
}
