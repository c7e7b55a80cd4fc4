"""Shared code of all programs: load the dataset, then train one epoch per line of stdin."""

import json
import sys
import time
from pathlib import Path

FOLDER, BATCH, RATE = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
META = json.loads((FOLDER / "meta.json").read_text())
FEATURES, CLASSES = META["features"], META["classes"]


def load(split):
    """Return images [n, features] as f32 from 0 to 1 and labels [n] as i64."""
    import numpy as np

    images = np.fromfile(FOLDER / f"{split}_images.u8", np.uint8).reshape(-1, FEATURES)
    return images.astype(np.float32) / 255, np.fromfile(FOLDER / f"{split}_labels.u8", np.uint8).astype(np.int64)


def reply(**fields):
    print(json.dumps(fields), flush=True)


def serve(name, epoch, trials=1, cores=None):
    """Call `epoch`, which returns the test accuracy, for every line of stdin.

    The reported time is per trial, of `trials`. `cores` is the number of cores in use, by default all.
    """
    reply(ready=name, cores=cores)
    for _ in sys.stdin:
        start = time.perf_counter()
        accuracy = float(epoch())
        reply(seconds=(time.perf_counter() - start) / trials, accuracy=accuracy)


def run(peer):
    """Run the program, or report that its library is missing."""
    try:
        peer()
    except ImportError as error:
        reply(missing=str(error))
