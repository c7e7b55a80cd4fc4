//! `runner import`: an export becomes a store, or its runs join an existing one.

use std::fs::{self, File};
use std::time::SystemTime;

use tracking::{CsvFolder, Experiment, Invocation, JsonDocument, Run, RunHeader, Status, Store};

use crate::common::Sweep;

const TWO_TRIALS: &str = r#"
name = "tiny"
data = { dataset = "digits" }
train = { epochs = 2 }
sweep = { batch_size = [32, 64] }
"#;

/// Writes the exports that `report export` makes of the results: `export.json` and `export-csv`.
/// Returns their digest.
fn export(sweep: &Sweep) -> String {
    let reader = sweep.results().reader();
    let mut json = JsonDocument::new(File::create(sweep.path("export.json")).unwrap()).unwrap();
    let digest = reader.export(None, &mut json).unwrap();
    json.finish(digest).unwrap();
    fs::create_dir_all(sweep.path("export-csv")).unwrap();
    let mut csv = CsvFolder::new(&sweep.path("export-csv"));
    reader.export(None, &mut csv).unwrap();
    csv.finish(digest).unwrap();
    digest.to_string()
}

fn digest(sweep: &Sweep, results: &str) -> String {
    sweep.results_in(results).reader().export(None, &mut ()).unwrap().to_string()
}

/// Two trials in `results`, their exports, and the digest of those.
fn exported() -> (Sweep, String) {
    let sweep = Sweep::new("tiny.toml", TWO_TRIALS);
    sweep.runner("tiny.toml -q").success();
    let digest = export(&sweep);
    (sweep, digest)
}

#[test]
fn import_into_a_new_folder_gives_an_equal_digest() {
    let (sweep, exported) = exported();
    for (path, results) in [("export.json", "from-json"), ("export-csv", "from-csv")] {
        sweep
            .runner(&format!("import {path} -r {results}"))
            .success()
            .stdout_is(format!("{path}: 2 added\n"))
            .stderr_contains(format!("{path}: digest {exported} matches the export\n"))
            .stderr_contains(
                "runs without weights: 2; exports contain none: copy EXPERIMENT/models",
            );
        assert_eq!(digest(&sweep, results), exported);
        for file in ["tiny/runs.csv", "tiny/epochs.csv"] {
            assert_eq!(sweep.results_in(results).csv(file), sweep.results().csv(file));
        }
        let entries = fs::read_dir(sweep.path(results)).unwrap();
        let names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "the store and the folder of the experiment: {names:?}");
    }
}

#[test]
fn import_from_stdin_with_copied_weights_is_verifiable() {
    let (sweep, exported) = exported();
    let import = sweep.runner("import - -r piped");
    let document = File::open(sweep.path("export.json")).unwrap();
    import.stdin(document).success().stdout_is("standard input: 2 added\n");
    assert_eq!(digest(&sweep, "piped"), exported);

    sweep
        .runner("verify --all -r piped")
        .success()
        .stdout_contains(" (tiny), without weights\n")
        .stdout_contains("2 of 2 runs are identical\n")
        .stderr_is("warning: runs without weights: 2; use --rerun to recreate them\n");
    fs::create_dir(sweep.path("piped/tiny/models")).unwrap();
    for weights in fs::read_dir(sweep.path("results/tiny/models")).unwrap() {
        let weights = weights.unwrap();
        let copy = sweep.path("piped/tiny/models").join(weights.file_name());
        fs::copy(weights.path(), copy).unwrap();
    }
    let verify = sweep.runner("verify --all -q -r piped").success();
    verify.stdout_is("2 of 2 runs are identical\n");
    let plan = sweep.runner("--plan tiny.toml -r piped").success();
    plan.stdout_contains("2 trials, none to run");
}

#[test]
fn import_into_an_existing_store_adds_each_run_once() {
    let (sweep, exported) = exported();
    sweep.runner("import export-csv").success().stdout_is(
        "export-csv: 0 added, 2 already present, 0 without a result skipped, 0 in conflict\n",
    );
    assert_eq!(digest(&sweep, "results"), exported);

    sweep.runner("tiny.toml -q -r wider --set sweep.batch_size=[64,128]").success();
    sweep.runner("import export.json -r wider").success().stdout_is(
        "export.json: 1 added, 1 already present, 0 without a result skipped, 0 in conflict\n",
    );
    let before = digest(&sweep, "wider");
    sweep.runner("import export.json -r wider").success();
    assert_eq!(digest(&sweep, "wider"), before, "a second import adds nothing");
}

#[test]
fn import_rejects_an_export_that_was_changed() {
    let (sweep, before) = exported();
    let document = sweep.read("export.json");
    let (head, tail) = document.split_once("\"name\": \"val_loss\", \"value\": ").unwrap();
    sweep.write("false.json", format!("{head}\"name\": \"val_loss\", \"value\": 1{tail}"));
    let import = sweep.runner("import false.json").exits(2);
    import.stderr_contains(
        "error: cannot import false.json: the export is incomplete or was changed: \
         the digest of its rows is sha256:",
    );
    assert_eq!(digest(&sweep, "results"), before);
}

