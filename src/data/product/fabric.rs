//! Denim: a twill whose indigo warp floats over three off-white weft threads and dives under the fourth.

use std::f32::consts::PI;

use super::arithmetic::{Turn, mix, mix3, scale3, smooth};
use super::blemish::{Blot, Stroke};
use super::drift::{Drift, DriftKind};
use super::fault::{Fault, FaultKind};
use super::noise::{self, Draw};
use super::surface::{Point, Surface};

/// What can be wrong with a piece of denim.
pub(super) const FAULTS: [FaultKind; 5] = [
    FaultKind::MissingThread,
    FaultKind::PulledThread,
    FaultKind::Hole,
    FaultKind::Stain,
    FaultKind::ForeignBody,
];

/// From one thread to the next, in sides: warp threads run down the picture, weft threads across it.
const PITCH: [f32; 2] = [0.054, 0.066];
/// Threads of each set that are laid out: enough to reach beyond the picture on all sides.
const THREADS: usize = 28;
/// Crossings after which the weave repeats.
const REPEAT: f32 = 4.0;
/// Half a thread's width, in pitches of its own set.
const HALF: [f32; 2] = [0.57, 0.39];
/// Heights in sides: of a warp thread's axis on a float, how far it dives, how thick it is above its axis.
const FLOAT: f32 = 0.020;
const DIVE: f32 = 0.020;
const WARP_ROUND: f32 = 0.019;
/// Of a weft thread's axis below the floats, how far it rises over a diving warp thread, how thick it is.
const BELOW: f32 = 0.002;
const RISE: f32 = 0.012;
const WEFT_ROUND: f32 = 0.013;
/// By how much a thread of each set is lighter where it comes out of the weave: a loop of warp loosens and shows the
/// undyed core, weft has had no dye rubbed into it.
const CLEAN: [f32; 2] = [2.0, 0.8];
/// How far a float leans sideways, in pitches.
const LEAN: f32 = 0.060;
/// What lies under the cloth.
const GROUND: [f32; 3] = [0.010, 0.010, 0.012];
/// The share of light that a dark liquid takes from each colour, and its own colour.
const SOAKED: [f32; 3] = [0.62, 0.74, 0.86];
const SOAK: [f32; 3] = [0.016, 0.008, 0.003];
/// Indigo that a bleach has taken most of.
const BLEACHED: [f32; 3] = [0.27, 0.33, 0.40];
/// Undyed cotton: fibres that stick out, worn tops.
const COTTON: [f32; 3] = [0.36, 0.38, 0.42];

/// No part of a woven weft thread is higher.
const WEFT_TOP: f32 = BELOW + RISE + WEFT_ROUND;

/// How far a thread may reach into its neighbour's place, in pitches.
const OVERLAP: f32 = 0.32;

/// The cloth is not flat: the length and height of its waves and how far they draw its threads, in sides.
const WAVE: f32 = 0.40;
const WAVE_HEIGHT: f32 = 0.011;
const DRAWN: f32 = 0.012;
/// Grid points a side that the waves are laid out on.
const WAVES: usize = 6;
/// Half the width of a fibre, in sides.
const HAIR: f32 = 0.0016;

/// The two sets of threads.
const WARP: usize = 0;
const WEFT: usize = 1;

/// A thread where it crosses another one.
#[derive(Clone, Copy)]
struct Knot {
    /// How far it lies off its place, in pitches.
    off: f32,
    /// Factor of its width.
    width: f32,
    /// Factor of its colour.
    tone: f32,
}

/// A thread at a point.
#[derive(Clone, Copy)]
struct Strand {
    /// Its surface's height, in sides.
    height: f32,
    /// How far the point is from the thread's axis, in half widths: -1 to 1.
    across: f32,
    /// Factor of its colour.
    tone: f32,
}

