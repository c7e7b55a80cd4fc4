"""The runs of a store, read with SQL, as the reference for other tools."""

import re
import sqlite3
from pathlib import Path
from types import SimpleNamespace

ACTIVE = ("running", "killed")


def runs(results):
    """The runs of the store with their hyperparameters, metrics and weights: {id: run}."""
    store = sqlite3.connect(f"file:{results}/tracking.db?mode=ro", uri=True)
    store.row_factory = sqlite3.Row
    found = {}
    effective = {}
    rows = store.execute(
        "SELECT runs.*, experiment_file, git_commit FROM runs"
        " JOIN invocations ON invocations.id = invocation ORDER BY runs.started_at, sequence"
    )
    for row in rows:
        run = SimpleNamespace(**row)
        query = lambda sql: store.execute(sql, [run.id]).fetchall()
        run.params = dict(map(tuple, query("SELECT name, value FROM params WHERE run_id = ?")))
        run.points = points(
            query("SELECT name, epoch, value FROM metrics WHERE run_id = ? ORDER BY epoch"),
            query("SELECT name, value FROM results WHERE run_id = ?"),
        )
        found[run.id] = run
        if run.status not in ACTIVE or effective.get(run.trial_id, run).status in ACTIVE:
            effective[run.trial_id] = run
    for run in found.values():
        weights = Path(results, run.experiment, "models", f"{run.trial_id}.safetensors")
        owns_weights = run.status == "finished" and effective[run.trial_id] is run
        run.weights = weights.read_bytes() if owns_weights and weights.exists() else None
    return found


def points(epochs, results):
    """The values of all metrics: {name: {epoch: value}}.

    Final metrics are at the last epoch. If a metric has another value in that epoch, the final
    metric is called `final_…`.
    """
    points = {}
    for name, epoch, value in epochs:
        points.setdefault(name, {})[epoch] = value
    last = max((epoch for _, epoch, _ in epochs), default=0)
    of_epochs = {name: dict(values) for name, values in points.items()}
    for name, value in results:
        if abs(value) != float("inf") and of_epochs.get(name, {}).get(last) != value:
            points.setdefault(f"final_{name}" if name in of_epochs else name, {})[last] = value
    return points


def accepted_name(name):
    """`name` with `_` for the characters that MLflow rejects."""
    return re.sub(r"[^\w\-. /]", "_", name)


def assert_equal(what, found, expected):
    assert found == expected, f"{what}: {found!r} instead of {expected!r}"
