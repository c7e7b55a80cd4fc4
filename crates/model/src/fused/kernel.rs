//! One mini-batch of softmax regression, forward and backward, in vectors of eight.
//!
//! For a batch of B images x with labels y, weights W, bias b and learning rate η:
//!
//! ```text
//! z = W·x + b      p = softmax(z)      d = (p − y) · η / B      W ← W − Σ d·xᵀ      b ← b − Σ d
//! ```
//!
//! All images of a batch are computed with the weights from before the update. An image *hits* a tile
//! if the tile is not empty in the image. The kernel processes the images in chunks of at most
//! [`CHUNK`]:
//!
//! 1. *forward*: for each image, adds up a vector of partial sums per class over the tiles that the
//!    image hits, and records the hits. Then reduces the partial sums of eight images together to a
//!    vector with one logit per image.
//! 2. *softmax*: converts the logits of eight images at a time, one image per lane, to d.
//! 3. *backward*: for each tile, sums the gradient in registers over the images that hit the tile.
//!    Then subtracts it from the weights once. A batch of several chunks accumulates its gradient
//!    first, so that no chunk uses weights that another chunk has updated.
//!
//! Pixels remain whole numbers from 0 to 255. The logits and d contain the scaling to x = pixel / 255.
//! The sums before that are 255 times as large as those of the reference engine, so they overflow for
//! smaller weights, above 1e35.

use crate::engine::{Prediction, Score};

use super::lanes::{LANES, Lanes, Row};
use super::parameters::{ClassBlock, Parameters};
use super::tiles::{Images, Tile};

/// Images whose gradient is summed together. Their bits fit a `u64`.
const CHUNK: usize = 64;

/// Images between a prefetch and its use.
const PREFETCH_DISTANCE: usize = 4;

/// The value of a pixel of intensity 1.
const PIXEL_SCALE: f32 = 1.0 / 255.0;

/// The images of a chunk that hit a tile. The mask precedes the pixels, so that a short
/// list occupies few cache lines.
#[derive(Clone, Copy)]
#[repr(C)]
struct TileHits {
    /// One bit per image, at its position in the chunk.
    mask: u64,
    /// Pixels of the images in `mask`, in ascending order. The array is longer than a chunk, because
    /// lists whose size is a power of two would compete for the same cache lines.
    pixels: [[u8; LANES]; CHUNK + 8],
}

/// Memory that all steps reuse.
pub(super) struct Workspace {
    /// `[classes, 8 images]` vectors of partial sums.
    sums: Vec<[Row; LANES]>,
    /// `[classes, CHUNK]`: logits, then exponentials, then d / 255.
    outputs: Vec<[f32; CHUNK]>,
    /// `[tiles]`.
    tile_hits: Vec<TileHits>,
    /// −Σ d·xᵀ and −Σ d of a batch of several chunks. Allocated at first use.
    update: Option<Parameters>,
}

impl Workspace {
    pub(super) fn new(tiles: usize, classes: usize) -> Self {
        Self {
            sums: vec![[[0.0; LANES]; LANES]; classes],
            outputs: vec![[0.0; CHUNK]; classes],
            tile_hits: vec![TileHits { mask: 0, pixels: [[0; LANES]; CHUNK + 8] }; tiles],
            update: None,
        }
    }
}

/// Updates the parameters by one `batch`. Returns the score of the parameters before the update. The
/// images of `upcoming` follow and are prefetched.
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
        output_errors::<L>(workspace, images, batch, rate);
        backward::<L>(workspace, batch.len(), parameters);
        return score;
    }
    let mut update = workspace.update.take().unwrap_or_else(|| parameters.clone());
    update.clear();
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
        output_errors::<L>(workspace, images, chunk, rate);
        backward::<L>(workspace, chunk.len(), &mut update);
        rest = after;
    }
    parameters.add::<L>(&update);
    workspace.update = Some(update);
    score
}

/// Scores the parameters on `rows`, and appends the prediction of each image to `predictions`.
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

/// Calls the instance of a kernel that is compiled for the width of a block.
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

