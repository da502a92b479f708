"""The recurrent layers of weft.jax: callbacks into weft's kernels."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest
from weft import layers

jax = pytest.importorskip("jax")
jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402
import weft.jax as wj  # noqa: E402
from jax.test_util import check_grads  # noqa: E402


def holes(rng, rows, steps):
    """A mask with holes, a row without real steps and one whose first steps are masked."""
    mask = rng.random((rows, steps)) < 0.6
    mask[0], mask[1, : steps // 2] = False, False
    return mask


def both_ways(dtype=None, merge_mode="concat", **options):
    """Two directions around an LSTM."""
    return wj.Bidirectional(layers.LSTM(3, dtype=dtype, **options), merge_mode)


CELLS = {
    "simple": lambda **o: wj.SimpleRNN(3, **o),
    "gru": lambda **o: wj.GRU(3, **o),
    "gru_before": lambda **o: wj.GRU(3, reset_after=False, use_bias=False, **o),
    "lstm": lambda **o: wj.LSTM(3, **o),
    "stack": lambda dtype=None, **o: wj.RNN(
        [layers.LSTMCell(3, dtype=dtype), layers.GRUCell(2, dtype=dtype)], **o
    ),
    "both_ways": both_ways,
    "both_ways_apart": lambda **o: both_ways(merge_mode=None, **o),
}


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sequences", [False, True])
def test_recurrent_layers_are_the_layers(cell, dtype, sequences):
    rng = np.random.default_rng(6)
    layer = CELLS[cell](dtype=dtype, return_sequences=sequences, return_state=True)
    x, mask = rng.normal(size=(5, 7, 4)).astype(dtype), holes(rng, 5, 7)
    params = layer.init(4)
    state = [rng.normal(size=(5, size)).astype(dtype) for size in layer._state_sizes()]
    want = layer(x, mask=mask, initial_state=state)
    made = jax.jit(layer.apply)(params, x, mask, initial_state=state)
    assert jax.tree.structure(made) == jax.tree.structure(want)
    assert jax.tree.all(jax.tree.map(np.array_equal, made, want))
    lengths = np.array([0, 7, 3, 1, 5])
    for given in (lengths, lengths.tolist()):
        made = layer.apply(params, x, lengths=given)
        assert jax.tree.all(jax.tree.map(np.array_equal, made, layer(x, lengths=lengths)))

    grads = jax.tree.map(lambda a: rng.normal(size=a.shape).astype(dtype), want)
    _, pullback = layer.vjp(x, mask=mask, initial_state=state)
    want_inputs, want_weights = pullback(*grads)
    _, back = jax.vjp(lambda p, x, s: layer.apply(p, x, mask, initial_state=s), params, x, state)
    made_weights, *made_inputs = jax.jit(back)(grads)
    assert all(map(np.array_equal, jax.tree.leaves(made_inputs), want_inputs))
    assert all(np.array_equal(made_weights[name], grad) for name, grad in want_weights.items())


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    "options", [{"return_sequences": True}, {"go_backwards": True}, {"time_major": True}]
)
def test_gradients_are_the_numerical_ones(cell, options):
    rng = np.random.default_rng(7)
    layer = CELLS[cell](dtype="float64", return_state=True, **options)
    x, mask = rng.normal(size=(4, 5, 2)), holes(rng, 4, 5)
    if options.get("time_major"):
        x, mask = np.moveaxis(x, 0, 1), mask.T
    state = [np.zeros((4, size)) for size in layer._state_sizes()]

    def loss(params, x, state):
        made = layer.apply(params, x, mask, initial_state=state)
        return sum(jnp.sum(jnp.sin(part)) for part in jax.tree.leaves(made))

    check_grads(jax.jit(loss), (layer.init(2), x, state), 1, modes=["rev"])


@pytest.mark.parametrize("cell", ["gru", "stack", "both_ways"])
def test_dropout_is_of_the_step(cell):
    rng, drop = np.random.default_rng(14), {"dropout": 0.5, "recurrent_dropout": 0.4}
    if cell == "gru":
        layer = wj.GRU(3, **drop)
    elif cell == "stack":
        layer = wj.RNN([layers.LSTMCell(3, **drop), layers.GRUCell(2, **drop)], return_state=False)
    else:
        layer = wj.Bidirectional(layers.GRU(3, **drop))
    x, mask = rng.normal(size=(5, 7, 4)).astype(np.float32), holes(rng, 5, 7)
    params = layer.init(4)
    apply = jax.jit(lambda p, x, step: layer.apply(p, x, mask, step=step))
    for step in (0, 7):
        want, pullback = layer.vjp(x, mask=mask, training=True, step=step)
        made, back = jax.vjp(lambda p, x, step=step: apply(p, x, step), params, x)
        assert np.array_equal(made, want)
        (inputs,), weights = pullback(want)
        made_weights, made_inputs = back(made)
        assert np.array_equal(made_inputs, inputs)
        assert all(np.array_equal(made_weights[name], grad) for name, grad in weights.items())
    assert not np.array_equal(apply(params, x, 0), apply(params, x, 7))
    assert np.array_equal(layer.apply(params, x, mask), layer(x, mask=mask))


def test_nothing_at_all():
    layer = wj.GRU(3, return_sequences=True)
    params = layer.init(2)
    for shape in ((0, 4, 2), (3, 0, 2)):
        x = np.zeros(shape, np.float32)
        assert layer.apply(params, x).shape == (*shape[:2], 3)
        grads = jax.grad(lambda p, x=x: jnp.sum(layer.apply(p, x)))(params)
        assert not any(grad.any() for grad in grads.values())


def test_masked_steps_have_no_part():
    rng = np.random.default_rng(8)
    layer = wj.GRU(3, dtype="float64")
    x, mask = rng.normal(size=(4, 6, 2)), holes(rng, 4, 6)
    spoiled = np.where(mask[..., None], x, np.nan)
    value_and_grad = jax.value_and_grad(
        lambda p, x: jnp.sum(layer.apply(p, x, mask)), argnums=(0, 1)
    )
    value, (weights, inputs) = value_and_grad(layer.init(2), spoiled)
    assert np.isfinite(value) and all(np.isfinite(grad).all() for grad in weights.values())
    assert (np.asarray(inputs)[~mask] == 0).all()


def test_vmap():
    rng = np.random.default_rng(9)
    layer = wj.LSTM(3, dtype="float64")
    params, x = layer.init(2), rng.normal(size=(3, 4, 5, 2))
    mask = np.stack([holes(rng, 4, 5) for _ in range(3)])
    made = jax.jit(jax.vmap(layer.apply, (None, 0, 0)))(params, x, mask)
    assert all(np.array_equal(made[i], layer(x[i], mask=mask[i])) for i in range(3))
    many = jax.tree.map(lambda p: jnp.stack([p, 2 * p]), params)
    grads = jax.vmap(jax.grad(lambda p: jnp.sum(layer.apply(p, x[0]))))(many)
    one = jax.grad(lambda p: jnp.sum(layer.apply(p, x[0])))(jax.tree.map(lambda p: p[1], many))
    assert all(np.allclose(grads[name][1], one[name]) for name in one)


def test_layers_and_calls_are_pure():
    gru = wj.GRU(3)
    params, x = gru.init(2), np.ones((2, 3, 2), np.float32)
    kept, other = gru.get_weights(), jax.tree.map(lambda p: p + 1, params)
    first = gru.apply(params, x)
    assert not np.array_equal(first, gru.apply(other, x))
    assert np.array_equal(first, gru.apply(params, x))
    jax.grad(lambda p: jnp.sum(gru.apply(p, x)))(other)
    assert all(map(np.array_equal, gru.get_weights(), kept))
    again = pickle.loads(pickle.dumps(gru))
    assert np.array_equal(first, again.apply(params, x))


def test_on_another_device(monkeypatch):
    """What stands for the CPU's own way there, run here."""
    others = lambda *args, cpu, default: default(*args)  # noqa: E731
    monkeypatch.setattr(jax.lax, "platform_dependent", others)
    rng = np.random.default_rng(13)
    layer = wj.LSTM(3, return_state=True, dtype="float64")
    params, x, mask = layer.init(2), rng.normal(size=(4, 5, 2)), holes(rng, 4, 5)
    made, back = jax.vjp(lambda p, x: layer.apply(p, x, mask), params, x)
    want, pullback = layer.vjp(x, mask=mask)
    assert all(map(np.array_equal, made, want))
    (inputs,), weights = pullback(*want)
    made_weights, made_inputs = back(made)
    assert np.array_equal(made_inputs, inputs)
    assert all(np.array_equal(made_weights[name], grad) for name, grad in weights.items())


