"""What every peer does: read the dataset, then train an epoch a line."""

import json
import sys
import time
from pathlib import Path

FOLDER, BATCH, RATE = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
META = json.loads((FOLDER / "meta.json").read_text())
FEATURES, CLASSES = META["features"], META["classes"]


def load(split):
    """Images [n, features] as f32 from 0 to 1, labels [n] as i64."""
    import numpy as np

    images = np.fromfile(FOLDER / f"{split}_images.u8", np.uint8).reshape(-1, FEATURES)
    return images.astype(np.float32) / 255, np.fromfile(FOLDER / f"{split}_labels.u8", np.uint8).astype(np.int64)


def say(**answer):
    print(json.dumps(answer), flush=True)


def serve(name, epoch, trials=1, cores=None):
    """Trains by `epoch`, which gives the test accuracy, whenever asked. The time is that of one of `trials` trials.

    `cores` says how many it uses, if not all.
    """
    say(ready=name, cores=cores)
    for _ in sys.stdin:
        start = time.perf_counter()
        accuracy = float(epoch())
        say(seconds=(time.perf_counter() - start) / trials, accuracy=accuracy)


def run(peer):
    """Runs it, if its library is there."""
    try:
        peer()
    except ImportError as error:
        say(missing=str(error))
