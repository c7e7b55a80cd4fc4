//! One mini-batch of softmax regression, forward and backward, in vectors of eight.
//!
//! For a batch of B images x with labels y, weights W and bias b, at learning rate η:
//!
//! ```text
//! z = W·x + b      p = softmax(z)      d = (p − y) · η / B      W ← W − Σ d·xᵀ      b ← b − Σ d
//! ```
//!
//! All of a batch sees the weights from before its update. Images are taken in chunks of at most [`CHUNK`]:
//!
//! 1. *forward*: for each image, over its touched tiles, a vector of partial sums a class; eight images' partial sums are then
//!    added up together, which leaves a vector with one logit an image. On the way each tile is entered in the list of its number.
//! 2. *softmax*: eight images at a time, one a lane; logits become d.
//! 3. *backward*: tile by tile, the gradient is summed in registers over the images on the tile's list, and taken from the weights
//!    once. A batch of several chunks collects its gradient first, so that no chunk sees another's update.
//!
//! Pixels stay whole numbers from 0 to 255; their share of full intensity, x = pixel / 255, is taken in the logits and in d. Sums
//! before that are 255 times as large as the reference's: weights beyond 1e35 leave the numbers that much earlier.

use crate::engine::{Prediction, Score};

use super::lanes::{LANES, Lanes, Row};
use super::tiles::{Images, Tile};

/// Images whose gradient is summed in one go.
const CHUNK: usize = 64;

/// Images that are asked of the memory ahead of time.
const AHEAD: usize = 4;

/// What one step of a pixel is worth.
const UNIT: f32 = 1.0 / 255.0;

/// Weights as the kernel wants them.
#[derive(Clone)]
pub(super) struct Parameters {
    parts: Vec<Part>,
    /// `[classes]`.
    pub(super) bias: Vec<f32>,
}

/// Weights of a few classes: so many that their accumulators, and what feeds them, fit a processor's sixteen registers.
#[derive(Clone)]
struct Part {
    first_class: usize,
    width: usize,
    /// `[tiles, width]` vectors of a tile's eight pixels.
    weight: Vec<Row>,
}

impl Parameters {
    /// All weights zero.
    pub(super) fn zeros(tiles: usize, classes: usize) -> Self {
        let mut parts = Vec::new();
        let mut first_class = 0;
        while first_class < classes {
            let fits = |width: &usize| *width <= classes - first_class;
            let width = [10, 8, 4, 2].into_iter().find(fits).unwrap_or(1);
            parts.push(Part { first_class, width, weight: vec![[0.0; LANES]; tiles * width] });
            first_class += width;
        }
        Self { parts, bias: vec![0.0; classes] }
    }

    /// The weight of a class and a pixel.
    pub(super) fn weight(&self, class: usize, (tile, lane): (usize, usize)) -> f32 {
        let part = &self.parts[self.part_of(class)];
        part.weight[tile * part.width + class - part.first_class][lane]
    }

    /// The weight of a class and a pixel, to be set.
    pub(super) fn weight_mut(&mut self, class: usize, (tile, lane): (usize, usize)) -> &mut f32 {
        let part = self.part_of(class);
        let part = &mut self.parts[part];
        &mut part.weight[tile * part.width + class - part.first_class][lane]
    }

    fn part_of(&self, class: usize) -> usize {
        self.parts.partition_point(|part| part.first_class + part.width <= class)
    }

    #[inline(always)]
    fn add<L: Lanes>(&mut self, change: &Self) {
        for (part, change) in self.parts.iter_mut().zip(&change.parts) {
            for (weight, change) in part.weight.iter_mut().zip(&change.weight) {
                L::load(weight).add(L::load(change)).store(weight);
            }
        }
        for (bias, change) in self.bias.iter_mut().zip(&change.bias) {
            *bias += change;
        }
    }

    fn clear(&mut self) {
        for part in &mut self.parts {
            part.weight.fill([0.0; LANES]);
        }
        self.bias.fill(0.0);
    }
}

