"""weft.torch's recurrent layers and Dense: weft's results, gradients, and torch's ways."""

from __future__ import annotations

import copy
import io

import numpy as np
import pytest
import weft

torch = pytest.importorskip("torch")
wt = pytest.importorskip("weft.torch")

LAYERS = [wt.SimpleRNN, wt.GRU, wt.LSTM]
CELLS = [wt.SimpleRNNCell, wt.GRUCell, wt.LSTMCell]
MASK = torch.tensor(  # a hole, padding, a row masked throughout, no padding
    [[1, 0, 1, 1, 0], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]], dtype=torch.bool
)


def inputs(dtype=torch.float32, width=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(4, 5, width, generator=generator, dtype=dtype)


def same(found, wanted):
    assert np.array_equal(found.detach().numpy(), wanted)


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("options", [{}, {"return_sequences": True}, {"return_state": True}])
def test_results_are_wefts(kind, options):
    module, x = kind(3, 4, **options), inputs()
    layer = module.to_weft()
    assert (
        list(module.state_dict()) == list(layer.weights) == ["kernel", "recurrent_kernel", "bias"]
    )
    found = module(x, mask=MASK)
    wanted = layer(x.numpy(), mask=MASK.numpy())
    pairs = zip(found, wanted, strict=True) if isinstance(found, tuple) else [(found, wanted)]
    for one, other in pairs:
        same(one, other)
    with torch.no_grad():
        without = module(x, mask=MASK.numpy())
    assert not (without[0] if isinstance(without, tuple) else without).requires_grad
    lengths = torch.tensor([5, 2, 0, 1])
    same(
        torch.as_tensor(module.eval()(x, lengths=lengths)[0]), layer(x, lengths=lengths.numpy())[0]
    )


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("seed", range(3))
def test_gradients_of_layers(kind, seed):
    options = [
        {"return_state": True},
        {"return_sequences": True, "go_backwards": True},
        {"return_sequences": True, "return_state": True, "use_bias": False},
    ][seed]
    if kind is wt.GRU and seed == 0:
        options["reset_after"] = False
    module = kind(3, 2, dtype=torch.float64, seed=seed, **options)
    x = inputs(torch.float64, seed=seed).requires_grad_()
    count = 2 if kind is wt.LSTM else 1
    states = [torch.randn(4, 2, dtype=torch.float64, requires_grad=True) for _ in range(count)]
    weights = list(module.parameters())

    def call(x, *rest):
        named = dict(zip(module.state_dict(), rest[count:], strict=True))
        arguments = {"mask": MASK, "initial_state": list(rest[:count])}
        return torch.func.functional_call(module, named, (x,), arguments)

    assert torch.autograd.gradcheck(call, (x, *states, *weights))
    assert torch.autograd.gradcheck(lambda x: module(x, lengths=[0, 5, 1, 2]), (x,))


@pytest.mark.parametrize("kind", CELLS)
def test_gradients_of_cells(kind):
    cell = kind(3, 2, dtype=torch.float64)
    x = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    h, c = (torch.randn(4, 2, dtype=torch.float64, requires_grad=True) for _ in range(2))

    def call(x, h, c, *_):
        output, states = cell(x, [h, c] if kind is wt.LSTMCell else h)
        return (output, *states) if isinstance(states, list) else (output, states)

    given = (x, h, c) if kind is wt.LSTMCell else (x, h, c.detach())
    assert torch.autograd.gradcheck(call, (*given, *cell.parameters()))
    output, states = cell(x)
    wanted, _ = cell.to_weft()(x.detach().numpy(), cell.to_weft().get_initial_state(batch_size=4))
    same(output, wanted)
    assert isinstance(states, list) == (kind is wt.LSTMCell)


def test_gradients_of_stacks_and_dense():
    cell = wt.GRUCell(2, 2, dtype=torch.float64)
    rnn = wt.RNN([cell, wt.LSTMCell(2, 2, dtype=torch.float64), cell], return_sequences=True)
    assert len(list(rnn.parameters())) == 6
    assert "cells.1.recurrent_kernel" in rnn.state_dict()
    x = inputs(torch.float64, 2).requires_grad_()

    def call(x, *_):
        outputs, (first, (h, c), last) = rnn(x, mask=MASK)
        return outputs, first, h, c, last

    assert torch.autograd.gradcheck(call, (x, *rnn.parameters()))
    dense = wt.Dense(3, 2, activation="softmax", dtype=torch.float64)
    x = inputs(torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, *_: dense(x), (x, *dense.parameters()))
    same(dense(x), dense.to_weft()(x.detach().numpy()))


@pytest.mark.parametrize("merge_mode", ["concat", "sum", "mul", "ave", None])
@pytest.mark.parametrize("options", [{}, {"return_sequences": True}, {"return_state": True}])
def test_both_directions(merge_mode, options):
    layer = wt.LSTM(3, 2, dtype=torch.float64, **options)
    module = wt.Bidirectional(layer, merge_mode)
    names = [
        f"{way}_layer.{name}" for way in ("forward", "backward") for name in layer.state_dict()
    ]
    assert list(module.state_dict()) == names
    assert torch.equal(module.forward_layer.kernel, layer.kernel)
    assert not torch.equal(module.backward_layer.kernel, layer.kernel)
    x = inputs(torch.float64).requires_grad_()
    found = module(x, mask=MASK)
    found = list(found) if isinstance(found, tuple) else [found]
    served = module.to_weft()
    wanted = served(x.detach().numpy(), mask=MASK.numpy())
    for one, other in zip(found, wanted if isinstance(wanted, tuple) else [wanted], strict=True):
        np.testing.assert_allclose(one.detach().numpy(), other, rtol=1e-12, atol=1e-15)
    again = wt.Bidirectional.from_weft(served)(x, mask=MASK)
    assert torch.equal(again[0] if isinstance(again, tuple) else again, found[0])
    assert torch.autograd.gradcheck(lambda x: module(x, mask=MASK), (x,))
    states = [torch.ones(4, 2, dtype=torch.float64) * i for i in range(4)]
    moved = module(x, mask=MASK, initial_state=states)
    assert not torch.equal(moved[0] if isinstance(moved, tuple) else moved, found[0])


def dropping(kind, **options):
    return kind(3, 4, dropout=0.4, recurrent_dropout=0.3, dtype=torch.float64, **options)


@pytest.mark.parametrize("kind", LAYERS)
def test_dropout_is_of_torchs_random_numbers(kind):
    module, x = dropping(kind), inputs(torch.float64).requires_grad_()
    torch.manual_seed(1)
    first, second = module(x), module(x)
    torch.manual_seed(1)
    assert torch.equal(module(x), first) and not torch.equal(first, second)
    torch.manual_seed(1)
    assert torch.equal(copy.deepcopy(module)(x), first)
    saved = torch.utils.checkpoint.checkpoint(module, x, use_reentrant=False)
    (wanted,) = torch.autograd.grad(saved.sum(), x)  # recomputed with the same numbers
    assert wanted.abs().sum() > 0

    def seeded(x, *_):
        torch.manual_seed(1)
        return module(x, mask=MASK)

    assert torch.autograd.gradcheck(seeded, (x, *module.parameters()))
    module.eval()
    same(module(x), module.to_weft()(x.detach().numpy()))
    before = torch.get_rng_state()
    kind(3, 4)(inputs())
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("kind", CELLS)
def test_cells_drop_alike_in_a_step_of_training(kind):
    cell, x = dropping(kind), torch.ones(2, 3, dtype=torch.float64)
    assert torch.equal(cell(x, step=3)[0], cell(x, step=3)[0])
    assert not torch.equal(cell(x, step=3)[0], cell(x, step=4)[0])
    assert torch.equal(cell.eval()(x)[0], cell(x)[0])


def test_unused_results_and_inputs_that_want_no_gradient():
    module = wt.LSTM(3, 2, return_sequences=True, return_state=True)
    x = inputs().requires_grad_()
    _, _, c = module(x)
    c.sum().backward()
    assert x.grad.abs().sum() > 0
    module.kernel.requires_grad_(False)
    module.zero_grad()
    h = module(inputs())[1]
    h.expand(2, 4, 2).sum().backward()  # a gradient without memory of its own
    assert module.kernel.grad is None and module.bias.grad is not None


def test_backward_again_and_twice():
    module, x = wt.GRU(3, 2), inputs().requires_grad_()
    loss = module(x).square().sum()
    (first,) = torch.autograd.grad(loss, x, retain_graph=True)
    (second,) = torch.autograd.grad(loss, x)
    assert torch.equal(first, second)
    with pytest.raises(RuntimeError, match="second time"):
        torch.autograd.grad(loss, x)
    (grad,) = torch.autograd.grad(module(x).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        grad.sum().backward()


@pytest.mark.parametrize("written", ["kernel", "inputs"])
def test_writing_between_forward_and_backward_is_noticed(written):
    module, x = wt.GRU(3, 2), inputs()
    outputs = module(x)
    with torch.no_grad():
        (module.kernel if written == "kernel" else x).mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        outputs.sum().backward()


def test_writing_to_results():
    x = inputs()
    for module in (wt.GRU(3, 2), wt.Dense(3, 2)):
        wanted, found = module(x), module(x)
        found += 1
        (wanted * wanted.detach()).sum().backward()
        grad = module.kernel.grad.clone()
        module.zero_grad()
        (found * wanted.detach()).sum().backward()
        assert torch.equal(module.kernel.grad, grad)
    outputs = wt.Dense(3, 2, activation="tanh")(x)
    outputs += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        outputs.sum().backward()


def trained(module, steps=3):
    optimizer = torch.optim.Adam(module.parameters(), 0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        module(inputs(module.kernel.dtype), mask=MASK).square().sum().backward()
        optimizer.step()
    return module


def follows(module):
    """Whether the module computes with the parameters that it shows."""
    x = inputs(module.kernel.dtype)
    same(module(x), module.to_weft()(x.numpy()))
    with torch.no_grad():
        module.bias.add_(0.5)
    same(module(x), module.to_weft()(x.numpy()))
    return True


def test_weights_are_torchs_wherever_they_are():
    module = trained(wt.GRU(3, 2))
    assert module._memory[0] == module.kernel.data_ptr()  # nothing was copied
    assert follows(module)
    other = wt.GRU(3, 2)
    other.load_state_dict(module.state_dict())
    assert torch.equal(other(inputs()), module(inputs()))
    other.load_state_dict({k: v.clone() + 1 for k, v in module.state_dict().items()}, assign=True)
    assert follows(trained(other))
    twin = copy.deepcopy(module)
    assert torch.equal(twin(inputs()), module(inputs()))
    before = module.kernel.clone()
    assert follows(trained(twin))
    assert torch.equal(module.kernel, before)
    assert follows(trained(copy.deepcopy(module).double()).float())
    assert follows(module.share_memory())
    module.kernel = torch.nn.Parameter(torch.randn(6, 3).t())
    assert not module.kernel.is_contiguous() and follows(module)
    with pytest.raises(TypeError, match="float32 and float64, not in bfloat16"):
        module.bfloat16()(inputs(torch.bfloat16))


def test_saving():
    module = trained(wt.LSTM(3, 2, name="mine"))
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    loaded = torch.load(file, weights_only=False)
    assert torch.equal(loaded(inputs()), module(inputs())) and follows(trained(loaded))
    assert loaded.to_weft().name == "mine"


def test_other_weights_for_one_call():
    module, x = wt.GRU(3, 2), inputs()
    before = module(x).detach()
    others = {k: (v.detach() + 1).requires_grad_() for k, v in module.named_parameters()}
    outputs = torch.func.functional_call(module, others, (x,))
    assert torch.equal(module(x), before) and not torch.equal(outputs, before)
    outputs.sum().backward()  # with the weights of its own forward
    twin = copy.deepcopy(module)
    twin.load_state_dict(others)
    twin(x).sum().backward()
    assert module.kernel.grad is None
    assert torch.equal(others["kernel"].grad, twin.kernel.grad)


@pytest.mark.parametrize("kind", LAYERS)
def test_layers_of_weft_and_back(kind):
    layer = kind._KIND(4, return_sequences=True, input_shape=(None, 3), seed=1)
    module = kind.from_weft(layer)
    x = inputs()
    same(module(x, mask=MASK), layer(x.numpy(), mask=MASK.numpy()))
    back = trained(module).to_weft()
    assert back.name == layer.name and back.get_config()["units"] == 4
    same(module(x), back(x.numpy()))
    assert not np.array_equal(back.weights["kernel"], layer.weights["kernel"])
    with pytest.raises(ValueError, match="that is built"):
        kind.from_weft(kind._KIND(4))


def test_stacks_of_weft_and_back():
    cell = weft.layers.GRUCell(3)
    layer = weft.layers.RNN([cell, weft.layers.LSTMCell(3), cell], input_shape=(None, 3))
    module = wt.RNN.from_weft(layer)
    assert len(list(module.parameters())) == 6
    same(module(inputs())[0], layer(inputs().numpy())[0])
    same(module(inputs())[0], module.to_weft()(inputs().numpy())[0])
    dense = weft.layers.Dense(2, input_dim=3)
    same(wt.Dense.from_weft(dense)(inputs()), dense(inputs().numpy()))


def test_equals_torchs_gru():
    module, peer = wt.GRU(3, 4, return_sequences=True), torch.nn.GRU(3, 4, batch_first=True)
    order = torch.cat([torch.arange(4, 8), torch.arange(0, 4), torch.arange(8, 12)])  # r, z, n
    with torch.no_grad():
        module.bias.normal_()
        peer.weight_ih_l0.copy_(module.kernel.t()[order])
        peer.weight_hh_l0.copy_(module.recurrent_kernel.t()[order])
        peer.bias_ih_l0.copy_(module.bias[0][order])
        peer.bias_hh_l0.copy_(module.bias[1][order])
    x, y = inputs().requires_grad_(), inputs().requires_grad_()
    ours, theirs = module(x), peer(y)[0]
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)
    ours.square().sum().backward()
    theirs.square().sum().backward()
    torch.testing.assert_close(x.grad, y.grad, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(
        module.kernel.grad, peer.weight_ih_l0.grad[order].t(), atol=1e-5, rtol=1e-5
    )


def test_refuses():
    with pytest.raises(ValueError, match=r"weft.torch.GRU .* on meta: there use torch.nn.GRU"):
        wt.GRU(3, 2)(inputs().to("meta"))
    with pytest.raises(ValueError, match=r"its parameters are on meta: there use torch.nn.LSTM"):
        wt.LSTM(3, 2).to("meta")(inputs())
    with pytest.raises(ValueError, match=r"there use torch.nn.GRUCell"):
        wt.GRUCell(3, 2)(inputs()[0].to("meta"))
    with pytest.raises(TypeError):
        wt.GRU(3, 2)(inputs(torch.float64))
    with pytest.raises(ValueError, match="size"):
        wt.GRU(3, 2)(inputs(width=4))
    with pytest.raises(ValueError, match="stateful"):
        wt.GRU(3, 2, stateful=True)
    with pytest.raises(TypeError, match="no argument `nonsense`"):
        wt.GRU(3, 2, nonsense=1)
    with pytest.raises(ValueError, match="cells of weft.torch"):
        wt.RNN(torch.nn.GRUCell(3, 2))
    with pytest.raises(ValueError, match="SimpleRNN, GRU or LSTM"):
        wt.Bidirectional(torch.nn.GRU(3, 2))
    with pytest.raises(ValueError, match="merge_mode"):
        wt.Bidirectional(wt.GRU(3, 2), "max")
    around = weft.layers.Bidirectional(weft.layers.RNN(weft.layers.GRUCell(2)))
    with pytest.raises(ValueError, match="that is built"):
        wt.Bidirectional.from_weft(around)
    around.build((None, None, 3))
    with pytest.raises(ValueError, match="goes around an RNN"):
        wt.Bidirectional.from_weft(around)


def test_compiles_around():
    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.head = wt.GRU(3, 4), torch.nn.Linear(4, 1)

        def forward(self, x, mask):
            return self.head(torch.tanh(self.rnn(x * 2, mask=mask)))

    model = Model()
    compiled = torch.compile(model, backend="eager")
    x = inputs().requires_grad_()
    found = compiled(x, MASK)
    assert torch.equal(found, model(x, MASK))
    found.sum().backward()
    assert model.rnn.kernel.grad is not None
