"""Shared code of the JAX programs: an epoch and its validation are compiled as one function."""

from common import BATCH, CLASSES, FEATURES, RATE, load, serve


def trials(count):
    import jax
    import jax.numpy as jnp

    train, test = (tuple(map(jnp.asarray, load(split))) for split in ("train", "test"))
    n = len(train[1]) // BATCH * BATCH

    def loss(parameters, x, y):
        weight, bias = parameters
        return -jnp.take_along_axis(jax.nn.log_softmax(x @ weight + bias), y[:, None], 1).mean()

    def accuracy(parameters, x, y):
        weight, bias = parameters
        return ((x @ weight + bias).argmax(1) == y).mean()

    def one_trial_step(parameters, x, y):
        gradient = jax.grad(loss)(parameters, x, y)
        return jax.tree.map(lambda p, g: p - RATE * g, parameters, gradient)

    # A single trial is not mapped, because a batched product of size 1 is slower than a product.
    mapped = (lambda f: f) if count == 1 else (lambda f: jax.vmap(f, in_axes=(0, None, None)))

    @jax.jit
    def epoch(parameters, key, train, test):
        def step(parameters, rows):
            return mapped(one_trial_step)(parameters, train[0][rows], train[1][rows]), None

        batches = jax.random.permutation(key, len(train[1]))[:n].reshape(-1, BATCH)
        parameters, _ = jax.lax.scan(step, parameters, batches)
        return parameters, mapped(accuracy)(parameters, *test).mean()

    shape = (FEATURES, CLASSES) if count == 1 else (count, FEATURES, CLASSES)
    glorot = jax.nn.initializers.glorot_uniform(in_axis=-2, out_axis=-1, batch_axis=tuple(range(len(shape) - 2)))
    state = {"key": jax.random.key(0)}
    state["parameters"] = glorot(state["key"], shape), jnp.zeros(shape[:-2] + shape[-1:])

    def turn():
        state["key"], key = jax.random.split(state["key"])
        state["parameters"], accuracy = epoch(state["parameters"], key, train, test)
        return accuracy.block_until_ready()

    name = "`scan`, one trial" if count == 1 else f"`scan` and `vmap`, {count} trials"
    serve(f"JAX {jax.__version__} {name}", turn, count)
