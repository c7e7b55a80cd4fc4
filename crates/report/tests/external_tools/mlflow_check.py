"""Compare the runs that MLflow's own client finds with the store.

Usage: mlflow_check.py RESULTS TRACKING_URI
"""

import datetime
import pathlib
import sys
import tempfile

from mlflow import MlflowClient
from mlflow.entities import ViewType

from store import accepted_name, assert_equal, runs

STATUS = {
    "running": "RUNNING",
    "finished": "FINISHED",
    "diverged": "FAILED",
    "failed": "FAILED",
    "killed": "KILLED",
}
# The tag `candle_sweep.…` and the column of the store with the same value.
TAGS = {
    "trial": "trial_id",
    "status": "status",
    "dataset": "dataset",
    "dataset_sha256": "dataset_sha256",
    "engine": "engine",
    "device": "device",
    "error": "error",
}


def milliseconds(text):
    return text and round(datetime.datetime.fromisoformat(text).timestamp() * 1000)


def truncated(text):
    return text if len(text) <= 6000 else text[:5999] + "…"


def check_params(params, run):
    assert_equal("params", len(params), len(run.params))
    for name, value in run.params.items():
        text = params[accepted_name(name)]
        if isinstance(value, float):
            assert_equal(name, float(text), value)
        else:
            assert_equal(name, text, truncated(str(value)))


def check_metrics(client, found, run):
    latest = found.data.metrics
    assert_equal("metrics", set(latest), {accepted_name(name) for name in run.points})
    for name, points in run.points.items():
        history = client.get_metric_history(found.info.run_id, accepted_name(name))
        history = [(metric.step, metric.value) for metric in history]
        assert_equal(name, history, sorted(points.items()))
        assert_equal(name, latest[accepted_name(name)], points[max(points)])


def check_artifacts(client, run_id, run):
    expected = {}
    if run.experiment_file is not None:
        expected["experiment.toml"] = run.experiment_file.encode()
    if run.weights is not None:
        expected[f"models/{run.trial_id}.safetensors"] = run.weights
    files = {}
    with tempfile.TemporaryDirectory() as folder:
        if client.list_artifacts(run_id):
            root = pathlib.Path(client.download_artifacts(run_id, "", folder))
            paths = [path for path in root.rglob("*") if path.is_file()]
            files = {str(path.relative_to(root)): path.read_bytes() for path in paths}
    assert_equal("files", files, expected)


def check(client, found, run):
    info, tags = found.info, found.data.tags
    assert_equal("status", (info.status, info.lifecycle_stage), (STATUS[run.status], "active"))
    times = (milliseconds(run.started_at), milliseconds(run.ended_at))
    assert_equal("times", (info.start_time, info.end_time), times)
    for tag, column in TAGS.items():
        assert_equal(tag, tags.get(f"candle_sweep.{tag}"), getattr(run, column) or None)
    assert_equal("commit", tags.get("mlflow.source.git.commit"), run.git_commit)
    check_params(found.data.params, run)
    check_metrics(client, found, run)
    check_artifacts(client, info.run_id, run)


def all_runs(client, experiment_id):
    """The active and deleted runs of an experiment, page by page."""
    page = None
    while page is None or page.token:
        page = client.search_runs(
            [experiment_id],
            run_view_type=ViewType.ALL,
            max_results=200,
            page_token=page and page.token,
        )
        yield from page


def main(results, uri):
    client = MlflowClient(uri)
    expected = runs(results)
    seen = []
    for experiment in client.search_experiments(view_type=ViewType.ALL):
        for found in all_runs(client, experiment.experiment_id):
            run = expected[found.data.tags["candle_sweep.run"]]
            assert_equal("experiment", experiment.name, run.experiment)
            check(client, found, run)
            seen.append(run.id)
    assert_equal("runs", sorted(seen), sorted(expected))
    print(f"MLflow shows {len(seen)} runs as in the store")


main(*sys.argv[1:])