/// One piece of cloth.
pub(super) struct Fabric {
    turn: Turn,
    /// How far the warp leans, in sides to a side.
    skew: f32,
    /// Where the weave begins, in threads.
    phase: [f32; 2],
    /// How far the cloth is drawn to the right and down, in shares of [`DRAWN`], on a grid of [`WAVES`] a side.
    waves: Vec<[f32; 2]>,
    /// Seeds of the fibres in the threads, and of those that stick out.
    fibres: u32,
    fuzz: u32,
    /// Of each set.
    colours: [[f32; 3]; 2],
    /// The knots of each set's threads, thread by thread.
    knots: [Vec<Knot>; 2],
    mark: Option<Mark>,
    sample: f32,
}

/// A fault, put in its place on this cloth. `middle` is in threads that it crosses; `half`, its half length, in sides.
enum Mark {
    /// A warp thread: without a weft thread this cloth would look nearly the same.
    Missing {
        thread: i32,
        middle: f32,
        half: f32,
        contrast: f32,
    },
    Pulled {
        set: usize,
        thread: i32,
        middle: f32,
        half: f32,
        /// To which side the loop falls, and how far, in its half lengths.
        bow: f32,
        contrast: f32,
    },
    Hole {
        blot: Blot,
        contrast: f32,
        seed: u32,
    },
    Stain {
        blot: Blot,
        contrast: f32,
        seed: u32,
        bleach: bool,
    },
    Fibre {
        stroke: Stroke,
        contrast: f32,
        colour: [f32; 3],
    },
}

impl Fabric {
    /// The cloth of the picture with this seed. `sample` is the distance of two samples, in sides.
    pub(super) fn new(
        seed: u64,
        fault: Option<&Fault>,
        drift: Option<&Drift>,
        sample: f32,
    ) -> Self {
        let mut draw = Draw::new(seed, 0xFAB1);
        let material = Drift::of(drift, DriftKind::Material);
        let tone = 1.0 + draw.about(0.05) + 0.35 * material;
        let green = draw.about(0.03) + 0.07 * material;
        let yellow = draw.about(0.02) + 0.10 * material;
        let mut cloth = Self {
            turn: Turn::by(draw.about(0.025)),
            skew: draw.about(0.02),
            phase: [draw.between(0.0, REPEAT), draw.between(0.0, REPEAT)],
            waves: (0..WAVES * WAVES)
                .map(|_| [draw.about(1.0), draw.about(1.0)])
                .collect(),
            fibres: draw.seed(),
            fuzz: draw.seed(),
            colours: [
                [
                    0.030 * tone,
                    0.050 * tone * (1.0 + green),
                    0.098 * tone * (1.0 - green),
                ],
                [0.300, 0.300 - 0.15 * yellow, 0.285 * (1.0 - yellow)],
            ],
            knots: [knots(&mut draw), knots(&mut draw)],
            mark: None,
            sample,
        };
        cloth.mark = fault.map(|fault| Mark::new(fault, &cloth));
        cloth
    }

    /// A point in threads: how many warp threads to the right and weft threads down; and the cloth's height there.
    fn threads(&self, x: f32, y: f32) -> ([f32; 2], f32) {
        let (x, y) = self.turn.undo(x - 0.5, y - 0.5);
        let (column, row) = (0.5 * WAVES as f32 + x / WAVE, 0.5 * WAVES as f32 + y / WAVE);
        let (left, above) = (whole(column, WAVES - 2), whole(row, WAVES - 2));
        let (s, t) = (ease(column - left as f32), ease(row - above as f32));
        let corner = |dx: usize, dy: usize| self.waves[(above + dy) * WAVES + left + dx];
        let (a, b, c, d) = (corner(0, 0), corner(1, 0), corner(0, 1), corner(1, 1));
        let between = |way: usize| mix(mix(a[way], b[way], s), mix(c[way], d[way], s), t);
        let (right, down) = (between(0), between(1));
        let middle = 0.5 * THREADS as f32 - 0.5 * REPEAT;
        let u = (x + DRAWN * right + self.skew * y) / PITCH[WARP] + self.phase[WARP] + middle;
        let v = (y + DRAWN * down) / PITCH[WEFT] + self.phase[WEFT] + middle;
        ([u, v], WAVE_HEIGHT * (right + down))
    }

