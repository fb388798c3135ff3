//! A steel gear, turned and milled, that lies at any angle on a mat.

use std::f32::consts::{PI, TAU};

use super::arithmetic::{Turn, angle, cos, length, mix, mix3, sin, smooth, soft_min};
use super::blemish::{Blot, Stroke};
use super::drift::{Drift, DriftKind};
use super::fault::{Fault, FaultKind};
use super::noise::{self, Draw};
use super::surface::{Point, Surface};

/// What can be wrong with a gear.
pub(super) const FAULTS: [FaultKind; 7] = [
    FaultKind::Chip,
    FaultKind::BentTooth,
    FaultKind::Crack,
    FaultKind::Scratch,
    FaultKind::Dent,
    FaultKind::Discolouration,
    FaultKind::ForeignBody,
];

const TEETH: f32 = 18.0;
/// Radii in sides.
const TIP: f32 = 0.425;
const ROOT: f32 = 0.348;
/// Below the first radius and above the second there are no teeth.
const BODY: f32 = ROOT - 0.012;
const BEYOND: f32 = TIP + 0.03;
const RIM: f32 = 0.285;
const HUB: f32 = 0.150;
const BORE: f32 = 0.082;
const HOLES: f32 = 0.218;
/// Heights in sides.
const THICK: f32 = 0.050;
const WEB: f32 = 0.036;

/// One gear and the mat under it.
pub(super) struct Gear {
    middle: [f32; 2],
    turn: Turn,
    tone: f32,
    steel: [f32; 3],
    mat: [f32; 3],
    holes: [[f32; 2]; 6],
    hole: f32,
    grain: u32,
    scuffs: [Stroke; 4],
    dust: u32,
    mark: Option<Mark>,
    sample: f32,
}

/// A fault, put in its place on this gear.
enum Mark {
    Chip {
        blot: Blot,
    },
    Bent {
        tooth: f32,
        by: f32,
        lift: f32,
    },
    Crack {
        stroke: Stroke,
        contrast: f32,
    },
    Scratch {
        stroke: Stroke,
        contrast: f32,
    },
    Dent {
        blot: Blot,
        depth: f32,
        contrast: f32,
    },
    Rust {
        blot: Blot,
        contrast: f32,
        seed: u32,
    },
    Swarf {
        stroke: Stroke,
        contrast: f32,
        height: f32,
    },
}

impl Gear {
    /// The gear of the picture with this seed. `sample` is the distance of two samples, in sides.
    pub(super) fn new(
        seed: u64,
        fault: Option<&Fault>,
        drift: Option<&Drift>,
        sample: f32,
    ) -> Self {
        let mut draw = Draw::new(seed, 0x6EA2);
        let middle = [0.5 + draw.about(0.025), 0.5 + draw.about(0.025)];
        let start = draw.between(-PI, PI);
        let material = Drift::of(drift, DriftKind::Material);
        let warm = draw.about(0.012) + 0.09 * material;
        let tone = 0.50 + draw.about(0.025) - 0.12 * material;
        let cloth = draw.about(0.006) + 0.02 * material;
        let hole = 0.033 + draw.about(0.0006);
        let mut scuff = || {
            let (far, way) = (draw.between(0.16, 0.33), draw.between(-PI, PI));
            let place = [middle[0] + far * cos(way), middle[1] + far * sin(way)];
            let (long, direction) = (draw.between(0.02, 0.06), draw.between(0.0, PI));
            Stroke::new(&mut draw, place, direction, [long, 0.0022], 0.05)
        };
        let scuffs = [scuff(), scuff(), scuff(), scuff()];
        Self {
            middle,
            turn: Turn::by(start),
            tone,
            steel: [1.0 + warm, 1.0, 1.0 - warm],
            mat: [0.030 + cloth, 0.042, 0.060 - cloth],
            holes: [0.5, 1.5, 2.5, 3.5, 4.5, 5.5].map(|turns| {
                let way = turns * TAU / 6.0;
                [HOLES * cos(way), HOLES * sin(way)]
            }),
            hole,
            grain: draw.seed(),
            scuffs,
            dust: draw.seed(),
            mark: fault.map(|fault| Mark::new(fault, middle, start)),
            sample,
        }
    }

    /// The nearest tooth's number, and how far inside the outline a point is, in sides; negative outside.
    fn tooth(&self, radius: f32, around: f32) -> (f32, f32) {
        let pitch = TAU / TEETH;
        let turns = around / pitch;
        let nearest = (turns + 0.5).floor();
        let number = wrap(nearest);
        let mut across = turns - nearest;
        if let Some(Mark::Bent { tooth, by, .. }) = self.mark
            && tooth == number
        {
            across -= by / (radius * pitch) * smooth(ROOT - 0.01, TIP, radius);
        }
        // A tooth is narrow at its tip and wide at its root, with flanks that bulge.
        let up = ((radius - ROOT) / (TIP - ROOT)).clamp(-0.2, 1.2);
        let half = 0.345 - 0.13 * up - 0.055 * up * up;
        let flank = (half - across.abs()) * radius * pitch;
        let inside = soft_min(TIP - radius, flank, 0.006);
        (number, soft_max(ROOT - radius, inside, 0.010))
    }
}

