//! Each kind of chart, small, empty, and with text and numbers that nobody meant.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss)]

use roxmltree::Document;

use super::*;

const HOSTILE: &str = "<script>alert('\"&')</script>]]>\u{1b}[31m\u{202e}\u{0}\u{fffe}\n";

fn labels(title: &str) -> Labels<'_> {
    Labels {
        id: "chart 1",
        title,
        description: "What it shows.",
        x: "batch size",
        y: "test accuracy",
        x_format: Format::Number,
        y_format: Format::Percent,
    }
}

fn curve(setting: usize, label: &str, ys: &[f64]) -> Curve {
    let point = |(index, y): (usize, &f64)| Point {
        x: index as f64 + 1.0,
        y: *y,
        band: Some((y - 0.01, y + 0.01)),
    };
    Curve { setting, label: label.to_owned(), points: ys.iter().enumerate().map(point).collect() }
}

fn dot(setting: usize, x: f64, y: f64) -> Dot {
    let interval = Some((y - 0.004, y + 0.004));
    Dot {
        setting,
        label: format!("batch {x}"),
        x: Place::Number(x),
        y,
        interval,
        best: setting == 1,
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|it| (*it).to_owned()).collect()
}

fn axis(title: &str, places: &[Option<f64>]) -> ParallelAxis {
    let places = places.iter().map(|it| it.map(Place::Number)).collect();
    ParallelAxis { title: title.to_owned(), format: Format::Number, places }
}

fn parallel_line(setting: usize, worth: f64) -> ParallelLine {
    ParallelLine { setting, label: format!("setting {setting}"), worth }
}

/// Every chart with `text` wherever there is text, and `number` wherever there is a number.
fn all(text: &str, number: f64) -> Vec<String> {
    let labels =
        Labels { id: text, title: text, description: text, x: text, y: text, ..labels("") };
    let band = Some((number, 0.9));
    let points = vec![Point { x: number, y: 0.5, band }, Point { x: 1.0, y: number, band }];
    let curved = [Curve { setting: 0, label: text.to_owned(), points }];
    let named = Place::Word(text.to_owned());
    let dot = |x, y| Dot { setting: 0, label: text.to_owned(), x, y, interval: band, best: true };
    let dotted =
        [dot(named.clone(), 0.5), dot(Place::Number(number), 0.7), dot(Place::Number(3.0), number)];
    let classes = vec![text.to_owned(), "other".to_owned()];
    let cells = vec![vec![Some(number), None], vec![Some(0.5)]];
    let axes = [
        ParallelAxis {
            title: text.to_owned(),
            format: Format::Seconds,
            places: vec![Some(named.clone()), Some(Place::Number(number))],
        },
        axis("time", &[Some(number), Some(1.0)]),
    ];
    let lines =
        [0, 1].map(|setting| ParallelLine { setting, label: text.to_owned(), worth: number });
    let heated = Heat { format: Format::Number, columns: &classes, rows: &classes, cells: &cells };
    vec![
        curves(&labels, &curved),
        dots(&labels, &dotted, &[(named, number), (Place::Number(3.0), 0.5)]),
        front(&labels, &dotted, &[1, 2, 99]),
        heat(&labels, &heated),
        parallel(&labels, &axes, &lines),
        confusion(&labels, &classes, &[(0, 1, u64::MAX), (0, 1, 5), (7, 0, 1)]),
    ]
}

/// What must hold of any chart.
fn check(svg: &str) {
    let document = Document::parse(svg).unwrap_or_else(|error| unreachable!("{error}\n{svg}"));
    let root = document.root_element();
    assert!(root.has_tag_name(("http://www.w3.org/2000/svg", "svg")));
    assert_eq!(root.attribute("role"), Some("img"));
    for id in root.attribute("aria-labelledby").unwrap().split(' ') {
        assert!(document.descendants().any(|it| it.attribute("id") == Some(id)), "{id}");
    }
    assert!(!document.descendants().any(|it| it.has_tag_name("script")));
    let attributes = document.descendants().flat_map(|it| it.attributes());
    for attribute in attributes {
        let value = attribute.value();
        assert!(
            !value.contains("NaN") && !value.contains("inf") && !value.contains('#'),
            "{value}"
        );
    }
    assert!(svg.len() < 40_000, "{}", svg.len());
}

#[test]
fn curves_as_drawn() {
    let lines = [curve(0, "batch 32", &[0.85, 0.90, 0.91]), curve(1, "batch 512", &[0.80, 0.86])];
    insta::assert_snapshot!(curves(&labels("Learning curves"), &lines));
}

#[test]
fn dots_as_drawn() {
    let means = [(Place::Number(16.0), 0.90), (Place::Number(512.0), 0.88)];
    let svg = dots(
        &labels("Batch size"),
        &[dot(0, 16.0, 0.90), dot(1, 16.0, 0.91), dot(2, 512.0, 0.88)],
        &means,
    );
    insta::assert_snapshot!(svg);
}

#[test]
fn front_as_drawn() {
    let labels = Labels { x: "time", x_format: Format::Seconds, ..labels("Accuracy against time") };
    insta::assert_snapshot!(front(
        &labels,
        &[dot(0, 0.5, 0.85), dot(1, 30.0, 0.92), dot(2, 20.0, 0.84)],
        &[0, 1]
    ));
}

#[test]
fn heat_as_drawn() {
    let (columns, rows) = (names(&["16", "512"]), names(&["0", "1e-4"]));
    let cells = [vec![Some(0.91), Some(0.88)], vec![Some(0.905), None]];
    let cells = Heat { format: Format::Percent, columns: &columns, rows: &rows, cells: &cells };
    insta::assert_snapshot!(heat(&labels("Batch size and decay"), &cells));
}