    /// A thread of a set at a point given in threads, `far` from a blot in its radii; `None` beside it.
    fn strand(&self, set: usize, thread: i32, at: [f32; 2], far: f32) -> Option<Strand> {
        let along = at[1 - set];
        let knot = whole(along, THREADS - 2);
        let t = ease(along - knot as f32);
        let first = thread.clamp(0, THREADS as i32 - 1) as usize * THREADS + knot;
        let (a, b) = (self.knots[set][first], self.knots[set][first + 1]);

        // From the nearest crossing at which this thread is on the other side: -2 to 2 crossings.
        let phase = (along - 0.5 + thread as f32) / REPEAT;
        let way = REPEAT * (phase - (phase + 0.5) as i32 as f32);
        let dive = way.abs();
        let mut off = mix(a.off, b.off, t);
        let mut half = HALF[set] * mix(a.width, b.width, t);
        let (mut axis, round) = match set {
            WARP => {
                off += LEAN * way * (4.0 - way * way);
                let float = ease((dive * (1.0 / 1.5)).min(1.0));
                half *= 0.72 + 0.28 * float;
                (
                    FLOAT - DIVE * ease((1.1 - 0.95 * dive).clamp(0.0, 1.0)) - 0.002 * (2.0 - dive),
                    WARP_ROUND,
                )
            }
            _ => {
                let rise = ease((1.05 - 1.1 * dive).clamp(0.0, 1.0));
                half *= 0.92 + 0.10 * rise - 0.25 * (dive * dive * (1.0 / 0.36)).min(1.0);
                (BELOW + RISE * rise, WEFT_ROUND)
            }
        };
        let mut across = at[set] - 0.5 - thread as f32 - off;
        let mut clean = 0.0;
        match &self.mark {
            Some(Mark::Missing {
                thread: gone,
                middle,
                half: length,
                contrast,
            }) => {
                let from_middle = (at[WEFT] - middle).abs() * PITCH[WEFT];
                let gap = contrast * smooth(1.1 * length, 0.85 * length, from_middle);
                match set {
                    WARP if thread == *gone => half *= 1.0 - gap,
                    // The threads beside it move apart.
                    WARP if (thread - gone).abs() == 1 => {
                        across -= 0.14 * gap * (thread - gone) as f32
                    }
                    WARP => {}
                    // Nothing holds the weft down or has rubbed dye into it.
                    _ => {
                        let free = gap * smooth(0.95, 0.25, (along - 0.5 - *gone as f32).abs());
                        axis += free * (0.9 * FLOAT - axis).max(0.0);
                        half = mix(half, HALF[WEFT].max(half), free);
                        clean = free;
                    }
                }
            }
            Some(Mark::Pulled {
                set: of,
                thread: pulled,
                middle,
                half: length,
                bow,
                contrast,
            }) if *of == set && *pulled == thread => {
                let from_middle = (along - middle).abs() * PITCH[1 - set] / length;
                let share = from_middle.min(1.0);
                let near = 1.0 - share * share * share * share;
                let arch = contrast * near * near;
                across -= bow * arch * (length / PITCH[set]).min(1.5);
                // Slack in the loop, drawn thin on both sides of it.
                let tight =
                    contrast * smooth(1.8, 1.2, from_middle) * smooth(0.9, 1.2, from_middle);
                half *= (1.0 + 0.25 * arch) * (1.0 - 0.4 * tight);
                clean = arch;
                axis = mix(axis, FLOAT + 0.008 + 0.5 * length, arch);
            }
            Some(Mark::Hole { contrast, seed, .. }) if far < 1.5 => {
                // Weft threads, which are softer, tear nearer to the middle.
                let own = [-0.20, 0.00][set] + 0.35 * noise::unit(*seed, thread, set as i32);
                half *= 1.0 - contrast * smooth(1.1, 0.8, far + own);
            }
            _ => {}
        }
        across /= half;
        let inside = 1.0 - across * across;
        (inside > 0.0).then(|| Strand {
            height: axis + round * inside.sqrt() * (half / HALF[set]).min(1.0),
            across,
            tone: mix(a.tone, b.tone, t) * (1.0 + CLEAN[set] * clean),
        })
    }
}