THREADS = """
import sys, threading
import jax, jax.numpy as jnp, numpy as np, weft.jax as wj
gru = wj.GRU(24, return_sequences=True)
params = gru.init(24)
big = np.random.default_rng(0).normal(size=(96, 64 * 24 + 1)).astype(np.float32)
x = big.ravel()[1:96 * 64 * 24 + 1].reshape(96, 64, 24)
mask = np.ones((96, 64), bool)
@jax.jit
def run(params, x, mask):
    def loss(params):
        first = [gru.apply(params, x * k, mask) for k in range(2)] + [gru.apply(params, x, mask)]
        return sum(jnp.sum(gru.apply(params, part, mask)) for part in first)
    return jax.value_and_grad(loss)(params)
made = []
def loop():
    for _ in range(3):
        made.append(jax.tree.map(np.asarray, run(params, x, mask)))
threads = [threading.Thread(target=loop) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert all(jax.tree.all(jax.tree.map(np.array_equal, made[0], other)) for other in made)
"""


@pytest.mark.parametrize("cpus", [1, 2])
def test_callbacks_wait_for_nobody(cpus):
    ours = sorted(os.sched_getaffinity(0))[:cpus]
    code = f"import os; os.sched_setaffinity(0, {set(ours)})\n{THREADS}"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_refuses_what_does_not_fit():
    gru = wj.GRU(3)
    params = gru.init(2)
    x = np.zeros((2, 4, 2), np.float32)
    with pytest.raises(ValueError, match="lacks 'bias'"):
        gru.apply({k: v for k, v in params.items() if k != "bias"}, x)
    with pytest.raises(ValueError, match="must have shape"):
        gru.apply({**params, "bias": params["bias"][:, 1:]}, x)
    with pytest.raises(TypeError, match="must be float32"):
        gru.apply(params, x.astype(np.float64))
    with pytest.raises(ValueError, match="got shape"):
        gru.apply(params, x[0])
    with pytest.raises(ValueError, match="built for"):
        gru.apply(params, x[..., :1])
    with pytest.raises(ValueError, match="has 1 states"):
        gru.apply(params, x, initial_state=[np.zeros((2, 3), np.float32)] * 2)
    with pytest.raises(ValueError, match="stateful"):
        wj.GRU(3, stateful=True).apply(params, x)
    with pytest.raises(ValueError, match="got shape"):
        wj.Dense(3).apply({}, x[0, 0])
    jax.config.update("jax_enable_x64", False)
    try:
        with pytest.raises(TypeError, match="jax_enable_x64"):
            wj.GRU(3, dtype="float64").init(2)
    finally:
        jax.config.update("jax_enable_x64", True)


def test_a_callbacks_error_says_what_is_wrong():
    gru = wj.GRU(3)
    params, x = gru.init(2), np.zeros((2, 4, 2), np.float32)
    apply = jax.jit(lambda lengths: gru.apply(params, x, lengths=lengths))
    with pytest.raises(Exception, match="a length of 9 where the inputs have 4 steps"):
        jax.block_until_ready(apply(np.array([4, 9])))
    assert np.array_equal(apply(np.array([4, 2])), gru(x, lengths=[4, 2]))


def test_threads_share_a_layer():
    gru = wj.GRU(8)
    x = np.random.default_rng(0).normal(size=(4, 9, 3)).astype(np.float32)
    every = [jax.tree.map(lambda p, k=k: p * k, gru.init(3)) for k in range(4)]
    want = [np.asarray(gru.apply(params, x)) for params in every]
    wrong = []

    def loop(k):
        for _ in range(20):
            if not np.array_equal(gru.apply(every[k], x), want[k]):
                wrong.append(k)

    threads = [threading.Thread(target=loop, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
