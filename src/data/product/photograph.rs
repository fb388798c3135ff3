//! From a surface to the picture that a camera above it takes: light, shadow, lens, sensor.

use super::arithmetic::{Turn, length, mix, scale3, smooth};
use super::camera::Camera;
use super::noise::normal;
use super::surface::{Point, Surface};

/// Rows of the picture that are worked on at a time, so that a large picture needs little memory.
const BAND: usize = 256;

/// How far a shadow or a hollow is looked for, in sides.
const REACH: f32 = 0.045;

/// Distances at which the way to the light is probed, in sides.
const PROBES: [f32; 5] = [0.004, 0.009, 0.017, 0.029, 0.045];

/// Radii within which a point's surroundings darken it, in sides.
const HOLLOWS: [f32; 2] = [0.008, 0.028];

/// Samples along a side of each pixel.
fn samples(size: usize) -> usize {
    match size {
        ..48 => 3,
        48..=512 => 2,
        _ => 1,
    }
}

/// The distance of two samples, in sides.
pub(super) fn sample(size: usize) -> f32 {
    1.0 / (size * samples(size)) as f32
}

/// Photographs a surface: `size * size` pixels row by row, each of `channels` bytes (1 is grey, 3 is RGB).
pub(super) fn photograph(
    surface: &impl Surface,
    camera: &Camera,
    size: usize,
    channels: usize,
) -> Vec<u8> {
    let per_pixel = samples(size);
    let side = size * per_pixel;
    let lens = Lens::new(camera.blur, side);
    let reach = (REACH * side as f32) as usize + 1;
    let mut pixels = Vec::with_capacity(size * size * channels);
    for first in (0..size).step_by(BAND) {
        let rows = first * per_pixel..(first + BAND).min(size) * per_pixel;
        let lit = rows.start.saturating_sub(lens.radius)..(rows.end + lens.radius).min(side);
        let seen = lit.start.saturating_sub(reach)..(lit.end + reach).min(side);
        let relief = Relief::sample(surface, camera, side, seen);
        let light: Vec<[f32; 3]> = lit
            .clone()
            .flat_map(|row| (0..side).map(move |column| (row, column)))
            .map(|(row, column)| relief.shade(row, column, camera))
            .collect();
        let light = lens.blur(&light, side, rows.start - lit.start..rows.end - lit.start);
        expose(
            &light,
            [size, first, per_pixel],
            channels,
            camera,
            &mut pixels,
        );
    }
    pixels
}

/// The points of some rows of the picture, and how high their surroundings are.
struct Relief {
    side: usize,
    first_row: usize,
    points: Vec<Point>,
    heights: Vec<f32>,
    highest: f32,
    around: [Vec<f32>; 2],
}

impl Relief {
    fn sample(
        surface: &impl Surface,
        camera: &Camera,
        side: usize,
        rows: std::ops::Range<usize>,
    ) -> Self {
        let step = 1.0 / side as f32;
        let first_row = rows.start;
        let mut points = Vec::with_capacity(rows.len() * side);
        for row in rows {
            let y = (row as f32 + 0.5) * step;
            for column in 0..side {
                let x = (column as f32 + 0.5) * step;
                let (x, y) = camera.aim(x, y);
                points.push(surface.at(x, y));
            }
        }
        let heights: Vec<f32> = points.iter().map(|point| point.height).collect();
        let around = HOLLOWS.map(|radius| {
            let radius = (radius * side as f32 + 0.5) as usize;
            box_mean(&heights, side, radius.max(1))
        });
        Self {
            side,
            first_row,
            points,
            highest: heights.iter().copied().fold(f32::MIN, f32::max),
            heights,
            around,
        }
    }

    /// The height nearest to a place, which may lie outside.
    fn height(&self, row: i32, column: i32) -> f32 {
        let rows = (self.heights.len() / self.side) as i32;
        let row = (row - self.first_row as i32).clamp(0, rows - 1) as usize;
        let column = column.clamp(0, self.side as i32 - 1) as usize;
        self.heights[row * self.side + column]
    }

