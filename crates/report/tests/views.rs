//! Text, Markdown, CSV, JSON and the page show the same comparison.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod command;
mod stores;

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value as Json;

use command::Test;
use stores::sixty_three;

/// A cell of the page: its text, and the value in full if it is a number.
type PageCell = (String, Option<String>);

/// The comparison of `results` in a format.
fn view(results: &Path, format: &str) -> String {
    Test::new(results).args(&["--format", format]).success()
}

fn page(results: &Path) -> String {
    Test::new(results).args(&["html", "-o", "-"]).success()
}

/// The rows of the first table of a page.
fn page_rows(page: &str) -> Vec<Vec<PageCell>> {
    let table = page.split("<tbody>").nth(1).unwrap().split("</tbody>").next().unwrap();
    let cell = |cell: &str| {
        let (attributes, text) = cell.split_once('>').unwrap();
        let value = attributes
            .split("data-value=\"")
            .nth(1)
            .map(|rest| unescaped(rest.split('"').next().unwrap()));
        (unescaped(text.split("</td>").next().unwrap()), value)
    };
    table.split("<tr").skip(1).map(|row| row.split("<td").skip(1).map(cell).collect()).collect()
}

/// The column names of the first table of a page.
fn page_columns(page: &str) -> Vec<String> {
    let header = page.split("<thead>").nth(1).unwrap().split("</thead>").next().unwrap();
    header
        .split("data-name=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect()
}

fn unescaped(text: &str) -> String {
    let pairs = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&#x2f;", "/"),
        ("&amp;", "&"),
        ("<code>", "`"),
        ("</code>", "`"),
    ];
    pairs.into_iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// The cells of a Markdown table.
fn markdown_rows(markdown: &str) -> Vec<Vec<String>> {
    let rows = markdown.lines().filter(|line| line.starts_with('|')).skip(2);
    let cell = |cell: &str| cell.trim().replace('\\', "");
    rows.map(|line| line.trim_matches('|').split(" | ").map(cell).collect()).collect()
}

/// The number of a CSV column in a setting of the JSON document.
fn json_number(setting: &Json, column: &str) -> Option<f64> {
    let number = |json: &Json| json.as_f64();
    if let Some(part) = column.strip_prefix("difference_") {
        let difference = &setting["difference"];
        return number(match part {
            "low" => &difference["interval"][0],
            "high" => &difference["interval"][1],
            part => &difference[part],
        });
    }
    if let Some(part) = column.strip_prefix("distance_to_best_") {
        return number(&setting["distance_to_best"][usize::from(part == "high")]);
    }
    for (suffix, key) in
        [("_n", "n"), ("_mean", "mean"), ("_sd", "sd"), ("_low", "low"), ("_high", "high")]
    {
        if let Some(name) = column.strip_suffix(suffix) {
            let metric = &setting["metrics"][name];
            return number(match key {
                "low" => &metric["interval"][0],
                "high" => &metric["interval"][1],
                key => &metric[key],
            });
        }
    }
    number(&setting["params"][column]).or_else(|| number(&setting[column]))
}

/// Whether both are absent or equal. The last bit may differ, because `serde_json` does not always
/// read it exactly.
fn is_equal(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= f64::EPSILON * b.abs(),
        (a, b) => a.is_none() && b.is_none(),
    }
}

/// The text with single spaces, so that line breaks do not matter.
fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn csv_and_json_have_the_same_numbers() {
    let folder = sixty_three();
    let json: Json = serde_json::from_str(&view(folder.path(), "json")).unwrap();
    let settings = json[0]["settings"].as_array().unwrap();
    assert_eq!(settings.len(), 21);

    let csv = view(folder.path(), "csv");
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let header = reader.headers().unwrap().clone();
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(records.len(), settings.len());
    let mut compared = 0;
    for (record, setting) in records.iter().zip(settings) {
        let marks = ["best", "front", "compared", "may_be_best"];
        let cells = header.iter().zip(record).skip(6);
        for (column, cell) in cells.filter(|(column, _)| !marks.contains(column)) {
            let expected = json_number(setting, column);
            assert!(is_equal(cell.parse().ok(), expected), "{column}: {cell:?} {setting}");
            compared += usize::from(!cell.is_empty());
        }
        let cell = |name: &str| &record[header.iter().position(|column| column == name).unwrap()];
        let (best, may_be_best) = (setting["best"] == true, setting["may_be_best"] == true);
        let mark = match (best, may_be_best) {
            (true, _) => "best",
            (false, true) => "may_be_best",
            (false, false) => "",
        };
        assert_eq!(cell("best"), mark);
        assert_eq!(cell("may_be_best"), may_be_best.to_string());
        assert_eq!(cell("compared"), "true");
        assert_eq!(cell("front") == "true", setting["front"] == true);
    }
    assert!(compared > 21 * 30, "{compared}");
}

