//! The report of a raced experiment.
#![allow(clippy::unwrap_used, missing_docs)]

mod command;
mod stores;

use std::path::Path;

use command::Test;
use serde_json::{Value as Json, json};
use stores::{Filling, plausible};
use tracking::{Declarations, Race, RaceRules, Run, Store, Value};

const LOOKS: [usize; 3] = [3, 5, 8];

fn run(batch: i64, decay: f64, seed: i64) -> Run {
    plausible("batch_sweep", batch, decay, seed)
}

fn declare(results: &Path, settings: &[(i64, f64)]) {
    let trial = |(batch, decay): &(i64, f64)| run(*batch, *decay, 0).header.trial;
    let race = Race {
        rules: RaceRules::new(LOOKS.to_vec(), 0.95, None).unwrap(),
        replicate: "seed".into(),
        seeds: (0..8).map(Value::Integer).collect(),
        settings: settings.iter().map(trial).collect(),
        changes: 0,
    };
    let declarations = Declarations { race: Some(race), ..Declarations::default() };
    Store::open(results).unwrap().declare_metrics("batch_sweep", &declarations).unwrap();
}

fn report(results: &Path, arguments: &[&str]) -> Json {
    let text = Test::new(results).args(arguments).args(&["--format", "json"]).success();
    serde_json::from_str::<Json>(&text).unwrap()[0].take()
}

fn setting(setting: &Json) -> (i64, f64) {
    let params = &setting["params"];
    (params["batch_size"].as_i64().unwrap(), params["decay"].as_f64().unwrap())
}

/// Gives seeds to the settings that the report leaves in the race, until it is over.
fn raced() -> Filling {
    let mut filling = Filling::new("batch_sweep", "");
    let mut left: Vec<(i64, f64)> =
        [16, 32, 128, 512].iter().flat_map(|batch| [(*batch, 0.0), (*batch, 1e-4)]).collect();
    declare(filling.folder.path(), &left);
    let mut seeds = 0..0;
    for look in LOOKS {
        seeds = seeds.end..i64::try_from(look).unwrap();
        for (batch, decay) in &left {
            for seed in seeds.clone() {
                filling.record(&run(*batch, *decay, seed));
            }
        }
        let table = report(filling.folder.path(), &[]);
        let settings = table["settings"].as_array().unwrap();
        left = settings.iter().filter(|row| row["left"].is_null()).map(setting).collect();
        if table["race"]["over"] == true {
            break;
        }
    }
    filling
}

#[test]
fn race_is_reported_in_every_format() {
    let mut filling = raced();
    let results = filling.folder.path().to_owned();
    let table = report(&results, &[]);
    let race = &table["race"];
    assert_eq!(race["end"], "won", "{race}");
    assert_eq!(
        (&race["looks"], &race["looks_done"], &race["settings"], &race["settings_left"]),
        (&json!([3, 5, 8]), &json!(2), &json!(8), &json!(1))
    );
    assert_eq!(
        (&race["indifference"], &race["seeds"]),
        (&Json::Null, &json!([0, 1, 2, 3, 4, 5, 6, 7]))
    );
    assert_eq!(
        (&table["promise"], &table["confidence"]),
        (&json!("best_is_in_race"), &json!(0.95))
    );
    assert_eq!((&race["changes"], &table["effects"]["of"]), (&json!(0), &json!([])));
    let settings = table["settings"].as_array().unwrap();
    let in_race: Vec<bool> = settings.iter().map(|row| row["in_race"] == true).collect();
    assert_eq!(in_race, [true, false, false, false, false, false, false, false]);
    assert_eq!((setting(&settings[0]), &settings[0]["best"]), ((16, 0.0), &json!(true)));
    let seeds: Vec<u64> = settings.iter().map(|row| row["n"].as_u64().unwrap()).collect();
    assert!(seeds.is_sorted_by(|a, b| a >= b) && seeds[7] == 3, "{seeds:?}");
    for row in &settings[1..] {
        let left = &row["left"];
        assert_eq!((&left["seeds"], &row["may_be_best"]), (&row["n"], &json!(false)));
        assert!(left["to"]["batch_size"].is_i64() && left["p"].as_f64().unwrap() < 0.01, "{left}");
    }

    let sentence = "The race ended after 5 of 8 seeds: the best is decay 0 · batch_size 16 (95 %).";
    let left = "look 1 decay 0 · batch_size 16";
    for command in [&[][..], &["--format", "markdown"], &["export", "--format", "latex", "-o", "-"]]
    {
        let text =
            Test::new(&results).args(command).success().replace("\\_", "_").replace("\\%", "%");
        let text = text.replace("\\textperiodcentered{}", "·");
        let words: Vec<&str> = text.split_whitespace().collect();
        let words = words.join(" ").replace(" | ", " ").replace(" & ", " ");
        assert!(words.contains(sentence) && words.contains(left), "{text}");
        assert!(!text.contains('≈') && !text.contains("distance to best"), "{text}");
    }
    let page = Test::new(&results).args(&["html", "-o", "-"]).success();
    assert!(page.contains(sentence) && page.contains("look 1"));
    let csv = Test::new(&results).args(&["--format", "csv"]).success();
    assert!(
        csv.lines().next().unwrap().contains("left_after_seeds,left_to,left_p,left_without_seed")
    );
    assert!(csv.lines().last().unwrap().contains(",3,decay 0 · batch_size 16,"), "{csv}");

    for seed in 8..20 {
        filling.record(&run(512, 0.0, seed));
    }
    let more = report(&results, &[]);
    assert_eq!((&more["settings"], &more["race"]["unused_runs"]), (&table["settings"], &json!(12)));
    filling.record(&run(1024, 0.0, 0));
    let outside = report(&results, &[])["settings"][8].take();
    assert_eq!((&outside["left"], &outside["in_race"]), (&Json::Null, &json!(false)));
}

#[test]
fn options_that_change_the_question_leave_the_race() {
    let filling = raced();
    let results = filling.folder.path();
    for options in [
        ["--where", "batch_size<=32"],
        ["--where", "seed>0"],
        ["--by", "batch_size"],
        ["--sort", "test_loss"],
        ["--at", "best"],
        ["--against", "batch_size=16, decay=0"],
    ] {
        let table = report(results, &options);
        assert!(table.get("race").is_none(), "{options:?}");
        let note = table["notes"][0].as_str().unwrap();
        let advice = format!("; omit {} for the result of the race.", options[0]);
        assert!(note.contains("The results decided how many seeds each setting got"), "{note}");
        assert!(note.ends_with(&advice), "{note}");
        let settings = table["settings"].as_array().unwrap();
        assert!(
            settings.iter().all(|row| row["may_be_best"] == false && row.get("left").is_none())
        );
        let p = |row: &Json| row["difference"]["p"].clone();
        assert!(settings.iter().all(|row| p(row).is_null()), "{options:?}");
    }
    for options in [&["--where", "batch_size<=512"][..], &["--sort", "test accuracy", "--top", "3"]]
    {
        assert_eq!(report(results, options)["race"], report(results, &[])["race"], "{options:?}");
    }
    declare(results, &[]);
    assert!(report(results, &[]).get("race").is_none());
}
