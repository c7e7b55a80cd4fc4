"""JAX: one trial, an epoch and its validation compiled as one function."""

from common import run
from jax_trials import trials

run(lambda: trials(1))
