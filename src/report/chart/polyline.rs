//! Lines through points: fewer points for the same line, and where a line's number stands.

/// How far a thinned curve may lie from the exact one, in units of the drawing. A chart is at most
/// 608 pixels wide (`.chart` in style.css), so this is less than half a pixel.
pub(super) const TOLERANCE: f64 = 0.25;

/// Pairs of numbers: points, or the ends of a band.
pub type Points = Vec<(f64, f64)>;

/// A place on each line for its number, apart from each other if possible.
pub(super) fn dot_places(lines: &[Points]) -> Vec<(f64, f64)> {
    let mut placed: Points = Vec::new();
    for (k, line) in lines.iter().enumerate() {
        let first = (k + 1) as f64 / (lines.len() + 1) as f64;
        let room = |place: (f64, f64)| {
            placed
                .iter()
                .map(|other| (place.0 - other.0).hypot(place.1 - other.1))
                .fold(f64::INFINITY, f64::min)
        };
        // First its own share of the way, then places further along.
        let candidates: Points = (0..20)
            .map(|step| along(line, (first + 0.05 * f64::from(step)) % 1.0))
            .collect();
        let clear = candidates.iter().copied().find(|&place| room(place) > 16.0);
        let widest = candidates
            .iter()
            .copied()
            .max_by(|&a, &b| room(a).total_cmp(&room(b)));
        placed.push(clear.or(widest).unwrap_or((0.0, 0.0)));
    }
    placed
}

/// The point at a share of a line's length.
fn along(line: &[(f64, f64)], share: f64) -> (f64, f64) {
    let length = |pair: &[(f64, f64)]| (pair[1].0 - pair[0].0).hypot(pair[1].1 - pair[0].1);
    let mut left = line.windows(2).map(length).sum::<f64>() * share;
    for pair in line.windows(2) {
        let here = length(pair);
        if left <= here && here > 0.0 {
            let part = left / here;
            let between = |a: f64, b: f64| a + (b - a) * part;
            return (between(pair[0].0, pair[1].0), between(pair[0].1, pair[1].1));
        }
        left -= here;
    }
    line.last().copied().unwrap_or((0.0, 0.0))
}

/// As few of the points as keep the line within `tolerance` of the exact one; first and last stay.
///
/// Points close to the last one kept are dropped first, since curves of many images consist mostly of
/// these; then Douglas and Peucker's method follows, with an explicit list instead of recursion.
pub(super) fn thinned(points: &[(f64, f64)], tolerance: f64) -> Points {
    let (near, far) = (tolerance * 0.2, tolerance * 0.8);
    let mut kept: Points = Vec::new();
    for (k, &point) in points.iter().enumerate() {
        let last = k + 1 == points.len();
        match kept.last() {
            Some(before) if !last && (point.0 - before.0).hypot(point.1 - before.1) < near => {}
            _ => kept.push(point),
        }
    }
    let mut keep = vec![false; kept.len()];
    if let (Some(first), true) = (keep.first_mut(), kept.len() > 1) {
        *first = true;
    }
    if let Some(last) = keep.last_mut() {
        *last = true;
    }
    let mut open = vec![(0, kept.len().saturating_sub(1))];
    while let Some((from, to)) = open.pop() {
        let furthest = (from + 1..to)
            .map(|k| (k, distance(kept[k], kept[from], kept[to])))
            .max_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((k, away)) = furthest
            && away > far
        {
            keep[k] = true;
            open.extend([(from, k), (k, to)]);
        }
    }
    kept.iter()
        .zip(keep)
        .filter_map(|(&point, keep)| keep.then_some(point))
        .collect()
}

/// From a point to the line between two others.
fn distance(point: (f64, f64), from: (f64, f64), to: (f64, f64)) -> f64 {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx.hypot(dy);
    let (px, py) = (point.0 - from.0, point.1 - from.1);
    // How far along the line: a foot outside it would understate the distance.
    let along = if length > 0.0 {
        ((px * dx + py * dy) / (length * length)).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (px - along * dx).hypot(py - along * dy)
}

/// Merges points into at most `most`: for each group of neighbours the mean, the lowest and the highest.
/// Points that are not finite are left out.
pub fn joined(points: impl Iterator<Item = (f64, f64)>, most: usize) -> (Points, Points) {
    let points: Vec<_> = points
        .filter(|p| p.0.is_finite() && p.1.is_finite())
        .collect();
    let run = points.len().div_ceil(most.max(1)).max(1);
    points
        .chunks(run)
        .map(|run| {
            let n = run.len() as f64;
            let mean = |of: fn(&(f64, f64)) -> f64| run.iter().map(of).sum::<f64>() / n;
            let low = run.iter().map(|p| p.1).fold(f64::INFINITY, f64::min);
            let high = run.iter().map(|p| p.1).fold(f64::NEG_INFINITY, f64::max);
            ((mean(|p| p.0), mean(|p| p.1)), (low, high))
        })
        .unzip()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_runs_are_joined_and_nonsense_is_left_out() {
        let points = (0..1000).map(|k| (k as f64, if k == 3 { f64::NAN } else { 2.0 }));
        let (means, band) = joined(points, 100);
        assert!(means.len() <= 100 && means.len() == band.len());
        assert!(means.iter().all(|p| p.1 == 2.0) && band.iter().all(|b| *b == (2.0, 2.0)));
    }

    /// A staircase like the curve of `n` images, in units of the drawing.
    fn staircase(n: usize) -> Points {
        let mut state = 1_u64;
        let (mut x, mut y) = (0_u32, 0_u32);
        let mut points = vec![(0.0, 0.0)];
        for k in 0..n {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let up = (state >> 33) as f64 / f64::from(1_u32 << 31) > k as f64 / n as f64;
            *(if up { &mut y } else { &mut x }) += 1;
            points.push((
                f64::from(x) * 600.0 / n as f64,
                f64::from(y) * 600.0 / n as f64,
            ));
        }
        points
    }

    #[test]
    fn thinned_curves_stay_within_the_tolerance() {
        for n in [1, 2, 30, 1000, 15_000] {
            let exact = staircase(n);
            let drawn = thinned(&exact, TOLERANCE);
            assert_eq!((drawn.first(), drawn.last()), (exact.first(), exact.last()));
            for &point in exact.iter().step_by(1 + n / 500) {
                let away = drawn
                    .windows(2)
                    .map(|pair| distance(point, pair[0], pair[1]))
                    .fold(f64::INFINITY, f64::min);
                assert!(away <= TOLERANCE, "{away} at {point:?} of {n}");
            }
            assert!(drawn.len() < 1500, "{} of {n}", drawn.len());
        }
        assert_eq!(thinned(&[], 1.0), []);
        assert_eq!(thinned(&[(1.0, 2.0)], 1.0), [(1.0, 2.0)]);
        assert_eq!(thinned(&[(1.0, 2.0); 5], 1.0).len(), 2);
    }

    #[test]
    fn the_numbers_of_equal_curves_do_not_hide_each_other() {
        let line: Points = vec![(44.0, 330.0), (200.0, 100.0), (350.0, 24.0)];
        let places = dot_places(&vec![line; 6]);
        for (k, a) in places.iter().enumerate() {
            for b in &places[..k] {
                assert!((a.0 - b.0).hypot(a.1 - b.1) > 14.0, "{a:?} {b:?}");
            }
        }
        // A curve of nothing, or of one point, has a place too.
        assert_eq!(
            dot_places(&[vec![], vec![(3.0, 4.0)]]),
            [(0.0, 0.0), (3.0, 4.0)]
        );
    }
}
