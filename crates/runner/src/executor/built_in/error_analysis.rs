//! Error analysis: the confusion matrix and the most confident mistakes on the test set.

use std::cmp::Ordering;

use data::{Dataset, ImageShape};
use model::Prediction;
use png::{BitDepth, ColorType, Compression, EncodingError, Filter};
use tracking::{ConfusionCell, ErrorAnalysis, Mistake};

/// The largest size of a picture before compression, in bytes, with PNG's extra byte per row.
/// Twelve pictures then take at most 12,000 bytes.
const MAX_PICTURE: usize = 1_000;

/// The error analysis of `predictions`, one per example of the test set.
pub fn error_analysis(dataset: &Dataset, predictions: &[Prediction]) -> ErrorAnalysis {
    let Dataset { shape, classes, test, .. } = dataset;
    let mut counts = vec![0; classes * classes];
    let mut wrong: Vec<(usize, Prediction)> = Vec::new();
    for (index, (label, prediction)) in test.labels.iter().zip(predictions).enumerate() {
        counts[usize::from(*label) * classes + prediction.class as usize] += 1;
        if prediction.class != u32::from(*label) {
            wrong.push((index, *prediction));
        }
    }
    if wrong.len() > ErrorAnalysis::MAX_MISTAKES {
        wrong.select_nth_unstable_by(ErrorAnalysis::MAX_MISTAKES, by_confidence);
        wrong.truncate(ErrorAnalysis::MAX_MISTAKES);
    }
    wrong.sort_unstable_by(by_confidence);
    let mistake = |(index, Prediction { class, probability }): (usize, Prediction)| {
        // Encoding fails only for an invalid shape, which a dataset cannot have.
        let picture = picture(test.image(index)?, *shape).ok()?;
        let label = u32::from(*test.labels.get(index)?);
        let probability = f64::from(probability);
        Some(Mistake { index: index as u64, label, predicted: class, probability, picture })
    };
    ErrorAnalysis {
        classes: number(*classes),
        rows: number(shape.rows),
        columns: number(shape.columns),
        confusion: confusion(&counts, *classes),
        left_out: 0,
        mistakes: wrong.into_iter().filter_map(mistake).collect(),
    }
    .truncated()
}

/// The most probable class first. Equal probabilities are ordered by index.
fn by_confidence(a: &(usize, Prediction), b: &(usize, Prediction)) -> Ordering {
    b.1.probability.total_cmp(&a.1.probability).then(a.0.cmp(&b.0))
}

/// The cells above 0. `counts` is a matrix with a row per label and a column per prediction.
fn confusion(counts: &[u64], classes: usize) -> Vec<ConfusionCell> {
    let cells = counts.iter().enumerate().filter(|(_, count)| **count > 0);
    let cell = |(index, count): (usize, &u64)| ConfusionCell {
        label: number(index / classes),
        predicted: number(index % classes),
        count: *count,
    };
    cells.map(cell).collect()
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "an image has at most 2³⁰ pixels, a dataset 256 classes"
)]
fn number(value: usize) -> u32 {
    value as u32
}

/// An image as PNG. A large image is shrunk by the smallest integer factor that makes it fit.
fn picture(pixels: &[u8], shape: ImageShape) -> Result<Vec<u8>, EncodingError> {
    let sized = |factor| ImageShape {
        rows: shape.rows.div_ceil(factor),
        columns: shape.columns.div_ceil(factor),
    };
    let small = |factor: &usize| sized(*factor).rows * (sized(*factor).columns + 1) <= MAX_PICTURE;
    let factor = (1..).find(small).unwrap_or(1);
    let shrunk = sized(factor);
    let pixels = if factor == 1 { pixels.to_vec() } else { shrink(pixels, shape, factor) };
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, number(shrunk.columns), number(shrunk.rows));
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Fast);
    encoder.set_filter(Filter::NoFilter);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(bytes)
}

