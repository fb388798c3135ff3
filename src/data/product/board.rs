//! A populated circuit board, always of the same layout, seen from above.

use std::f32::consts::{FRAC_1_SQRT_2, FRAC_PI_2, FRAC_PI_3, PI};

use super::arithmetic::{Turn, cos, length, mix, mix3, scale3, sin, smooth};
use super::blemish::{Blot, Stroke};
use super::board_layout::{
    BODY, COPPER, Cell, DRILL, Form, GAP, Kind, Kind::*, LAST_PIN, LETTER, PAD, PARTS, PIN, PITCH,
    Part, TRACE, VIA, WEAVE, cell,
};
use super::drift::{Drift, DriftKind};
use super::fault::{Fault, FaultKind};
use super::noise::{self, Draw};
use super::surface::{Point, Surface};

/// What can be wrong with a board.
pub(super) const FAULTS: [FaultKind; 7] = [
    FaultKind::MissingComponent,
    FaultKind::TurnedComponent,
    FaultKind::Bridge,
    FaultKind::WrongPrint,
    FaultKind::Scratch,
    FaultKind::Discolouration,
    FaultKind::ForeignBody,
];

/// How far the circuit's marking may be shifted and stay on it, in sides.
const MARKING_PLAY: f32 = 0.055;

/// Linear colours.
const TIN: [f32; 3] = [0.78, 0.78, 0.77];
const GOLD: [f32; 3] = [1.0, 0.72, 0.26];
const BLACK: [f32; 3] = [0.014, 0.014, 0.015];
const PRINT: [f32; 3] = [0.72, 0.73, 0.70];

/// A quarter of the height of a letter of a label, in sides.
const UNIT: f32 = 0.0048;

/// The strokes of a letter, 2 units wide and 4 units high: the ends of each.
const STROKES: [[f32; 4]; 9] = [
    [0.0, 0.0, 2.0, 0.0],
    [2.0, 0.0, 2.0, 2.0],
    [2.0, 2.0, 2.0, 4.0],
    [0.0, 4.0, 2.0, 4.0],
    [0.0, 2.0, 0.0, 4.0],
    [0.0, 0.0, 0.0, 2.0],
    [0.0, 2.0, 2.0, 2.0],
    [1.0, 2.0, 2.0, 4.0],
    [1.0, 0.0, 1.0, 4.0],
];

/// Which [`STROKES`] a letter has, the first in the lowest bit.
fn strokes(letter: u8) -> u32 {
    match letter {
        b'0' | b'D' => 0b0_0011_1111,
        b'1' => 0b1_0000_0000,
        b'2' => 0b0_0101_1011,
        b'3' => 0b0_0100_1111,
        b'4' => 0b0_0110_0110,
        b'5' => 0b0_0110_1101,
        b'6' => 0b0_0111_1101,
        b'7' => 0b0_0000_0111,
        b'8' => 0b0_0111_1111,
        b'9' => 0b0_0110_1111,
        b'A' => 0b0_0111_0111,
        b'C' => 0b0_0011_1001,
        b'J' => 0b0_0000_1110,
        b'L' => 0b0_0011_1000,
        b'P' => 0b0_0111_0011,
        b'Q' => 0b0_1011_1111,
        b'R' => 0b0_1111_0011,
        b'T' => 0b1_0000_0001,
        b'U' => 0b0_0011_1110,
        b'Y' => 0b0_0110_1110,
        b'-' => 0b0_0100_0000,
        _ => 0,
    }
}

/// How far a point is from the nearest stroke of a text about the origin, in units of a quarter of its height.
fn text(letters: &[u8], u: f32, v: f32, unit: f32) -> f32 {
    let advance = LETTER / UNIT;
    let (u, v) = (
        u / unit + 0.5 * advance * letters.len() as f32,
        v / unit + 2.0,
    );
    let number = (u / advance).floor();
    if number < 0.0 || number as usize >= letters.len() || !(-1.0..5.0).contains(&v) {
        return f32::MAX;
    }
    let set = strokes(letters[number as usize]);
    let u = u - number * advance - 0.5 * (advance - 2.0);
    (0..STROKES.len())
        .filter(|stroke| set >> stroke & 1 == 1)
        .fold(f32::MAX, |least, stroke| {
            least.min(off_line(STROKES[stroke], u, v))
        })
        .sqrt()
}