#[test]
fn page_has_the_numbers_of_json() {
    let folder = sixty_three();
    let json: Json = serde_json::from_str(&view(folder.path(), "json")).unwrap();
    let settings = json[0]["settings"].as_array().unwrap();
    let page = page(folder.path());
    let (columns, rows) = (page_columns(&page), page_rows(&page));
    assert_eq!(rows.len(), settings.len());
    for (row, setting) in rows.iter().zip(settings) {
        for ((_, value), column) in row.iter().zip(&columns) {
            let Some(value) = value.as_ref().and_then(|value| value.parse::<f64>().ok()) else {
                continue;
            };
            let expected = match column.as_str() {
                "best" => continue,
                "interval" => setting["interval"][0].as_f64(),
                "distance_to_best" => setting["distance_to_best"][0].as_f64(),
                column => {
                    let mean = setting["metrics"][column]["mean"].as_f64();
                    mean.or_else(|| json_number(setting, column))
                }
            };
            assert!(is_equal(Some(value), expected), "{column}: {value} {expected:?}");
        }
    }
}

#[test]
fn page_has_the_cells_of_markdown_and_text() {
    let folder = sixty_three();
    let rows: Vec<Vec<String>> = page_rows(&page(folder.path()))
        .into_iter()
        .map(|row| row.into_iter().map(|(text, _)| text).collect())
        .collect();
    assert_eq!(markdown_rows(&view(folder.path(), "markdown")), rows);
    let text = view(folder.path(), "table");
    for row in &rows {
        let cells: Vec<&String> = row.iter().take(6).filter(|cell| !cell.is_empty()).collect();
        let has_all_cells = |line: &str| {
            let mut rest = line;
            cells.iter().all(|cell| {
                let found = rest.find(cell.as_str());
                found.map(|start| rest = &rest[start + cell.len()..]).is_some()
            })
        };
        assert!(text.lines().any(has_all_cells), "{cells:?} in\n{text}");
    }
}

#[test]
fn all_views_have_the_same_notes() {
    let folder = sixty_three();
    let json: Json = serde_json::from_str(&view(folder.path(), "json")).unwrap();
    let text = unwrapped(&view(folder.path(), "table"));
    let markdown = unwrapped(&view(folder.path(), "markdown").replace('\\', ""));
    let page = unescaped(&page(folder.path())).to_lowercase();
    for note in json[0]["notes"].as_array().unwrap().iter().take(3) {
        let note = note.as_str().unwrap();
        assert!(text.contains(note) && markdown.contains(note), "{note}");
        assert!(page.contains(&note.to_lowercase()), "{note}");
    }
}

#[test]
fn edge_of_the_grid_counts_excluded_values() {
    let store = sixty_three();
    let edge = "at the edge of the grid: extend `batch_size` below 16";
    let report = |arguments: &[&str]| Test::new(store.path()).args(arguments).success();
    assert!(unwrapped(&report(&[])).contains(edge));
    let out = report(&["--where", "batch_size>16"]);
    assert!(out.contains('★') && !unwrapped(&out).contains("edge of the grid"), "{out}");
}

#[test]
fn page_shows_names_in_sentences_as_code() {
    let page = page(sixty_three().path());
    assert!(page.contains("extend <code>batch_size</code> below 16."));
}

#[test]
fn same_store_gives_the_same_page() {
    let folder = sixty_three();
    let first = page(folder.path());
    assert_eq!(first, page(folder.path()));
}

