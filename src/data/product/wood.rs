//! A planed and oiled board of pine or larch: growth rings as a saw lays them open, and knots that they flow around.

use super::arithmetic::{Turn, length, mix, mix3, scale3, sin, smooth, soft_min};
use super::blemish::{Blot, Stroke};
use super::drift::{Drift, DriftKind};
use super::fault::{Fault, FaultKind};
use super::noise::{self, Draw};
use super::surface::{Point, Surface};

/// What can be wrong with a board.
pub(super) const FAULTS: [FaultKind; 7] = [
    FaultKind::Scratch,
    FaultKind::Crack,
    FaultKind::Hole,
    FaultKind::Stain,
    FaultKind::Dent,
    FaultKind::Chip,
    FaultKind::ForeignBody,
];

/// Colours of oiled wood, linear: what grows in spring and what grows in late summer, of pale pine and of red larch.
const EARLY: [[f32; 3]; 2] = [[0.67, 0.368, 0.148], [0.50, 0.222, 0.076]];
const LATE: [[f32; 3]; 2] = [[0.345, 0.125, 0.033], [0.215, 0.066, 0.018]];
/// The oldest wood, in the middle of the trunk, is redder.
const HEART: [f32; 3] = [0.86, 0.76, 0.66];
/// What another batch of wood is coloured like, at most.
const OTHER_BATCH: [f32; 3] = [0.62, 0.66, 0.74];
/// The wood around a knot, as a share of the colour that it would have elsewhere.
const RESINOUS: [f32; 3] = [0.78, 0.64, 0.50];
/// A knot's wood, as shares of the board's early wood; and bark.
const KNOT: [f32; 3] = [0.44, 0.30, 0.19];
const KNOT_LATE: [f32; 3] = [0.19, 0.095, 0.055];
const BARK: [f32; 3] = [0.040, 0.018, 0.009];
/// Wood that no oil has reached.
const RAW: [f32; 3] = [0.75, 0.49, 0.25];
/// Fibres that a scratch has torn up.
const FRAYED: [f32; 3] = [0.94, 0.77, 0.54];
/// Rings that a knot has.
const KNOT_RINGS: f32 = 8.0;
/// How high late wood stands above early wood after planing, in sides.
const RELIEF: f32 = 0.00032;
/// How many rings wide the collar is in which a knot's rings run over into the trunk's.
const COLLAR: f32 = 1.6;
/// Noise with more hills a sample would only flicker.
const FINEST: f32 = 0.55;
/// Half the width of a staple's wire, in sides.
const WIRE: f32 = 0.0085;
/// Hills a side across and along the grain: of tiny light rays where the saw cut along them, of short dark resin
/// canals, and of ever finer fibres.
const RAYS: [f32; 2] = [33.0, 72.0];
const CANALS: [f32; 2] = [130.0, 12.0];
const FIBRES: [[f32; 2]; 4] = [[29.0, 1.7], [97.0, 4.3], [290.0, 11.0], [720.0, 24.0]];

/// One board.
pub(super) struct Wood {
    turn: Turn,
    /// Where the middle of the trunk is: off the picture's middle across the grain, below the board, and how much
    /// deeper towards the lower end, in sides.
    pith: [f32; 3],
    /// The mean width of a ring, in sides.
    ring: f32,
    early: [f32; 3],
    late: [f32; 3],
    /// Out to which ring the wood is redder.
    heart: f32,
    /// The waves that the planer's knives left: radians a side along the grain, and how askew they run.
    knives: [f32; 2],
    knots: [Knot; 2],
    grain: u32,
    sample: f32,
    mark: Option<Mark>,
}

/// The base of a branch that the trunk grew around.
#[derive(Clone, Copy)]
struct Knot {
    middle: [f32; 2],
    /// In sides; 0 where there is none.
    radius: f32,
    /// Width over height.
    narrow: f32,
    /// How dark its rim is: a branch that was dead when the trunk reached it has bark around it.
    rim: f32,
    /// The ring in its middle.
    age: f32,
    seed: u32,
}

