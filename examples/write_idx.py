"""Writes a small dataset in the format IDX to the folder `rows`: four classes of 8x8 images."""

import numpy as np

def write_idx(path, array):  # images [n, rows, columns]: 0 to 255; labels [n]: 0, 1, …
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    with open(path, "wb") as file:
        file.write(header + array.astype(np.uint8).tobytes())

random = np.random.default_rng(0)
for split, n in [("train", 2000), ("t10k", 500)]:
    labels = random.integers(0, 4, n)
    images = random.integers(0, 200, (n, 8, 8))
    images[np.arange(n), labels] += 50  # in class k, row k is brighter
    write_idx(f"rows/{split}-images-idx3-ubyte", images)
    write_idx(f"rows/{split}-labels-idx1-ubyte", labels)
