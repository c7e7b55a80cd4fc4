//! Every view shows the same comparison: text, Markdown, CSV, JSON and the page, number by number.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod stores;

use std::collections::HashMap;

use serde_json::Value as Json;

use stores::{outcome, sixty_three};

/// The cells of the rows of the first table of a page: what is read and what is meant in full.
fn page_rows(page: &str) -> Vec<Vec<(String, Option<String>)>> {
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

fn unescaped(text: &str) -> String {
    let pairs = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&#x2f;", "/"),
        ("&amp;", "&"),
    ];
    pairs.into_iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

fn page_names(page: &str) -> Vec<String> {
    let head = page.split("<thead>").nth(1).unwrap().split("</thead>").next().unwrap();
    head.split("data-name=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect()
}

/// JSON's name of a number of CSV.
fn in_json(setting: &Json, column: &str) -> Option<f64> {
    let number = |json: &Json| json.as_f64();
    if let Some(part) = column.strip_prefix("difference_") {
        let it = &setting["difference"];
        return number(match part {
            "low" => &it["interval"][0],
            "high" => &it["interval"][1],
            part => &it[part],
        });
    }
    if let Some(part) = column.strip_prefix("distance_to_best_") {
        return number(&setting["distance_to_best"][usize::from(part == "high")]);
    }
    for (end, place) in
        [("_n", "n"), ("_mean", "mean"), ("_sd", "sd"), ("_low", "low"), ("_high", "high")]
    {
        if let Some(metric) = column.strip_suffix(end) {
            let it = &setting["metrics"][metric];
            return number(match place {
                "low" => &it["interval"][0],
                "high" => &it["interval"][1],
                place => &it[place],
            });
        }
    }
    number(&setting["params"][column]).or_else(|| number(&setting[column]))
}

/// Both absent, or the same but for the last bit, which this reader of JSON does not always get right.
fn same(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= f64::EPSILON * b.abs(),
        (a, b) => a.is_none() && b.is_none(),
    }
}

#[test]
fn csv_and_json_have_the_same_numbers() {
    let folder = sixty_three();
    let view = |format: &str| {
        let (code, out, err) = outcome(folder.path(), &["--format", format]);
        assert_eq!(code, 0, "{err}");
        out
    };
    let json: Json = serde_json::from_str(&view("json")).unwrap();
    let settings = json[0]["settings"].as_array().unwrap();
    assert_eq!(settings.len(), 21);

    // CSV and JSON.
    let csv = view("csv");
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let header = reader.headers().unwrap().clone();
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(records.len(), settings.len());
    let mut compared = 0;
    for (record, setting) in records.iter().zip(settings) {
        let words = ["best", "front", "compared", "may_be_best"];
        for (column, cell) in
            header.iter().zip(record).skip(6).filter(|(column, _)| !words.contains(column))
        {
            assert!(
                same(cell.parse().ok(), in_json(setting, column)),
                "{column}: {cell:?} {setting}"
            );
            compared += usize::from(!cell.is_empty());
        }
        let cell = |name: &str| &record[header.iter().position(|it| it == name).unwrap()];
        let marks = (setting["best"].as_bool().unwrap(), setting["may_be_best"].as_bool().unwrap());
        assert_eq!(
            cell("best"),
            if marks.0 {
                "best"
            } else if marks.1 {
                "may_be_best"
            } else {
                ""
            }
        );
        assert_eq!(
            (cell("may_be_best"), cell("compared")),
            (if marks.1 { "true" } else { "false" }, "true")
        );
        assert_eq!(cell("front") == "true", setting["front"] == true);
    }
    assert!(compared > 21 * 30, "{compared}");
}

#[test]
fn the_page_has_the_numbers_of_json_and_the_words_of_markdown_and_text() {
    let folder = sixty_three();
    let view = |format: &str| outcome(folder.path(), &["--format", format]).1;
    let json: Json = serde_json::from_str(&view("json")).unwrap();
    let settings = json[0]["settings"].as_array().unwrap();
    let (code, page, err) = outcome(folder.path(), &["html", "-o", "-"]);
    assert_eq!(code, 0, "{err}");
    let (names, rows) = (page_names(&page), page_rows(&page));
    assert_eq!(rows.len(), settings.len());
    for (row, setting) in rows.iter().zip(settings) {
        for ((_, value), name) in row.iter().zip(&names) {
            let Some(value) = value.as_ref().and_then(|value| value.parse::<f64>().ok()) else {
                continue;
            };
            let expected = match name.as_str() {
                "best" => continue,
                "interval" => setting["interval"][0].as_f64(),
                "distance_to_best" => setting["distance_to_best"][0].as_f64(),
                name => {
                    setting["metrics"][name]["mean"].as_f64().or_else(|| in_json(setting, name))
                }
            };
            assert!(same(Some(value), expected), "{name}: {value} {expected:?}");
        }
    }
    let markdown = view("markdown");
    let lines: Vec<Vec<String>> = markdown
        .lines()
        .filter(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| {
            line.trim_matches('|').split(" | ").map(|it| it.trim().replace('\\', "")).collect()
        })
        .collect();
    let words = |row: &Vec<(String, Option<String>)>| {
        row.iter().map(|(text, _)| text.clone()).collect::<Vec<_>>()
    };
    assert_eq!(lines, rows.iter().map(words).collect::<Vec<_>>());
    let text = view("table");
    for row in &rows {
        let first: Vec<&str> = row
            .iter()
            .take(6)
            .map(|(text, _)| text.as_str())
            .filter(|text| !text.is_empty())
            .collect();
        let found = text.lines().any(|line| {
            let mut rest = line;
            first
                .iter()
                .all(|cell| rest.find(cell).map(|at| rest = &rest[at + cell.len()..]).is_some())
        });
        assert!(found, "{first:?} in\n{text}");
    }
    // And the sentences.
    for note in json[0]["notes"].as_array().unwrap().iter().take(3) {
        let words: Vec<&str> = note.as_str().unwrap().split(' ').collect();
        let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            flat(&text).contains(&words.join(" "))
                && flat(&markdown.replace('\\', "")).contains(&words.join(" ")),
            "{note}"
        );
        assert!(
            unescaped(&page).to_lowercase().contains(&words.join(" ").to_lowercase()),
            "{note}"
        );
    }
}