/// The images of a chunk that touch a tile, and their pixels there: in this order, so that a short list lies on few lines of a cache.
#[derive(Clone, Copy)]
#[repr(C)]
struct Touches {
    /// A bit an image, by its slot in the chunk.
    slots: u64,
    /// Of the images of these bits, in their order. Some longer than a chunk needs, so that the lists, no power of two long, do not
    /// all fall on the same lines of a cache.
    pixels: [[u8; LANES]; CHUNK + 8],
}

impl Touches {
    const NONE: Self = Self { slots: 0, pixels: [[0; LANES]; CHUNK + 8] };
}

/// Memory of a step: made once, used by every step.
pub(super) struct Workspace {
    /// `[classes, eight images]`: vectors of partial sums.
    sums: Vec<[Row; LANES]>,
    /// `[classes, CHUNK]`: logits, then exponentials, then d / 255.
    slots: Vec<[f32; CHUNK]>,
    /// `[tiles]`.
    touches: Vec<Touches>,
    /// Of a batch of several chunks: −Σ d·xᵀ and −Σ d. Made when first needed.
    change: Option<Parameters>,
}

impl Workspace {
    pub(super) fn new(tiles: usize, classes: usize) -> Self {
        Self {
            sums: vec![[[0.0; LANES]; LANES]; classes],
            slots: vec![[0.0; CHUNK]; classes],
            touches: vec![Touches::NONE; tiles],
            change: None,
        }
    }
}

/// One update on the images of `batch`, to be followed by one on those of `upcoming`: the score of the weights before it.
#[inline(always)]
pub(super) fn step<L: Lanes>(
    parameters: &mut Parameters,
    workspace: &mut Workspace,
    images: Images<'_>,
    batch: &[u32],
    upcoming: &[u32],
    learning_rate: f32,
) -> Score {
    let rate = learning_rate / batch.len() as f32;
    if batch.len() <= CHUNK {
        forward::<L, true>(parameters, workspace, images, batch, upcoming);
        let score = softmax::<L>(workspace, images, batch, |_| {});
        errors::<L>(workspace, images, batch, rate);
        backward::<L>(workspace, batch.len(), parameters);
        return score;
    }
    let mut change = workspace.change.take().unwrap_or_else(|| parameters.clone());
    change.clear();
    let mut score = Score::default();
    let mut rest = batch;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(rest.len().min(CHUNK));
        forward::<L, true>(
            parameters,
            workspace,
            images,
            chunk,
            if after.is_empty() { upcoming } else { after },
        );
        score += softmax::<L>(workspace, images, chunk, |_| {});
        errors::<L>(workspace, images, chunk, rate);
        backward::<L>(workspace, chunk.len(), &mut change);
        rest = after;
    }
    parameters.add::<L>(&change);
    workspace.change = Some(change);
    score
}

/// Score of the weights as they are; what they make of each image is added to `predictions`, where these are wanted.
#[inline(always)]
pub(super) fn evaluate<L: Lanes>(
    parameters: &Parameters,
    workspace: &mut Workspace,
    images: Images<'_>,
    rows: &[u32],
    mut predictions: Option<&mut Vec<Prediction>>,
) -> Score {
    let mut score = Score::default();
    let mut rest = rows;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(rest.len().min(CHUNK));
        forward::<L, false>(parameters, workspace, images, chunk, after);
        score += softmax::<L>(workspace, images, chunk, |group| {
            if let Some(predictions) = &mut predictions {
                predictions.extend_from_slice(group);
            }
        });
        rest = after;
    }
    score
}

/// Calls a kernel that is compiled for the width of a part.
macro_rules! for_width {
    ($width:expr, $kernel:ident::<$lanes:ident, _ $(, $flag:literal)?>($($argument:expr),*)) => {
        match $width {
            10 => $kernel::<$lanes, 10 $(, $flag)?>($($argument),*),
            8 => $kernel::<$lanes, 8 $(, $flag)?>($($argument),*),
            4 => $kernel::<$lanes, 4 $(, $flag)?>($($argument),*),
            2 => $kernel::<$lanes, 2 $(, $flag)?>($($argument),*),
            _ => $kernel::<$lanes, 1 $(, $flag)?>($($argument),*),
        }
    };
}