impl Knot {
    /// How dark a knot's wood is, `off` its middle and at `far` radii: darker in its middle, outwards and along rays.
    fn end_grain(&self, far: f32, [du, dv]: [f32; 2]) -> f32 {
        let way = 2.6 / length(du, dv).max(1e-6);
        let rays = noise::value(self.seed ^ 1, du * way, dv * way)
            + 0.5 * noise::value(self.seed ^ 2, 2.7 * du * way, 2.7 * dv * way);
        let check = smooth(0.75, 1.05, rays) * smooth(0.85, 0.45, far);
        0.35 * far * far + 0.9 * smooth(0.22, 0.04, far) + 0.22 * rays * far.min(1.0) + 0.7 * check
    }
}

/// A colour seen through another.
fn tint(colour: [f32; 3], by: [f32; 3]) -> [f32; 3] {
    [colour[0] * by[0], colour[1] * by[1], colour[2] * by[2]]
}

/// Where a point is in the grain, which bends around knots.
#[derive(Clone, Copy)]
struct Grain {
    across: f32,
    along: f32,
    /// Noise that is stretched along the grain, in `[-1, 1]`.
    fibre: f32,
    /// 1 inside a knot.
    knot: f32,
}

/// A fault, put in its place on this board.
enum Mark {
    Scratch {
        stroke: Stroke,
        contrast: f32,
        colour: [f32; 3],
        seed: u32,
    },
    Check {
        middle: [f32; 2],
        half: [f32; 2],
        contrast: f32,
        seed: u32,
    },
    Hole {
        blot: Blot,
        depth: f32,
        contrast: f32,
    },
    Stain {
        blot: Blot,
        body: [f32; 3],
        rim: [f32; 3],
        contrast: f32,
        seed: u32,
    },
    Dent {
        blot: Blot,
        depth: f32,
        contrast: f32,
    },
    Torn {
        middle: [f32; 2],
        half: [f32; 2],
        up: f32,
        contrast: f32,
        seed: u32,
    },
    Staple {
        middle: [f32; 2],
        turn: Turn,
        half: f32,
        contrast: f32,
    },
    Drop {
        blot: Blot,
        height: f32,
        contrast: f32,
        glue: bool,
    },
}

impl Wood {
    /// The board of the picture with this seed. `sample` is the distance of two samples, in sides.
    pub(super) fn new(
        seed: u64,
        fault: Option<&Fault>,
        drift: Option<&Drift>,
        sample: f32,
    ) -> Self {
        let mut draw = Draw::new(seed, 0x300D);
        let turn = Turn::by(draw.about(0.055));
        let side = draw.sign();
        // Two boards in three are cut beside the pith and show arches, the others show straight lines.
        let (near, far, depth) = (
            draw.about(0.30),
            draw.between(0.55, 1.2),
            draw.between(0.22, 0.55),
        );
        let flat = draw.unit() < 0.62;
        let taper = draw.between(0.08, 0.26) * draw.sign();
        let pith = match flat {
            true => [near, depth, taper],
            false => [side * far, depth, 0.4 * taper],
        };
        let ring = draw.between(0.026, 0.046);
        let (larch, tone) = (draw.unit() * draw.unit(), 1.0 + draw.about(0.07));
        let batch = mix3(
            [tone; 3],
            OTHER_BATCH,
            Drift::of(drift, DriftKind::Material),
        );
        let dye = |[pine, red]: [[f32; 3]; 2]| tint(mix3(pine, red, larch), batch);
        let count = match draw.unit() {
            ..0.42 => 0,
            0.42..0.80 => 1,
            _ => 2,
        };
        let upper = draw.sign();
        let mut knot = |number: usize| {
            let way = if number == 0 { upper } else { -upper };
            let middle = [draw.about(0.42), way * draw.between(0.08, 0.42)];
            let (size, small) = (draw.unit(), draw.unit());
            let radius = match small {
                ..0.25 => mix(0.012, 0.022, size),
                _ => mix(0.036, 0.092, size),
            };
            Knot {
                middle,
                radius: if number < count { radius } else { 0.0 },
                narrow: draw.between(0.62, 1.05),
                rim: if draw.unit() < 0.4 { 0.85 } else { 0.25 },
                age: 0.0,
                seed: draw.seed(),
            }
        };
        let knots = [knot(0), knot(1)];
        let mut wood = Self {
            turn,
            pith,
            ring,
            early: dye(EARLY),
            late: dye(LATE),
            heart: draw.between(-0.3, 1.2) / ring,
            knives: [draw.between(190.0, 300.0), draw.about(0.10)],
            knots,
            grain: draw.seed(),
            sample,
            mark: None,
        };
        for at in 0..wood.knots.len() {
            let [across, along] = wood.knots[at].middle;
            wood.knots[at].age = wood.age(across, along).0;
        }
        wood.mark = fault.map(|fault| Mark::new(fault, &wood));
        wood
    }