/// The square of the distance of a point from a piece of a line, given by its ends.
fn off_line([ax, ay, bx, by]: [f32; 4], x: f32, y: f32) -> f32 {
    let (dx, dy) = (bx - ax, by - ay);
    let (px, py) = (x - ax, y - ay);
    let at = ((px * dx + py * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
    let (ex, ey) = (px - at * dx, py - at * dy);
    ex * ex + ey * ey
}

/// How far inside a box about the origin with rounded corners a point is; negative outside.
fn inside(u: f32, v: f32, [a, b]: [f32; 2], round: f32) -> f32 {
    let (du, dv) = (u.abs() - (a - round), v.abs() - (b - round));
    round - length(du.max(0.0), dv.max(0.0)) - du.max(dv).min(0.0)
}

/// Where a part of this board really is.
#[derive(Clone, Copy)]
struct Placed {
    middle: [f32; 2],
    turn: Turn,
    /// A factor of its colour.
    tone: f32,
    /// A factor of the height of its solder.
    solder: f32,
    seed: u32,
}

/// One board.
pub(super) struct Board {
    placed: [Placed; PARTS.len()],
    /// The mask over bare laminate, and over copper.
    mask: [[f32; 3]; 2],
    print_offset: [f32; 2],
    print_half: f32,
    seed: u32,
    dust: u32,
    mark: Option<Mark>,
    sample: f32,
    /// How visible the weave is at this distance of samples.
    weave: f32,
}

/// A fault, put in its place on this board.
enum Mark {
    /// A component of which a share is gone, from its end `way`.
    Missing {
        part: usize,
        share: f32,
        way: f32,
        seed: u32,
    },
    /// A component that is askew by a share of the most, which is a sixth of a turn.
    Turned { part: usize, share: f32 },
    /// Solder along a side of the circuit, with its middle, half length and half width.
    Bridge {
        side: usize,
        middle: f32,
        half: [f32; 2],
        height: f32,
        seed: u32,
    },
    /// The circuit's marking, shifted.
    Print { by: [f32; 2] },
    /// A line through the mask.
    Scratch { stroke: Stroke, contrast: f32 },
    /// A scorched place.
    Burn {
        blot: Blot,
        contrast: f32,
        seed: u32,
    },
    /// What dried flux leaves, whitish.
    Residue {
        blot: Blot,
        contrast: f32,
        seed: u32,
    },
    /// A ball or a splash of solder.
    Solder { blot: Blot, height: f32 },
    /// A snippet of wire.
    Wire {
        stroke: Stroke,
        colour: [f32; 3],
        height: f32,
    },
}

impl Board {
    /// The board of the picture with this seed. `sample` is the distance of two samples, in sides.
    pub(super) fn new(
        seed: u64,
        fault: Option<&Fault>,
        drift: Option<&Drift>,
        sample: f32,
    ) -> Self {
        let mut draw = Draw::new(seed, 0xB0A2D);
        let material = Drift::of(drift, DriftKind::Material);
        let hue = draw.about(0.04) + 0.9 * material;
        let deep = 1.0 + draw.about(0.05) - 0.25 * material;
        let tint = |[r, g, b]: [f32; 3]| {
            [
                r * deep,
                g * deep * (1.0 - 0.25 * hue),
                b * deep * (1.0 + 0.7 * hue),
            ]
        };
        let print_offset = [draw.about(0.0035), draw.about(0.0035)];
        let print_half = 0.0023 + draw.about(0.0004);
        let mark = fault.map(Mark::new);
        let placed = std::array::from_fn(|number| {
            let part = &PARTS[number];
            let play = match part.kind.is_loose() {
                true => 1.0,
                false => 0.4,
            };
            let [x, y] = part.middle();
            let middle = [x + play * draw.about(0.0035), y + play * draw.about(0.0035)];
            let mut angle = play * draw.about(0.03) + if part.upright { FRAC_PI_2 } else { 0.0 };
            if let Some(Mark::Turned { part, share }) = mark
                && part == number
            {
                angle += FRAC_PI_3 * share;
            }
            Placed {
                middle,
                turn: Turn::by(angle),
                tone: 1.0 + draw.about(0.05),
                solder: 1.0 + draw.about(0.25),
                seed: draw.seed(),
            }
        });
        Self {
            placed,
            mask: [tint([0.009, 0.056, 0.020]), tint([0.020, 0.118, 0.040])],
            print_offset,
            print_half,
            seed: draw.seed(),
            dust: draw.seed(),
            mark,
            sample,
            weave: smooth(0.34, 0.12, sample / WEAVE),
        }
    }

    /// How wide an edge of the board's print and copper is at the least, in sides.
    fn edge(&self) -> f32 {
        self.sample.max(0.0012)
    }

    /// Noise of so many hills a side, or 0 where they are too fine to be seen.
    fn grain(&self, seed: u32, [across, down]: [f32; 2], x: f32, y: f32) -> f32 {
        match across.max(down) * self.sample < 0.6 {
            true => noise::value(seed, x * across, y * down),
            false => 0.0,
        }
    }

    /// How much ink of a text about the origin is at a point; none where its strokes are too fine to be seen.
    fn ink(&self, letters: &[u8], u: f32, v: f32, unit: f32) -> f32 {
        let seen = smooth(1.4, 0.6, self.sample / unit);
        match seen > 0.0 {
            true => seen * smooth(0.60, 0.20, text(letters, u, v, unit)),
            false => 0.0,
        }
    }

    /// The share of a component that is there at a point `u` along it, and where it broke: 1 at the break.
    fn remaining(&self, number: usize, u: f32, v: f32) -> (f32, f32) {
        match &self.mark {
            Some(Mark::Missing {
                part,
                share,
                way,
                seed,
            }) if *part == number => {
                if *share >= 1.0 {
                    return (0.0, 0.0);
                }
                let kind = PARTS[number].kind;
                let half = kind.form().half[0] + kind.leads() + 0.004;
                let jag = 0.004 * noise::line(*seed, v * 130.0)
                    + 0.002 * noise::line(*seed ^ 1, v * 410.0);
                let left =
                    u * way + half * (1.0 - 2.0 * share) + jag * (4.0 * share * (1.0 - share));
                (
                    smooth(-self.edge(), self.edge(), left),
                    smooth(0.009, 0.003, left),
                )
            }
            _ => (1.0, 0.0),
        }
    }
}

impl Mark {
    fn new(fault: &Fault) -> Self {
        let mut draw = fault.draw();
        let Fault { size, contrast, .. } = *fault;
        match fault.kind {
            FaultKind::MissingComponent => {
                let part = loose(&mut draw, size);
                let way = draw.sign();
                let seed = draw.seed();
                Self::Missing {
                    part,
                    share: contrast,
                    way,
                    seed,
                }
            }
            FaultKind::TurnedComponent => Self::Turned {
                part: loose(&mut draw, size),
                share: contrast * draw.sign(),
            },
            FaultKind::Bridge => {
                let side = draw.below(4);
                let gap = draw.below(2 * LAST_PIN as usize) as f32 + 0.5 - LAST_PIN;
                let half_length = 0.5 * size;
                Self::Bridge {
                    side,
                    middle: gap * PITCH,
                    half: [half_length, half_length.min(0.023 * contrast.sqrt())],
                    height: 0.016 * contrast,
                    seed: draw.seed(),
                }
            }
            FaultKind::WrongPrint => {
                let way = draw.between(-PI, PI);
                // It stays on the circuit.
                let far = (0.5 * size * contrast).min(MARKING_PLAY);
                Self::Print {
                    by: [far * cos(way), far * sin(way)],
                }
            }
            FaultKind::Scratch => {
                let (middle, direction) = free_place(&mut draw, true);
                let stroke = Stroke::new(&mut draw, middle, direction, [size, 0.0100], 0.05);
                Self::Scratch { stroke, contrast }
            }
            FaultKind::Discolouration => {
                let (middle, _) = free_place(&mut draw, false);
                let burnt = draw.unit() < 0.5;
                let blot = Blot::new(&mut draw, middle, 0.5 * size, 0.35);
                let seed = draw.seed();
                match burnt {
                    true => Self::Burn {
                        blot,
                        contrast,
                        seed,
                    },
                    false => Self::Residue {
                        blot,
                        contrast,
                        seed,
                    },
                }
            }
            // Anything else that is asked of a board lies on it.
            _ => {
                let (middle, direction) = free_place(&mut draw, true);
                match draw.unit() < 0.5 {
                    true => Self::Solder {
                        blot: Blot::new(&mut draw, middle, 0.5 * size * contrast.sqrt(), 0.14),
                        height: (0.30 * size * contrast.sqrt()).min(0.024),
                    },
                    false => Self::Wire {
                        stroke: Stroke::new(
                            &mut draw,
                            middle,
                            direction,
                            [size, 0.017 * contrast],
                            0.11,
                        ),
                        height: 0.016 * contrast,
                        colour: if draw.unit() < 0.5 {
                            TIN
                        } else {
                            [0.85, 0.45, 0.25]
                        },
                    },
                }
            }
        }
    }
}

/// Of the components that may be missing or askew, the one whose length is nearest to `size`; the draw decides
/// among those of about the same length.
fn loose(draw: &mut Draw, size: f32) -> usize {
    let (mut best, mut least) = (0, f32::MAX);
    for (number, part) in PARTS.iter().enumerate() {
        let luck = draw.between(0.0, 0.02);
        let far = (2.0 * part.kind.form().half[0] - size).abs() + luck;
        let well_inside = part.middle().iter().all(|x| (x - 0.5).abs() < 0.40);
        if part.kind.is_loose() && well_inside && far < least {
            (best, least) = (number, far);
        }
    }
    best
}

/// A place and a direction with much bare board about, along a line or all around.
fn free_place(draw: &mut Draw, along: bool) -> ([f32; 2], f32) {
    let (mut best, mut most) = (([0.5; 2], 0.0), -1);
    let enough = if along { 28 } else { 110 };
    for _ in 0..16 {
        let (x, y) = (draw.between(0.14, 0.86), draw.between(0.14, 0.86));
        let direction = draw.between(0.0, PI);
        let way = Turn::by(direction);
        let free = (-3..=3_i8)
            .flat_map(|i| (-3..=3_i8).map(move |j| (i, j)))
            .filter(|(_, j)| !along || *j == 0)
            .map(|(i, j)| {
                let (dx, dy) = way.apply(0.016 * f32::from(i), 0.016 * f32::from(j));
                let worth = 7 - i.abs() - j.abs();
                match PARTS.iter().any(|part| covers(part, x + dx, y + dy)) {
                    true => 0,
                    false => i32::from(worth),
                }
            })
            .sum();
        // The first good place will do, so that faults do not crowd where there is most room.
        if free > most && most < enough {
            (best, most) = (([x, y], direction), free);
        }
    }
    best
}

/// Whether a component of the layout lies over a point.
fn covers(part: &Part, x: f32, y: f32) -> bool {
    let ([mx, my], [w, h]) = (part.middle(), part.extent());
    (x - mx).abs() < w + 0.008 && (y - my).abs() < h + 0.008
}

impl Surface for Board {
    fn at(&self, x: f32, y: f32) -> Point {
        let cell = cell(x, y);
        let mut point = match cell
            .parts
            .iter()
            .find_map(|&number| self.part(number, x, y))
        {
            Some((point, 1.0)) => point,
            Some((point, cover)) => self.bare(cell, x, y).mix(point, cover),
            None => self.bare(cell, x, y),
        };

        // A speck of dust in some squares of a raster.
        let (far, own) = noise::strewn(self.dust, x * 13.0, y * 13.0);
        if own & 7 == 0 {
            let radius = 0.010 + 0.04 / 255.0 * (own >> 8) as f32;
            let speck = 0.5 * smooth(radius, 0.3 * radius, far);
            point.albedo = mix3(point.albedo, [0.45, 0.44, 0.40], speck);
        }
        self.lying(x, y, point)
    }
}

impl Board {
    /// The board without its components.
    fn bare(&self, cell: &Cell, x: f32, y: f32) -> Point {
        let edge = self.edge();
        let far = cell
            .traces
            .iter()
            .fold(1.0_f32, |least, &ends| least.min(off_line(ends, x, y)))
            .sqrt();
        let via = cell.vias.iter().fold(1.0_f32, |least, &[vx, vy]| {
            least.min(length(x - vx, y - vy))
        });

        // Pads and print keep to the layout, whatever a component does.
        let (px, py) = (x - self.print_offset[0], y - self.print_offset[1]);
        let (mut pad, mut owner) = (-1.0_f32, 0);
        for &([mx, my, a, b], number) in &cell.pads {
            let within = inside(x - mx, y - my, [a, b], 0.006);
            if within > pad {
                (pad, owner) = (within, number);
            }
        }
        let mut print = 1.0_f32;
        for &number in &cell.parts {
            let (u, v) = PARTS[number].nominal(px, py);
            print = print.min(outline(&PARTS[number], u, v));
        }
        for &number in &cell.labels {
            let [lx, ly] = PARTS[number].label_middle();
            print = print.min(UNIT * text(PARTS[number].label, px - lx, py - ly, UNIT));
        }

        // Copper under the mask: traces, and a plane that keeps off them and off pads.
        let plane = (y - 0.725)
            .max((x - 0.665).min(y - 0.345))
            .max(FRAC_1_SQRT_2 * (x + y - 1.44))
            .min(far - TRACE - GAP)
            .min(-pad - GAP);
        let copper = smooth(
            -edge,
            edge.max(0.002),
            (TRACE - far).max(plane).max(VIA + 0.003 - via),
        );
        let cloud = noise::value(self.seed, x * 3.0, y * 3.0);
        let grain = self.grain(self.seed ^ 5, [140.0; 2], x, y);
        let cloth = match self.weave > 0.0 {
            true => self.weave * wave(x / WEAVE) * wave(y / WEAVE),
            false => 0.0,
        };
        let shade = 1.0 + 0.05 * cloud + 0.035 * grain + 0.10 * cloth * (1.0 - 0.7 * copper);
        let mut point = Point {
            height: COPPER * copper + 0.00012 * cloth + 0.00010 * grain,
            albedo: scale3(mix3(self.mask[0], self.mask[1], copper), shade),
            gloss: 0.85,
            metal: 0.0,
            grooves: [0.0; 2],
        };

        // The mask mirrors a bright room unevenly, and keeps a little off the pads.
        let mirrored = 0.006 * (1.0 + cloud);
        point.albedo = point.albedo.map(|channel| channel + mirrored);
        let open = smooth(-edge, edge, pad + 0.0035);
        point.albedo = mix3(point.albedo, [0.075, 0.080, 0.030], open);

        // Where a line is finer than a sample, it is as faint as it is too wide.
        let fine = (1.6 * self.print_half / edge).min(1.0);
        let ink = smooth(self.print_half + edge, self.print_half - edge, print)
            * (0.93 + 0.07 * grain)
            * fine;
        if ink > 0.0 {
            point.albedo = mix3(point.albedo, PRINT, ink);
            point.gloss = mix(point.gloss, 0.1, ink);
            point.height += 0.0005 * ink;
        }
        self.stained(x, y, copper, &mut point);

        if via < VIA + edge {
            let ring = metal(COPPER, GOLD);
            let hole = Point::matt(-0.010, [0.006, 0.007, 0.006]);
            point = point.mix(ring, smooth(-edge, edge, VIA - via));
            point = point.mix(hole, smooth(-edge, edge, DRILL - via));
        }
        if pad > -edge {
            point = point.mix(self.solder(owner, pad, x, y), smooth(-edge, edge, pad));
        }
        point
    }

    /// Solder on a pad, `inside` its edge, which climbs up the component's end.
    fn solder(&self, number: usize, inside: f32, x: f32, y: f32) -> Point {
        let (part, placed) = (&PARTS[number], &self.placed[number]);
        let lump = self.grain(placed.seed, [70.0; 2], x, y);
        let (u, v) = part.nominal(x, y);
        let there = match self.mark {
            Some(Mark::Turned { part, share }) if part == number => 1.0 - share.abs(),
            _ => self.remaining(number, u, v).0,
        };
        let Form { half, height, .. } = part.kind.form();
        let climb = (1.0 - (u.abs() - half[0]).max(0.0) / 0.020).max(0.0);
        let dome = smooth(0.0, 0.014, inside);
        metal(
            placed.solder * dome * (0.0065 + 0.0012 * lump + 0.45 * height * climb * climb * there),
            TIN,
        )
    }

    /// What scratches and stains make of the board.
    fn stained(&self, x: f32, y: f32, copper: f32, point: &mut Point) {
        match &self.mark {
            Some(Mark::Scratch { stroke, contrast }) => {
                let cover = stroke.cover(x, y) * contrast;
                let below = mix3([0.50, 0.46, 0.27], [1.0, 0.62, 0.40], copper);
                point.albedo = mix3(point.albedo, below, cover);
                point.metal = mix(point.metal, 0.8 * copper, cover);
                point.gloss = mix(point.gloss, 0.3, cover);
                point.height -= 0.0014 * cover;
            }
            Some(Mark::Burn {
                blot,
                contrast,
                seed,
            }) => {
                let far = blot.locate(x, y);
                if far > 1.6 {
                    return;
                }
                let spots = noise::octaves(*seed, x * 45.0, y * 45.0, 4, self.sample * 45.0);
                let cover = smooth(1.15, 0.65, far + 0.35 * spots) * contrast;
                let brown = mix3(
                    [0.085, 0.040, 0.010],
                    [0.022, 0.012, 0.006],
                    smooth(0.8, 0.2, far + 0.4 * spots),
                );
                point.albedo = mix3(point.albedo, brown, 0.92 * cover);
                point.gloss *= 1.0 - 0.8 * cover;
                point.height += 0.0006 * spots * cover;
            }
            Some(Mark::Residue {
                blot,
                contrast,
                seed,
            }) => {
                let far = blot.locate(x, y);
                if far > 1.6 {
                    return;
                }
                let spots = noise::octaves(*seed, x * 60.0, y * 60.0, 4, self.sample * 60.0);
                let rim = smooth(0.45, 0.95, far);
                let cover = smooth(1.15, 0.85, far + 0.20 * spots)
                    * (0.45 + 0.35 * rim + 0.5 * spots).clamp(0.0, 1.0);
                point.albedo = mix3(point.albedo, [0.52, 0.52, 0.43], 0.85 * cover * contrast);
                point.gloss *= 1.0 - 0.7 * cover * contrast;
            }
            _ => {}
        }
    }

    /// What lies on board and components.
    fn lying(&self, x: f32, y: f32, below: Point) -> Point {
        match &self.mark {
            Some(Mark::Bridge {
                side,
                middle,
                half,
                height,
                seed,
            }) => {
                let (u, v) = self.local(0, x, y);
                let (along, across) = unfold(*side, u, v);
                let off = (across - middle).abs() - (half[0] - half[1]).max(0.0);
                let far = length(off.max(0.0), along - 0.5 * (BODY + PAD) - 0.008);
                // It is wide at the pins, which it wets, and narrow between them.
                let neck = 0.95 - 0.12 * wave(across / PITCH)
                    + 0.20 * noise::line(*seed, across / PITCH * 1.3);
                let share = far / (half[1] * neck);
                if share > 1.4 {
                    return below;
                }
                let dome = (1.0 - share * share).max(0.0).sqrt();
                let soft = self.edge() / half[1];
                let solder = metal(below.height.max(0.004 * dome + height * dome), TIN);
                below.mix(solder, smooth(1.0 + 0.5 * soft, 1.0 - 0.5 * soft, share))
            }
            Some(Mark::Solder { blot, height }) => {
                let far = blot.locate(x, y);
                if far > 1.3 {
                    return below;
                }
                let dome = (1.0 - far * far).max(0.0).sqrt();
                let solder = metal(below.height + height * dome, TIN);
                below.mix(solder, smooth(1.06, 0.94, far))
            }
            Some(Mark::Wire {
                stroke,
                colour,
                height,
            }) => {
                let Some((share, off)) = stroke.locate(x, y) else {
                    return below;
                };
                let cover = smooth(1.15, 0.85, off.abs()) * smooth(1.0, 0.96, share.abs());
                let round = (1.0 - off * off).max(0.0).sqrt();
                let wire = metal(below.height + height * (0.3 + 0.7 * round), *colour);
                below.mix(wire, cover)
            }
            _ => below,
        }
    }

    /// A point in the coordinates of a component where it really is.
    fn local(&self, number: usize, x: f32, y: f32) -> (f32, f32) {
        let placed = &self.placed[number];
        placed.turn.undo(x - placed.middle[0], y - placed.middle[1])
    }

    /// A component at a point, and how much of the point it covers.
    fn part(&self, number: usize, x: f32, y: f32) -> Option<(Point, f32)> {
        let kind = PARTS[number].kind;
        let (u, v) = self.local(number, x, y);
        let half = kind.form().half;
        let reach = kind.leads() + self.edge();
        let beside = if kind == Circuit { reach } else { self.edge() };
        if u.abs() > half[0] + reach || v.abs() > half[1] + beside {
            return None;
        }
        let (there, broken) = self.remaining(number, u, v);
        if there == 0.0 {
            return None;
        }
        let (mut point, cover) = match kind {
            Circuit => self.circuit(u, v),
            Can | SmallCan => self.can(kind, number, u, v),
            Socket => self.socket(u, v),
            Crystal => self.crystal(number, u, v),
            Tantalum | Diode | Transistor => self.moulded(kind, number, u, v),
            _ => self.chip(kind, number, u, v),
        };
        if broken > 0.0 {
            let inner = Point::matt(0.6 * point.height, [0.50, 0.47, 0.42]);
            point = point.mix(inner, broken);
        }
        let cover = cover * there;
        (cover > 0.0).then_some((point, cover))
    }

    /// A chip: a resistor, a ceramic capacitor or a lamp with metal ends.
    fn chip(&self, kind: Kind, number: usize, u: f32, v: f32) -> (Point, f32) {
        let Form {
            half: [a, b],
            height,
            ..
        } = kind.form();
        let placed = &self.placed[number];
        let within = inside(u, v, [a, b], 0.005);
        let cover = smooth(-self.edge(), self.edge(), within);
        let grain = self.grain(placed.seed, [240.0; 2], u, v);
        let cap = if matches!(kind, SmallResistor | SmallCeramic) {
            0.010
        } else {
            0.013
        };
        let tip = smooth(-0.0015, 0.0015, u.abs() - (a - cap) + 0.0012 * grain);
        let mut body = Point::matt(height, BLACK);
        match kind {
            Resistor | SmallResistor => {
                // The black paint leaves a margin of white ceramic.
                let paint = smooth(-0.001, 0.001, b - 0.0035 - v.abs());
                body.albedo = mix3(
                    [0.52, 0.51, 0.48],
                    scale3(BLACK, placed.tone + 0.3 * grain),
                    paint,
                );
                body.gloss = 0.35;
                let code: &[u8] = [b"103", b"472", b"220", b"101"][number % 4];
                body.albedo = mix3(body.albedo, [0.55; 3], self.ink(code, u, v, 0.115 * b));
            }
            Lamp => {
                body.albedo = [0.62, 0.60, 0.53];
                let far = length(u, v);
                let lens = smooth(0.021, 0.019, far);
                let red = mix3(
                    [0.75, 0.10, 0.05],
                    [0.42, 0.012, 0.012],
                    smooth(0.004, 0.018, far),
                );
                body.albedo = mix3(body.albedo, red, lens);
                body.gloss = mix(0.2, 1.0, lens);
                body.height += 0.007 * (1.0 - (far / 0.021) * (far / 0.021)).max(0.0).sqrt();
            }
            _ => {
                body.albedo = scale3([0.36, 0.205, 0.105], placed.tone * (1.0 + 0.06 * grain));
                body.gloss = 0.25;
            }
        }
        let tinned = metal(height + 0.0012, scale3(TIN, 1.12 + 0.06 * grain));
        let mut point = body.mix(tinned, tip);
        point.height -= 0.007 * smooth(0.007, 0.0, within);
        (point, cover)
    }

    /// A moulded body with flat leads: a tantalum capacitor, a diode or a transistor.
    fn moulded(&self, kind: Kind, number: usize, u: f32, v: f32) -> (Point, f32) {
        let Form {
            half: [a, b],
            height,
            ..
        } = kind.form();
        let placed = &self.placed[number];
        let within = inside(u, v, [a, b], 0.004);
        let grain = self.grain(placed.seed, [200.0; 2], u, v);
        let body = smooth(-self.edge(), self.edge(), within);
        let mut point = Point::matt(height - 0.009 * smooth(0.009, 0.0, within), BLACK);
        point.gloss = 0.22;

        let ink = |letters: &[u8], shift: f32| self.ink(letters, u - shift, v, 0.13 * b);
        match kind {
            Tantalum => {
                let stripe = smooth(0.002, -0.002, (u + 0.046).abs() - 0.011);
                let yellow = scale3([0.60, 0.29, 0.035], placed.tone);
                let dark = stripe.max(ink(b"106", 0.016));
                point.albedo = mix3(yellow, [0.075, 0.030, 0.010], dark);
            }
            Diode => {
                let band =
                    smooth(0.002, -0.002, (u + 0.033).abs() - 0.007).max(0.8 * ink(b"54", 0.010));
                point.albedo = mix3(scale3(BLACK, placed.tone), [0.50; 3], band);
            }
            _ => {
                point.albedo = mix3(scale3(BLACK, placed.tone), [0.35; 3], ink(b"1A", 0.0));
            }
        }
        point.albedo = scale3(point.albedo, 1.0 + 0.08 * grain);
        let legs = match kind {
            Transistor if u > 0.0 => v.abs(),
            Transistor => (v.abs() - 0.022).abs(),
            _ => v.abs() - 0.5 * b + 0.007,
        };
        let end = a + kind.leads() - 0.004 - u.abs();
        let lead = smooth(-self.edge(), self.edge(), (0.007 - legs).min(end));
        let drop = smooth(0.0, 0.7 * kind.leads(), u.abs() - a);
        let tinned = metal(mix(0.5 * height, 0.008, drop), TIN);
        (tinned.mix(point, body), body.max(lead))
    }

    /// A quartz crystal in a drawn metal case.
    fn crystal(&self, number: usize, u: f32, v: f32) -> (Point, f32) {
        let Form {
            half: [a, b],
            height,
            ..
        } = Crystal.form();
        let placed = &self.placed[number];
        let within = inside(u, v, [a, b], b);
        let case = smooth(0.007, 0.017, within);
        let grain = self.grain(placed.seed, [30.0, 260.0], u, v);
        let wide = noise::value(placed.seed ^ 1, u * 12.0, v * 12.0);
        let ink = self.ink(b"16-000", u, v, 0.0042);
        let (gu, gv) = placed.turn.apply(0.9, 0.0);
        let point = Point {
            height: mix(0.012, height, case) + 0.00010 * grain + 0.0003 * wide,
            albedo: mix3(
                scale3([0.56, 0.55, 0.52], placed.tone * (1.0 + 0.03 * grain)),
                [0.16; 3],
                0.8 * ink,
            ),
            gloss: 0.6,
            metal: 0.95,
            grooves: [gu, gv],
        };
        (point, smooth(-self.edge(), self.edge(), within))
    }

    /// An electrolytic capacitor: an aluminium can on a plastic base.
    fn can(&self, kind: Kind, number: usize, u: f32, v: f32) -> (Point, f32) {
        let Form {
            half: [a, b],
            height,
            ..
        } = kind.form();
        let placed = &self.placed[number];
        // Two corners of the base are cut.
        let corner = FRAC_1_SQRT_2 * (2.0 * a - 0.30 * a - u - v.abs());
        let within = inside(u, v, [a, b], 0.006).min(corner);
        let far = length(u, v);
        let radius = 0.94 * a;
        let mut point = Point::matt(0.012, [0.020; 3]);
        point.gloss = 0.2;
        let can = smooth(-self.edge(), self.edge(), radius - far);
        if can > 0.0 {
            // A rolled rim, then a flat top.
            let rim = (far - 0.90 * radius) / (0.10 * radius);
            let roll = (1.0 - rim * rim).max(0.0).sqrt();
            let grain = self.grain(placed.seed, [150.0; 2], u, v);
            let cut = (u - v).abs().min((u + v).abs()) * FRAC_1_SQRT_2;
            let score = smooth(0.0032, 0.0012, cut) * smooth(0.62 * radius, 0.56 * radius, far);
            let stripe = smooth(-0.002, 0.002, -u - 0.42 * radius)
                * smooth(0.86 * radius, 0.83 * radius, far);
            let (gu, gv) = match far > 0.0 {
                true => placed.turn.apply(-v / far, u / far),
                false => (0.0, 0.0),
            };
            let top = Point {
                height: height - 0.004 * smooth(0.92, 0.80, far / radius) + 0.0025 * roll
                    - 0.0022 * score
                    - 0.010 * smooth(0.95 * radius, radius, far),
                albedo: mix3(
                    scale3([0.58, 0.59, 0.60], placed.tone * (1.0 + 0.02 * grain)),
                    [0.018; 3],
                    stripe,
                ),
                gloss: mix(0.6, 0.3, stripe),
                metal: mix(0.95, 0.1, stripe),
                grooves: [0.6 * gu * (1.0 - stripe), 0.6 * gv * (1.0 - stripe)],
            };
            point = point.mix(top, can);
        }
        let lead = smooth(
            -self.edge(),
            self.edge(),
            (0.008 - v.abs()).min(a + 0.010 - u.abs()),
        );
        let tinned = metal(0.007, TIN);
        let body = smooth(-self.edge(), self.edge(), within);
        (tinned.mix(point, body), body.max(lead))
    }

    /// A socket of cream plastic with four gilt pins.
    fn socket(&self, u: f32, v: f32) -> (Point, f32) {
        let Form {
            half: [a, b],
            height,
            ..
        } = Socket.form();
        let placed = &self.placed[3];
        let within = inside(u, v, [a, b], 0.006);
        let slot = (0.016 - (u.abs() - 0.100).abs()).min(v);
        let wall = 0.016
            - within
                .min(inside(u, v, [a, b - 0.006], 0.006))
                .min(0.016 - slot.min(0.016))
                .max(0.0);
        let wall = smooth(-0.002, 0.002, wall);
        let grain = self.grain(placed.seed, [60.0; 2], u, v);
        let mut point = Point::matt(
            mix(0.012, height, wall) - 0.006 * smooth(0.004, 0.0, within),
            scale3(
                mix3([0.40, 0.37, 0.29], [0.64, 0.60, 0.50], wall),
                placed.tone * (1.0 + 0.03 * grain),
            ),
        );
        point.gloss = 0.3;
        let near = ((u + 0.126) / 0.084 + 0.5).floor().clamp(0.0, 3.0) * 0.084 - 0.126;
        let pin = inside(u - near, v, [0.012; 2], 0.003);
        let gilt = metal(0.040 - 0.012 * smooth(0.007, 0.0, pin), GOLD);
        point = point.mix(gilt, smooth(-self.edge(), self.edge(), pin));
        (point, smooth(-self.edge(), self.edge(), within))
    }

    /// The integrated circuit with its pins and their solder.
    fn circuit(&self, u: f32, v: f32) -> (Point, f32) {
        let edge = self.edge();
        let placed = &self.placed[0];
        let within = inside(u, v, [BODY; 2], 0.003)
            .min(FRAC_1_SQRT_2 * (2.0 * BODY - 0.012 - u.abs() - v.abs()));
        let body = smooth(-edge, edge, within);
        let side = match (u.abs() > v.abs(), u > 0.0, v > 0.0) {
            (true, true, _) => 0,
            (true, false, _) => 2,
            (false, _, true) => 1,
            (false, _, false) => 3,
        };
        let (along, across) = unfold(side, u, v);
        let number = (across / PITCH + 0.5).floor().clamp(-LAST_PIN, LAST_PIN);
        let off = across - number * PITCH;
        let own = noise::unit(placed.seed, number as i32, side as i32);

        let (mut point, mut outside) = (Point::matt(0.0, BLACK), 0.0_f32);
        if body < 1.0 {
            // A wet pad, on it the pin with a bend between shoulder and foot, and solder that climbs its flanks.
            let middle = 0.5 * (PAD + PIN) - 0.018;
            let pad = inside(along - middle, off, [PAD - middle, 0.0118], 0.004);
            let wet = smooth(-edge, edge, pad);
            let pin = inside(along - 0.5 * PIN, off, [0.5 * PIN, 0.0078], 0.002);
            let shape = smooth(-edge.min(0.004), edge.min(0.004), pin);
            let bend = smooth(BODY + 0.010, BODY + 0.024, along);
            let solder = metal(
                (0.0050 + 0.0025 * own) * smooth(0.0, 0.010, pad)
                    + 0.003 * smooth(0.010, 0.0, off.abs()),
                TIN,
            );
            let leg = metal(
                mix(0.022, 0.0095, bend) - 0.003 * smooth(0.003, 0.0, pin),
                scale3(TIN, 0.96 + 0.06 * own),
            );
            point = solder.mix(leg, shape);
            outside = wet.max(shape);
        }
        if body > 0.0 {
            let grain = self.grain(placed.seed, [140.0; 2], u, v);
            let bevel = smooth(0.012, 0.0, within);
            let dot = length(u + 0.104, v + 0.104);
            let dimple = smooth(0.0135, 0.0105, dot);
            let lines: [(&[u8], f32, f32); 3] = [
                (b"A7R-80", -0.032, 0.0085),
                (b"2L47CP", 0.017, 0.0066),
                (b"U5T", 0.054, 0.0056),
            ];
            let [right, down] = match self.mark {
                Some(Mark::Print { by }) => by,
                _ => [0.0; 2],
            };
            let laser = lines.iter().fold(0.0_f32, |most, &(letters, line, unit)| {
                most.max(self.ink(letters, u - right, v - down - line, unit))
            });
            let mut top = Point::matt(
                0.036 - 0.010 * bevel - 0.004 * dimple + 0.00025 * grain,
                mix3(
                    scale3(BLACK, placed.tone * (1.0 + 0.18 * grain)),
                    [0.080, 0.080, 0.077],
                    laser,
                ),
            );
            top.gloss = mix(0.16, 0.6, dimple);
            point = match outside > 0.0 {
                true => point.mix(top, body),
                false => top,
            };
        }
        (point, body.max(outside))
    }
}

/// A point of the circuit as seen from one of its sides: outwards and along it. The sides are right, bottom, left
/// and top.
fn unfold(side: usize, u: f32, v: f32) -> (f32, f32) {
    match side {
        0 => (u, v),
        1 => (v, -u),
        2 => (-u, -v),
        _ => (-v, u),
    }
}

/// The distance of a point from the silkscreen lines around a part, in sides.
fn outline(part: &Part, u: f32, v: f32) -> f32 {
    let [a, b] = part.kind.form().half;
    match part.kind {
        Circuit => {
            // Brackets at the corners, and a spot at the first pin.
            let corner =
                off_frame(u, v, 0.165, 0.165) + 2.0 * (0.132 - u.abs().min(v.abs())).max(0.0);
            corner.min((length(u + 0.182, v + 0.182) - 0.006).max(0.0))
        }
        Can | SmallCan => {
            let plus = |arm: f32, other: f32| length((arm.abs() - 0.011).max(0.0), other);
            let (pu, pv) = (u - a - 0.002, v + 0.50 * b);
            let gap = 2.0 * (0.030 - v.abs()).max(0.0);
            (off_frame(u, v, a + 0.008, b + 0.008) + gap)
                .min(plus(pu - 0.026, pv).min(plus(pv, pu - 0.026)))
        }
        Socket => off_frame(u, v, a + 0.008, b + 0.008),
        Crystal => {
            (inside(u, v, [a + 0.008, b + 0.008], b).abs()) + 2.0 * (u.abs() - a + 0.035).max(0.0)
        }
        Diode | Tantalum | Lamp => {
            let mark = length(u + a + part.kind.leads() + 0.026, (v.abs() - b).max(0.0));
            mark.min(length((u.abs() - a).max(0.0), v.abs() - b - 0.010))
        }
        _ => length((u.abs() - 0.45 * a).max(0.0), v.abs() - b - 0.009),
    }
}

/// The distance of a point from the border of a box about the origin.
fn off_frame(u: f32, v: f32, a: f32, b: f32) -> f32 {
    inside(u, v, [a, b], 0.001).abs()
}

/// Solder, tinned or gilt metal.
fn metal(height: f32, albedo: [f32; 3]) -> Point {
    Point {
        height,
        albedo,
        gloss: 0.6,
        metal: 0.92,
        grooves: [0.0; 2],
    }
}

/// A smooth wave of period 1 in `[-1, 1]`.
fn wave(t: f32) -> f32 {
    // The board is far from -64; casting is quicker than rounding.
    let t = t + 64.0;
    let t = t - t as i32 as f32;
    32.0 * t * t * (1.0 - t) * (1.0 - t) - 1.0
}
