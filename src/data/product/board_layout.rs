//! Where everything on the circuit board is: components, traces and vias, and what lies near a point.

use std::sync::LazyLock;

use super::arithmetic::{length, mix};

/// The raster on which everything is laid out, in sides.
pub(super) const STEP: f32 = 0.012;
/// Half widths, in sides, and the gap that a copper plane keeps from everything else.
pub(super) const TRACE: f32 = 0.0052;
pub(super) const VIA: f32 = 0.0145;
pub(super) const DRILL: f32 = 0.0065;
pub(super) const GAP: f32 = 0.009;
/// Height of copper under the mask, in sides.
pub(super) const COPPER: f32 = 0.0016;
/// The width of two threads of the glass cloth, in sides.
pub(super) const WEAVE: f32 = 0.022;
/// The circuit: half its body, the distance of two pins, and how far its pins and their pads reach, in sides.
pub(super) const BODY: f32 = 0.140;
pub(super) const PITCH: f32 = 0.036;
pub(super) const PIN: f32 = 0.184;
pub(super) const PAD: f32 = 0.197;
/// The number of the last pin from the middle of a side.
pub(super) const LAST_PIN: f32 = 3.0;

/// The width of a letter of a label with its gap, in sides.
pub(super) const LETTER: f32 = 0.0150;

/// What a component is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Circuit,
    Resistor,
    SmallResistor,
    Ceramic,
    SmallCeramic,
    Lamp,
    Tantalum,
    Diode,
    Crystal,
    Transistor,
    Can,
    SmallCan,
    Socket,
}
use Kind::*;

/// A component of the layout.
pub(super) struct Part {
    pub(super) kind: Kind,
    /// Its middle, in steps.
    pub(super) at: [i8; 2],
    /// Whether its length runs down the picture instead of across.
    pub(super) upright: bool,
    /// Its name in the silkscreen.
    pub(super) label: &'static [u8],
    /// Where the middle of its name is from its own, in steps.
    pub(super) label_off: [f32; 2],
}

const fn part(
    kind: Kind,
    at: [i8; 2],
    upright: bool,
    label: &'static [u8],
    label_off: [f32; 2],
) -> Part {
    Part {
        kind,
        at,
        upright,
        label,
        label_off,
    }
}

/// The layout. The circuit comes first and the socket is number 3, as `board.rs` expects.
pub(super) const PARTS: [Part; 24] = [
    part(Circuit, [35, 36], false, b"U1", [-13.0, -18.5]),
    part(Can, [68, 17], false, b"C1", [0.0, -11.3]),
    part(SmallCan, [70, 41], true, b"C2", [9.6, 2.0]),
    part(Socket, [64, 71], false, b"J1", [-11.0, -9.0]),
    part(Crystal, [17, 67], false, b"Y1", [0.0, -6.0]),
    part(Resistor, [8, 10], true, b"R1", [0.0, -7.0]),
    part(Resistor, [15, 10], true, b"R2", [0.0, -7.0]),
    part(Resistor, [22, 10], true, b"R3", [0.0, -7.0]),
    part(Ceramic, [33, 9], false, b"C3", [0.0, -4.6]),
    part(Lamp, [46, 9], false, b"D1", [0.0, -4.6]),
    part(Ceramic, [8, 27], true, b"C4", [0.0, -7.0]),
    part(SmallResistor, [9, 39], true, b"R4", [0.0, -6.0]),
    part(SmallCeramic, [11, 48], false, b"C5", [0.0, -3.4]),
    part(Tantalum, [56, 55], false, b"C6", [0.0, -6.0]),
    part(Diode, [40, 62], false, b"D2", [0.0, -4.8]),
    part(Ceramic, [57, 33], true, b"C7", [4.2, 0.0]),
    part(Ceramic, [6, 77], false, b"C8", [0.0, -4.6]),
    part(Ceramic, [26, 77], false, b"C9", [0.0, -4.4]),
    part(SmallResistor, [36, 71], false, b"R5", [0.0, -3.6]),
    part(SmallResistor, [36, 78], false, b"R6", [5.4, 0.0]),
    part(Transistor, [25, 57], true, b"Q1", [5.4, -1.0]),
    part(SmallCeramic, [56, 44], true, b"C10", [4.8, 0.0]),
    part(SmallResistor, [11, 56], false, b"R7", [0.0, -3.6]),
    part(Resistor, [77, 54], true, b"R8", [-4.4, 0.0]),
];

