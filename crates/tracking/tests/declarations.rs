//! Declarations of experiments are stored, exported, imported and merged.
#![allow(clippy::unwrap_used, missing_docs)]

use tempfile::TempDir;
use tracking::{
    Declarations, Direction, JsonDocument, Race, RaceRules, Reader, Store, StoreError, TrialId,
    Value, read_json,
};

fn race(looks: &[usize]) -> Race {
    let rules = RaceRules::new(looks.to_vec(), 0.95, Some(0.01)).unwrap();
    let seeds = (0..5).take(rules.most()).map(Value::Integer).collect();
    let settings = vec![TrialId::of(&[("depth", "3")]), TrialId::of(&[("depth", "4")])];
    Race { rules, replicate: "fold".into(), seeds, settings, changes: 0 }
}

fn declared() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.start_run("speech", &[("depth", 3.into())]).unwrap().finish(&[("val_wer", 0.2)]).unwrap();
    let declarations = Declarations {
        rank: Some("val_wer".into()),
        report: Some("test_wer".into()),
        replicate: Some("fold".into()),
        directions: vec![("wer".into(), Direction::Minimize)],
        race: Some(race(&[3, 5])),
    };
    store.declare_metrics("speech", &declarations).unwrap();
    assert_eq!(store.declarations("speech").unwrap(), declarations);
    (folder, store)
}

#[test]
fn latest_direction_of_a_metric_takes_effect() {
    let (folder, store) = declared();
    store.declare_metric("speech", "babble", Direction::Minimize).unwrap();
    store.declare_metric("speech", "babble", Direction::Maximize).unwrap();
    store.declare_metric("music", "noise", Direction::Minimize).unwrap();
    let reader = Reader::open(folder.path()).unwrap();
    let directions = reader.declarations("speech").unwrap().directions;
    assert_eq!(
        directions,
        [("babble".into(), Direction::Maximize), ("wer".into(), Direction::Minimize)]
    );
    assert_eq!(
        reader.declarations("music").unwrap().directions,
        [("noise".into(), Direction::Minimize)]
    );
    assert_eq!(reader.declarations("nowhere").unwrap(), Declarations::default());
}

#[test]
fn invalid_metric_names_are_rejected() {
    let (_folder, store) = declared();
    for name in ["", "a\n", &"x".repeat(200)] {
        let refused = store.declare_metric("speech", name, Direction::Minimize);
        assert!(matches!(refused, Err(StoreError::Rejected { .. })), "{name}");
    }
    assert!(matches!(
        store.declare_metric("../x", "wer", Direction::Minimize),
        Err(StoreError::InvalidExperimentName(_))
    ));
}

#[test]
fn import_and_merge_copy_declarations() {
    let (folder, store) = declared();
    let expected = store.declarations("speech").unwrap();
    drop(store);
    let reader = Reader::open(folder.path()).unwrap();

    let mut document = Vec::new();
    let mut json = JsonDocument::new(&mut document).unwrap();
    let digest = reader.export(None, &mut json).unwrap();
    json.finish(digest).unwrap();
    let imported = tempfile::tempdir().unwrap();
    Store::restore(imported.path(), |sink| read_json(document.as_slice(), "-", sink)).unwrap();
    assert_eq!(Reader::open(imported.path()).unwrap().declarations("speech").unwrap(), expected);

    let merged = tempfile::tempdir().unwrap();
    let mut into = Store::open(merged.path()).unwrap();
    into.merge(&reader, &|_| true, false, &mut |_| Ok(())).unwrap();
    assert_eq!(into.declarations("speech").unwrap(), expected);

    // Existing names take precedence over merged names. A race is kept.
    let own = Declarations { rank: Some("val_loss".into()), ..Declarations::default() };
    into.declare_metrics("speech", &own).unwrap();
    into.merge(&reader, &|_| true, false, &mut |_| Ok(())).unwrap();
    let own = Declarations { race: expected.race, ..own };
    assert_eq!(into.declarations("speech").unwrap(), own);
}

#[test]
fn deleting_the_last_run_deletes_declarations() {
    let (folder, mut store) = declared();
    let run = store.all_runs("speech").unwrap().remove(0);
    store.delete_runs(&[run.id]).unwrap();
    assert_eq!(
        Reader::open(folder.path()).unwrap().declarations("speech").unwrap(),
        Declarations::default()
    );
}

#[test]
fn exports_of_earlier_versions_may_lack_declarations() {
    let (folder, _store) = declared();
    let mut document = Vec::new();
    let mut json = JsonDocument::new(&mut document).unwrap();
    let reader = Reader::open(folder.path()).unwrap();
    reader.export(None, &mut json).unwrap();
    json.finish(format!("sha256:{}", "0".repeat(64)).parse().unwrap()).unwrap();
    let text = String::from_utf8(document).unwrap();
    let (before, rest) = text.split_once(",\n\"declarations\": [").unwrap();
    let (_, after) = rest.split_once("\n]").unwrap();
    let older = format!("{before}{after}");
    let target = tempfile::tempdir().unwrap();
    let error =
        Store::restore(target.path(), |sink| read_json(older.as_bytes(), "-", sink)).unwrap_err();
    assert!(
        error.to_string().contains("the digest of its rows is"),
        "only the digest differs: {error}"
    );
}

#[test]
fn longer_race_survives_merges_in_any_order() {
    let with_race = |looks: Option<&[usize]>| {
        let (folder, store) = declared();
        let declared = store.declarations("speech").unwrap();
        let race = looks.map(race);
        store.declare_metrics("speech", &Declarations { race, ..declared }).unwrap();
        folder
    };
    for looks in [[None, Some(&[3, 5][..])], [Some(&[2, 4][..]), Some(&[3, 5][..])]] {
        for [into, from] in [looks, [looks[1], looks[0]]] {
            let [into, from] = [with_race(into), with_race(from)];
            let mut store = Store::open(into.path()).unwrap();
            let from = Reader::open(from.path()).unwrap();
            store.merge(&from, &|_| true, false, &mut |_| Ok(())).unwrap();
            assert_eq!(store.declarations("speech").unwrap().race, Some(race(&[3, 5])));
        }
    }
}