#[test]
fn page_goes_to_the_named_file_or_report_html() {
    let folder = sixty_three();
    let expected = page(folder.path());
    for (arguments, name) in [(&["--output", "page.html"][..], "page.html"), (&[], "report.html")] {
        let output = assert_cmd::Command::new(env!("CARGO_BIN_EXE_report"))
            .current_dir(&folder)
            .args(["-r", ".", "html"])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
        assert_eq!(std::fs::read_to_string(folder.path().join(name)).unwrap(), expected);
    }
    let err = Test::new(folder.path()).args(&["html", "-o", "nowhere/at/all.html"]).failure();
    assert!(err.contains("cannot write nowhere/at/all.html"), "{err}");
}

#[test]
fn page_loads_nothing() {
    let page = page(sixty_three().path());
    let addresses: Vec<&str> = page
        .match_indices("http")
        .map(|(start, _)| &page[start..page.len().min(start + 30)])
        .collect();
    // The namespace of SVG is a name, not an address to load.
    let is_name = |text: &&str| {
        text.starts_with("http-equiv") || text.starts_with("http://www.w3.org/2000/svg")
    };
    assert!(addresses.iter().all(is_name), "{addresses:?}");
    for reference in ["<link", "@import", "url("] {
        assert!(!page.contains(reference), "{reference}");
    }
}

#[test]
fn epoch_can_be_chosen() {
    let folder = sixty_three();
    let at = |epoch: &str| {
        let out = Test::new(folder.path()).args(&["--at", epoch, "--format", "json"]).success();
        let json: Json = serde_json::from_str(&out).unwrap();
        let settings = json[0]["settings"].as_array().unwrap();
        let accuracies: HashMap<String, f64> = settings
            .iter()
            .filter_map(|setting| {
                let accuracy = setting["metrics"]["test_accuracy"]["mean"].as_f64()?;
                Some((setting["params"].to_string(), accuracy))
            })
            .collect();
        (json[0]["at"].clone(), accuracies)
    };
    let (last, best, second) = (at("last"), at("best"), at("2"));
    assert_eq!([last.0, best.0, second.0], ["last".into(), "best".into(), Json::from(2)]);
    for (setting, accuracy) in &last.1 {
        assert!(best.1[setting] >= *accuracy && second.1[setting] < *accuracy, "{setting}");
    }
    assert!(at("9").1.is_empty());
    let out = Test::new(folder.path()).args(&["--at", "9"]).success();
    assert!(out.contains("No finished run has an epoch 9."), "{out}");
}

#[test]
fn invalid_epoch_is_rejected() {
    let folder = sixty_three();
    for epoch in ["0", "first", "1.5"] {
        let err = Test::new(folder.path()).args(&["--at", epoch]).failure();
        assert!(err.contains("expected last, best, or the number of an epoch"), "{err}");
    }
    // The command-line parser interprets -1 as an option, with another message.
    Test::new(folder.path()).args(&["--at", "-1"]).failure();
}

#[test]
fn columns_can_be_chosen() {
    let folder = sixty_three();
    let columns = "test_loss,batch_size,difference,n";
    let out = Test::new(folder.path()).args(&["--columns", columns, "--top", "2"]).success();
    let header = out.lines().find(|line| line.contains("test loss")).unwrap();
    let titles: Vec<&str> =
        header.split("  ").map(str::trim).filter(|title| !title.is_empty()).collect();
    assert_eq!(titles, ["test loss", "batch_size", "difference", "n"], "{out}");
    let err = Test::new(folder.path()).args(&["--columns", "test_los"]).failure();
    assert!(err.contains("did you mean 'test_loss'?"), "{err}");
}

#[test]
fn columns_can_be_constant_hyperparameters() {
    let columns = ["--columns", "batch_size,learning_rate", "--format", "csv"];
    let out = Test::new(sixty_three().path()).args(&columns).success();
    assert!(out.lines().next().unwrap().ends_with("batch_size,learning_rate"), "{out}");
    assert!(out.contains(",0.01\n"), "{out}");
}

#[test]
fn comparison_options_before_a_command_are_rejected() {
    let err = Test::new(sixty_three().path()).args(&["--top", "2", "html"]).failure();
    assert!(err.contains("put options after it, as in report html --top 5"), "{err}");
}
