//! Changes that are no fault: a detector should not mind them.

/// What changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DriftKind {
    /// The lamp: brightness, colour and direction.
    Light,
    /// The lens is out of focus.
    Focus,
    /// The camera was moved and turned.
    Camera,
    /// Another batch of material: its colour.
    Material,
}

impl DriftKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Light, Self::Focus, Self::Camera, Self::Material];

    /// `light`, `focus`, `camera` or `material`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Focus => "focus",
            Self::Camera => "camera",
            Self::Material => "material",
        }
    }
}

/// A change of the scene that is no fault.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drift {
    /// What changes.
    pub kind: DriftKind,
    /// How much: 0 is nothing, 1 the most that a production line would tolerate, in `[0, 1]`.
    pub amount: f32,
}

impl Drift {
    /// How much of `kind` there is.
    pub(super) fn of(drift: Option<&Self>, kind: DriftKind) -> f32 {
        drift.map_or(0.0, |drift| match drift.kind == kind {
            true => drift.amount,
            false => 0.0,
        })
    }
}