/// Traces: x and y of the corners of each, in steps.
const TRACES: [&[i8]; 49] = [
    &[54, -9, 54, 10, 76, 32, 93, 32],
    &[56, -9, 56, 9, 77, 30, 93, 30],
    &[58, -9, 58, 8, 78, 28, 93, 28],
    &[-9, 60, 0, 60, 33, 93],
    &[-9, 62, -1, 62, 30, 93],
    &[42, 93, 42, 72, 52, 62, 93, 62],
    &[-9, 17, 1, 17, 4, 20, 19, 20, 19, 24],
    &[51, 36, 53, 38, 56, 38, 57, 37],
    &[35, 52, 33, 54, 27, 54],
    &[19, 36, 9, 36],
    &[35, 20, 35, 18, 38, 15, 38, 10, 37, 9],
    &[51, 33, 53, 33, 57, 29],
    &[51, 39, 52, 39, 55, 42, 56, 42],
    &[38, 52, 41, 55, 50, 55],
    &[19, 39, 17, 39, 13, 43, 10, 43, 9, 42],
    &[19, 33, 10, 33, 8, 31],
    &[32, 20, 27, 15, 23, 15, 22, 14],
    &[38, 20, 38, 18, 40, 16, 40, 11, 42, 9],
    &[51, 30, 52, 29, 52, 24, 59, 17],
    &[51, 42, 55, 46, 56, 46],
    &[19, 42, 13, 48],
    &[19, 30, 12, 23, 8, 23],
    &[29, 20, 26, 17, 18, 17, 15, 14],
    &[41, 20, 41, 18, 50, 9],
    &[51, 45, 52, 46, 52, 48, 59, 55, 62, 55],
    &[19, 45, 17, 47, 17, 53, 14, 56],
    &[44, 20, 47, 17, 49, 17],
    &[77, 17, 82, 22],
    &[70, 35, 65, 30],
    &[70, 47, 71, 48, 75, 48, 77, 50],
    &[54, 71, 54, 80],
    &[60, 71, 68, 71],
    &[74, 71, 81, 71],
    &[8, 67, 9, 66, 9, 57, 8, 56],
    &[26, 67, 30, 71, 33, 71],
    &[8, 6, 15, 6],
    &[8, 14, 7, 15, 4, 15, 2, 13],
    &[22, 6, 26, 6, 29, 9],
    &[9, 48, 3, 48],
    &[35, 62, 27, 62, 25, 60],
    &[45, 62, 46, 63, 46, 65, 40, 71, 39, 71],
    &[2, 77, -9, 77],
    &[10, 77, 11, 78, 11, 83],
    &[22, 77, 26, 81, 32, 81, 33, 80, 33, 78],
    &[30, 77, 30, 74, 31, 73, 32, 73, 35, 76, 35, 85],
    &[39, 78, 40, 79, 40, 92],
    &[23, 54, 20, 57, 20, 59],
    &[77, 58, 78, 59, 82, 59, 83, 58],
    &[44, 52, 45, 53, 51, 53, 58, 60, 75, 60, 77, 58],
];

/// Vias: x and y of each, in steps.
const VIAS: [i8; 72] = [
    49, 17, 82, 22, 65, 30, 54, 80, 81, 71, 2, 13, 3, 48, 11, 83, 35, 85, 20, 59, 83, 58, -2, 35,
    1, 3, 39, 0, 77, 85, 71, -1, 81, 3, 25, -2, 79, 36, 61, 82, 85, 46, 69, 86, 9, 1, 84, 80, -1,
    56, 49, 2, 86, 39, 85, 14, 2, 83, -2, 27, 69, 54, 32, 0, 62, 2, 0, 70, 47, 84, 17, -1,
];

