"""What the store says, read by SQL: what other tools are held against."""

import re
import sqlite3
from pathlib import Path
from types import SimpleNamespace


def runs(results):
    """The store's runs, each with all that it measured: {id: run}."""
    store = sqlite3.connect(f"file:{results}/tracking.db?mode=ro", uri=True)
    store.row_factory = sqlite3.Row
    found = {}
    newest = {}
    rows = store.execute(
        "SELECT runs.*, experiment_file, git_commit FROM runs JOIN invocations ON invocations.id = invocation ORDER BY runs.started_at, sequence"
    )
    for row in rows:
        run = SimpleNamespace(**row)
        ask = lambda sql: store.execute(sql, [run.id]).fetchall()
        run.params = {name: value for name, value in ask("SELECT name, value FROM params WHERE run_id = ?")}
        run.points = measured(
            ask("SELECT name, epoch, value FROM metrics WHERE run_id = ? ORDER BY epoch"),
            ask("SELECT name, value FROM results WHERE run_id = ?"),
        )
        found[run.id] = run
        if run.status not in ("running", "killed") or newest.get(run.trial_id, run).status in ("running", "killed"):
            newest[run.trial_id] = run
    for run in found.values():
        weights = Path(results, run.experiment, "models", f"{run.trial_id}.safetensors")
        counts = run.status == "finished" and newest[run.trial_id] is run
        run.weights = weights.read_bytes() if counts and weights.exists() else None
    return found


def measured(epochs, results):
    """{name: {epoch: value}}; final metrics are at the last epoch, under a name of their own where they have another value there."""
    points = {}
    for name, epoch, value in epochs:
        points.setdefault(name, {})[epoch] = value
    last = max((epoch for _, epoch, _ in epochs), default=0)
    by_epoch = {name: dict(values) for name, values in points.items()}
    for name, value in results:
        if abs(value) != float("inf") and by_epoch.get(name, {}).get(last) != value:
            points.setdefault(f"final_{name}" if name in by_epoch else name, {})[last] = value
    return points


def plain(name):
    """A name without what MLflow does not take."""
    return re.sub(r"[^\w\-. /]", "_", name)


def same(what, found, expected):
    assert found == expected, f"{what}: {found!r} instead of {expected!r}"
