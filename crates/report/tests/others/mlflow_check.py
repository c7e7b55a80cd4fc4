"""Every run of a store as MLflow's own client finds it: mlflow_check.py RESULTS TRACKING_URI"""

import datetime
import pathlib
import sys
import tempfile

from mlflow import MlflowClient
from mlflow.entities import ViewType

from store import plain, runs, same

STATUS = {"running": "RUNNING", "finished": "FINISHED", "diverged": "FAILED", "failed": "FAILED", "killed": "KILLED"}


def milliseconds(text):
    return text and round(datetime.datetime.fromisoformat(text).timestamp() * 1000)


def shortened(text):
    return text if len(text) <= 6000 else text[:5999] + "…"


def check(client, found, run):
    data, info = found.data, found.info
    same("status", (info.status, info.lifecycle_stage), (STATUS[run.status], "active"))
    same("times", (info.start_time, info.end_time), (milliseconds(run.started_at), milliseconds(run.ended_at)))
    for name, value in run.params.items():
        text = data.params[plain(name)]
        same(name, float(text) if isinstance(value, float) else text, value if isinstance(value, float) else shortened(str(value)))
    same("params", len(data.params), len(run.params))
    same("metrics", set(data.metrics), {plain(name) for name in run.points})
    for name, points in run.points.items():
        history = [(it.step, it.value) for it in client.get_metric_history(info.run_id, plain(name))]
        same(name, history, sorted(points.items()))
        same(name, data.metrics[plain(name)], points[max(points)])
    facts = {"trial": "trial_id", "status": "status", "dataset": "dataset", "dataset_sha256": "dataset_sha256", "engine": "engine",
             "device": "device", "error": "error"}
    for tag, column in facts.items():
        same(tag, data.tags.get(f"candle_sweep.{tag}"), getattr(run, column) or None)
    same("commit", data.tags.get("mlflow.source.git.commit"), run.git_commit)
    expected = {"experiment.toml": run.experiment_file and run.experiment_file.encode()}
    expected[f"models/{run.trial_id}.safetensors"] = run.weights
    expected = {path: data for path, data in expected.items() if data is not None}
    with tempfile.TemporaryDirectory() as folder:
        kept = pathlib.Path(client.download_artifacts(info.run_id, "", folder)) if client.list_artifacts(info.run_id) else None
        files = {str(it.relative_to(kept)): it.read_bytes() for it in kept.rglob("*") if it.is_file()} if kept else {}
    same("files", files, expected)


def main(results, uri):
    client = MlflowClient(uri)
    expected = runs(results)
    seen = []
    for experiment in client.search_experiments(view_type=ViewType.ALL):
        page = None
        while page is None or page.token:
            page = client.search_runs([experiment.experiment_id], run_view_type=ViewType.ALL, max_results=200, page_token=page and page.token)
            for found in page:
                run = expected[found.data.tags["candle_sweep.run"]]
                same("experiment", experiment.name, run.experiment)
                check(client, found, run)
                seen.append(run.id)
    same("runs", sorted(seen), sorted(expected))
    print(f"{len(seen)} runs are as in the store")


main(*sys.argv[1:])
