"""Reference for the comparison with the best, in NumPy and SciPy.

It implements Hsu's multiple comparisons with the best by the method of Edwards and Hsu, from paired
t-tests with Bonferroni's correction. `python3 mcb.py > tables.json` writes the expected results of
the Rust tests.

mcb(X, grid) takes X [seeds, settings], where NaN is a run without a result and higher is better.
grid is 1 / examples for accuracies on a known number of examples, else 0. For each setting it
returns whether the setting was compared, whether it may be the best, the p-value, and the limits of
its distance to the best, which are at most 0.
"""
import json

import numpy as np
from scipy import stats


def pairs(X, grid):
    """Mean differences i - l over common seeds, standard errors (NaN: no test), degrees of freedom."""
    k = X.shape[1]
    d, se, df = np.zeros((k, k)), np.full((k, k), np.nan), np.zeros((k, k))
    for i in range(k):
        for l in range(k):
            x = X[:, i] - X[:, l]
            x = x[np.isfinite(x)]
            if i == l or len(x) < 2:
                continue
            s2 = max(x.var(ddof=1), grid**2 / 6)
            if s2 <= (1e-12 * np.nanmax(np.abs(X))) ** 2:
                if x.mean() != 0:
                    continue
                s2 = 0.0
            d[i, l], se[i, l], df[i, l] = x.mean(), np.sqrt(s2 / len(x)), len(x) - 1
    return d, se, df


def mcb(X, grid=0.0, alpha=0.05):
    k = X.shape[1]
    d, se, df = pairs(X, grid)
    tested = np.isfinite(se)
    family = tested.any(0)
    rivals = tested.sum(0)
    p, low, high = np.full(k, np.nan), np.full(k, np.nan), np.full(k, np.nan)
    lo, hi = np.full((k, k), -np.inf), np.full((k, k), np.inf)
    for l in np.flatnonzero(family):
        p[l] = 1.0
        for i in np.flatnonzero(tested[:, l]):
            reach = stats.t.isf(alpha / 2 / rivals[l], df[i, l]) * se[i, l]
            lo[i, l], hi[i, l] = d[i, l] - reach, d[i, l] + reach
            one = stats.t.sf(d[i, l] / se[i, l], df[i, l]) if se[i, l] > 0 else 0.5
            p[l] = min(p[l], 2 * rivals[l] * one)
    maybe = family & (p >= alpha)
    S = np.flatnonzero(maybe)
    for i in np.flatnonzero(family):
        if len(S):
            low[i] = min(0.0, min(0.0 if l == i else lo[i, l] for l in S))
            high[i] = min(0.0, max(0.0 if l == i else hi[i, l] for l in S))
    return dict(compared=family, may_be_best=maybe, p=p, low=low, high=high)


def table(X, grid):
    number = lambda x: float(x) if np.isfinite(x) else None
    of = lambda values: [number(x) for x in values]
    found = mcb(X, grid)
    return dict(
        grid=grid,
        values=[of(row) for row in X],
        compared=found["compared"].tolist(),
        may_be_best=found["may_be_best"].tolist(),
        **{name: of(found[name]) for name in ("p", "low", "high")},
    )


def main():
    rng = np.random.default_rng(1)
    tables = []
    for case in range(60):
        n, k = int(rng.integers(2, 8)), int(rng.integers(2, 12))
        X = rng.normal(size=(n, k)) * rng.permutation(4 ** np.linspace(0, 1, k)) + 2 * rng.normal(size=(n, 1))
        X += rng.choice([0, 0.5, 2, 8]) * np.arange(k)
        grid = 0.0
        if case % 3 == 1:
            grid = float(rng.choice([0.5, 1.0, 4.0]))
            X = np.round(X / grid) * grid
        X[rng.random((n, k)) < rng.choice([0, 0.1, 0.3, 0.6])] = np.nan
        if not np.isfinite(X).any():
            continue
        if case % 5 == 4:
            X[:, 1 % k] = X[:, 0]
        tables.append(table(X, grid))
    # Three settings, each better than the next on their common seeds.
    N = np.nan
    cycle = np.array([[9, 5, N], [9, 5.1, N], [N, 9, 5], [N, 9, 5.1], [5, N, 9], [5.1, N, 9]])
    tables.append(table(cycle, 0.0))
    print("[\n" + ",\n".join(json.dumps(it) for it in tables) + "\n]")


if __name__ == "__main__":
    main()
