//! Stores images as their non-empty tiles of eight pixels.
//!
//! Most of a handwritten digit is background: of the 98 tiles of 2×4 pixels of an MNIST image, 31 are
//! not empty on average. A tile is one vector of eight pixels, so an empty tile costs nothing, and a
//! non-empty tile needs one index for eight pixels. An image without zeros has all its tiles.
//!
//! Strokes are compact, so tiles of 2×4 pixels are more often empty than rows of eight pixels.
//! [`Grid::with_fewest_tiles`] counts the non-empty tiles of each shape and chooses the best one.

use std::io;
use std::panic::resume_unwind;
use std::thread::available_parallelism;

use bytemuck::{Pod, Zeroable};
use data::{ImageShape, Split};

use super::huge_pages::HugePages;
use super::lanes::LANES;

/// Training images that determine the shape of a tile.
const SAMPLED_IMAGES: usize = 1_000;

/// The division of an image into tiles of one shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grid {
    image: ImageShape,
    height: usize,
    width: usize,
}

impl Grid {
    /// The grid with the fewest non-empty tiles in `images`.
    pub(super) fn with_fewest_tiles(image: ImageShape, images: &[u8]) -> Self {
        let sample = &images[..images.len().min(SAMPLED_IMAGES * image.features())];
        let shapes =
            [(2, 4), (4, 2), (1, 8), (8, 1)].map(|(height, width)| Self { image, height, width });
        let nonempty = |grid: &Self| {
            let mut count = 0usize;
            grid.for_each_nonempty(sample, |_, _, _| count += 1);
            count
        };
        shapes.into_iter().min_by_key(nonempty).unwrap_or(shapes[0])
    }

    fn tiles_across(self) -> usize {
        self.image.columns.div_ceil(self.width)
    }

    /// Number of tiles of an image, including empty ones.
    pub(super) fn tiles(self) -> usize {
        self.image.rows.div_ceil(self.height) * self.tiles_across()
    }

    /// The tile and the lane of a feature. Features are numbered row by row.
    pub(super) fn position(self, feature: usize) -> (usize, usize) {
        let (row, column) = (feature / self.image.columns, feature % self.image.columns);
        let tile = row / self.height * self.tiles_across() + column / self.width;
        (tile, row % self.height * self.width + column % self.width)
    }

    /// Calls `visit` for every non-empty tile with the index of the image, the number of the tile and
    /// its pixels.
    fn for_each_nonempty(self, images: &[u8], visit: impl FnMut(usize, u32, [u8; LANES])) {
        match (self.height, self.width) {
            (2, 4) => self.scan::<2, 4>(images, visit),
            (4, 2) => self.scan::<4, 2>(images, visit),
            (1, 8) => self.scan::<1, 8>(images, visit),
            _ => self.scan::<8, 1>(images, visit),
        }
    }

    fn scan<const H: usize, const W: usize>(
        self,
        images: &[u8],
        mut visit: impl FnMut(usize, u32, [u8; LANES]),
    ) {
        // Pads the image with zeros to whole tiles.
        let stride = self.tiles_across() * W;
        let mut framed = vec![0; stride * self.image.rows.div_ceil(H) * H];
        for (index, image) in images.chunks_exact(self.image.features()).enumerate() {
            for (to, from) in
                framed.chunks_exact_mut(stride).zip(image.chunks_exact(self.image.columns))
            {
                to[..from.len()].copy_from_slice(from);
            }
            let mut number = 0;
            for band in framed.chunks_exact(stride * H) {
                let rows: [&[[u8; W]]; H] =
                    std::array::from_fn(|row| band[row * stride..][..stride].as_chunks().0);
                for column in 0..stride / W {
                    let mut pixels = [0; LANES];
                    for (to, row) in pixels.as_chunks_mut().0.iter_mut().zip(rows) {
                        *to = row[column];
                    }
                    if u64::from_ne_bytes(pixels) != 0 {
                        visit(index, number, pixels);
                    }
                    number += 1;
                }
            }
        }
    }
}

/// A non-empty tile.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Tile {
    /// Difference of its number and the number of the previous tile of the image. For the first tile
    /// of an image, its number.
    pub(super) step: u8,
    /// Pixels, row by row.
    pub(super) pixels: [u8; LANES],
}

/// The label and the first tile of an image.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct ImageEntry {
    start: u32,
    label: u32,
}

/// The tiles of one split of a dataset.
pub(super) struct Tiles {
    tiles: HugePages<Tile>,
    /// One entry per image, and a final entry with the end of the tiles.
    images: HugePages<ImageEntry>,
}