/// The whole number below `x`, of `0..=most`.
fn whole(x: f32, most: usize) -> usize {
    (x as usize).min(most)
}

/// From 0 to 1, level at both ends.
fn ease(t: f32) -> f32 {
    t * t * (3.0 - 2.0 * t)
}

/// The knots of a set of threads.
fn knots(draw: &mut Draw) -> Vec<Knot> {
    let mut knots = Vec::with_capacity(THREADS * THREADS);
    for _ in 0..THREADS {
        let (seed, thick, tone, off) = (
            draw.seed(),
            draw.about(0.05),
            draw.about(0.14),
            draw.about(0.05),
        );
        for knot in 0..THREADS as i32 {
            let fine = |which: u32| 2.0 * noise::unit(seed ^ which, knot, 1) - 1.0;
            let slow = |which: u32| noise::line(seed ^ which, knot as f32 / 5.0);
            let slub = smooth(0.55, 0.95, slow(8));
            knots.push(Knot {
                off: off + 0.07 * fine(0) + 0.06 * slow(1),
                width: 1.0 + thick + 0.08 * fine(2) + 0.07 * slow(3) + 0.22 * slub,
                tone: 1.0 + tone + 0.14 * fine(4) + 0.20 * slow(5) + 0.15 * slub,
            });
        }
    }
    knots
}

impl Mark {
    fn new(fault: &Fault, cloth: &Fabric) -> Self {
        let mut draw = fault.draw();
        let Fault { size, contrast, .. } = *fault;
        let place = [draw.between(0.22, 0.78), draw.between(0.22, 0.78)];
        let (at, _) = cloth.threads(place[0], place[1]);
        let half = 0.5 * size;
        // A hole or stain, however small, is in the middle of a warp thread, not in the shade between two.
        let on_thread = [
            place[0] + PITCH[WARP] * (at[WARP].floor() + 0.5 - at[WARP]),
            place[1],
        ];
        match fault.kind {
            FaultKind::MissingThread => Self::Missing {
                thread: at[WARP].floor() as i32,
                middle: at[WEFT],
                half,
                contrast,
            },
            FaultKind::PulledThread => {
                let set = draw.below(2);
                Self::Pulled {
                    set,
                    thread: at[set].floor() as i32,
                    middle: at[1 - set],
                    half,
                    bow: 1.1 * draw.sign(),
                    contrast,
                }
            }
            FaultKind::Hole => Self::Hole {
                blot: Blot::new(&mut draw, on_thread, half, 0.25),
                contrast,
                seed: draw.seed(),
            },
            FaultKind::Stain => Self::Stain {
                blot: Blot::new(&mut draw, on_thread, half, 0.35),
                contrast,
                seed: draw.seed(),
                bleach: draw.unit() < 0.5,
            },
            // Anything else that is asked of a cloth lies on it.
            _ => {
                let colours = [
                    [0.62, 0.05, 0.04],
                    [0.70, 0.34, 0.03],
                    [0.10, 0.36, 0.10],
                    [0.75, 0.73, 0.68],
                    [0.55, 0.03, 0.22],
                ];
                let colour = colours[draw.below(colours.len())];
                let direction = draw.between(0.0, PI);
                Self::Fibre {
                    stroke: Stroke::new(&mut draw, place, direction, [size, 0.018], 0.20),
                    contrast,
                    colour,
                }
            }
        }
    }
}