/// Logits of the images of `chunk`; with `LISTED`, also the lists of who touches each tile.
#[inline(always)]
fn forward<L: Lanes, const LISTED: bool>(
    parameters: &Parameters,
    workspace: &mut Workspace,
    images: Images<'_>,
    chunk: &[u32],
    upcoming: &[u32],
) {
    if LISTED {
        for touches in &mut workspace.touches {
            touches.slots = 0;
        }
    }
    for (group, members) in chunk.chunks(LANES).enumerate() {
        for (slot, image) in (group * LANES..).zip(members) {
            prefetch::<L>(images, chunk, upcoming, slot);
            let tiles = images.tiles(*image);
            for (index, part) in parameters.parts.iter().enumerate() {
                if LISTED && index == 0 {
                    for_width!(part.width, project::<L, _, true>(part, tiles, workspace, slot));
                } else {
                    for_width!(part.width, project::<L, _, false>(part, tiles, workspace, slot));
                }
            }
        }
        for (class, sums) in workspace.sums.iter().enumerate() {
            let sums = L::sums(std::array::from_fn(|lane| L::load(&sums[lane])));
            let logits = sums.mul_add(L::splat(UNIT), L::splat(parameters.bias[class]));
            logits.store(&mut workspace.slots[class].as_chunks_mut().0[group]);
        }
    }
}

/// Asks for the tiles of an image that is not far behind `slot`, and for where those of a later one begin.
#[inline(always)]
fn prefetch<L: Lanes>(images: Images<'_>, chunk: &[u32], upcoming: &[u32], slot: usize) {
    let ahead = |by: usize| chunk.get(slot + by).or_else(|| upcoming.get(slot + by - chunk.len()));
    if let Some(image) = ahead(2 * AHEAD) {
        L::prefetch(images.entry(*image));
    }
    if let Some(image) = ahead(AHEAD) {
        // A handwritten digit's tiles fill five lines of a cache; what is longer, the memory itself sees coming.
        let first = images.tiles(*image).as_ptr().cast::<[u8; 64]>();
        for line in 0..5 {
            L::prefetch(first.wrapping_add(line));
        }
    }
}

/// Partial sums of a part's classes over the `tiles` of the image in `slot`; with `LISTED`, enters these in the lists.
#[inline(always)]
fn project<L: Lanes, const WIDTH: usize, const LISTED: bool>(
    part: &Part,
    tiles: &[Tile],
    workspace: &mut Workspace,
    slot: usize,
) {
    let weights = part.weight.as_chunks::<WIDTH>().0;
    let mut accumulators = [L::splat(0.0); WIDTH];
    let mut number = 0;
    for tile in tiles {
        number += usize::from(tile.step);
        let x = L::of_bytes(&tile.pixels);
        for (accumulator, weight) in accumulators.iter_mut().zip(&weights[number]) {
            *accumulator = x.mul_add(L::load(weight), *accumulator);
        }
        if LISTED {
            let Touches { slots, pixels } = &mut workspace.touches[number];
            pixels[slots.count_ones() as usize] = tile.pixels;
            *slots |= 1 << slot;
        }
    }
    let sums = &mut workspace.sums[part.first_class..][..WIDTH];
    for (sums, accumulator) in sums.iter_mut().zip(accumulators) {
        accumulator.store(&mut sums[slot % LANES]);
    }
}