/// The measures of a kind of component, in sides. Its length runs along `u`, its width along `v`.
pub(super) struct Form {
    /// Half the length and half the width of the body.
    pub(super) half: [f32; 2],
    pub(super) height: f32,
    /// Pads: the middle and half the extent of each.
    pub(super) pads: &'static [[f32; 4]],
}

const TRANSISTOR_PADS: [[f32; 4]; 3] = [
    [-0.036, -0.022, 0.016, 0.011],
    [-0.036, 0.022, 0.016, 0.011],
    [0.036, 0.0, 0.016, 0.011],
];

/// Two pads, each so far from the middle, with half its length and half its width.
const fn pair(off: f32, a: f32, b: f32) -> [[f32; 4]; 2] {
    [[-off, 0.0, a, b], [off, 0.0, a, b]]
}

impl Kind {
    pub(super) const fn form(self) -> Form {
        let (half, height, pads): (_, _, &[_]) = match self {
            Circuit => ([BODY; 2], 0.036, &[]),
            Resistor => ([0.043, 0.026], 0.0225, &const { pair(0.045, 0.018, 0.029) }),
            SmallResistor => ([0.032, 0.018], 0.0180, &const { pair(0.034, 0.016, 0.021) }),
            Ceramic => ([0.042, 0.027], 0.0260, &const { pair(0.044, 0.018, 0.030) }),
            SmallCeramic => ([0.025, 0.015], 0.0170, &const { pair(0.027, 0.013, 0.017) }),
            Lamp => ([0.040, 0.026], 0.0220, &const { pair(0.042, 0.018, 0.029) }),
            Tantalum => ([0.068, 0.040], 0.0340, &const { pair(0.072, 0.020, 0.026) }),
            Diode => ([0.052, 0.034], 0.0300, &const { pair(0.062, 0.020, 0.022) }),
            Crystal => ([0.105, 0.045], 0.0420, &const { pair(0.109, 0.030, 0.020) }),
            Transistor => ([0.024, 0.036], 0.0240, &TRANSISTOR_PADS),
            Can => ([0.104; 2], 0.0540, &const { pair(0.104, 0.026, 0.018) }),
            SmallCan => ([0.068; 2], 0.0480, &const { pair(0.070, 0.024, 0.016) }),
            Socket => ([0.180, 0.080], 0.0460, &[]),
        };
        Form { half, height, pads }
    }

    /// Whether a component of this kind may be missing or askew.
    pub(super) const fn is_loose(self) -> bool {
        !matches!(self, Circuit | Can | Socket)
    }

    /// How far leads stand out of the body at both ends, in sides.
    pub(super) const fn leads(self) -> f32 {
        match self {
            Circuit => PAD - BODY,
            Tantalum => 0.008,
            Diode | Transistor => 0.020,
            Crystal | Can | SmallCan => 0.012,
            _ => 0.0,
        }
    }
}

impl Part {
    /// Its middle, in sides.
    pub(super) fn middle(&self) -> [f32; 2] {
        self.at.map(|steps| f32::from(steps) * STEP)
    }

    /// A point of the board in the coordinates of the part where it should be: along and across it.
    pub(super) fn nominal(&self, x: f32, y: f32) -> (f32, f32) {
        let [mx, my] = self.middle();
        match self.upright {
            true => (y - my, mx - x),
            false => (x - mx, y - my),
        }
    }

    /// Half of what it covers across and down the picture, in sides, with its leads and pads.
    pub(super) fn extent(&self) -> [f32; 2] {
        let Form {
            half: [a, b], pads, ..
        } = self.kind.form();
        let reach = pads
            .iter()
            .fold(a + self.kind.leads(), |most, pad| most.max(pad[0] + pad[2]));
        let across = match self.kind {
            Circuit => PAD,
            _ => b,
        };
        match self.upright {
            true => [across, reach],
            false => [reach, across],
        }
    }