#[test]
fn parallel_as_drawn() {
    let axes = [
        axis("batch", &[Some(16.0), Some(512.0)]),
        axis("decay", &[None, Some(0.0)]),
        axis("time", &[Some(3.0), Some(4.0)]),
    ];
    insta::assert_snapshot!(parallel(
        &labels("All"),
        &axes,
        &[parallel_line(0, 1.0), parallel_line(1, 0.0)]
    ));
}

#[test]
fn confusion_as_drawn() {
    let cells = [(0, 0, 98), (0, 1, 2), (1, 0, 5), (1, 1, 95)];
    insta::assert_snapshot!(confusion(&labels("Confusion"), &names(&["cat", "dog"]), &cells));
}

#[test]
fn text_of_others_is_only_text() {
    let long = "界w".repeat(5000);
    for text in [HOSTILE, &long, ""] {
        all(text, 0.8).iter().for_each(|svg| check(svg));
    }
}

#[test]
fn any_number_is_drawn_or_left_out() {
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
        all("name", number).iter().for_each(|svg| check(svg));
    }
}

#[test]
fn nothing_and_one_thing() {
    let (labels, none) = (labels("Nothing"), names(&[]));
    let empty = Heat { format: Format::Number, columns: &none, rows: &none, cells: &[] };
    let blank = [
        curves(&labels, &[]),
        dots(&labels, &[], &[]),
        front(&labels, &[], &[]),
        heat(&labels, &empty),
    ];
    let blank =
        blank.into_iter().chain([parallel(&labels, &[], &[]), confusion(&labels, &[], &[])]);
    for svg in blank {
        check(&svg);
        assert!(svg.contains("nothing to show"));
    }
    check(&curves(&labels, &[curve(0, "one", &[0.5])]));
    check(&dots(&labels, &[dot(0, 1.0, 0.5)], &[]));
    check(&front(&labels, &[dot(0, 1.0, 0.5)], &[0]));
    check(&parallel(&labels, &[axis("only", &[Some(1.0)])], &[parallel_line(0, 1.0)]));
    check(&confusion(&labels, &names(&["one"]), &[(0, 0, 1)]));
}

#[test]
fn charts_are_small() {
    let label = "batch 512, decay 1e-4, epochs 20";
    let many: Vec<Dot> = (0..200)
        .map(|it| Dot {
            label: label.to_owned(),
            ..dot(it, f64::from(16 << (it % 6)), 0.85 + it as f64 * 3e-4)
        })
        .collect();
    assert!(dots(&labels("Many"), &many, &[]).len() < 60_000);
    let ys: Vec<f64> = (0..20).map(|it| 0.9 - 0.3 / (f64::from(it) + 1.0)).collect();
    let lines: Vec<Curve> = (0..8).map(|it| curve(it, label, &ys)).collect();
    assert!(curves(&labels("Many"), &lines).len() < 20_000);
}

#[test]
fn every_setting_is_tied_to_its_row() {
    let svg = dots(&labels("Tied"), &[dot(7, 1.0, 0.5), dot(9, 2.0, 0.6)], &[]);
    let document = Document::parse(&svg).unwrap();
    let tied = document.descendants().filter(|it| it.has_attribute("data-setting"));
    let settings: Vec<&str> = tied.clone().filter_map(|it| it.attribute("data-setting")).collect();
    assert_eq!(settings, ["7", "9"]);
    for group in tied {
        let title =
            group.children().find(|it| it.has_tag_name(("http://www.w3.org/2000/svg", "title")));
        assert!(title.and_then(|it| it.text()).is_some_and(|it| it.starts_with("batch ")));
    }
}

/// Relative luminance, <https://www.w3.org/TR/WCAG22/#dfn-relative-luminance>.
fn luminance(colour: &str) -> f64 {
    let channel = |at: usize| {
        let share = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
        if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

fn contrast(left: &str, right: &str) -> f64 {
    let (left, right) = (luminance(left), luminance(right));
    (left.max(right) + 0.05) / (left.min(right) + 0.05)
}

/// `--chart-name: #colour;` of each theme: light, dark by preference, dark by choice.
fn themes() -> Vec<Vec<(&'static str, &'static str)>> {
    let colour = |it: &'static str| it.trim().strip_prefix("--chart-")?.split_once(": ");
    let blocks = STYLE.split('}').filter(|it| it.contains("--chart-paper: "));
    blocks.map(|it| it.split([';', '{']).filter_map(colour).collect()).collect()
}

#[test]
fn colours_have_contrast() {
    let themes = themes();
    assert_eq!(themes.len(), 3);
    assert_eq!(themes[1], themes[2], "both ways to the dark");
    for theme in themes {
        let get = |name: &str| theme.iter().find(|it| it.0 == name).unwrap().1;
        let paper = get("paper");
        assert!(contrast(get("ink"), paper) >= 4.5 && contrast(get("muted"), paper) >= 4.5);
        for step in 0..9 {
            let on = if step < 5 { get("ink") } else { paper };
            assert!(contrast(get(&format!("q{step}")), on) >= 4.5, "q{step}");
            assert!(contrast(get(&format!("m{step}")), on) >= 4.5, "m{step}");
            assert!(contrast(get(&format!("l{step}")), paper) >= 3.0, "l{step}");
        }
        let drawn =
            (0..8).map(|it| format!("s{it}")).chain(["axis", "accent", "best"].map(str::to_owned));
        drawn.for_each(|it| assert!(contrast(get(&it), paper) >= 3.0, "{it}"));
    }
}