impl Surface for Fabric {
    fn at(&self, x: f32, y: f32) -> Point {
        let (mut at, wave) = self.threads(x, y);
        let mut far = f32::MAX;
        // Under a sound float no weft thread needs to be looked for.
        let hides_weft = match self.mark {
            Some(_) => f32::MAX,
            None => WEFT_TOP,
        };
        match &self.mark {
            Some(Mark::Hole { blot, .. } | Mark::Stain { blot, .. }) => far = blot.locate(x, y),
            Some(Mark::Pulled {
                set,
                thread,
                middle,
                half,
                contrast,
                ..
            }) => {
                // The threads that cross it are drawn together.
                let pitch = PITCH[1 - set];
                let along = ((at[1 - set] - middle) * pitch / (1.7 * half)).clamp(-1.0, 1.0);
                let beside = (at[*set] - 0.5 - *thread as f32) * PITCH[*set] / (0.03 + 0.5 * half);
                let near = smooth(1.0, 0.0, beside.abs());
                let still = 1.0 - along * along;
                at[1 - set] += contrast * near * along * still * still * half / pitch;
            }
            _ => {}
        }
        let mut top = Strand {
            height: 0.0,
            across: 0.0,
            tone: 1.0,
        };
        let mut which = None;
        for set in [WARP, WEFT] {
            if top.height > hides_weft {
                break;
            }
            let here = whole(at[set], THREADS) as i32;
            let side = at[set] - here as f32 - 0.5;
            let beside = if side < 0.0 { here - 1 } else { here + 1 };
            let mut ask = |thread: i32| {
                if let Some(strand) = self
                    .strand(set, thread, at, far)
                    .filter(|strand| strand.height > top.height)
                {
                    (top, which) = (strand, Some((set, thread)));
                }
            };
            ask(here);
            if side.abs() > 0.5 - OVERLAP {
                ask(beside);
            }
            match &self.mark {
                Some(Mark::Pulled {
                    set: of,
                    thread,
                    middle,
                    half,
                    ..
                }) if *of == set && (at[1 - set] - middle).abs() * PITCH[1 - set] < *half => {
                    ask(*thread);
                }
                _ => {}
            }
        }
        let (height, mut albedo) = match which {
            Some((set, thread)) => self.yarn(set, thread, top, at, far),
            None => (0.0, GROUND),
        };

        let mut hair = self
            .hair(0, [9.0, 2.0], x, y)
            .max(0.7 * self.hair(1, [16.0, -5.0], x, y));
        if let Some(Mark::Hole { contrast, .. }) = &self.mark {
            // Torn fibres stand about the edge.
            let edge = contrast * smooth(1.6, 1.0, far) * smooth(0.2, 0.7, far);
            hair = hair
                .max(edge * self.hair(2, [13.0, 5.0], x, y))
                .max(edge * self.hair(3, [15.0, -8.0], x, y));
        }
        albedo = mix3(albedo, COTTON, 0.7 * hair);
        let mut height = height + wave + 0.003 * hair;
        if let Some(Mark::Fibre {
            stroke,
            contrast,
            colour,
        }) = &self.mark
        {
            let cover = stroke.cover(x, y) * contrast;
            let round = stroke
                .locate(x, y)
                .map_or(0.0, |(_, off)| (1.0 - off * off).max(0.0));
            albedo = mix3(albedo, *colour, cover);
            height = mix(
                height,
                FLOAT + WARP_ROUND + wave + 0.002 + 0.005 * round,
                cover,
            );
        }
        Point::matt(height, albedo)
    }
}