#[test]
fn import_of_what_is_no_export_writes_nothing() {
    let (sweep, _) = exported();
    sweep.write("parquet/runs.parquet", "PAR1");
    sweep.write("half.json", &sweep.read("export.json")[..1000]);
    sweep.write("packed.json.gz", b"\x1f\x8b\x08\x00rest");
    fs::remove_file(sweep.path("export-csv/metrics.csv")).unwrap();
    for (path, message) in [
        ("nowhere.json", "error: nowhere.json: No such file"),
        (
            "tiny.toml",
            "tiny.toml: the file begins with 'name = \"tiny\"' and is not a JSON document",
        ),
        (
            "results/tiny/runs.csv",
            "runs.csv: the file begins with 'run,trial,status,dataset,learn' and is not a JSON document",
        ),
        (
            "packed.json.gz",
            "packed.json.gz: the file is compressed with gzip: decompress it first; expected a document",
        ),
        ("half.json", "error: half.json: EOF while parsing"),
        ("results", "results is a results folder: merge it with cargo run -p runner -- merge"),
        (
            "results/tiny",
            "digest.txt: No such file or directory (os error 2); expected a folder that `export",
        ),
        ("export-csv", "export-csv/metrics.csv: No such file"),
        (
            "parquet",
            "parquet is a Parquet export, which import cannot read: export csv or json instead",
        ),
    ] {
        let import = sweep.runner(&format!("import {path} -r target")).exits(2);
        import.stderr_contains(message);
        assert!(!sweep.exists("target"), "{path}");
    }
}

/// PowerShell and some editors write this mark at the start of a file.
#[test]
fn import_accepts_a_byte_order_mark() {
    let (sweep, digest) = exported();
    sweep.write("marked.json", format!("\u{feff}{}", sweep.read("export.json")));
    let import = sweep.runner("import marked.json -r target").success();
    import.stderr_contains(format!("marked.json: digest {digest} matches the export"));
}

/// The record includes runs that a rerun has replaced.
#[test]
fn import_reports_a_changed_run_that_a_rerun_replaced() {
    let (sweep, _) = exported();
    sweep.runner("tiny.toml -q --rerun").success();
    let changed = sweep.results().execute(
        "UPDATE metrics SET value = value + 1 WHERE name = 'loss'
         AND run_id = (SELECT id FROM runs ORDER BY sequence LIMIT 1)",
    );
    assert_eq!(changed, 2);
    export(&sweep);
    let import = sweep.runner("import export.json -r again").exits(1);
    import.stderr_contains("were changed after they were recorded");
}

#[test]
fn program_of_a_run_survives_export_and_import() {
    let sweep = Sweep::empty();
    let mut store = Store::open(sweep.path("results")).unwrap();
    let wine = Experiment { name: "wine".into(), description: String::new() };
    let invocation = store.begin(&wine, &Invocation::default()).unwrap();
    let program_sha256 = Some("3fa92c01a2b4".repeat(5) + "c0de");
    let header = RunHeader { program_sha256, ..RunHeader::new("wine", Status::Finished) };
    store.record(invocation, &Run::new(header, SystemTime::now())).unwrap();
    drop(store);
    let exported = export(&sweep);
    for (path, results) in [("export.json", "from-json"), ("export-csv", "from-csv")] {
        sweep.runner(&format!("import {path} -r {results}")).success();
        assert_eq!(digest(&sweep, results), exported);
        let program: String = sweep.results_in(results).query("SELECT program_sha256 FROM runs");
        assert_eq!(program, "3fa92c01a2b4".repeat(5) + "c0de");
        assert!(sweep.results_in(results).reader().runs("wine").unwrap()[0].is_intact());
    }
}

/// The exports of earlier versions have no such column.
#[test]
fn exports_without_programs_are_imported() {
    let (sweep, exported) = exported();
    let json = sweep.read("export.json");
    let earlier = json.replace(", \"program_sha256\": null", "");
    assert_eq!(json.len() - earlier.len(), 2 * ", \"program_sha256\": null".len());
    sweep.write("export.json", earlier);
    let csv = sweep.read("export-csv/runs.csv");
    let lines = csv.lines().map(|line| {
        let (line, last) = line.rsplit_once(',').unwrap();
        assert!(matches!(last, "program_sha256" | ""), "{last}");
        format!("{line}\r\n")
    });
    sweep.write("export-csv/runs.csv", lines.collect::<String>());
    for (path, results) in [("export.json", "from-json"), ("export-csv", "from-csv")] {
        let import = sweep.runner(&format!("import {path} -r {results}")).success();
        import.stderr_contains(format!("{path}: digest {exported} matches the export\n"));
        assert_eq!(digest(&sweep, results), exported);
    }
}