    /// The light that a point sends to the camera, linear.
    fn shade(&self, row: usize, column: usize, camera: &Camera) -> [f32; 3] {
        let at = (row - self.first_row) * self.side + column;
        let point = &self.points[at];
        let (i, j) = (row as i32, column as i32);
        let slope = 0.5 * self.side as f32;
        let nx = (self.height(i, j - 1) - self.height(i, j + 1)) * slope;
        let ny = (self.height(i - 1, j) - self.height(i + 1, j)) * slope;
        let nz = 1.0 / (nx * nx + ny * ny + 1.0).sqrt();
        let normal = [nx * nz, ny * nz, nz];

        let [lx, ly, lz] = camera.light;
        let level = length(lx, ly);
        let (ux, uy, steep) = (lx / level, ly / level, lz / level);
        let mut shadow = 0.0_f32;
        for distance in PROBES {
            if point.height + distance * steep >= self.highest {
                break;
            }
            let reach = distance * self.side as f32;
            let there = self.height(
                (row as f32 + uy * reach + 0.5) as i32,
                (column as f32 + ux * reach + 0.5) as i32,
            );
            // The light has an extent: the edge of a shadow is the softer the farther off.
            let above = there - point.height - distance * steep;
            shadow = shadow.max(above / (0.25 * distance + 0.002));
        }
        let lit = 1.0 - shadow.clamp(0.0, 1.0);
        let mut open = 1.0;
        for (radius, around) in HOLLOWS.iter().zip(&self.around) {
            let depth = (around[at] - point.height).max(0.0) / radius;
            open /= 1.0 + 1.2 * depth;
        }

        let dot = |a: [f32; 3], b: [f32; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
        let key = dot(normal, camera.light).max(0.0) * lit * camera.key;
        // A second, weak light from the other side, and light from the whole sky.
        let fill = dot(normal, [-0.8 * lx, -0.8 * ly, 0.8]).max(0.0) * camera.fill;
        let diffuse = key + (fill + camera.sky * (0.6 + 0.4 * nz)) * open;

        // Half way between the light and the eye.
        let bent = 1.0 / (lx * lx + ly * ly + (lz + 1.0) * (lz + 1.0)).sqrt();
        let half = [lx * bent, ly * bent, (lz + 1.0) * bent];
        let facing = dot(normal, half).max(0.0);
        let power = |x: f32, doublings: u32| (0..doublings).fold(x, |x, _| x * x);
        let shine = mix(power(facing, 3), 2.5 * power(facing, 6), point.gloss)
            * point.gloss
            * lit
            * camera.key;

        // Metal mirrors a bright field about the light and a dim room elsewhere.
        let mirrored = [
            2.0 * nz * normal[0],
            2.0 * nz * normal[1],
            2.0 * nz * nz - 1.0,
        ];
        let towards = dot(mirrored, camera.light);
        let [gx, gy] = point.grooves;
        let across = (gx * (half[0] - normal[0]) + gy * (half[1] - normal[1])) / 0.13;
        let streak = (gx * gx + gy * gy) * 1.10 / (1.0 + across * across);
        let room = 0.05 + 0.80 * smooth(0.60, 1.0, towards) * mix(0.45, 1.0, lit) + streak * lit;
        let metal = room * open * (camera.key + camera.sky);

        let body = 1.0 - point.metal;
        let specular = shine * (0.25 + 0.25 * point.metal);
        point
            .albedo
            .map(|albedo| albedo * (body * diffuse + point.metal * metal) + specular)
    }
}

/// The mean of each value's square surroundings, of `2 * radius + 1` values a side where the border allows.
fn box_mean(values: &[f32], width: usize, radius: usize) -> Vec<f32> {
    let height = values.len() / width;
    let mut across = vec![0.0; values.len()];
    for row in 0..height {
        let line = row * width..(row + 1) * width;
        mean_along(&values[line.clone()], &mut across[line], radius);
    }
    let (mut column, mut mean) = (vec![0.0; height], vec![0.0; height]);
    let mut both = vec![0.0; values.len()];
    for x in 0..width {
        for y in 0..height {
            column[y] = across[y * width + x];
        }
        mean_along(&column, &mut mean, radius);
        for y in 0..height {
            both[y * width + x] = mean[y];
        }
    }
    both
}

fn mean_along(values: &[f32], means: &mut [f32], radius: usize) {
    let last = values.len() - 1;
    // In double precision a running sum does not wander.
    let mut sum: f64 = values[..radius.min(last + 1)]
        .iter()
        .copied()
        .map(f64::from)
        .sum();
    for at in 0..=last {
        if at + radius <= last {
            sum += f64::from(values[at + radius]);
        }
        if at > radius {
            sum -= f64::from(values[at - radius - 1]);
        }
        let count = (at + radius).min(last) - at.saturating_sub(radius) + 1;
        means[at] = (sum / count as f64) as f32;
    }
}

/// The lens's blur: a bell curve, cut where it is faint.
struct Lens {
    radius: usize,
    weights: Vec<f32>,
}

impl Lens {
    /// `sigma` is in sides of the picture, `side` in samples.
    fn new(sigma: f32, side: usize) -> Self {
        let sigma = (sigma * side as f32).max(0.45);
        let radius = (2.5 * sigma + 0.5) as usize;
        let bell =
            |distance: usize| libm::expf(-0.5 * (distance * distance) as f32 / (sigma * sigma));
        let total: f32 = bell(0) + 2.0 * (1..=radius).map(bell).sum::<f32>();
        let weights = (0..=radius)
            .map(|distance| bell(distance) / total)
            .collect();
        Self { radius, weights }
    }