impl Fabric {
    /// The height and the colour of a thread at a point `at` in threads, `far` from a blot.
    fn yarn(
        &self,
        set: usize,
        thread: i32,
        top: Strand,
        at: [f32; 2],
        far: f32,
    ) -> (f32, [f32; 3]) {
        // Fibres wind about the thread: `wound` counts across them.
        let along = at[1 - set] * PITCH[1 - set] / PITCH[set];
        let seed = self.fibres.wrapping_add((thread as u32) << 1 | set as u32);
        let round = top.across * (1.0 + 0.3 * top.across * top.across);
        let (wound, run) = (0.9 * round + along, along - round);
        let layer = |number: u32, across: f32, along: f32| match PITCH[set] / across > self.sample {
            true => noise::value(seed ^ (number << 8), across * wound, along * run),
            false => 0.0,
        };
        let (coarse, fine, finest) = (layer(0, 3.1, 0.9), layer(1, 7.5, 2.0), layer(2, 17.0, 2.9));
        let fibre = 0.6 * coarse + 0.5 * fine + 0.35 * finest;
        let edge = top.across * top.across;
        let base = scale3(self.colours[set], top.tone);
        let mut albedo = match set {
            WARP => {
                let worn =
                    0.16 * smooth(-0.1, 0.9, fibre) * (1.0 - edge) + 0.10 * smooth(0.4, 1.0, fine);
                mix3(scale3(base, 1.0 + 0.45 * fibre - 0.45 * edge), COTTON, worn)
            }
            _ => scale3(base, 1.0 + 0.45 * fibre - 0.45 * edge),
        };
        if let Some(Mark::Stain {
            contrast,
            seed,
            bleach,
            ..
        }) = &self.mark
        {
            // A liquid runs along the threads, each a little farther or less far.
            let own = noise::line(
                seed.wrapping_add((thread as u32) << 1 | set as u32),
                0.8 * at[1 - set],
            );
            let edge = far + 0.16 * own + 0.08 * coarse;
            let wet = contrast * smooth(1.16, 0.78, edge);
            let rim = smooth(0.6, 0.95, edge);
            albedo = match bleach {
                true => mix3(
                    albedo,
                    scale3(BLEACHED, 1.0 + 0.5 * fibre),
                    wet * (0.62 - 0.15 * rim),
                ),
                false => {
                    let deep = wet * (0.8 + 0.2 * rim);
                    [0, 1, 2].map(|channel| {
                        albedo[channel] * (1.0 - deep * SOAKED[channel]) + deep * SOAK[channel]
                    })
                }
            };
        }
        (top.height + 0.0016 * fibre, albedo)
    }

    /// How much a fibre that sticks out of its thread covers a point: at most one to each square of a grid of about
    /// `a` squares a side, whose direction is `[a, b]`.
    fn hair(&self, layer: u32, [a, b]: [f32; 2], x: f32, y: f32) -> f32 {
        let (x, y) = (32.0 + a * x + b * y, 32.0 + a * y - b * x);
        let (column, row) = (whole(x, 64), whole(y, 64));
        let bits = noise::hash(self.fuzz ^ layer, column as i32, row as i32);
        let part = |shift: u32| ((bits >> shift) & 0xFF) as f32 * (2.0 / 255.0) - 1.0;
        if bits & 1 == 0 {
            return 0.0;
        }
        // Any direction, from one number without sines.
        let t = part(1);
        let (cos, sin) = ((1.0 - t * t) / (1.0 + t * t), 2.0 * t / (1.0 + t * t));
        let (dx, dy) = (
            x - column as f32 - 0.5 - 0.12 * part(9),
            y - row as f32 - 0.5 - 0.12 * part(17),
        );
        let (along, off) = (dx * cos + dy * sin, dy * cos - dx * sin);
        if along.abs() > 0.36 || off.abs() > 0.25 {
            return 0.0;
        }
        let (bend, wave) = (part(24), part(13));
        let off = (off
            - 0.9 * bend * (along * along - 0.04)
            - 2.0 * wave * along * (along * along - 0.08))
            / a;
        let wide = HAIR.max(0.6 * self.sample);
        smooth(wide, 0.3 * wide, off.abs()) * smooth(0.36, 0.24, along.abs()) * HAIR / wide
    }
}
