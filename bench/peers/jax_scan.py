"""JAX: one trial."""

from common import run
from jax_trials import trials

run(lambda: trials(1))