    /// The ring that a point across and along the grain lies in, a whole number on the border of two, and how
    /// steeply rings follow each other there: 1 where the saw cut them squarely.
    fn age(&self, across: f32, along: f32) -> (f32, f32) {
        let [beside, below, taper] = self.pith;
        let off = across - beside - 0.035 * noise::line(self.grain, along * 1.7);
        let deep = below + taper * along + 0.035 * noise::line(self.grain ^ 1, along * 2.3);
        let radius = length(off, deep);
        let rings = radius / self.ring;
        // No two summers are alike.
        let age = rings + 0.45 * noise::line(self.grain ^ 2, rings * 0.55);
        (age, off.abs() / radius)
    }

    /// Noise with this many hills a side across and along the grain; 0 where it is too fine to see.
    fn texture(&self, number: u32, [fx, fy]: [f32; 2], across: f32, along: f32) -> f32 {
        match fx.max(fy) * self.sample > FINEST {
            true => 0.0,
            false => noise::value(self.grain ^ number, across * fx, along * fy),
        }
    }

    /// The board without a fault, and where the point is in its grain.
    fn board(&self, x: f32, y: f32) -> (Point, Grain) {
        let (u, v) = self.turn.undo(x - 0.5, y - 0.5);
        let mut across = u + 0.010 * noise::value(self.grain ^ 3, u * 2.5, v * 1.6);
        let mut halo = 0.0_f32;
        let mut nearest: Option<(f32, [f32; 2], &Knot)> = None;
        for knot in self.knots.iter().filter(|knot| knot.radius > 0.0) {
            let (du, dv) = (u - knot.middle[0], v - knot.middle[1]);
            // Fibres part above a knot and meet again below it, as water does at a pillar.
            let square = knot.radius * knot.radius;
            let near = square / (du * du + 0.25 * dv * dv + square);
            across -= du * near;
            if near < 0.10 {
                continue;
            }
            halo = halo.max(smooth(0.10, 0.62, near));
            let (px, py) = (du / knot.radius, dv / knot.radius);
            let uneven = noise::value(knot.seed, 0.8 * px + 0.3, 0.8 * py + 0.6);
            let far = length(px / knot.narrow, py) * (1.0 + 0.16 * uneven);
            if nearest.is_none_or(|(best, ..)| far < best) {
                nearest = Some((far, [du, dv], knot));
            }
        }
        let texture = |number, hills| self.texture(number, hills, across, v);
        let fibres = [0, 1, 2, 3].map(|at| texture(8 + at as u32, FIBRES[at]));
        let fibre = 0.45 * fibres[0] + 0.30 * fibres[1] + 0.25 * fibres[2] + 0.20 * fibres[3];

        let (mut age, mut steep) = self.age(across, v);
        age += 0.085 * fibres[0] + 0.075 * fibres[1] + 0.03 * fibres[2];
        let (mut inside, mut rim, mut end_grain) = (0.0, 0.0, 0.0);
        if let Some((far, off, knot)) = nearest {
            let knot_age = knot.age + KNOT_RINGS * (far - 1.0);
            let edge = (0.8 * self.sample / knot.radius).max(0.18 - 0.13 * knot.rim);
            inside = smooth(1.0 + edge, 1.0 - edge, far);
            rim = knot.rim * smooth(0.70, 0.97, far) * smooth(1.16 + edge, 0.99, far);
            // A ring is laid over the trunk and over the branch together.
            age = soft_min(age, knot_age, COLLAR);
            steep = mix(steep, 1.0, inside);
            if inside > 0.0 {
                end_grain = knot.end_grain(far, off);
            }
        }

        // Light wood in spring turns slowly into dark wood in late summer; winter is a sharp line.
        let year = age.floor();
        let season = age - year;
        let [length_of_spring, strength] =
            [0, 1].map(|of| noise::unit(self.grain ^ 4, year as i32, of));
        let winter = (1.3 * self.sample * steep / self.ring).clamp(0.07, 0.35);
        let ripe = ((season - 0.15 - 0.30 * length_of_spring) / 0.52).clamp(0.0, 1.0);
        let dark = ripe * ripe * smooth(1.0, 1.0 - winter, season);
        let late = dark * (0.55 + 0.45 * strength + 0.3 * halo);

        let cloud = noise::octaves(self.grain ^ 5, u * 3.1, v * 1.3, 2, 3.1 * self.sample);
        let fleck = steep * smooth(0.45, 0.95, texture(6, RAYS));
        let canal = smooth(0.62, 0.95, texture(7, CANALS));
        let heart = smooth(6.0, -6.0, age - self.heart);
        let mut albedo = mix3(self.early, self.late, late);
        let shade = (1.0 + 0.11 * cloud + 0.10 * fleck + 0.19 * fibre) * (1.0 - 0.20 * canal);
        albedo = scale3(albedo, shade);
        if halo > 0.0 {
            albedo = mix3(albedo, tint(albedo, RESINOUS), halo);
            let end = mix3(KNOT, KNOT_LATE, (0.55 * late + end_grain).clamp(0.0, 1.2));
            albedo = mix3(albedo, scale3(tint(self.early, end), shade), inside);
            albedo = mix3(albedo, BARK, rim);
        }
        albedo = mix3(albedo, tint(albedo, HEART), heart);
        let [knives, askew] = self.knives;
        let planed = sin((v + askew * u) * knives) * 0.00006;
        let height = RELIEF * late
            + 0.00012 * fibres[0]
            + 0.00010 * fibres[1]
            + 0.00006 * fibres[2]
            + planed;
        let mut point = Point::matt(height, albedo);
        point.gloss = 0.16 + 0.06 * late;
        let grain = Grain {
            across,
            along: v,
            fibre,
            knot: inside,
        };
        (point, grain)
    }
}

