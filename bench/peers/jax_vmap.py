"""JAX: eight trials at once on the same batches."""

from common import run
from jax_trials import trials

run(lambda: trials(8))
