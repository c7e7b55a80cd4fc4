"""Print differences of mean test accuracy with their standard errors over the test images.

Each setting is compared with the first of its experiment; means are over seeds. The limits of
`report` are about other seeds; these errors are about other test images.

Usage: python3 results/reference/test_images.py RESULTS MNIST (needs NumPy)
"""

import csv
import gzip
import json
import sys
from pathlib import Path

import numpy as np

COMPARISONS = [
    ("fair_batch_sweep", "batch_size learning_rate",
     [(16, 0.05), (32, 0.1), (64, 0.2), (128, 0.2), (256, 0.5), (512, 0.5)]),
    ("epoch_sweep", "epochs learning_rate", [(20, 0.1), (5, 0.1), (10, 0.1), (50, 0.1), (100, 0.1)]),
    ("decay_sweep", "decay learning_rate", [(1e-3, 1), (1e-4, 0.3), (0, 0.3), (1e-2, 3)]),
]


def idx(path, header):
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=header)


def tensors(path):
    """The tensors of a safetensors file by name."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    header.pop("__metadata__", None)
    return {name: np.frombuffer(data[start:][slice(*entry["data_offsets"])], np.float32)
            .reshape(entry["shape"]) for name, entry in header.items()}


results, mnist = map(Path, sys.argv[1:])
images = idx(mnist / "t10k-images-idx3-ubyte.gz", 16).reshape(-1, 784).astype(np.float32) / 255
labels = idx(mnist / "t10k-labels-idx1-ubyte.gz", 8)


def share_correct(experiment, setting):
    """For each test image, the share of the runs of a setting that classify it correctly."""
    correct = []
    with open(results / experiment / "runs.csv") as file:
        for run in csv.DictReader(file):
            if all(float(run[key]) == value for key, value in setting.items()):
                trial = run["trial"].removeprefix("id-")
                model = tensors(results / experiment / "models" / f"{trial}.safetensors")
                scores = images @ model["weight"].T + model["bias"]
                correct.append(scores.argmax(1) == labels)
    return np.mean(correct, 0)


def name(setting):
    return ", ".join(f"{key} {value:g}" for key, value in setting.items())


for experiment, keys, settings in COMPARISONS:
    settings = [dict(zip(keys.split(), values)) for values in settings]
    first, *others = [100 * share_correct(experiment, setting) for setting in settings]
    print(f"{experiment}: {name(settings[0])} has {first.mean():.2f} %")
    for setting, other in zip(settings[1:], others):
        difference = other - first
        error = difference.std(ddof=1) / len(labels) ** 0.5
        print(f"  {name(setting)}: {difference.mean():+.2f} ± {error:.2f} points")