impl Mark {
    fn new(fault: &Fault, wood: &Wood) -> Self {
        let mut draw = fault.draw();
        let Fault { size, contrast, .. } = *fault;
        let places = [0, 1, 2, 3].map(|_| [draw.between(0.2, 0.8), draw.between(0.2, 0.8)]);
        // Not on a knot, where it might pass for one.
        let clear = |&&[x, y]: &&[f32; 2]| {
            let (u, v) = wood.turn.undo(x - 0.5, y - 0.5);
            let off =
                |knot: &Knot| length(u - knot.middle[0], v - knot.middle[1]) > 1.8 * knot.radius;
            wood.knots.iter().all(off)
        };
        let place = *places.iter().find(clear).unwrap_or(&places[0]);
        let (choice, angle, way) = (draw.unit(), draw.unit(), draw.unit());
        let seed = draw.seed();
        let grain = wood.board(place[0], place[1]).1;
        let middle = [grain.across, grain.along];
        match fault.kind {
            FaultKind::Scratch => Self::Scratch {
                stroke: Stroke::new(
                    &mut draw,
                    place,
                    mix(-1.1, 1.1, angle),
                    [size, 0.0125],
                    0.030,
                ),
                contrast,
                colour: if choice < 0.5 {
                    FRAYED
                } else {
                    [0.055, 0.028, 0.014]
                },
                seed,
            },
            FaultKind::Crack => Self::Check {
                middle,
                half: [0.0050, 0.5 * size],
                contrast,
                seed,
            },
            FaultKind::Hole => Self::Hole {
                blot: Blot::new(&mut draw, place, 0.40 * size, 0.06),
                depth: 0.45 * size * contrast,
                contrast,
            },
            FaultKind::Stain => {
                let (body, rim) = match choice {
                    // Blue stain, ink, a brown and a pale water mark.
                    ..0.3 => ([0.45, 0.58, 0.80], [1.0; 3]),
                    0.3..0.55 => ([0.13, 0.15, 0.24], [0.80; 3]),
                    0.55..0.8 => ([0.74, 0.66, 0.58], [0.55, 0.48, 0.42]),
                    _ => ([1.20, 1.34, 1.62], [1.10, 1.14, 1.2]),
                };
                Self::Stain {
                    blot: Blot::new(&mut draw, [middle[0], 0.75 * middle[1]], 0.44 * size, 0.10),
                    body,
                    rim,
                    contrast,
                    seed,
                }
            }
            FaultKind::Dent => Self::Dent {
                blot: Blot::new(&mut draw, place, 0.5 * size, 0.06),
                depth: 0.15 * size * contrast,
                contrast,
            },
            FaultKind::Chip => Self::Torn {
                middle,
                half: [0.33 * size, 0.55 * size],
                up: if way < 0.5 { -1.0 } else { 1.0 },
                contrast,
                seed,
            },
            // Anything else that is asked of a board lies on it.
            _ if choice < 0.5 => Self::Staple {
                middle: place,
                turn: Turn::by(angle * std::f32::consts::PI),
                half: 0.5 * size,
                contrast,
            },
            _ => Self::Drop {
                blot: Blot::new(&mut draw, place, 0.45 * size, 0.07),
                height: 0.14 * size * contrast,
                glue: way < 0.4,
                contrast,
            },
        }
    }