    /// The blurred light of the rows `kept`, the borders repeated.
    fn blur(&self, light: &[[f32; 3]], side: usize, kept: std::ops::Range<usize>) -> Vec<[f32; 3]> {
        let rows = light.len() / side;
        let mut across = vec![[0.0; 3]; light.len()];
        for row in 0..rows {
            let line = &light[row * side..(row + 1) * side];
            for (column, sum) in across[row * side..(row + 1) * side].iter_mut().enumerate() {
                *sum = scale3(line[column], self.weights[0]);
                for (distance, &weight) in self.weights.iter().enumerate().skip(1) {
                    let left = line[column.saturating_sub(distance)];
                    let right = line[(column + distance).min(side - 1)];
                    for channel in 0..3 {
                        sum[channel] += weight * (left[channel] + right[channel]);
                    }
                }
            }
        }
        let mut both = vec![[0.0; 3]; kept.len() * side];
        for (row, line) in kept.zip(both.chunks_exact_mut(side)) {
            for (distance, &weight) in self.weights.iter().enumerate() {
                let above = &across[row.saturating_sub(distance) * side..][..side];
                let below = &across[(row + distance).min(rows - 1) * side..][..side];
                for (column, sum) in line.iter_mut().enumerate() {
                    for channel in 0..3 {
                        sum[channel] += match distance {
                            0 => weight * above[column][channel],
                            _ => weight * (above[column][channel] + below[column][channel]),
                        };
                    }
                }
            }
        }
        both
    }
}

/// The sensor: a pixel's samples added up, shot and read noise, and the curve by which bright parts fade into white.
fn expose(
    light: &[[f32; 3]],
    [size, first_row, per_pixel]: [usize; 3],
    channels: usize,
    camera: &Camera,
    pixels: &mut Vec<u8>,
) {
    let side = size * per_pixel;
    let rows = light.len() / side / per_pixel;
    let share = 1.0 / (per_pixel * per_pixel) as f32;
    for row in 0..rows {
        for column in 0..size {
            let mut sum = [0.0_f32; 3];
            for sample_row in row * per_pixel..(row + 1) * per_pixel {
                for sample in &light[sample_row * side + column * per_pixel..][..per_pixel] {
                    for channel in 0..3 {
                        sum[channel] += sample[channel];
                    }
                }
            }
            let (y, x) = ((first_row + row) as i32, column as i32);
            let [fx, fy] = [x, y].map(|at| (at as f32 + 0.5) / size as f32 - 0.5);
            let bright = share * camera.exposure * (1.0 - camera.vignette * (fx * fx + fy * fy));
            let mut values =
                [0, 1, 2].map(|channel| (sum[channel] * bright * camera.balance[channel]).max(0.0));
            if channels == 1 {
                values[0] = 0.2126 * values[0] + 0.7152 * values[1] + 0.0722 * values[2];
            }
            for (channel, &value) in values.iter().enumerate().take(channels) {
                let deviation =
                    (camera.read * camera.read + camera.shot * camera.shot * value).sqrt();
                let noise = normal(camera.noise.wrapping_add(channel as u32), x, y);
                pixels.push(tone(value + deviation * noise));
            }
        }
    }
}

/// Linear light to a byte: close to sRGB in the middle, with a soft shoulder.
fn tone(light: f32) -> u8 {
    let light = light.max(0.0);
    (255.0 * (light / (light + 0.155) * 1.019).min(1.0) + 0.5) as u8
}

/// Where the camera looks: a turn and a shift of the whole picture about its middle.
impl Camera {
    fn aim(&self, x: f32, y: f32) -> (f32, f32) {
        let turn: Turn = self.turn;
        let (x, y) = turn.apply((x - 0.5) * self.zoom, (y - 0.5) * self.zoom);
        (x + 0.5 + self.shift[0], y + 0.5 + self.shift[1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A flat, grey ground with a cube on it.
    struct Cube;

    impl Surface for Cube {
        fn at(&self, x: f32, y: f32) -> Point {
            let on = (x - 0.5).abs() < 0.15 && (y - 0.5).abs() < 0.15;
            Point::matt(if on { 0.05 } else { 0.0 }, [0.3; 3])
        }
    }

    fn still() -> Camera {
        Camera {
            shot: 0.0,
            read: 0.0,
            vignette: 0.0,
            ..Camera::new(0, None)
        }
    }

    #[test]
    fn means_are_those_of_the_square_around() {
        let values: Vec<f32> = (0..35).map(|i| (i * i % 17) as f32).collect();
        let means = box_mean(&values, 7, 2);
        for (at, mean) in means.iter().enumerate() {
            let (row, column) = (at / 7, at % 7);
            let mut around = Vec::new();
            for y in row.saturating_sub(2)..=(row + 2).min(4) {
                around.extend(
                    &values[y * 7 + column.saturating_sub(2)..=y * 7 + (column + 2).min(6)],
                );
            }
            let expected = around.iter().sum::<f32>() / around.len() as f32;
            assert!(
                (mean - expected).abs() < 1e-4,
                "{row}, {column}: {mean}, {expected}"
            );
        }
    }

    #[test]
    fn a_body_casts_its_shadow_away_from_the_lamp() {
        let picture = photograph(&Cube, &still(), 64, 1);
        let at = |x: usize, y: usize| i32::from(picture[y * 64 + x]);
        // The lamp stands at the upper left; the ground far off is lit.
        assert!(
            at(42, 42) < at(60, 60) - 20,
            "{} {}",
            at(42, 42),
            at(60, 60)
        );
        assert!((at(20, 20) - at(60, 60)).abs() < 12);
        assert!((at(32, 32) - at(60, 60)).abs() < 12);
    }

    #[test]
    fn bands_fit_together() {
        // The second band's first row is beside the first band's last one.
        let picture = photograph(&Cube, &still(), 520, 1);
        for x in (0..520).step_by(13) {
            let rows = |y: usize| i32::from(picture[y * 520 + x]);
            for border in [256, 512] {
                assert!((rows(border - 1) - rows(border)).abs() <= 2, "{x}");
            }
        }
    }

    #[test]
    fn grey_is_the_brightness_of_the_colours() {
        let (grey, colour) = (
            photograph(&Cube, &still(), 32, 1),
            photograph(&Cube, &still(), 32, 3),
        );
        let far = grey
            .iter()
            .zip(colour.chunks_exact(3))
            .map(|(&g, c)| g.abs_diff(c[1]));
        assert!(far.max().unwrap() <= 2);
    }

    #[test]
    fn brighter_light_never_gives_a_darker_byte() {
        let bytes: Vec<u8> = (0..4000).map(|i| tone(i as f32 * 1e-3)).collect();
        assert!(bytes.is_sorted() && bytes[0] == 0 && bytes[3999] >= 250);
        assert_eq!(tone(-1.0), 0);
    }
}
