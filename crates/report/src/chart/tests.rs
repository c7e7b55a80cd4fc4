//! Tests of every kind of chart: as snapshots, without data, and with hostile texts and numbers.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss)]

use roxmltree::Document;

use super::*;

const SVG: &str = "http://www.w3.org/2000/svg";
const HOSTILE: &str = "<script>alert('\"&')</script>]]>\u{1b}[31m\u{202e}\u{0}\u{fffe}\n";

fn labels(title: &str) -> Labels<'_> {
    Labels {
        id: "chart 1",
        title,
        description: "What it shows.",
        x: "batch size",
        y: "test accuracy",
        x_format: NumberFormat::Number,
        y_format: NumberFormat::Percent,
    }
}

fn curve(setting: usize, label: &str, ys: &[f64]) -> LearningCurve {
    let point = |(index, y): (usize, &f64)| CurvePoint {
        x: index as f64 + 1.0,
        y: *y,
        band: Some((y - 0.01, y + 0.01)),
    };
    let points = ys.iter().enumerate().map(point).collect();
    LearningCurve { setting, label: label.to_owned(), points }
}

fn dot(setting: usize, x: f64, y: f64) -> Dot {
    Dot {
        setting,
        label: format!("batch {x}"),
        x: AxisValue::Number(x),
        y,
        interval: Some((y - 0.004, y + 0.004)),
        best: setting == 1,
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn axis(title: &str, numbers: &[Option<f64>]) -> ParallelAxis {
    let values = numbers.iter().map(|number| number.map(AxisValue::Number)).collect();
    ParallelAxis { title: title.to_owned(), format: NumberFormat::Number, values }
}

fn parallel_line(setting: usize, quality: f64) -> ParallelLine {
    ParallelLine { setting, label: format!("setting {setting}"), quality }
}

/// Every kind of chart, with `text` as every text and `number` as a number of every kind.
fn all_charts(text: &str, number: f64) -> Vec<String> {
    let labels =
        Labels { id: text, title: text, description: text, x: text, y: text, ..labels("") };
    let band = Some((number, 0.9));
    let points =
        vec![CurvePoint { x: number, y: 0.5, band }, CurvePoint { x: 1.0, y: number, band }];
    let curves = [LearningCurve { setting: 0, label: text.to_owned(), points }];
    let category = AxisValue::Category(text.to_owned());
    let dot = |x, y| Dot { setting: 0, label: text.to_owned(), x, y, interval: band, best: true };
    let dots = [
        dot(category.clone(), 0.5),
        dot(AxisValue::Number(number), 0.7),
        dot(AxisValue::Number(3.0), number),
    ];
    let classes = vec![text.to_owned(), "other".to_owned()];
    let cells = vec![vec![Some(number), None], vec![Some(0.5)]];
    let axes = [
        ParallelAxis {
            title: text.to_owned(),
            format: NumberFormat::Seconds,
            values: vec![Some(category.clone()), Some(AxisValue::Number(number))],
        },
        axis("time", &[Some(number), Some(1.0)]),
    ];
    let lines =
        [0, 1].map(|setting| ParallelLine { setting, label: text.to_owned(), quality: number });
    let heat =
        HeatMap { format: NumberFormat::Number, columns: &classes, rows: &classes, cells: &cells };
    vec![
        learning_curves(&labels, &curves),
        scatter_plot(&labels, &dots, &[(category, number), (AxisValue::Number(3.0), 0.5)]),
        pareto_front(&labels, &dots, &[1, 2, 99]),
        heat_map(&labels, &heat),
        parallel_coordinates(&labels, &axes, &lines),
        confusion_matrix(&labels, &classes, &[(0, 1, u64::MAX), (0, 1, 5), (7, 0, 1)]),
    ]
}

/// Asserts the properties that every chart has.
fn check(svg: &str) {
    let document = Document::parse(svg).unwrap_or_else(|error| unreachable!("{error}\n{svg}"));
    let root = document.root_element();
    assert!(root.has_tag_name((SVG, "svg")));
    assert_eq!(root.attribute("role"), Some("img"));
    for id in root.attribute("aria-labelledby").unwrap().split(' ') {
        assert!(document.descendants().any(|node| node.attribute("id") == Some(id)), "{id}");
    }
    assert!(!document.descendants().any(|node| node.has_tag_name("script")));
    for attribute in document.descendants().flat_map(|node| node.attributes()) {
        let value = attribute.value();
        assert!(
            !value.contains("NaN") && !value.contains("inf") && !value.contains('#'),
            "{value}"
        );
    }
    assert!(svg.len() < 40_000, "{}", svg.len());
}

#[test]
fn learning_curves_match_snapshot() {
    let curves = [curve(0, "batch 32", &[0.85, 0.90, 0.91]), curve(1, "batch 512", &[0.80, 0.86])];
    insta::assert_snapshot!(learning_curves(&labels("Learning curves"), &curves));
}

#[test]
fn scatter_plot_matches_snapshot() {
    let dots = [dot(0, 16.0, 0.90), dot(1, 16.0, 0.91), dot(2, 512.0, 0.88)];
    let means = [(AxisValue::Number(16.0), 0.90), (AxisValue::Number(512.0), 0.88)];
    insta::assert_snapshot!(scatter_plot(&labels("Batch size"), &dots, &means));
}

#[test]
fn pareto_front_matches_snapshot() {
    let labels =
        Labels { x: "time", x_format: NumberFormat::Seconds, ..labels("Accuracy against time") };
    let dots = [dot(0, 0.5, 0.85), dot(1, 30.0, 0.92), dot(2, 20.0, 0.84)];
    insta::assert_snapshot!(pareto_front(&labels, &dots, &[0, 1]));
}

#[test]
fn heat_map_matches_snapshot() {
    let (columns, rows) = (names(&["16", "512"]), names(&["0", "1e-4"]));
    let cells = [vec![Some(0.91), Some(0.88)], vec![Some(0.905), None]];
    let format = NumberFormat::Percent;
    let heat = HeatMap { format, columns: &columns, rows: &rows, cells: &cells };
    insta::assert_snapshot!(heat_map(&labels("Batch size and decay"), &heat));
}

#[test]
fn parallel_coordinates_match_snapshot() {
    let axes = [
        axis("batch", &[Some(16.0), Some(512.0)]),
        axis("decay", &[None, Some(0.0)]),
        axis("time", &[Some(3.0), Some(4.0)]),
    ];
    let lines = [parallel_line(0, 1.0), parallel_line(1, 0.0)];
    insta::assert_snapshot!(parallel_coordinates(&labels("All"), &axes, &lines));
}

#[test]
fn confusion_matrix_matches_snapshot() {
    let cells = [(0, 0, 98), (0, 1, 2), (1, 0, 5), (1, 1, 95)];
    let classes = names(&["cat", "dog"]);
    insta::assert_snapshot!(confusion_matrix(&labels("Confusion"), &classes, &cells));
}

#[test]
fn hostile_text_stays_text() {
    let long = "界w".repeat(5000);
    for text in [HOSTILE, &long, ""] {
        all_charts(text, 0.8).iter().for_each(|svg| check(svg));
    }
}

#[test]
fn extreme_numbers_give_valid_charts() {
    for number in [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MAX,
        f64::MIN,
        5e-324,
        -0.0,
        0.0,
        1e16,
        -3.0,
    ] {
        all_charts("name", number).iter().for_each(|svg| check(svg));
    }
}

#[test]
fn charts_without_data_say_so() {
    let (labels, none) = (labels("Nothing"), names(&[]));
    let empty = HeatMap { format: NumberFormat::Number, columns: &none, rows: &none, cells: &[] };
    let charts = [
        learning_curves(&labels, &[]),
        scatter_plot(&labels, &[], &[]),
        pareto_front(&labels, &[], &[]),
        heat_map(&labels, &empty),
        parallel_coordinates(&labels, &[], &[]),
        confusion_matrix(&labels, &[], &[]),
    ];
    for svg in charts {
        check(&svg);
        assert!(svg.contains("nothing to show"));
    }
}

#[test]
fn charts_of_one_value_are_valid() {
    let labels = labels("One");
    check(&learning_curves(&labels, &[curve(0, "one", &[0.5])]));
    check(&scatter_plot(&labels, &[dot(0, 1.0, 0.5)], &[]));
    check(&pareto_front(&labels, &[dot(0, 1.0, 0.5)], &[0]));
    let axes = [axis("only", &[Some(1.0)])];
    check(&parallel_coordinates(&labels, &axes, &[parallel_line(0, 1.0)]));
    check(&confusion_matrix(&labels, &names(&["one"]), &[(0, 0, 1)]));
}

#[test]
fn charts_are_small() {
    let label = "batch 512, decay 1e-4, epochs 20";
    let dots: Vec<Dot> = (0..200)
        .map(|index| Dot {
            label: label.to_owned(),
            ..dot(index, f64::from(16 << (index % 6)), 0.85 + index as f64 * 3e-4)
        })
        .collect();
    assert!(scatter_plot(&labels("Many"), &dots, &[]).len() < 60_000);
    let ys: Vec<f64> = (0..20).map(|epoch| 0.9 - 0.3 / (f64::from(epoch) + 1.0)).collect();
    let curves: Vec<LearningCurve> = (0..8).map(|setting| curve(setting, label, &ys)).collect();
    assert!(learning_curves(&labels("Many"), &curves).len() < 20_000);
}

#[test]
fn every_dot_names_its_setting() {
    let svg = scatter_plot(&labels("Settings"), &[dot(7, 1.0, 0.5), dot(9, 2.0, 0.6)], &[]);
    let document = Document::parse(&svg).unwrap();
    let dots = document.descendants().filter(|node| node.has_attribute("data-setting"));
    let settings: Vec<&str> =
        dots.clone().filter_map(|node| node.attribute("data-setting")).collect();
    assert_eq!(settings, ["7", "9"]);
    for dot in dots {
        let title = dot.children().find(|child| child.has_tag_name((SVG, "title")));
        assert!(
            title.and_then(|title| title.text()).is_some_and(|text| text.starts_with("batch "))
        );
    }
}

/// Relative luminance, <https://www.w3.org/TR/WCAG22/#dfn-relative-luminance>.
fn luminance(colour: &str) -> f64 {
    let channel = |start: usize| {
        let share = f64::from(u8::from_str_radix(&colour[start..start + 2], 16).unwrap()) / 255.0;
        if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

fn contrast(left: &str, right: &str) -> f64 {
    let (left, right) = (luminance(left), luminance(right));
    (left.max(right) + 0.05) / (left.min(right) + 0.05)
}

/// The declarations `--chart-name: #colour;` of each theme: light, dark by the preference of the
/// system, dark by the choice of the user.
fn themes() -> Vec<Vec<(&'static str, &'static str)>> {
    let declaration = |text: &'static str| text.trim().strip_prefix("--chart-")?.split_once(": ");
    let blocks = STYLE.split('}').filter(|block| block.contains("--chart-paper: "));
    blocks.map(|block| block.split([';', '{']).filter_map(declaration).collect()).collect()
}

#[test]
fn colours_have_contrast() {
    let themes = themes();
    assert_eq!(themes.len(), 3);
    assert_eq!(themes[1], themes[2], "the two dark themes differ");
    for theme in themes {
        let colour_of = |name: &str| theme.iter().find(|(known, _)| *known == name).unwrap().1;
        let paper = colour_of("paper");
        let contrast_to_paper = |name: &str| contrast(colour_of(name), paper);
        assert!(contrast_to_paper("ink") >= 4.5 && contrast_to_paper("muted") >= 4.5);
        for step in 0..9 {
            let text = if step < 5 { colour_of("ink") } else { paper };
            assert!(contrast(colour_of(&format!("q{step}")), text) >= 4.5, "q{step}");
            assert!(contrast(colour_of(&format!("m{step}")), text) >= 4.5, "m{step}");
            assert!(contrast_to_paper(&format!("l{step}")) >= 3.0, "l{step}");
        }
        for series in 0..8 {
            assert!(contrast_to_paper(&format!("s{series}")) >= 3.0, "s{series}");
        }
        for name in ["axis", "accent", "best"] {
            assert!(contrast_to_paper(name) >= 3.0, "{name}");
        }
    }
}
