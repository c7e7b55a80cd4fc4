//! Stores of earlier schemas.

use crate::common::Sweep;

/// The stores that earlier versions wrote for `experiments/smoke.toml`.
const STORES: [&[u8]; 3] = [
    include_bytes!("../../../tracking/tests/stores/schema-1.db"),
    include_bytes!("../../../tracking/tests/stores/schema-2.db"),
    include_bytes!("../../../tracking/tests/stores/schema-3.db"),
];

#[test]
fn run_copies_a_store_of_an_earlier_schema_and_migrates_it() {
    for (schema, bytes) in (1..).zip(STORES) {
        let sweep = Sweep::new("smoke.toml", include_str!("../../../../experiments/smoke.toml"));
        sweep.write("results/tracking.db", bytes);
        let plan = sweep.runner("smoke.toml --plan").success().stdout;
        assert_eq!(plan.matches(" done").count(), 8, "{plan}");
        let after_plan = std::fs::read(sweep.path("results/tracking.db")).unwrap();
        assert_eq!(after_plan, bytes, "--plan does not migrate the store");

        let wider = sweep.runner("smoke.toml").set("sweep.seed=[0, 1, 2]").success();
        wider.stderr_contains("4 of 12 trials to run");
        let copy = sweep.path(format!("results/tracking.db.schema-{schema}"));
        std::fs::create_dir(sweep.path("copy")).unwrap();
        std::fs::copy(copy, sweep.path("copy/tracking.db")).unwrap();
        let copy = sweep.results_in("copy");
        assert_eq!(copy.query::<i64>("PRAGMA user_version"), schema);
        assert_eq!(copy.count("runs"), 8);
        let results = sweep.results();
        assert_eq!(results.count("run_table"), 12);
        assert_eq!(results.count("examples"), 4, "only the new runs have examples");
        assert_eq!(results.csv("smoke/runs.csv").lines().count(), 13);
    }
}
