"""A training is the same, bit for bit, for the same number of threads."""

import numpy as np
import pytest
import weft
from small_model import compiled, features, same_weights
from weft.layers import GRU


@pytest.fixture(params=[1, 2, 4])
def threads(request):
    before = weft.config.num_threads()
    weft.config.set_num_threads(request.param)
    yield
    weft.config.set_num_threads(before)


def test_the_way_back_of_a_recurrent_layer(threads):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((600, 12, 16)).astype(np.float32)
    lengths = rng.integers(0, 13, 600)
    gru = GRU(48, name="gru")
    made = set()
    for _ in range(3):
        out, pullback = gru.vjp(x, mask=weft.sequence_mask(lengths, 12))
        (grad_x,), grads = pullback(np.ones_like(out))
        made.add(b"".join(a.tobytes() for a in (out, grad_x, *grads.values())))
    assert len(made) == 1


def test_a_fit(threads):
    data = [features(600, 0), features(300, 1)]
    models = []
    for _ in range(3):
        model = compiled()
        model.build()
        for i, weight in enumerate(model.weights.values()):
            weight[:] = np.random.default_rng(i).standard_normal(weight.shape) * 0.1
        models.append((model, model.fit(data, epochs=3, verbose=0).history))
    assert all(same_weights(models[0][0], other) for other, _ in models)
    assert all(models[0][1] == history for _, history in models)
