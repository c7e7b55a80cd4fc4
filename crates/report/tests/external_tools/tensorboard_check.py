"""Compare the runs that TensorBoard's library and server find with the store.

Usage: tensorboard_check.py RESULTS FOLDER PORT
"""

import json
import pathlib
import struct
import subprocess
import sys
import time
import urllib.parse
import urllib.request

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from store import assert_equal, runs

STATUS = {"running": None, "finished": 1, "diverged": 2, "failed": 2, "killed": 2}


def single(value):
    """A number in single precision, as TensorBoard stores it."""
    try:
        return struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return float("inf")


def single_points(points):
    return [(step, single(value)) for step, value in sorted(points.items())]


def check_with_library(folder, run):
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
    assert_equal("tags", set(events.Tags()["scalars"]), set(run.points))
    for name, points in run.points.items():
        found = events.Scalars(name)
        assert_equal(name, [(event.step, event.value) for event in found], single_points(points))
        times = [event.wall_time for event in found]
        assert times == sorted(times), f"{name}: the times are not in order"

    def session(tag):
        metadata = events.summary_metadata.get(f"_hparams_/{tag}")
        return metadata and HParamsPluginData.FromString(metadata.plugin_data.content)

    start = session("session_start_info").session_start_info
    params = {
        name: getattr(value, value.WhichOneof("kind")) for name, value in start.hparams.items()
    }
    assert_equal("hyperparameters", params, run.params)
    end = session("session_end_info")
    assert_equal("status", end and end.session_end_info.status, STATUS[run.status])


def request(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request, timeout=10))


def wait_for_runs(plugins, folders, expected):
    """Wait until the server shows all runs. Return their tags and the rows of its HParams table."""
    statuses = [f"STATUS_{status}" for status in ("UNKNOWN", "SUCCESS", "FAILURE", "RUNNING")]
    query = {
        "experimentName": "",
        "startIndex": 0,
        "sliceSize": 10_000,
        "allowedStatuses": statuses,
    }
    with_points = {folder for folder, run in folders.items() if run.points}
    deadline = time.monotonic() + 120
    tags = groups = ()
    while True:
        try:
            tags = request(f"{plugins}/scalars/tags")
            groups = request(f"{plugins}/hparams/session_groups", query)["sessionGroups"]
            if set(tags) == with_points and len(groups) == len(expected):
                return tags, groups
        except (OSError, KeyError, ValueError):
            pass
        missing = f"TensorBoard does not show every run: {sorted(tags)} and {len(groups)} rows"
        assert time.monotonic() < deadline, missing
        time.sleep(0.5)


def check_with_server(url, folders, expected):
    plugins = f"{url}/data/plugin"
    tags, groups = wait_for_runs(plugins, folders, expected)
    for folder, run in folders.items():
        assert_equal("tags", set(tags.get(folder, ())), set(run.points))
        for tag, points in run.points.items():
            query = urllib.parse.urlencode({"run": folder, "tag": tag})
            found = request(f"{plugins}/scalars/scalars?{query}")
            found = [(step, float(value)) for _, step, value in found]
            assert_equal(tag, found, single_points(points))
    for group in groups:
        run = expected[group["name"]]
        assert_equal("hyperparameters", group["hparams"], run.params)
        last = {value["name"]["tag"]: float(value["value"]) for value in group["metricValues"]}
        expected_last = {tag: single(points[max(points)]) for tag, points in run.points.items()}
        assert_equal("metrics", last, expected_last)


def main(results, folder, port):
    expected = runs(results)
    files = sorted(pathlib.Path(folder).glob("*/*/events.out.tfevents.*"))
    # The name of a folder ends with the id of its run.
    folders = {
        str(file.parent.relative_to(folder)): expected[file.parent.suffix[1:]] for file in files
    }
    assert_equal("runs", sorted(run.id for run in folders.values()), sorted(expected))
    for name, run in folders.items():
        assert_equal("experiment", name.split("/")[0], run.experiment)
        check_with_library(pathlib.Path(folder, name), run)
    program = pathlib.Path(sys.executable).with_name("tensorboard")
    command = [program, "--logdir", folder, "--port", port, "--reload_interval", "1"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        check_with_server(f"http://localhost:{port}", folders, expected)
    finally:
        server.terminate()
        server.wait()
    print(f"TensorBoard shows {len(folders)} runs as in the store")


main(*sys.argv[1:])