#[test]
fn the_same_store_gives_the_same_page() {
    let folder = sixty_three();
    let page = || outcome(folder.path(), &["html", "-o", "-"]).1;
    let first = page();
    assert_eq!(first, page());
    let file = folder.path().join("page.html");
    let (code, out, err) = outcome(folder.path(), &["html", "--output", file.to_str().unwrap()]);
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    assert_eq!(std::fs::read_to_string(file).unwrap(), first);
    assert_eq!(outcome(folder.path(), &["html"]).0, 0);
    assert_eq!(std::fs::read_to_string(folder.path().join("report.html")).unwrap(), first);
    let (code, _, err) = outcome(folder.path(), &["html", "-o", "nowhere/at/all.html"]);
    assert!(code == 2 && err.contains("cannot write nowhere/at/all.html"), "{err}");
}

#[test]
fn a_page_asks_nobody_for_anything() {
    let page = outcome(sixty_three().path(), &["html", "-o", "-"]).1;
    let addresses: Vec<&str> =
        page.match_indices("http").map(|(at, _)| &page[at..page.len().min(at + 30)]).collect();
    // The name of SVG's elements is no address that anybody visits.
    assert!(
        addresses
            .iter()
            .all(|it| it.starts_with("http-equiv") || it.starts_with("http://www.w3.org/2000/svg")),
        "{addresses:?}"
    );
    assert!(
        !page.contains("<link") && !page.contains("@import") && !page.contains("url("),
        "nothing is loaded"
    );
}

#[test]
fn an_epoch_may_be_chosen() {
    let folder = sixty_three();
    let at = |at: &str| {
        let (code, out, err) = outcome(folder.path(), &["--at", at, "--format", "json"]);
        assert_eq!(code, 0, "{err}");
        let json: Json = serde_json::from_str(&out).unwrap();
        let accuracies: HashMap<String, f64> = json[0]["settings"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|it| {
                Some((it["params"].to_string(), it["metrics"]["test_accuracy"]["mean"].as_f64()?))
            })
            .collect();
        (json[0]["at"].clone(), accuracies)
    };
    let (last, best, second) = (at("last"), at("best"), at("2"));
    assert_eq!(
        (&last.0, &best.0, &second.0),
        (&Json::from("last"), &Json::from("best"), &Json::from(2))
    );
    for (setting, accuracy) in &last.1 {
        assert!(best.1[setting] >= *accuracy && second.1[setting] < *accuracy, "{setting}");
    }
    assert!(at("9").1.is_empty());
    let (code, out, _) = outcome(folder.path(), &["--at", "9"]);
    assert!(code == 0 && out.contains("No run that finished has an epoch 9."), "{out}");
    for wrong in ["0", "first", "-1", "1.5"] {
        let (code, _, err) = outcome(folder.path(), &["--at", wrong]);
        assert!(
            code == 2
                && (err.contains("expected last, best, or the number of an epoch")
                    || wrong == "-1"),
            "{err}"
        );
    }
}

#[test]
fn columns_may_be_chosen() {
    let folder = sixty_three();
    let (code, out, _) =
        outcome(folder.path(), &["--columns", "test_loss,batch_size,difference,n", "--top", "2"]);
    assert_eq!(code, 0);
    let head: Vec<&str> = out
        .lines()
        .find(|line| line.contains("test loss"))
        .unwrap()
        .split("  ")
        .map(str::trim)
        .filter(|it| !it.is_empty())
        .collect();
    assert_eq!(head, ["test loss", "batch", "points from ★", "n"], "{out}");
    // One that all settings share too.
    let (_, out, _) =
        outcome(folder.path(), &["--columns", "batch_size,learning_rate", "--format", "csv"]);
    assert!(
        out.lines().next().unwrap().ends_with("batch_size,learning_rate")
            && out.contains(",0.01\n"),
        "{out}"
    );
    let (code, _, err) = outcome(folder.path(), &["--columns", "test_los"]);
    assert!(code == 2 && err.contains("did you mean 'test_loss'?"), "{err}");
    let (code, _, err) = outcome(folder.path(), &["--top", "2", "html"]);
    assert!(code == 2 && err.contains("put those of html, serve and export after it"), "{err}");
}