/// Computes the logits of `chunk`. If `RECORD`, also records which images hit each tile.
#[inline(always)]
fn forward<L: Lanes, const RECORD: bool>(
    parameters: &Parameters,
    workspace: &mut Workspace,
    images: Images<'_>,
    chunk: &[u32],
    upcoming: &[u32],
) {
    if RECORD {
        for hits in &mut workspace.tile_hits {
            hits.mask = 0;
        }
    }
    for (group, members) in chunk.chunks(LANES).enumerate() {
        for (position, image) in (group * LANES..).zip(members) {
            prefetch::<L>(images, chunk, upcoming, position);
            let tiles = images.tiles(*image);
            for (index, block) in parameters.blocks.iter().enumerate() {
                if RECORD && index == 0 {
                    for_width!(
                        block.width,
                        project::<L, _, true>(block, tiles, workspace, position)
                    );
                } else {
                    for_width!(
                        block.width,
                        project::<L, _, false>(block, tiles, workspace, position)
                    );
                }
            }
        }
        for (class, sums) in workspace.sums.iter().enumerate() {
            let sums = L::sums(std::array::from_fn(|lane| L::load(&sums[lane])));
            let logits = sums.mul_add(L::splat(PIXEL_SCALE), L::splat(parameters.bias[class]));
            logits.store(&mut workspace.outputs[class].as_chunks_mut().0[group]);
        }
    }
}

/// Prefetches the tiles of an image that follows soon, and the entry of a later image.
#[inline(always)]
fn prefetch<L: Lanes>(images: Images<'_>, chunk: &[u32], upcoming: &[u32], position: usize) {
    let ahead =
        |by: usize| chunk.get(position + by).or_else(|| upcoming.get(position + by - chunk.len()));
    if let Some(image) = ahead(2 * PREFETCH_DISTANCE) {
        L::prefetch(images.entry(*image));
    }
    if let Some(image) = ahead(PREFETCH_DISTANCE) {
        // The tiles of a handwritten digit fill five cache lines. The hardware prefetches longer runs.
        let first = images.tiles(*image).as_ptr().cast::<[u8; 64]>();
        for line in 0..5 {
            L::prefetch(first.wrapping_add(line));
        }
    }
}

/// Computes the partial sums of a block for the image at `position`, which has these `tiles`. If
/// `RECORD`, also records the hits.
#[inline(always)]
fn project<L: Lanes, const WIDTH: usize, const RECORD: bool>(
    block: &ClassBlock,
    tiles: &[Tile],
    workspace: &mut Workspace,
    position: usize,
) {
    let weights = block.weight.as_chunks::<WIDTH>().0;
    let mut accumulators = [L::splat(0.0); WIDTH];
    let mut number = 0;
    for tile in tiles {
        number += usize::from(tile.step);
        let x = L::from_bytes(&tile.pixels);
        for (accumulator, weight) in accumulators.iter_mut().zip(&weights[number]) {
            *accumulator = x.mul_add(L::load(weight), *accumulator);
        }
        if RECORD {
            let TileHits { mask, pixels } = &mut workspace.tile_hits[number];
            pixels[mask.count_ones() as usize] = tile.pixels;
            *mask |= 1 << position;
        }
    }
    let sums = &mut workspace.sums[block.first_class..][..WIDTH];
    for (sums, accumulator) in sums.iter_mut().zip(accumulators) {
        accumulator.store(&mut sums[position % LANES]);
    }
}

