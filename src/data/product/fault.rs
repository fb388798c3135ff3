//! What can be wrong with a part.

use super::noise::Draw;

/// Kinds of faults. Which of them a product can have is [`super::Product::faults`].
///
/// A kind's number is part of what its seeds give: a new kind goes to the end, lest those after it change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultKind {
    /// A line cut into the surface.
    Scratch,
    /// A gap that runs through the material.
    Crack,
    /// A hollow that something pressed in.
    Dent,
    /// Material that broke away at an edge.
    Chip,
    /// An opening through the material.
    Hole,
    /// Something soaked in.
    Stain,
    /// The surface itself has another colour: rust, burning.
    Discolouration,
    /// Something that lies on the part.
    ForeignBody,
    /// A tooth that is not where it should be.
    BentTooth,
    /// A thread that was not woven in.
    MissingThread,
    /// A thread that was drawn out of the weave.
    PulledThread,
    /// A component that was not placed.
    MissingComponent,
    /// A component that was placed askew.
    TurnedComponent,
    /// Solder between two contacts.
    Bridge,
    /// A marking that was printed in the wrong place.
    WrongPrint,
}

impl FaultKind {
    /// Its name in commands and folders.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scratch => "scratch",
            Self::Crack => "crack",
            Self::Dent => "dent",
            Self::Chip => "chip",
            Self::Hole => "hole",
            Self::Stain => "stain",
            Self::Discolouration => "discolouration",
            Self::ForeignBody => "foreign-body",
            Self::BentTooth => "bent-tooth",
            Self::MissingThread => "missing-thread",
            Self::PulledThread => "pulled-thread",
            Self::MissingComponent => "missing-component",
            Self::TurnedComponent => "turned-component",
            Self::Bridge => "bridge",
            Self::WrongPrint => "wrong-print",
        }
    }
}

/// A fault of one part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fault {
    /// What is wrong.
    pub kind: FaultKind,
    /// How long or wide it is, in sides of the picture.
    pub size: f32,
    /// How much of its full change it makes, in `[0, 1]`: 1 is the full depth or the full colour.
    pub contrast: f32,
    /// Where it is and what shape it has: the same seed grows in the same place.
    pub seed: u64,
}

impl Fault {
    /// The fault as it was when it was younger: at `wear` = 0 there is none, at 1 it is fully grown. It grows from
    /// its middle, first in contrast, then in size; a component stays as large as it is and goes bit by bit.
    pub fn worn(self, wear: f32) -> Option<Self> {
        let wear = wear.min(1.0);
        (wear > 0.0).then(|| match self.kind {
            FaultKind::MissingComponent | FaultKind::TurnedComponent => Self {
                contrast: self.contrast * wear,
                ..self
            },
            _ => Self {
                size: self.size * (0.15 + 0.85 * wear),
                contrast: self.contrast * (3.0 * wear).min(1.0),
                ..self
            },
        })
    }

    /// The numbers that decide place and shape.
    pub(super) fn draw(&self) -> Draw {
        Draw::new(self.seed, 0xFA17_0000 + self.kind as u64)
    }
}
