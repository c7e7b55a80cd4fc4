//! Images as the tiles of eight pixels that are not all zero.
//!
//! Most of a handwritten digit is empty paper: of MNIST's 98 tiles of 2×4 pixels, 31 are touched on average. Eight pixels are one
//! vector, so an empty tile costs nothing and a touched one is computed whole, without an index a pixel; an image without any zero
//! is simply one with every tile. Strokes are blobs, so that tiles wider than high, or as high as wide, are touched less often
//! than eight pixels of a row: the shape with the fewest touched tiles is chosen by counting.

use std::io;
use std::panic::resume_unwind;
use std::thread::available_parallelism;

use bytemuck::{Pod, Zeroable};
use data::{ImageShape, Split};

use super::huge::Huge;
use super::lanes::LANES;

/// Training images that are looked at to choose the shape of a tile.
const LOOKED_AT: usize = 1_000;

/// Height and width of a tile, and how many cover an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grid {
    image: ImageShape,
    height: usize,
    width: usize,
}

impl Grid {
    /// The shape under which the fewest tiles of `images` are touched.
    pub(super) fn fitting(image: ImageShape, images: &[u8]) -> Self {
        let sample = &images[..images.len().min(LOOKED_AT * image.features())];
        let shapes =
            [(2, 4), (4, 2), (1, 8), (8, 1)].map(|(height, width)| Self { image, height, width });
        let touched = |grid: &Self| {
            let mut count = 0usize;
            grid.for_each_touched(sample, |_, _, _| count += 1);
            count
        };
        shapes.into_iter().min_by_key(touched).unwrap_or(shapes[0])
    }

    fn tiles_across(self) -> usize {
        self.image.columns.div_ceil(self.width)
    }

    /// Tiles of an image, touched or not.
    pub(super) fn tiles(self) -> usize {
        self.image.rows.div_ceil(self.height) * self.tiles_across()
    }

    /// The tile and the lane in it that hold a feature (pixels are counted row by row).
    pub(super) fn place(self, feature: usize) -> (usize, usize) {
        let (row, column) = (feature / self.image.columns, feature % self.image.columns);
        let tile = row / self.height * self.tiles_across() + column / self.width;
        (tile, row % self.height * self.width + column % self.width)
    }

    /// Calls with the image, the tile's number in it and its pixels, in this order.
    fn for_each_touched(self, images: &[u8], found: impl FnMut(usize, u32, [u8; LANES])) {
        match (self.height, self.width) {
            (2, 4) => self.scan::<2, 4>(images, found),
            (4, 2) => self.scan::<4, 2>(images, found),
            (1, 8) => self.scan::<1, 8>(images, found),
            _ => self.scan::<8, 1>(images, found),
        }
    }

    fn scan<const H: usize, const W: usize>(
        self,
        images: &[u8],
        mut found: impl FnMut(usize, u32, [u8; LANES]),
    ) {
        // A frame of zeros makes every tile a whole one.
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
                        found(index, number, pixels);
                    }
                    number += 1;
                }
            }
        }
    }
}

/// A touched tile.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Tile {
    /// How far its number is from that of the image's tile before it; of the first, its number.
    pub(super) step: u8,
    /// Row by row.
    pub(super) pixels: [u8; LANES],
}

/// An image: its label, and where its tiles begin.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Image {
    start: u32,
    label: u32,
}

/// One split of a dataset.
pub(super) struct Tiles {
    tiles: Huge<Tile>,
    /// And one more, where the last one's tiles end.
    images: Huge<Image>,
}

impl Tiles {
    /// The touched tiles of every image.
    ///
    /// # Errors
    /// When there is no memory for them.
    pub(super) fn new(split: &Split, grid: Grid) -> io::Result<Self> {
        let threads = available_parallelism().map_or(1, usize::from);
        let features = grid.image.features();
        let share = split.len().div_ceil(threads).max(1) * features;
        let parts: Vec<(Vec<Tile>, Vec<u32>)> = std::thread::scope(|scope| {
            let cut: Vec<_> = split
                .images
                .chunks(share)
                .map(|images| scope.spawn(move || cut(images, grid)))
                .collect();
            cut.into_iter()
                .map(|it| it.join().unwrap_or_else(|panic| resume_unwind(panic)))
                .collect()
        });
        let mut starts: Vec<u32> = vec![0];
        for (_, ends) in &parts {
            let before = starts[starts.len() - 1];
            starts.extend(ends.iter().map(|end| before + end));
        }
        let labels = split.labels.iter().copied().chain([0]).map(u32::from);
        let images: Vec<_> =
            starts.into_iter().zip(labels).map(|(start, label)| Image { start, label }).collect();
        let tiles: Vec<&[Tile]> = parts.iter().map(|(tiles, _)| tiles.as_slice()).collect();
        Ok(Self { tiles: Huge::concat(&tiles)?, images: Huge::concat(&[&images])? })
    }

    /// All of it, as the kernel reads it.
    pub(super) fn view(&self) -> Images<'_> {
        Images { tiles: self.tiles.values(), images: self.images.values() }
    }
}

/// The touched tiles of `images`, and where each image's end.
#[allow(clippy::cast_possible_truncation, reason = "a file of images has at most 2³⁰ pixels")]
fn cut(images: &[u8], grid: Grid) -> (Vec<Tile>, Vec<u32>) {
    let (mut tiles, mut ends) = (Vec::new(), Vec::new());
    let mut last = 0;
    grid.for_each_touched(images, |image, number, pixels| {
        while ends.len() < image {
            ends.push(tiles.len() as u32);
            last = 0;
        }
        // A step that does not fit a byte is taken over empty tiles.
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

/// [`Tiles`], to be read.
#[derive(Clone, Copy)]
pub(super) struct Images<'a> {
    tiles: &'a [Tile],
    images: &'a [Image],
}

impl<'a> Images<'a> {
    /// The touched tiles of an image.
    #[inline(always)]
    pub(super) fn tiles(self, image: u32) -> &'a [Tile] {
        let image = image as usize;
        &self.tiles[self.images[image].start as usize..self.images[image + 1].start as usize]
    }

    /// What must be read before an image's tiles can be.
    #[inline(always)]
    pub(super) fn entry(self, image: u32) -> &'a Image {
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

    /// The pixels that the tiles of an image stand for.
    fn pixels(images: Images<'_>, image: u32, grid: Grid, features: usize) -> Vec<u8> {
        let mut tiles = vec![[0; LANES]; grid.tiles()];
        let mut number = 0;
        for tile in images.tiles(image) {
            number += usize::from(tile.step);
            tiles[number] = tile.pixels;
        }
        (0..features)
            .map(|feature| grid.place(feature))
            .map(|(tile, lane)| tiles[tile][lane])
            .collect()
    }

    proptest! {
        #[test]
        fn every_pixel_is_in_its_place(
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
    fn far_apart_tiles_and_blank_images_are_kept() {
        let image = ImageShape { rows: 1, columns: 8 * 1_000 };
        let mut images = vec![0; 3 * image.features()];
        images[8 * 999 + 3] = 7;
        images[2 * image.features() + 8 * 600] = 9;
        let split = Split { images, labels: vec![0; 3] };
        let grid = Grid::fitting(image, &split.images);
        let tiles = Tiles::new(&split, grid).unwrap();
        for (index, expected) in (0..).zip(split.images.chunks_exact(image.features())) {
            assert_eq!(pixels(tiles.view(), index, grid, image.features()), expected);
        }
        assert!(tiles.view().tiles(1).is_empty());
    }
}