/// A tooth's number from -9 to 8, as the angle's ends meet.
fn wrap(number: f32) -> f32 {
    match number {
        9.0.. => number - TEETH,
        _ => number,
    }
}

/// The larger of two lengths, its corner rounded over `round`.
fn soft_max(a: f32, b: f32, round: f32) -> f32 {
    -soft_min(-a, -b, round)
}

impl Mark {
    fn new(fault: &Fault, middle: [f32; 2], start: f32) -> Self {
        let mut draw = fault.draw();
        let Fault { size, contrast, .. } = *fault;
        let tooth = draw.below(TEETH as usize) as f32 - 9.0;
        let way = draw.between(-PI, PI);
        // A place on the gear at a distance from its middle, whatever its turn.
        let mut place = |from: f32, to: f32| {
            let far = draw.between(from, to);
            [
                middle[0] + far * cos(way + start),
                middle[1] + far * sin(way + start),
            ]
        };
        match fault.kind {
            FaultKind::Chip => Self::Chip {
                // Broken off from the tooth's tip, at one of its corners.
                blot: {
                    let way = start + TAU / TEETH * (tooth + draw.about(0.25));
                    let tip = [middle[0] + TIP * cos(way), middle[1] + TIP * sin(way)];
                    Blot::new(&mut draw, tip, 0.5 * size * contrast, 0.30)
                },
            },
            FaultKind::BentTooth => {
                let side = draw.sign();
                // Its neighbours stop it.
                let by = (size * contrast).min(0.055);
                Self::Bent {
                    tooth,
                    by: side * by,
                    lift: 0.35 * by,
                }
            }
            FaultKind::Crack => {
                let middle = place(0.17, 0.31);
                let direction = way + start + draw.about(0.6);
                let stroke = Stroke::new(&mut draw, middle, direction, [size, 0.0075], 0.16);
                Self::Crack { stroke, contrast }
            }
            FaultKind::Scratch => {
                let middle = place(0.17, 0.32);
                let direction = draw.between(0.0, PI);
                let stroke = Stroke::new(&mut draw, middle, direction, [size, 0.006], 0.02);
                Self::Scratch { stroke, contrast }
            }
            FaultKind::Dent => Self::Dent {
                blot: {
                    let middle = place(0.29, 0.335);
                    Blot::new(&mut draw, middle, 0.5 * size, 0.08)
                },
                depth: 0.11 * size * contrast,
                contrast,
            },
            FaultKind::Discolouration => Self::Rust {
                blot: {
                    let middle = place(0.16, 0.33);
                    Blot::new(&mut draw, middle, 0.5 * size, 0.35)
                },
                contrast,
                seed: draw.seed(),
            },
            // Anything else that is asked of a gear lies on it.
            _ => {
                let middle = place(0.15, 0.36);
                let direction = draw.between(0.0, PI);
                let stroke = Stroke::new(&mut draw, middle, direction, [size, 0.014], 0.22);
                Self::Swarf {
                    stroke,
                    contrast,
                    height: 0.012,
                }
            }
        }
    }
}

