//! The recorded error analysis: the confusion matrix and the most confident mistakes.

use std::io::Cursor;
use std::path::Path;

use data::{Dataset, Finder, Network, SilentFetch, Source};
use model::Weights;
use tracking::{ErrorAnalysis, Mistake};

use crate::common::{FOUR_TRIALS, Sweep};

/// A test image as a model sees it.
struct Prediction {
    label: u32,
    predicted: u32,
    probability: f64,
}

/// Predicts every test image with the weights alone.
fn predictions(weights: &Weights, dataset: &Dataset) -> Vec<Prediction> {
    let predict = |(index, label): (usize, &u8)| {
        let pixels = dataset.test.image(index).unwrap();
        let x: Vec<f32> = pixels.iter().map(|pixel| data::normalise(*pixel)).collect();
        let classes = weights.probabilities(&x).into_iter().zip(0u32..);
        let (probability, predicted) = classes.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
        Prediction { label: u32::from(*label), predicted, probability }
    };
    dataset.test.labels.iter().enumerate().map(predict).collect()
}

fn check_confusion_matrix(analysis: &ErrorAnalysis, predictions: &[Prediction]) {
    let count = |label, predicted| {
        let in_cell = |p: &&Prediction| (p.label, p.predicted) == (label, predicted);
        predictions.iter().filter(in_cell).count() as u64
    };
    let cells = (0..10).flat_map(|label| (0..10).map(move |predicted| (label, predicted)));
    let expected = cells
        .map(|(label, predicted)| (label, predicted, count(label, predicted)))
        .filter(|(_, _, count)| *count > 0);
    assert!(
        analysis.confusion.iter().map(|cell| (cell.label, cell.predicted, cell.count)).eq(expected)
    );
}

fn check_mistake(mistake: &Mistake, predictions: &[Prediction], dataset: &Dataset) {
    let index = mistake.index as usize;
    let Prediction { label, predicted, probability } = predictions[index];
    assert_eq!((mistake.label, mistake.predicted), (label, predicted));
    let difference = (mistake.probability - probability).abs();
    assert!(difference < 1e-5, "{} is not {probability}", mistake.probability);
    let mut picture = png::Decoder::new(Cursor::new(&mistake.picture)).read_info().unwrap();
    let mut pixels = vec![0; picture.output_buffer_size().unwrap()];
    picture.next_frame(&mut pixels).unwrap();
    assert_eq!(pixels, dataset.test.image(index).unwrap());
}

fn check_mistakes(mistakes: &[Mistake], predictions: &[Prediction], dataset: &Dataset) {
    assert_eq!(mistakes.len(), 12);
    for mistake in mistakes {
        check_mistake(mistake, predictions, dataset);
    }
    assert!(mistakes.is_sorted_by(|a, b| a.probability >= b.probability));
    let least = mistakes.last().unwrap().probability;
    for (index, prediction) in (0..).zip(predictions) {
        let is_listed = mistakes.iter().any(|mistake| mistake.index == index);
        let is_correct = prediction.label == prediction.predicted;
        let is_less_confident = prediction.probability < least + 1e-5;
        assert!(is_listed || is_correct || is_less_confident, "image {index} is not listed");
    }
}

#[test]
fn confusion_matrix_and_mistakes_match_the_final_weights() {
    let sweep = Sweep::new("small.toml", &FOUR_TRIALS.replace(", epochs = 2", ""));
    let finder = Finder::new(Some(sweep.path("cache")), Network::Offline, Vec::new()).unwrap();
    let source = Source::parse("digits", Path::new("")).unwrap();
    let digits = finder.load(&source, &mut SilentFetch).unwrap();
    for (engine, validation) in
        [("fused", "0.2"), ("fused", "'test'"), ("autograd", "0.2"), ("autograd", "'test'")]
    {
        let folder = format!("{engine}-{}", validation.trim_matches('\''));
        let run = sweep.runner(&format!("small.toml -q --engine {engine} -r {folder}"));
        run.set(&format!("data.validation={validation}")).set("sweep.epochs=[1, 3]").success();
        let results = sweep.results_in(&folder);
        let reader = results.reader();
        let runs = reader.runs("small").unwrap();
        assert_eq!(runs.len(), 8);
        for run in runs {
            let path = results.weights("small", run.trial.as_str());
            let weights = Weights::from_safetensors(&std::fs::read(path).unwrap()).unwrap();
            let predictions = predictions(&weights, &digits);
            let found = reader.error_analysis(&run).unwrap().unwrap();
            let format = (found.classes, found.rows, found.columns, found.left_out);
            assert_eq!(format, (10, 8, 8, 0));
            check_confusion_matrix(&found, &predictions);
            check_mistakes(&found.mistakes, &predictions, &digits);

            let cells = || found.confusion.iter();
            let total: u64 = cells().map(|cell| cell.count).sum();
            let on_diagonal = cells().filter(|cell| cell.label == cell.predicted);
            let correct: u64 = on_diagonal.map(|cell| cell.count).sum();
            assert_eq!((total, Some(correct as f64 / 360.0)), (360, run.result("test_accuracy")));
        }
        assert!(reader.integrity_issues().is_empty());
    }
}