    /// Where the middle of its label is, in sides.
    pub(super) fn label_middle(&self) -> [f32; 2] {
        let ([x, y], [dx, dy]) = (self.middle(), self.label_off);
        [x + dx * STEP, y + dy * STEP]
    }
}

/// What may lie at the points of a square of the board, so that a point need not ask everything.
#[derive(Clone, Default)]
pub(super) struct Cell {
    /// Traces: both ends of each piece, in sides.
    pub(super) traces: Vec<[f32; 4]>,
    pub(super) vias: Vec<[f32; 2]>,
    /// Pads: the middle and half the extent of each, in sides, and the part it belongs to.
    pub(super) pads: Vec<([f32; 4], usize)>,
    pub(super) parts: Vec<usize>,
    /// Parts whose labels are here.
    pub(super) labels: Vec<usize>,
}

/// The board and a margin of `MARGIN` sides around it, in `CELLS * CELLS` cells.
const CELLS: usize = 40;
const MARGIN: f32 = 0.1;
/// Cells a side of the picture.
const DENSE: f32 = CELLS as f32 / (1.0 + 2.0 * MARGIN);

static LAYOUT: LazyLock<Vec<Cell>> = LazyLock::new(|| {
    let mut cells = vec![Cell::default(); CELLS * CELLS];
    let mut enter = |[left, top, right, bottom]: [f32; 4], put: &dyn Fn(&mut Cell)| {
        for row in line_of(top)..=line_of(bottom) {
            for column in line_of(left)..=line_of(right) {
                put(&mut cells[row * CELLS + column]);
            }
        }
    };
    let around = |[x, y]: [f32; 2], [w, h]: [f32; 2]| [x - w, y - h, x + w, y + h];
    for trace in TRACES {
        for ends in trace.windows(4).step_by(2) {
            let [ax, ay, bx, by] = std::array::from_fn(|i| f32::from(ends[i]) * STEP);
            let reach = TRACE + GAP + 0.006;
            // A long slanting piece is entered bit by bit, lest it fill a whole square of cells.
            for bit in 0..16 {
                let at = (bit as f32 + 0.5) / 16.0;
                let half = [
                    ((bx - ax) / 32.0).abs() + reach,
                    ((by - ay) / 32.0).abs() + reach,
                ];
                enter(around([mix(ax, bx, at), mix(ay, by, at)], half), &|cell| {
                    if cell.traces.last() != Some(&[ax, ay, bx, by]) {
                        cell.traces.push([ax, ay, bx, by]);
                    }
                });
            }
        }
    }
    for via in VIAS.chunks_exact(2) {
        let via = std::array::from_fn(|i| f32::from(via[i]) * STEP);
        enter(around(via, [VIA + 0.006; 2]), &|cell| cell.vias.push(via));
    }
    for (number, part) in PARTS.iter().enumerate() {
        let [w, h] = part.extent();
        let round = match part.kind.is_loose() {
            true => length(w, h),
            false => 0.0,
        };
        enter(
            around(part.middle(), [w.max(round) + 0.022, h.max(round) + 0.022]),
            &|cell| cell.parts.push(number),
        );
        let text = [0.5 * LETTER * part.label.len() as f32 + 0.01, 0.025];
        enter(around(part.label_middle(), text), &|cell| {
            cell.labels.push(number)
        });
        let [x, y] = part.middle();
        for &[u, v, a, b] in part.kind.form().pads {
            let (pad, half) = match part.upright {
                true => ([x - v, y + u], [b, a]),
                false => ([x + u, y + v], [a, b]),
            };
            enter(around(pad, half.map(|half| half + GAP + 0.006)), &|cell| {
                cell.pads.push(([pad[0], pad[1], half[0], half[1]], number));
            });
        }
    }
    cells
});

/// The row or column of cells at a coordinate.
fn line_of(x: f32) -> usize {
    (((x + MARGIN) * DENSE).max(0.0) as usize).min(CELLS - 1)
}

/// What may lie at a point.
pub(super) fn cell(x: f32, y: f32) -> &'static Cell {
    &LAYOUT[line_of(y) * CELLS + line_of(x)]
}