/// Score of a chunk from its logits, which become e^(logit − greatest logit); `told` what they say, image by image.
///
/// Cross-entropy is ln Σ e^(z − max) + max − z of the label. The logarithms of a chunk are taken as that of their product: each
/// sum lies between 1 and 256, so that 64 of them multiply to at most 2⁵¹².
#[inline(always)]
fn softmax<L: Lanes>(
    workspace: &mut Workspace,
    images: Images<'_>,
    chunk: &[u32],
    mut told: impl FnMut(&[Prediction]),
) -> Score {
    let mut score = Score { examples: chunk.len() as u64, ..Score::default() };
    let mut product = 1.0;
    let slots = &mut workspace.slots;
    for (group, members) in chunk.chunks(LANES).enumerate() {
        let (mut greatest, mut predicted) = (group_of::<L>(&slots[0], group), L::splat(0.0));
        for (class, slots) in slots.iter().enumerate().skip(1) {
            let logits = group_of::<L>(slots, group);
            predicted = logits.select_greater(greatest, L::splat(class as f32), predicted);
            greatest = greatest.max(logits);
        }
        let (greatest_of, predicted_of) = (greatest.lanes(), predicted.lanes());
        for (lane, image) in members.iter().enumerate() {
            let label = images.label(*image);
            score.loss_sum += f64::from(greatest_of[lane] - slots[label][group * LANES + lane]);
            score.correct += u64::from(predicted_of[lane] == label as f32);
        }
        let mut sum = L::splat(0.0);
        for slots in slots.iter_mut() {
            let exponentials = group_of::<L>(slots, group).sub(greatest).exp();
            exponentials.store(&mut slots.as_chunks_mut().0[group]);
            sum = sum.add(exponentials);
        }
        product *= sum.lanes()[..members.len()].iter().map(|sum| f64::from(*sum)).product::<f64>();
        let probability_of = L::splat(1.0).div(sum).lanes();
        let prediction = |lane: usize| Prediction {
            class: predicted_of[lane] as u32,
            probability: probability_of[lane],
        };
        told(&std::array::from_fn::<_, LANES, _>(prediction)[..members.len()]);
    }
    score.loss_sum += libm::log(product);
    score
}

/// Turns what [`softmax`] leaves into d / 255, with `rate` for η / B; slots without an image become 0.
#[inline(always)]
fn errors<L: Lanes>(workspace: &mut Workspace, images: Images<'_>, chunk: &[u32], rate: f32) {
    let slots = &mut workspace.slots;
    for (group, members) in chunk.chunks(LANES).enumerate() {
        let mut sum = L::splat(0.0);
        for slots in slots.iter() {
            sum = sum.add(group_of::<L>(slots, group));
        }
        let scale = L::splat(rate * UNIT).div(sum);
        for slots in slots.iter_mut() {
            let probabilities = group_of::<L>(slots, group).mul(scale);
            probabilities.store(&mut slots.as_chunks_mut().0[group]);
            slots[group * LANES..][members.len()..LANES].fill(0.0);
        }
        for (slot, image) in (group * LANES..).zip(members) {
            slots[images.label(*image)][slot] -= rate * UNIT;
        }
    }
}

#[inline(always)]
fn group_of<L: Lanes>(slots: &[f32; CHUNK], group: usize) -> L {
    L::load(&slots.as_chunks().0[group])
}

/// Takes Σ d·xᵀ and Σ d over a chunk of `members` images from `target`.
#[inline(always)]
fn backward<L: Lanes>(workspace: &Workspace, members: usize, target: &mut Parameters) {
    for part in &mut target.parts {
        for_width!(part.width, descend::<L, _>(part, &workspace.touches, &workspace.slots));
    }
    for (bias, slots) in target.bias.iter_mut().zip(&workspace.slots) {
        let mut sum = L::splat(0.0);
        for group in 0..members.div_ceil(LANES) {
            sum = sum.add(group_of::<L>(slots, group));
        }
        *bias -= 255.0 * sum.lanes().iter().sum::<f32>();
    }
}

/// Takes, tile by tile, Σ d·x over the images that touch it from the weights of a part.
#[inline(always)]
fn descend<L: Lanes, const WIDTH: usize>(part: &mut Part, touches: &[Touches], d: &[[f32; CHUNK]]) {
    let d = &d[part.first_class..][..WIDTH];
    for (touches, weights) in touches.iter().zip(part.weight.as_chunks_mut::<WIDTH>().0) {
        if touches.slots == 0 {
            continue;
        }
        let mut accumulators = [L::splat(0.0); WIDTH];
        let mut rest = touches.slots;
        for pixels in &touches.pixels {
            let slot = rest.trailing_zeros() as usize;
            let x = L::of_bytes(pixels);
            for (accumulator, d) in accumulators.iter_mut().zip(d) {
                *accumulator = x.mul_add(L::splat(d[slot % CHUNK]), *accumulator);
            }
            rest &= rest - 1;
            if rest == 0 {
                break;
            }
        }
        for (weight, accumulator) in weights.iter_mut().zip(accumulators) {
            L::load(weight).sub(accumulator).store(weight);
        }
    }
}