    /// The board's point at `(x, y)` with the fault in it.
    fn on(&self, x: f32, y: f32, mut point: Point, grain: Grain, sample: f32) -> Point {
        match self {
            Self::Scratch {
                stroke,
                contrast,
                colour,
                seed,
            } => {
                let torn = 0.75 + 0.25 * noise::value(*seed, x * 95.0, y * 95.0);
                let cover = stroke.cover(x, y) * contrast * torn;
                point.height -= 0.0065 * cover;
                point.albedo = mix3(point.albedo, *colour, 0.90 * cover);
                point.gloss *= 1.0 - cover;
            }
            Self::Check {
                middle,
                half,
                contrast,
                seed,
            } => {
                let share = (grain.along - middle[1]) / half[1];
                if share.abs() < 1.0 {
                    let stray = 0.004 * noise::line(*seed, grain.along * 17.0)
                        + 0.0012 * noise::line(*seed ^ 1, grain.along * 60.0);
                    let wide = half[0]
                        * (1.0 - share * share)
                        * (1.0 + 0.4 * noise::line(*seed ^ 2, grain.along * 40.0));
                    let soft = sample.max(0.0012);
                    let cover = smooth(
                        wide + soft,
                        (wide - soft).min(0.6 * wide),
                        (grain.across - middle[0] - stray).abs(),
                    ) * smooth(0.0, 0.25, 1.0 - share.abs())
                        * contrast
                        * (1.0 - grain.knot);
                    point.height -= 0.014 * cover;
                    point.albedo = mix3(point.albedo, [0.014, 0.008, 0.005], 0.96 * cover);
                    point.gloss *= 1.0 - cover;
                }
            }
            Self::Hole {
                blot,
                depth,
                contrast,
            } => {
                let far = blot.locate(x, y);
                let inside = smooth(1.0, 0.86, far);
                let rim = smooth(1.42, 1.05, far) * (1.0 - inside);
                point.height -= depth * inside - 0.05 * depth * rim;
                point.albedo = mix3(point.albedo, [0.10, 0.045, 0.020], 0.55 * rim * contrast);
                point.albedo = mix3(
                    point.albedo,
                    [0.020, 0.011, 0.006],
                    0.97 * inside * contrast,
                );
                point.gloss *= 1.0 - inside * contrast;
            }
            Self::Stain {
                blot,
                body,
                rim,
                contrast,
                seed,
            } => {
                // It creeps along the fibres, farther along some than others.
                let (across, along) = (grain.across, grain.along);
                let uneven = noise::octaves(
                    *seed,
                    26.0 * across + 11.0 * along,
                    15.0 * along - 19.0 * across,
                    4,
                    sample * 32.0,
                );
                let far = blot.locate(across, 0.75 * along) + 0.08 * grain.fibre + 0.60 * uneven;
                let inside = smooth(1.15, 0.75, far) * contrast;
                let edge = smooth(0.66, 0.94, far) * smooth(1.12, 0.96, far) * contrast;
                let soaked = tint(mix3([1.0; 3], *body, inside), mix3([1.0; 3], *rim, edge));
                point.albedo = tint(point.albedo, soaked).map(|channel| channel.min(0.9));
            }
            Self::Dent {
                blot,
                depth,
                contrast,
            } => {
                let far = blot.locate(x, y);
                point.height -=
                    depth * (0.75 * smooth(1.08, 0.50, far) + 0.25 * smooth(0.8, 0.0, far));
                point.albedo = scale3(point.albedo, 1.0 - 0.14 * contrast * smooth(1.05, 0.8, far));
                point.gloss += 0.12 * contrast * smooth(1.0, 0.7, far);
            }
            Self::Torn {
                middle,
                half,
                up,
                contrast,
                seed,
            } => {
                let off = grain.across - middle[0];
                let share = up * (grain.along - middle[1]) / half[1];
                if share.abs() > 1.6 || off.abs() > 2.0 * half[0] {
                    return point;
                }
                let ragged =
                    noise::line(*seed, off * 110.0) + 0.6 * noise::line(*seed ^ 1, off * 290.0);
                // It tore from a point to a broken edge.
                let share = share + 0.20 * ragged;
                let wide = half[0] * (0.62 + 0.50 * share).clamp(0.0, 1.0);
                let side = off + 0.22 * half[0] * noise::line(*seed ^ 2, grain.along * 30.0);
                let soft = sample.max(0.0015);
                let cover = smooth(wide, wide - 2.0 * soft, side.abs()) * smooth(1.0, 0.95, share);
                let cover = cover * smooth(-1.1, -0.9, share) * contrast;
                let off_middle = (side / wide.max(1e-6)).clamp(-1.0, 1.0);
                let hollow = 1.0 - off_middle * off_middle;
                let deep = (0.35 + 0.65 * share.clamp(0.0, 1.0)) * (0.3 + 0.7 * hollow);
                point.height -= (0.016 * deep + 0.0018 * ragged) * cover;
                let shade = 1.0 - 0.45 * smooth(0.55, 1.0, share);
                let raw = scale3(RAW, (0.98 + 0.50 * grain.fibre - 0.22 * ragged) * shade);
                point.albedo = mix3(point.albedo, raw, 0.85 * cover);
                point.gloss *= 1.0 - cover;
            }
            Self::Staple {
                middle,
                turn,
                half,
                contrast,
            } => {
                let (along, off) = turn.undo(x - middle[0], y - middle[1]);
                let thick = half.min(WIRE);
                let past = (along.abs() - half).max(0.0);
                let far = length(off, past) / thick;
                let soft = (0.7 * sample / thick).max(0.12);
                let cover = smooth(1.0 + soft, 1.0 - soft, far) * contrast;
                // The legs have pressed the wood down where they went in.
                let leg = smooth(2.6, 1.0, length(off, along.abs() - half) / thick) * contrast;
                point.height -= 0.002 * leg * (1.0 - cover);
                point.albedo = scale3(point.albedo, 1.0 - 0.5 * leg);
                let round = (1.0 - far * far).max(0.0).sqrt();
                point.height += (0.004 + 0.009 * round) * cover;
                point.albedo = mix3(point.albedo, [0.62, 0.62, 0.64], cover);
                point.gloss = mix(point.gloss, 0.8, cover);
                point.metal = cover;
            }
            Self::Drop {
                blot,
                height,
                contrast,
                glue,
            } => {
                let far = blot.locate(x, y);
                let cover = smooth(1.0, 0.90, far) * contrast;
                point.height += height * (1.0 - far * far).max(0.0);
                // Resin lets the wood shine through, the thicker the redder; dry glue hides it.
                let thick = (1.0 - far * far).max(0.0);
                let filter = mix3([0.85, 0.66, 0.45], [0.62, 0.34, 0.13], thick);
                let colour = match glue {
                    true => mix3(point.albedo, [0.62, 0.47, 0.27], 0.35 + 0.5 * thick),
                    false => tint(point.albedo, filter),
                };
                point.albedo = mix3(point.albedo, colour, cover);
                point.gloss = mix(point.gloss, if *glue { 0.35 } else { 0.75 }, cover);
            }
        }
        point
    }
}

impl Surface for Wood {
    fn at(&self, x: f32, y: f32) -> Point {
        let (point, grain) = self.board(x, y);
        match &self.mark {
            Some(mark) => mark.on(x, y, point, grain, self.sample),
            None => point,
        }
    }
}