impl Surface for Gear {
    fn at(&self, x: f32, y: f32) -> Point {
        let (u, v) = self.turn.undo(x - self.middle[0], y - self.middle[1]);
        let radius = length(u, v);
        // The angle takes long, and only the teeth ask for it.
        let (tooth, inside) = match radius {
            ..BODY => (0.0, ROOT - radius),
            BODY..BEYOND => self.tooth(radius, angle(u, v)),
            _ => (0.0, TIP - radius),
        };

        // Holes: the bore with its keyway, and those in the web.
        let keyway = (0.022 - v.abs()).min(BORE + 0.030 - u).min(u);
        let mut hole = (BORE - radius).max(keyway);
        for [hx, hy] in self.holes {
            hole = hole.max(self.hole - length(u - hx, v - hy));
        }
        let mut solid = inside.min(-hole);
        if let Some(Mark::Chip { blot }) = &self.mark {
            solid = solid.min(blot.beyond(x, y));
        }

        let edge = self.sample.max(0.0012);
        let cover = smooth(-edge, edge, solid);
        if cover == 0.0 {
            return self.on_top(x, y, self.mat(x, y));
        }

        let pocket = smooth(RIM, RIM - 0.008, radius) * smooth(HUB, HUB + 0.008, radius);
        let rounded = smooth(0.0, 0.010, solid);
        let rings = noise::line(self.grain, radius * 260.0)
            + 0.6 * noise::line(self.grain ^ 1, radius * 610.0);
        let cast = noise::octaves(self.grain ^ 2, u * 90.0, v * 90.0, 3, self.sample * 90.0);
        let face = 1.0 - pocket;
        let mut height = mix(THICK, WEB, pocket) - 0.007 * (1.0 - rounded)
            + 0.00012 * rings * face
            + 0.0005 * cast * pocket;
        let worn =
            1.0 + 0.06 * noise::octaves(self.grain ^ 3, u * 7.0, v * 7.0, 3, self.sample * 7.0);
        let tone = self.tone * worn * mix(1.0 + 0.05 * rings, 0.62 + 0.10 * cast, pocket);
        let mut albedo = self.steel.map(|channel| channel * tone);
        let mut gloss = mix(0.75, 0.30, pocket);
        let mut metal = mix(0.95, 0.80, pocket);
        let groove = face * rounded;
        let mut grooves = match radius > 0.0 {
            true => {
                let (gx, gy) = self.turn.apply(-v / radius, u / radius);
                [gx * groove, gy * groove]
            }
            false => [0.0; 2],
        };

        for scuff in &self.scuffs {
            let cover = scuff.cover(x, y) * face;
            albedo = mix3(albedo, [0.85; 3], 0.30 * cover);
        }

        match &self.mark {
            Some(Mark::Bent {
                tooth: bent, lift, ..
            }) if tooth == *bent => {
                height += lift * smooth(ROOT, TIP, radius);
            }
            Some(Mark::Crack { stroke, contrast }) => {
                let cover = stroke.cover(x, y) * contrast;
                height -= 0.010 * cover;
                albedo = mix3(albedo, [0.015, 0.013, 0.012], cover);
                metal *= 1.0 - cover;
                gloss *= 1.0 - cover;
            }
            Some(Mark::Scratch { stroke, contrast }) => {
                let cover = stroke.cover(x, y) * contrast;
                height -= 0.0022 * cover;
                albedo = mix3(albedo, [0.90; 3], 0.8 * cover);
                metal *= 1.0 - 0.7 * cover;
                grooves = grooves.map(|g| g * (1.0 - cover));
            }
            Some(Mark::Dent {
                blot,
                depth,
                contrast,
            }) => {
                let far = blot.locate(x, y);
                // A hollow with a raised lip.
                height -= depth
                    * (smooth(1.0, 0.1, far)
                        - 0.30 * smooth(0.75, 1.05, far) * smooth(1.5, 1.05, far));
                let pressed = smooth(1.2, 0.8, far) * contrast;
                grooves = grooves.map(|g| g * (1.0 - pressed));
            }
            Some(Mark::Rust {
                blot,
                contrast,
                seed,
            }) => {
                let spots = noise::octaves(*seed, x * 60.0, y * 60.0, 4, self.sample * 60.0);
                let cover = smooth(1.15, 0.55, blot.locate(x, y) + 0.35 * spots) * contrast;
                let rust = mix3([0.085, 0.032, 0.014], [0.24, 0.092, 0.032], 0.5 + spots);
                albedo = mix3(albedo, rust, cover);
                metal *= 1.0 - cover;
                gloss *= 1.0 - cover;
                height += 0.0012 * spots * cover;
                grooves = grooves.map(|g| g * (1.0 - cover));
            }
            _ => {}
        }

        let metal_point = Point {
            height,
            albedo,
            gloss,
            metal,
            grooves,
        };
        let point = match cover < 1.0 {
            true => self.mat(x, y).mix(metal_point, cover),
            false => metal_point,
        };
        self.on_top(x, y, point)
    }
}

impl Gear {
    /// The mat that the gear lies on: a rubber with a fine weave, and a little dust.
    fn mat(&self, x: f32, y: f32) -> Point {
        let grain = noise::octaves(self.grain ^ 7, x * 150.0, y * 150.0, 3, self.sample * 150.0);
        let cloud = noise::octaves(self.grain ^ 8, x * 4.0, y * 4.0, 2, self.sample * 4.0);
        let shade = 1.0 + 0.35 * grain + 0.12 * cloud;
        let mut point = Point::matt(0.0012 * grain, self.mat.map(|channel| channel * shade));
        point.gloss = 0.10;
        let (far, own) = noise::strewn(self.dust, x * 14.0, y * 14.0);
        let speck = smooth(0.060, 0.025, far) * (own & 0xFF) as f32 / 255.0;
        point.albedo = mix3(
            point.albedo,
            [0.35, 0.34, 0.32],
            0.6 * speck * speck * speck,
        );
        point
    }

    /// With what lies on top of everything: a curl of swarf.
    fn on_top(&self, x: f32, y: f32, below: Point) -> Point {
        let Some(Mark::Swarf {
            stroke,
            contrast,
            height,
        }) = &self.mark
        else {
            return below;
        };
        let cover = stroke.cover(x, y);
        if cover == 0.0 {
            return below;
        }
        let curl = Point {
            height: below.height + height,
            albedo: [0.78, 0.60, 0.22],
            gloss: 0.8,
            metal: 0.75,
            grooves: [0.0; 2],
        };
        below.mix(curl, cover * contrast)
    }
}
