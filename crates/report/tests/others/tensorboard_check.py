"""Every run of a store as TensorBoard finds it, by its library and by its server: tensorboard_check.py RESULTS FOLDER PORT"""

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

from store import runs, same

STATUS = {"running": None, "finished": 1, "diverged": 2, "failed": 2, "killed": 2}


def single(value):
    """A number as TensorBoard keeps it: in single precision."""
    try:
        return struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return float("inf")


def read(folder, run):
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
    same("tags", set(events.Tags()["scalars"]), set(run.points))
    for name, points in run.points.items():
        found = events.Scalars(name)
        same(name, [(it.step, it.value) for it in found], [(step, single(value)) for step, value in sorted(points.items())])
        times = [it.wall_time for it in found]
        assert times == sorted(times), f"{name}: times go back"
    content = events.summary_metadata
    start = HParamsPluginData.FromString(content["_hparams_/session_start_info"].plugin_data.content).session_start_info
    values = {name: getattr(value, value.WhichOneof("kind")) for name, value in start.hparams.items()}
    same("hyperparameters", values, run.params)
    end = content.get("_hparams_/session_end_info")
    same("status", end and HParamsPluginData.FromString(end.plugin_data.content).session_end_info.status, STATUS[run.status])


def ask(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request, timeout=10))


def served(url, folders, expected):
    """The server has found every run, and its HParams table has them all."""
    base, deadline = f"{url}/data/plugin", time.monotonic() + 120
    tags = groups = ()
    while True:
        try:
            tags = ask(f"{base}/scalars/tags")
            asked = {"experimentName": "", "startIndex": 0, "sliceSize": 10_000, "allowedStatuses": [f"STATUS_{it}" for it in ("UNKNOWN", "SUCCESS", "FAILURE", "RUNNING")]}
            groups = ask(f"{base}/hparams/session_groups", asked)["sessionGroups"]
            if set(tags) == {run for run, it in folders.items() if it.points} and len(groups) == len(expected):
                break
        except (OSError, KeyError, ValueError):
            pass
        assert time.monotonic() < deadline, f"TensorBoard does not show every run: {sorted(tags)} and {len(groups)} rows"
        time.sleep(0.5)
    for name, run in folders.items():
        same("tags", set(tags.get(name, ())), set(run.points))
        for tag, points in run.points.items():
            found = ask(f"{base}/scalars/scalars?{urllib.parse.urlencode({'run': name, 'tag': tag})}")
            same(tag, [(step, float(value)) for _, step, value in found], [(step, single(value)) for step, value in sorted(points.items())])
    for group in groups:
        run = expected[group["name"]]
        same("hyperparameters", group["hparams"], run.params)
        last = {it["name"]["tag"]: float(it["value"]) for it in group["metricValues"]}
        same("metrics", last, {tag: single(points[max(points)]) for tag, points in run.points.items()})


def main(results, folder, port):
    expected = runs(results)
    files = sorted(pathlib.Path(folder).glob("*/*/events.out.tfevents.*"))
    folders = {str(it.parent.relative_to(folder)): expected[it.parent.suffix[1:]] for it in files}
    same("runs", sorted(it.id for it in folders.values()), sorted(expected))
    for name, run in folders.items():
        same("experiment", name.split("/")[0], run.experiment)
        read(pathlib.Path(folder, name), run)
    program = pathlib.Path(sys.executable).with_name("tensorboard")
    command = [program, "--logdir", folder, "--port", port, "--reload_interval", "1"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        served(f"http://localhost:{port}", folders, expected)
    finally:
        server.terminate()
        server.wait()
    print(f"{len(folders)} runs are as in the store")


main(*sys.argv[1:])