impl Tiles {
    /// Divides all images into tiles.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub(super) fn new(split: &Split, grid: Grid) -> io::Result<Self> {
        let threads = available_parallelism().map_or(1, usize::from);
        let features = grid.image.features();
        let share = split.len().div_ceil(threads).max(1) * features;
        let parts: Vec<(Vec<Tile>, Vec<u32>)> = std::thread::scope(|scope| {
            let handles: Vec<_> = split
                .images
                .chunks(share)
                .map(|images| scope.spawn(move || cut_tiles(images, grid)))
                .collect();
            handles
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
                .collect()
        });
        let mut starts: Vec<u32> = vec![0];
        for (_, ends) in &parts {
            let before = starts[starts.len() - 1];
            starts.extend(ends.iter().map(|end| before + end));
        }
        let labels = split.labels.iter().copied().chain([0]).map(u32::from);
        let images: Vec<_> = starts
            .into_iter()
            .zip(labels)
            .map(|(start, label)| ImageEntry { start, label })
            .collect();
        let tiles: Vec<&[Tile]> = parts.iter().map(|(tiles, _)| tiles.as_slice()).collect();
        Ok(Self { tiles: HugePages::concat(&tiles)?, images: HugePages::concat(&[&images])? })
    }

    /// A view for the kernel.
    pub(super) fn view(&self) -> Images<'_> {
        Images { tiles: self.tiles.values(), images: self.images.values() }
    }
}

/// Returns the non-empty tiles of `images`, and for each image the end of its tiles.
#[allow(clippy::cast_possible_truncation, reason = "a file of images has at most 2³⁰ pixels")]
fn cut_tiles(images: &[u8], grid: Grid) -> (Vec<Tile>, Vec<u32>) {
    let (mut tiles, mut ends) = (Vec::new(), Vec::new());
    let mut last = 0;
    grid.for_each_nonempty(images, |image, number, pixels| {
        while ends.len() < image {
            ends.push(tiles.len() as u32);
            last = 0;
        }
        // Inserts empty tiles where a step does not fit a byte.
        while number - last > u32::from(u8::MAX) {
            last += u32::from(u8::MAX);
            tiles.push(Tile { step: u8::MAX, pixels: [0; LANES] });
        }
        tiles.push(Tile { step: (number - last) as u8, pixels });
        last = number;
    });
    ends.resize(images.len() / grid.image.features(), tiles.len() as u32);
    (tiles, ends)
}

/// A view of [`Tiles`].
#[derive(Clone, Copy)]
pub(super) struct Images<'a> {
    tiles: &'a [Tile],
    images: &'a [ImageEntry],
}

impl<'a> Images<'a> {
    /// The non-empty tiles of an image.
    #[inline(always)]
    pub(super) fn tiles(self, image: u32) -> &'a [Tile] {
        let image = image as usize;
        &self.tiles[self.images[image].start as usize..self.images[image + 1].start as usize]
    }

    /// The entry of an image, which must be in the cache before its tiles can be prefetched.
    #[inline(always)]
    pub(super) fn entry(self, image: u32) -> &'a ImageEntry {
        &self.images[image as usize]
    }

    /// The label of an image.
    #[inline(always)]
    pub(super) fn label(self, image: u32) -> usize {
        self.images[image as usize].label as usize
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    /// Reconstructs the pixels of an image from its tiles.
    fn pixels(images: Images<'_>, image: u32, grid: Grid, features: usize) -> Vec<u8> {
        let mut tiles = vec![[0; LANES]; grid.tiles()];
        let mut number = 0;
        for tile in images.tiles(image) {
            number += usize::from(tile.step);
            tiles[number] = tile.pixels;
        }
        (0..features)
            .map(|feature| grid.position(feature))
            .map(|(tile, lane)| tiles[tile][lane])
            .collect()
    }

    proptest! {
        #[test]
        fn tiles_preserve_every_pixel(
            rows in 1usize..40, columns in 1usize..40, n in 1usize..6, zeros in 1u8..255, seed: u64,
        ) {
            let image = ImageShape { rows, columns };
            let mut generator = data::random::generator(seed, data::random::Purpose::Init);
            let mut pixel = || generator.below(256) as u8;
            let images: Vec<u8> = (0..n * image.features()).map(|_| if pixel() < zeros { 0 } else { pixel() }).collect();
            let split = Split { images, labels: vec![0; n] };
            for (height, width) in [(2, 4), (4, 2), (1, 8), (8, 1)] {
                let grid = Grid { image, height, width };
                let tiles = Tiles::new(&split, grid).unwrap();
                for (index, expected) in (0..).zip(split.images.chunks_exact(image.features())) {
                    prop_assert_eq!(pixels(tiles.view(), index, grid, image.features()), expected);
                }
            }
        }
    }

    #[test]
    fn distant_tiles_and_blank_images_are_preserved() {
        let image = ImageShape { rows: 1, columns: 8 * 1_000 };
        let mut images = vec![0; 3 * image.features()];
        images[8 * 999 + 3] = 7;
        images[2 * image.features() + 8 * 600] = 9;
        let split = Split { images, labels: vec![0; 3] };
        let grid = Grid::with_fewest_tiles(image, &split.images);
        let tiles = Tiles::new(&split, grid).unwrap();
        for (index, expected) in (0..).zip(split.images.chunks_exact(image.features())) {
            assert_eq!(pixels(tiles.view(), index, grid, image.features()), expected);
        }
        assert!(tiles.view().tiles(1).is_empty());
    }
}