/// The rounded means of blocks of `factor` × `factor` pixels. Blocks at the right and bottom edges
/// may be smaller.
fn shrink(pixels: &[u8], shape: ImageShape, factor: usize) -> Vec<u8> {
    let mut shrunk = Vec::new();
    for rows in pixels.chunks(factor * shape.columns) {
        for left in (0..shape.columns).step_by(factor) {
            let right = shape.columns.min(left + factor);
            let block = rows.chunks(shape.columns).flat_map(|row| &row[left..right]);
            let (sum, count) =
                block.fold((0, 0), |(sum, count), pixel| (sum + u64::from(*pixel), count + 1));
            #[allow(clippy::cast_possible_truncation, reason = "a mean of bytes is a byte")]
            shrunk.push(((sum + count / 2) / count) as u8);
        }
    }
    shrunk
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]
    use std::io::Cursor;
    use std::path::Path;
    use std::time::SystemTime;

    use super::*;
    use data::random::{Generator, Purpose, generator};
    use data::{FileDigest, Split, Verification};
    use proptest::prelude::*;
    use tracking::{DATABASE, Experiment, Invocation, Run, RunHeader, Status, Store};

    fn noise() -> Generator {
        generator(7, Purpose::Init)
    }

    fn dataset(
        shape: ImageShape,
        classes: usize,
        labels: Vec<u8>,
        mut pixel: impl FnMut() -> u8,
    ) -> Dataset {
        let images = (0..labels.len() * shape.features()).map(|_| pixel()).collect();
        let test = Split { images, labels };
        Dataset {
            name: "synthetic".to_owned(),
            folder: None,
            shape,
            classes,
            train: Split { images: Vec::new(), labels: Vec::new() },
            test,
            files: ["a", "b", "c", "d"].map(|file| FileDigest { file, sha256: String::new() }),
            verification: Verification::Unverified,
            sha256: String::new(),
        }
    }

    fn decoded(picture: &[u8]) -> (ImageShape, Vec<u8>) {
        let mut reader = png::Decoder::new(Cursor::new(picture)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.color_type, info.bit_depth), (ColorType::Grayscale, BitDepth::Eight));
        pixels.truncate(info.buffer_size());
        (ImageShape { rows: info.height as usize, columns: info.width as usize }, pixels)
    }

    #[test]
    fn mistakes_are_ordered_by_confidence() {
        let labels = vec![0, 1, 2, 2, 1, 0];
        let shape = ImageShape { rows: 2, columns: 3 };
        let mut pixels = 0..;
        let dataset = dataset(shape, 3, labels, || pixels.next().unwrap());
        let predicted = [(0, 0.9), (2, 0.5), (1, 0.7), (2, 0.4), (2, 0.7), (1, 0.6)];
        let predictions = predicted.map(|(class, probability)| Prediction { class, probability });
        let found = error_analysis(&dataset, &predictions);
        let cells: Vec<_> =
            found.confusion.iter().map(|cell| (cell.label, cell.predicted, cell.count)).collect();
        assert_eq!(cells, [(0, 0, 1), (0, 1, 1), (1, 2, 2), (2, 1, 1), (2, 2, 1)]);
        let mistakes: Vec<_> = found
            .mistakes
            .iter()
            .map(|mistake| (mistake.index, mistake.label, mistake.predicted))
            .collect();
        assert_eq!(
            mistakes,
            [(2, 2, 1), (4, 1, 2), (5, 0, 1), (1, 1, 2)],
            "equal probabilities are ordered by index"
        );
        for mistake in &found.mistakes {
            let first = 6 * mistake.index as u8;
            assert_eq!(
                decoded(&mistake.picture),
                (shape, (first..first + 6).collect()),
                "pixels are unchanged"
            );
        }
        assert_eq!((found.classes, found.rows, found.columns, found.left_out), (3, 2, 3, 0));
    }

    #[test]
    fn large_image_is_shrunk_to_means_of_blocks() {
        // 100 × 7 pixels and a byte per row fit into 1,000 bytes. 201 × 7 do not; half as many in
        // each direction do.
        let even = ImageShape { rows: 100, columns: 7 };
        assert_eq!(decoded(&picture(&[9; 700], even).unwrap()), (even, vec![9; 700]));
        let odd = ImageShape { rows: 201, columns: 7 };
        let pixels: Vec<u8> = (0..201 * 7)
            .map(|index| if index % 7 == 6 { 255 } else { (index / 7) as u8 })
            .collect();
        let (shape, shrunk) = decoded(&picture(&pixels, odd).unwrap());
        assert_eq!(shape, ImageShape { rows: 101, columns: 4 });
        // Rows 0 and 1: (0 + 0 + 1 + 1) / 4, rounded. The last column is a block of its own.
        assert_eq!(shrunk[..8], [1, 1, 1, 255, 3, 3, 3, 255]);
        // Row 200 is a block of its own.
        assert_eq!(shrunk[400..], [200, 200, 200, 255]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
        #[test]
        fn no_picture_exceeds_its_limit(
            rows in 1usize..400,
            columns in 1usize..400,
            thin in 1usize..4_000,
        ) {
            let mut noise = noise();
            for (rows, columns) in [(rows, columns), (1, thin), (thin, 1)] {
                let shape = ImageShape { rows, columns };
                let noise = (0..shape.features()).map(|_| noise.below(256) as u8);
                let pixels: Vec<u8> = noise.collect();
                let bytes = picture(&pixels, shape).unwrap();
                let length = bytes.len();
                prop_assert!(length <= MAX_PICTURE + 68, "{length} bytes for {shape}");
                let is_large = shape.rows * (shape.columns + 1) > MAX_PICTURE;
                prop_assert!(is_large || decoded(&bytes) == (shape, pixels));
            }
        }
    }

    /// The size in bytes of a store with `runs` runs, each with `analysis`.
    fn stored(folder: &Path, runs: u64, analysis: Option<&ErrorAnalysis>) -> u64 {
        let mut store = Store::open(folder).unwrap();
        let about = Experiment { name: "large".into(), description: String::new() };
        let invocation = store.begin(&about, &Invocation::default()).unwrap();
        for _ in 0..runs {
            let run = Run::new(RunHeader::new("large", Status::Finished), SystemTime::now());
            store.record(invocation, &Run { error_analysis: analysis.cloned(), ..run }).unwrap();
        }
        drop(store);
        folder.join(DATABASE).metadata().unwrap().len()
    }

    #[test]
    fn error_analysis_takes_at_most_20_kilobytes() {
        let mut noise = noise();
        for (rows, columns, classes) in
            [(200, 200, 256), (28, 28, 10), (30, 32, 256), (31, 31, 47), (999, 1, 100)]
        {
            let labels: Vec<u8> = (0..3_000).map(|index| (index % classes) as u8).collect();
            let predict = |_: &u8| Prediction {
                class: noise.below(classes as u32),
                probability: noise.uniform(),
            };
            let predictions: Vec<_> = labels.iter().map(predict).collect();
            // Noise does not compress.
            let mut pixels = generator(8, Purpose::Init);
            let shape = ImageShape { rows, columns };
            let dataset = dataset(shape, classes, labels, || pixels.below(256) as u8);
            let found = error_analysis(&dataset, &predictions);
            let counted =
                found.confusion.iter().map(|cell| cell.count).sum::<u64>() + found.left_out;
            assert_eq!((counted, found.mistakes.len()), (3_000, 12));
            assert!(classes > 10 || found.left_out == 0, "with ten classes no cell is left out");
            let (with, without) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let taken = stored(with.path(), 60, Some(&found)) - stored(without.path(), 60, None);
            assert!(taken <= 60 * 20_000, "{shape}, {classes} classes: {} bytes a run", taken / 60);
        }
    }
}