/// Computes the score of a chunk from its logits, and replaces them by e^(logit − greatest logit).
/// Passes the predictions to `emit`, up to eight images at a time.
///
/// The cross-entropy is ln Σ e^(z − max) + max − z\[label]. The sum of the logarithms is computed as the
/// logarithm of the product. It cannot overflow: each factor is from 1 to 256, so the product of 64
/// factors is at most 2⁵¹².
#[inline(always)]
fn softmax<L: Lanes>(
    workspace: &mut Workspace,
    images: Images<'_>,
    chunk: &[u32],
    mut emit: impl FnMut(&[Prediction]),
) -> Score {
    let mut score = Score { examples: chunk.len() as u64, ..Score::default() };
    let mut product = 1.0;
    let outputs = &mut workspace.outputs;
    for (group, members) in chunk.chunks(LANES).enumerate() {
        let (mut greatest, mut predicted) = (load_group::<L>(&outputs[0], group), L::splat(0.0));
        for (class, class_outputs) in outputs.iter().enumerate().skip(1) {
            let logits = load_group::<L>(class_outputs, group);
            predicted = logits.select_greater(greatest, L::splat(class as f32), predicted);
            greatest = greatest.max(logits);
        }
        let (greatest_lanes, predicted_lanes) = (greatest.lanes(), predicted.lanes());
        for (lane, image) in members.iter().enumerate() {
            let label = images.label(*image);
            score.loss_sum +=
                f64::from(greatest_lanes[lane] - outputs[label][group * LANES + lane]);
            score.correct += u64::from(predicted_lanes[lane] == label as f32);
        }
        let mut sum = L::splat(0.0);
        for class_outputs in outputs.iter_mut() {
            let exponentials = load_group::<L>(class_outputs, group).sub(greatest).exp();
            exponentials.store(&mut class_outputs.as_chunks_mut().0[group]);
            sum = sum.add(exponentials);
        }
        product *= sum.lanes()[..members.len()].iter().map(|sum| f64::from(*sum)).product::<f64>();
        let probability_lanes = L::splat(1.0).div(sum).lanes();
        let prediction = |lane: usize| Prediction {
            class: predicted_lanes[lane] as u32,
            probability: probability_lanes[lane],
        };
        emit(&std::array::from_fn::<_, LANES, _>(prediction)[..members.len()]);
    }
    score.loss_sum += libm::log(product);
    score
}

/// Converts the exponentials of [`softmax`] to d / 255, where `rate` is η / B. Positions without an
/// image become 0.
#[inline(always)]
fn output_errors<L: Lanes>(
    workspace: &mut Workspace,
    images: Images<'_>,
    chunk: &[u32],
    rate: f32,
) {
    let outputs = &mut workspace.outputs;
    for (group, members) in chunk.chunks(LANES).enumerate() {
        let mut sum = L::splat(0.0);
        for class_outputs in outputs.iter() {
            sum = sum.add(load_group::<L>(class_outputs, group));
        }
        let scale = L::splat(rate * PIXEL_SCALE).div(sum);
        for class_outputs in outputs.iter_mut() {
            let probabilities = load_group::<L>(class_outputs, group).mul(scale);
            probabilities.store(&mut class_outputs.as_chunks_mut().0[group]);
            class_outputs[group * LANES..][members.len()..LANES].fill(0.0);
        }
        for (position, image) in (group * LANES..).zip(members) {
            outputs[images.label(*image)][position] -= rate * PIXEL_SCALE;
        }
    }
}

#[inline(always)]
fn load_group<L: Lanes>(class_outputs: &[f32; CHUNK], group: usize) -> L {
    L::load(&class_outputs.as_chunks().0[group])
}

/// Subtracts Σ d·xᵀ and Σ d over a chunk of `members` images from `target`.
#[inline(always)]
fn backward<L: Lanes>(workspace: &Workspace, members: usize, target: &mut Parameters) {
    for block in &mut target.blocks {
        for_width!(
            block.width,
            apply_gradient::<L, _>(block, &workspace.tile_hits, &workspace.outputs)
        );
    }
    for (bias, class_outputs) in target.bias.iter_mut().zip(&workspace.outputs) {
        let mut sum = L::splat(0.0);
        for group in 0..members.div_ceil(LANES) {
            sum = sum.add(load_group::<L>(class_outputs, group));
        }
        *bias -= 255.0 * sum.lanes().iter().sum::<f32>();
    }
}

/// Subtracts Σ d·x over the images that hit a tile from its weights, for each tile of a block.
#[inline(always)]
fn apply_gradient<L: Lanes, const WIDTH: usize>(
    block: &mut ClassBlock,
    tile_hits: &[TileHits],
    d: &[[f32; CHUNK]],
) {
    let d = &d[block.first_class..][..WIDTH];
    for (hits, weights) in tile_hits.iter().zip(block.weight.as_chunks_mut::<WIDTH>().0) {
        if hits.mask == 0 {
            continue;
        }
        let mut accumulators = [L::splat(0.0); WIDTH];
        let mut rest = hits.mask;
        for pixels in &hits.pixels {
            let position = rest.trailing_zeros() as usize;
            let x = L::from_bytes(pixels);
            for (accumulator, d) in accumulators.iter_mut().zip(d) {
                *accumulator = x.mul_add(L::splat(d[position % CHUNK]), *accumulator);
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
