//! Tests the page in a real browser. `page/page.mjs` acts as a reader.
#![allow(clippy::unwrap_used, missing_docs)]

mod browser;
mod stores;

use std::path::Path;

use tracking::{ConfusionCell, ErrorAnalysis, Mistake, Value};

use stores::{Filling, outcome, plausible};

/// Checks the page of a results folder.
fn check_page(results: &Path, kind: &str) {
    let Some(mut script) = browser::script("page.mjs") else { return };
    let page = results.join("page.html");
    let (code, _, err) = outcome(results, &["html", "-o", page.to_str().unwrap()]);
    assert!(code < 2, "{err}");
    let output = script.args([&page, Path::new(kind)]).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}

/// The error analysis of a test set of 100 images of 2 × 2 pixels.
fn examples() -> ErrorAnalysis {
    // A grey pixel.
    let picture = [
        0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44,
        0x52, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0x3a,
        0x7e, 0x9b, 0x55, 0x00, 0x00, 0x00, 0x0a, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x68,
        0x00, 0x00, 0x00, 0x82, 0x00, 0x81, 0x77, 0xcd, 0x72, 0xb6, 0x00, 0x00, 0x00, 0x00, 0x49,
        0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
    ];
    let cell = |label, predicted, count| ConfusionCell { label, predicted, count };
    let mistake = |index| Mistake {
        index,
        label: 0,
        predicted: 1,
        probability: 0.9,
        picture: picture.to_vec(),
    };
    ErrorAnalysis {
        classes: 3,
        rows: 2,
        columns: 2,
        confusion: vec![
            cell(0, 0, 30),
            cell(0, 1, 4),
            cell(1, 1, 33),
            cell(2, 0, 1),
            cell(2, 2, 32),
        ],
        left_out: 0,
        mistakes: (0..5).map(mistake).collect(),
    }
}

#[test]
fn page_sorts_filters_brushes_and_is_accessible() {
    let mut filling =
        Filling::new("batch_sweep", "How batch size and decay change softmax regression");
    for batch in [16, 32, 64, 100, 128, 256, 512] {
        for decay in [0.0, 1e-5, 1e-4] {
            for seed in 0..3 {
                let mut run = plausible("batch_sweep", batch, decay, seed);
                run.error_analysis = Some(examples());
                filling.record(&run);
            }
        }
    }
    check_page(filling.folder.path(), "usual");
}

/// Names that contain scripts, break out of their element, or are very long.
#[test]
fn hostile_names_run_no_script_and_stay_in_their_element() {
    let nasty = [
        "<script>globalThis.executed = 1</script>",
        "\"><img src=x onerror=\"globalThis.executed = 1\">",
        "'; globalThis.executed = 1; //",
        "</style></script></svg><script>globalThis.executed = 1</script>",
        "{{ 7 * 7 }}{% for x in y %}",
        "\u{202e}\u{0}\u{1b}[2J]]>",
        &"long".repeat(2_500),
    ];
    let description = nasty.concat();
    let mut filling = Filling::new("hostile", &description);
    for (position, word) in nasty.into_iter().enumerate() {
        for seed in 0..2 {
            let mut run = plausible("hostile", 16 << position, 0.0, seed);
            run.trial = tracking::TrialId::of(&[("word", word), ("seed", &seed.to_string())]);
            run.dataset = "<b>data</b>".into();
            run.fallback_for = Some("<script>globalThis.executed = 1</script>".into());
            run.engine = "<i>engine</i>".into();
            run.params.push((word.into(), Value::from(word)));
            run.params.push(("word".into(), Value::from(word)));
            run.results.push((word.into(), 0.5));
            if position == 1 {
                run.results.clear();
                run.epochs.clear();
            }
            if position == 2 {
                run.results.push(("test_loss".into(), f64::NAN));
                run.results.push(("f1".into(), f64::INFINITY));
                run.results.push(("huge".into(), 1e308));
            }
            filling.record(&run);
        }
    }
    check_page(filling.folder.path(), "hostile");
}

#[test]
fn page_holds_for_no_run_one_run_and_many_runs() {
    check_page(Filling::new("empty", "").folder.path(), "few");
    let mut one = Filling::new("one", "");
    one.record(&plausible("one", 16, 0.0, 0));
    check_page(one.folder.path(), "few");
    let mut many = Filling::new("many", "");
    for batch in 1..=200 {
        many.record(&plausible("many", batch, 0.0, 0));
    }
    check_page(many.folder.path(), "many");
}
