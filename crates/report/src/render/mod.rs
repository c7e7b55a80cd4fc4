//! Formats of tables, one per file.

pub mod csv;
pub mod html;
pub mod json;
pub mod latex;
pub mod layout;
pub mod markdown;
pub mod sparkline;
pub mod text;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tracking::{Status, Value};
    use unicode_width::UnicodeWidthStr;

    use super::layout::DEFAULT_WIDTH;
    use crate::example::{Example, ended, race, raced, run, sweep};
    use crate::table::Table;

    /// The text table without colours.
    fn plain(tables: &[Table], width: usize) -> String {
        anstream::adapter::strip_str(&super::text::text(tables, width)).to_string()
    }

    fn widest(text: &str) -> usize {
        text.lines().map(UnicodeWidthStr::width).max().unwrap_or(0)
    }

    #[test]
    fn text() {
        insta::assert_snapshot!(plain(&sweep().tables(), DEFAULT_WIDTH));
    }

    #[test]
    fn markdown() {
        insta::assert_snapshot!(super::markdown::markdown(&sweep().tables()));
    }

    #[test]
    fn latex() {
        insta::assert_snapshot!(super::latex::latex(&sweep().tables()));
    }

    #[test]
    fn csv() {
        insta::assert_snapshot!(super::csv::csv(&sweep().tables()).unwrap());
    }

    #[test]
    fn json() {
        insta::assert_snapshot!(super::json::json(&sweep().tables()));
    }

    /// A race at its second look, in which one setting left without a value.
    fn open_race() -> Example {
        let mut example = race(&[3, 5], Some(0.001), &[(16, 4), (32, 3), (64, 3), (128, 2)]);
        example.record(ended(Status::Failed, raced(128, 2)));
        example
    }

    #[test]
    fn race_as_text() {
        insta::assert_snapshot!(plain(&open_race().tables(), DEFAULT_WIDTH));
    }

    #[test]
    fn race_as_latex() {
        insta::assert_snapshot!(super::latex::latex(&open_race().tables()));
    }

    #[test]
    fn race_as_csv() {
        insta::assert_snapshot!(super::csv::csv(&open_race().tables()).unwrap());
    }

    #[test]
    fn race_as_json() {
        insta::assert_snapshot!(super::json::json(&open_race().tables()));
    }

    /// The data of the page, without trial and run ids, which differ each time.
    #[test]
    fn html_context() {
        let mut page = sweep().page();
        for section in &mut page.sections {
            section.trial.as_mut().unwrap().title.replace_range(..50, "trial … · run … ·");
        }
        insta::assert_snapshot!(serde_json::to_string_pretty(&page).unwrap());
    }

    #[test]
    fn one_run() {
        let mut example = Example::new("one", "");
        example.record(run(
            "one",
            &[("batch_size", Value::Integer(32)), ("seed", Value::Integer(0))],
            0.9,
        ));
        insta::assert_snapshot!(plain(&example.tables(), DEFAULT_WIDTH));
    }

    #[test]
    fn all_diverged() {
        let mut example = Example::new("hot", "Too hot");
        for (rate, seed) in [(10.0, 0), (10.0, 1), (100.0, 0), (100.0, 1)] {
            let params = [("learning_rate", Value::Real(rate)), ("seed", Value::Integer(seed))];
            example.record(ended(Status::Diverged, run("hot", &params, 0.9)));
        }
        insta::assert_snapshot!(plain(&example.tables(), DEFAULT_WIDTH));
    }

    /// Two datasets of one name, a fallback dataset, and a held-out validation give four tables.
    #[test]
    fn datasets_are_never_mixed() {
        let mut example = Example::new("mixed", "Several datasets");
        for batch in [16, 32] {
            let base = || {
                run(
                    "mixed",
                    &[("batch_size", Value::Integer(batch))],
                    0.9 + f64::from(batch as u32) / 1e3,
                )
            };
            let digits = ("digits".to_owned(), Some("mnist".to_owned()));
            let (dataset, fallback_for) = digits;
            example.record(base());
            example.record(base().with(|run| run.dataset_sha256 = "another0digest00".into()));
            example.record(base().with(|run| {
                run.dataset = dataset;
                run.fallback_for = fallback_for;
                run.dataset_sha256 = "d191750000000000".into();
            }));
            example.record(base().with(|run| run.validation = "0.1".into()));
        }
        insta::assert_snapshot!(plain(&example.tables(), DEFAULT_WIDTH));
    }

    fn hostile() -> Example {
        let mut example = Example::new(
            "hostile",
            "=cmd|' /C calc'!A0 \u{1b}[2J<script>alert(1)</script>\nnext | line",
        );
        for word in [
            "=1+1",
            "a|b\n| c",
            "\u{1b}]0;title\u{7}",
            "\u{202e}gnp.exe",
            "[x](javascript:1)",
            &"long".repeat(2500),
        ] {
            let params = [("@name|\u{1b}[31m", Value::from(word)), ("seed", Value::Integer(0))];
            let run = run("hostile", &params, 0.5);
            example.record(run.with(|run| {
                run.dataset = "<b>data\u{9b}|set</b>".into();
                run.engine = "-e\n".into();
            }));
        }
        example
    }

    #[test]
    fn hostile_text_stays_in_its_cell() {
        let tables = hostile().tables();
        let text = plain(&tables, DEFAULT_WIDTH);
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
        assert!(widest(&text) <= DEFAULT_WIDTH, "{text}");
        let rendered = super::text::text(&tables, DEFAULT_WIDTH);
        assert!(
            !rendered.contains("\u{1b}[2J")
                && !rendered.contains('\u{7}')
                && !rendered.contains('\u{202e}')
        );

        let markdown = super::markdown::markdown(&tables);
        assert!(!markdown.contains('<') && !markdown.contains("x](java"), "{markdown}");
        let rows: Vec<&str> = markdown.lines().filter(|line| line.starts_with('|')).collect();
        let bars = |line: &str| line.replace("\\\\", "").replace("\\|", "").matches('|').count();
        assert_eq!(rows.len(), 2 + 6);
        assert!(rows.iter().all(|row| bars(row) == bars(rows[0])), "{markdown}");

        let latex = super::latex::latex(&tables);
        let rows: Vec<&str> = latex.lines().filter(|line| line.ends_with(" \\\\")).collect();
        let ampersands = |line: &str| line.replace("\\&", "").matches('&').count();
        assert_eq!(rows.len(), 1 + 6, "{latex}");
        assert!(rows.iter().all(|row| ampersands(row) == ampersands(rows[0])), "{latex}");
        assert!(latex.contains("a\\textbar{}b") && !latex.contains('\u{1b}'), "{latex}");

        let csv = super::csv::csv(&tables).unwrap();
        let mut reader = ::csv::Reader::from_reader(csv.as_bytes());
        let cells: Vec<String> = reader
            .records()
            .flat_map(|record| record.unwrap().iter().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        assert!(cells.contains(&"'=1+1".to_owned()), "{csv}");
        assert!(!cells.iter().any(|cell| cell.starts_with(['=', '+', '@', '\t', '\r'])), "{csv}");
        let json = super::json::json(&tables);
        assert!(
            !json.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'),
            "{json:?}"
        );
        let parsed: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(parsed[0]["dataset"], "<b>data\u{9b}|set</b>");
        assert_eq!(parsed[0]["settings"].as_array().unwrap().len(), 6);
    }

    #[test]
    fn tables_show_every_key_at_any_width() {
        for keys in 0..16 {
            let mut example = Example::new("wide", "Many hyperparameters");
            for value in [1, 1_000_000] {
                let names: Vec<String> =
                    (0..keys).map(|key| format!("hyperparameter_{key}")).collect();
                let params: Vec<_> =
                    names.iter().map(|name| (name.as_str(), Value::Integer(value))).collect();
                example.record(run("wide", &params, 0.9));
            }
            for width in [60, 80, DEFAULT_WIDTH, 200, 400] {
                let text = plain(&example.tables(), width);
                let is_row = |line: &&str| line.contains("90.00 %");
                let last = text.lines().rfind(is_row).unwrap();
                assert_eq!(last.matches("1000000").count(), keys, "{width} columns:\n{text}");
                let sentences = text.lines().skip_while(|line| *line != last).skip(1);
                assert!(sentences.map(UnicodeWidthStr::width).all(|used| used <= width), "{text}");
                assert!(widest(&text) <= width || !text.contains("0.31 s"), "{text}");
            }
        }
    }

    #[test]
    fn omitted_columns_are_listed() {
        let mut example = Example::new("wide", "");
        for value in [1, 2] {
            let names = ["hidden_units", "weight_decay", "momentum", "dropout_rate"];
            example.record(run("wide", &names.map(|name| (name, Value::Integer(value))), 0.9));
        }
        let text = plain(&example.tables(), 70);
        assert!(
            text.contains("left out to fit 70 columns: test_loss, train_accuracy; --columns all"),
            "{text}"
        );
        assert!(!plain(&example.tables(), 200).contains("left out"));
    }
}
