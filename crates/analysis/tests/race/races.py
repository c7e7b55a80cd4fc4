"""Reference for races, in NumPy and SciPy. `python3 races.py > races.json` writes the expected
results of the Rust tests.

race(X, looks, confidence, grid, width) takes X [settings, seeds], where NaN is a run without a
result and higher is better. grid is 1 / examples for accuracies on a known number of examples, else
0. width is the indifference or None. It returns when and why each setting left, and the end.
"""
import json

import numpy as np
from scipy import stats


def paired(x, grid):
    """The mean and the standard error of differences; the error is NaN if there is no test."""
    s2 = max(x.var(ddof=1), grid**2 / 6)
    if s2 <= 1e-20:  # rounding: all values are below 100 and have four decimals
        s2 = 0.0 if abs(x.mean()) < 1e-10 else np.nan
    return x.mean(), np.sqrt(s2 / len(x))


def strongest(X, live, i, grid):
    """All rivals with the least p-value against setting i, and this p-value."""
    n = X.shape[1]
    p = {}
    for l in live:
        mean, error = paired(X[l] - X[i], grid)
        if l != i and mean > 0 and np.isfinite(error):
            p[l] = float(stats.t.sf(mean / error, n - 1))
    least = min(p.values(), default=1.0)
    return [l for l in p if p[l] <= least * (1 + 1e-12)], least


def within(X, live, grid, t, width):
    pairs = [paired(X[i] - X[l], grid) for i in live for l in live if i < l]
    return all(abs(mean) + t * error <= width for mean, error in pairs)


def race(X, looks, confidence, grid, width):
    k = len(X)
    exits, live, end = [None] * k, list(range(k)), None
    for look, n in enumerate(looks):
        alpha = (1 - confidence) * (n - ([0] + looks)[look]) / looks[-1]
        tail = alpha / (2 * (k - 1))
        for i in live:
            if not np.isfinite(X[i, :n]).all():
                exits[i] = dict(look=look, no_value=int(np.flatnonzero(np.isnan(X[i, :n]))[0]))
        live = [i for i in live if exits[i] is None]
        for i in live:
            by, p = strongest(X[:, :n], live, i, grid)
            if p < tail:
                exits[i] = dict(look=look, by=by, p=p)
        live = [i for i in live if exits[i] is None]
        t = stats.t.isf(tail, n - 1)
        if len(live) < 2:
            end = "Won" if live else "NoneLeft"
        elif width is not None and within(X[:, :n], live, grid, t, width):
            end = "Indifferent"
        elif n == looks[-1]:
            end = "SeedsUsed"
        if end:
            return exits, end


def main():
    rng = np.random.default_rng(1)
    tables = []
    for case in range(60):
        looks = [[3, 5, 8, 12, 20], [2, 4, 6], [3, 4, 5, 6, 7, 8, 9, 10], [5, 10], [4]][case % 5]
        confidence = [0.95, 0.9, 0.99][case % 3]
        n, k = looks[-1], int(rng.integers(2, 12))
        spread = rng.permutation(4 ** np.linspace(0, 1, k))[:, None]
        X = rng.normal(size=(k, n)) * spread + 2 * rng.normal(size=n)
        X = X + rng.choice([0, 0.5, 2, 8]) * np.arange(k)[:, None]
        grid, width = 0.0, None
        if case % 4 == 1:
            grid = float(rng.choice([0.5, 1.0, 4.0]))
            X = np.round(X / grid) * grid
        if case % 4 == 3:
            X[rng.integers(k), int(rng.integers(looks[0]))] = np.nan
            X[rng.random((k, n)) < 0.01] = np.nan
        if case % 4 == 2:
            width = float(rng.choice([4, 8, 16]))
        if case % 6 == 5:
            X[1] = X[0] + rng.choice([0, 1])
        X = np.round(X, 4)
        exits, end = race(X, looks, confidence, grid, width)
        values = [[float(x) if np.isfinite(x) else None for x in row] for row in X]
        settings = dict(looks=looks, confidence=confidence, grid=grid, indifference=width)
        tables.append(dict(**settings, end=end, exits=exits, values=values))
    print("[\n" + ",\n".join(json.dumps(table) for table in tables) + "\n]")


if __name__ == "__main__":
    main()
