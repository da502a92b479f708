"""weft.torch's feature layers: weft's results, dense and sparse gradients, tables on a device."""

from __future__ import annotations

import copy
import io
import threading

import numpy as np
import pytest
import weft
from weft import feature_column as fc

torch = pytest.importorskip("torch")
wt = pytest.importorskip("weft.torch")


def ids_of(rng, lengths, buckets):
    return weft.Ragged.from_row_lengths(rng.integers(0, buckets, sum(lengths)), lengths)


def weights_of(rng, ids):
    values = rng.normal(size=len(ids.flat_values)).astype(np.float32)
    return weft.Ragged.from_nested_row_splits(values, ids.nested_row_splits)


def batch(seed=0, rows=6):
    """Histories with empty rows, several ids a step, words outside the vocabulary."""
    rng = np.random.default_rng(seed)
    lengths = [0, *rng.integers(0, 6, rows - 2).tolist(), 5]
    items = ids_of(rng, lengths, 20)
    inner = rng.integers(0, 4, sum(lengths)).tolist()
    several = weft.Ragged.from_row_lengths(ids_of(rng, inner, 9), lengths)
    words = [[str(rng.choice(["a", "b", "zz"])) for _ in range(n)] for n in lengths]
    tags = ids_of(rng, rng.integers(0, 4, rows).tolist(), 7)
    return {
        "item": items,
        "other": ids_of(rng, lengths, 20),
        "several": several,
        "several_w": weights_of(rng, several),
        "word": weft.Ragged.from_lists(words, weft.string),
        "price": weights_of(rng, items),
        "tag": tags,
        "tag_w": weights_of(rng, tags),
        "tag2": ids_of(rng, [2] * rows, 20),
        "age": rng.normal(size=(rows, 2)).astype(np.float32),
    }


def sequence_columns(combiner="mean", max_norm=None):
    several = fc.sequence_categorical_column_with_identity("several", 9)
    weighted = fc.sequence_weighted_categorical_column(several, "several_w")
    item = fc.sequence_categorical_column_with_identity("item", 20)
    word = fc.sequence_categorical_column_with_vocabulary_list("word", ["a", "b"])
    return [
        fc.embedding_column(item, 4, combiner, max_norm=max_norm),
        fc.embedding_column(several, 3, combiner, max_norm=max_norm),
        fc.embedding_column(weighted, 2, combiner, max_norm=max_norm),
        fc.embedding_column(word, 2, combiner),
        fc.indicator_column(several),
        fc.indicator_column(word),
        fc.sequence_numeric_column("price", default_value=0.5),
    ]


def dense_columns(combiner="mean", max_norm=None):
    tag = fc.categorical_column_with_identity("tag", 7)
    weighted = fc.weighted_categorical_column(tag, "tag_w")
    return [
        fc.embedding_column(tag, 4, combiner, max_norm=max_norm),
        fc.embedding_column(weighted, 3, combiner, max_norm=max_norm),
        fc.indicator_column(tag),
        fc.numeric_column("age", (2,)),
        fc.bucketized_column(fc.numeric_column("age", (2,)), [-0.5, 0.5]),
    ]


OPTIONS = [
    {},
    {"max_length": 3, "pad": "left"},
    {"max_length": 2, "keep": "first", "pad_to": ("multiple", 4)},
    {"pad_to": 9},
]


@pytest.mark.parametrize("options", OPTIONS)
def test_sequences_are_wefts(options):
    module = wt.SequenceFeatures(sequence_columns(), name="s", **options)
    layer = weft.layers.SequenceFeatures(sequence_columns(), name="s", **options)
    assert module.width == layer._layer.width
    for seed in range(3):
        found, wanted = module(batch(seed)), layer(batch(seed))
        data, lengths = found
        assert np.array_equal(data.detach().numpy(), wanted.data)
        assert np.array_equal(lengths.numpy(), wanted.lengths)
        assert np.array_equal(found.mask.numpy(), wanted.mask)
        assert np.array_equal(data.detach().numpy(), module.to_weft()(batch(seed)).data)


def test_rows_are_wefts():
    module = wt.DenseFeatures(dense_columns(), name="d")
    layer = weft.layers.DenseFeatures(dense_columns(), name="d")
    assert np.array_equal(module(batch()).detach().numpy(), layer(batch()))


def test_names():
    item = fc.sequence_categorical_column_with_identity("shop.it%em", 5)
    shared = fc.shared_embeddings(
        [fc.sequence_categorical_column_with_identity(key, 5) for key in "ab"],
        2,
        shared_embedding_collection_name="keys",
    )
    module = wt.SequenceFeatures([fc.embedding_column(item, 2), *shared])
    names = ["tables.%6Beys.weight", "tables.shop%2Eit%25em_embedding.weight"]
    assert sorted(module.state_dict()) == names
    assert sorted(dict(module.named_parameters())) == names


def both_ways(module, features, device):
    """The data of one way, and the gradients of its tables."""
    data, _ = module._looked_up(features, force_device=device)
    weight = torch.arange(data.numel(), dtype=data.dtype).reshape(data.shape).sin()
    tables = list(module.parameters())
    grads = torch.autograd.grad((data * weight).sum(), tables)
    return data, [g.to_dense() for g in grads]


@pytest.mark.parametrize("combiner", ["mean", "sum", "sqrtn"])
@pytest.mark.parametrize("max_norm", [None, 0.4])
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_device_gives_the_same(combiner, max_norm, sparse, dtype):
    for options in OPTIONS:
        columns = sequence_columns(combiner, max_norm)
        module = wt.SequenceFeatures(columns, sparse=sparse, dtype=dtype, **options)
        for seed in range(2):
            cpu, device = (both_ways(module, batch(seed), way) for way in (False, True))
            torch.testing.assert_close(device[0], cpu[0], atol=1e-6, rtol=1e-6)
            for found, wanted in zip(device[1], cpu[1], strict=True):
                torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)
    module = wt.DenseFeatures(dense_columns(combiner, max_norm), sparse=sparse, dtype=dtype)
    cpu, device = (both_ways(module, batch(), way) for way in (False, True))
    torch.testing.assert_close(device[0], cpu[0], atol=1e-6, rtol=1e-6)
    for found, wanted in zip(device[1], cpu[1], strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


def test_moving_to_a_device_goes_that_way():
    module = wt.SequenceFeatures(sequence_columns()).to("meta")
    data, lengths = module(batch())  # torch's operations take part, without numbers
    assert data.device.type == lengths.device.type == "meta"
    assert data.shape == (6, 5, module.width)
    with torch.device("meta"):  # where torch's own modules begin
        other = wt.SequenceFeatures(sequence_columns())
        assert other(batch()).data.device.type == "cpu"
        assert other.to("meta")(batch()).data.device.type == "meta"
    rest = wt.SequenceFeatures([fc.sequence_numeric_column("price")]).to("meta")
    assert rest(batch()).data.device.type == "meta"


@pytest.mark.parametrize("device", [False, True])
def test_batches_of_nothing(device):
    module = wt.SequenceFeatures(sequence_columns("sqrtn", 1.0))
    empty = {k: v[:0] for k, v in batch().items()}
    data, _ = module._looked_up(empty, force_device=device)
    assert data.shape == (0, 0, module.width)
    data.sum().backward()
    none = {k: weft.Ragged.from_lists([[]] * 6, batch()[k].dtype) for k in module._layer._keys}
    data, _ = module._looked_up(none, force_device=device)
    assert data.shape == (6, 0, module.width)


def test_sparse_gradients_are_the_dense_ones():
    features = batch()
    dense = wt.SequenceFeatures(sequence_columns(), name="s")
    sparse = wt.SequenceFeatures(sequence_columns(), name="s", sparse=True)
    wanted, found = (
        torch.autograd.grad(module(features).data.square().sum(), module.parameters())
        for module in (dense, sparse)
    )
    for one, other in zip(wanted, found, strict=True):
        assert other.is_sparse and other.is_coalesced() and not one.is_sparse
        assert torch.equal(other.to_dense(), one)
    sparse(features).data.square().sum().backward()
    touched = sparse.tables["item_embedding"].weight.grad.coalesce().indices()[0]
    assert touched.tolist() == sorted(set(features["item"].flat_values.tolist()))
    optimizer = torch.optim.SparseAdam(list(sparse.parameters()), 0.1)
    before = sparse.tables["item_embedding"].weight.detach().clone()
    optimizer.step()
    changed = (sparse.tables["item_embedding"].weight != before).any(dim=1).nonzero().flatten()
    assert changed.tolist() == touched.tolist()


@pytest.mark.parametrize("max_norm", [None, 0.4])
def test_gradients_of_tables(max_norm):
    features = batch(rows=4)
    for module in (
        wt.SequenceFeatures(sequence_columns("sqrtn", max_norm), dtype=torch.float64, pad="left"),
        wt.DenseFeatures(dense_columns("mean", max_norm), dtype=torch.float64),
    ):
        for device in (False, True):
            assert torch.autograd.gradcheck(
                lambda *_, way=device, of=module: of._looked_up(features, force_device=way)[0],
                tuple(module.parameters()),
            )


def shared_columns():
    keys = [fc.sequence_categorical_column_with_identity(key, 20) for key in ("item", "other")]
    return fc.shared_embeddings(keys, 3)


def test_shared_tables_are_one_parameter():
    columns = shared_columns()
    first, second = wt.SequenceFeatures(columns[:1]), wt.SequenceFeatures(columns[1:])
    model = torch.nn.ModuleDict({"a": first, "b": second})
    assert len(list(model.parameters())) == 1 and len(model.state_dict()) == 2

    def gradient(model):
        model.zero_grad()
        (model["a"](batch()).data.sum() + model["b"](batch()).data.square().sum()).backward()
        return next(model.parameters()).grad.clone()

    whole = gradient(model)
    both = wt.SequenceFeatures(columns)
    assert next(both.parameters()) is next(model.parameters())
    data = both(batch()).data
    (once,) = torch.autograd.grad(
        data[..., :3].sum() + data[..., 3:].square().sum(), both.parameters()
    )
    torch.testing.assert_close(whole, once)
    twin = copy.deepcopy(model)
    assert len(list(twin.parameters())) == 1
    assert next(twin.parameters()) is not next(model.parameters())
    served = first.to_weft()
    served.set_weights([np.zeros_like(w) for w in served.get_weights()])
    assert next(model.parameters()).abs().sum() > 0
    torch.testing.assert_close(gradient(twin), whole)
    with pytest.raises(ValueError, match="agree on `sparse`"):
        wt.SequenceFeatures(columns, sparse=True)


def test_columns_that_are_not_trained():
    item = fc.sequence_categorical_column_with_identity("item", 20)
    module = wt.SequenceFeatures([fc.embedding_column(item, 2, trainable=False)])
    assert not module(batch()).data.requires_grad


def test_copies_files_and_dtypes():
    module = wt.SequenceFeatures(sequence_columns())
    wanted = module(batch()).data
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    twin = copy.deepcopy(module)
    for other in (torch.load(file, weights_only=False), twin):
        assert torch.equal(other(batch()).data, wanted)
    wide = twin.double()(batch()).data
    assert wide.dtype == torch.float64
    torch.testing.assert_close(wide.float(), wanted, atol=1e-6, rtol=1e-6)
    with torch.no_grad():
        for table in twin.tables.values():
            table.weight.mul_(2)
    doubled = twin.float()(batch()).data
    assert torch.equal(doubled[..., :4], 2 * wanted[..., :4])
    assert torch.equal(module(batch()).data, wanted)
    layer = weft.layers.SequenceFeatures(sequence_columns(), seed=5)
    other = wt.SequenceFeatures.from_weft(layer)
    assert np.array_equal(other(batch()).data.detach().numpy(), layer(batch()).data)
    other.load_state_dict(module.state_dict())
    assert torch.equal(other(batch()).data, wanted)
    assert not np.array_equal(layer(batch()).data, wanted.detach().numpy())


def test_tensors_as_features():
    item = fc.sequence_categorical_column_with_identity("item", 20)
    module = wt.SequenceFeatures([fc.embedding_column(item, 2)])
    rows, lengths = torch.tensor([[3, 4, 0], [5, 0, 0]]), torch.tensor([2, 1])
    ragged = module({"item": weft.Ragged.from_lists([[3, 4], [5]])})
    jagged = torch.nested.nested_tensor([rows[0, :2], rows[1, :1]], layout=torch.jagged)
    for given in ((rows, lengths), jagged):
        pair = module({"item": given})
        assert torch.equal(pair.lengths, ragged.lengths)
        assert torch.equal(pair.data[:, :2], ragged.data)


def numbers(*normalizers, **options):
    column = fc.sequence_numeric_column("x", normalizer_fn=list(normalizers) or None)
    return wt.SequenceFeatures([column], dtype=torch.float64, **options)


def test_gradients_of_numbers():
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(3, 4, generator=generator, dtype=torch.float64).add_(0.5).requires_grad_()
    lengths = torch.tensor([4, 0, 2])
    steps = weft.normalizers.Log1p(), weft.normalizers.ZScore(0.5, 2.0)
    for options in ({}, {"pad": "left"}, {"max_length": 2}, {"pad_to": 6}):
        module = numbers(*steps, **options)
        assert torch.autograd.gradcheck(lambda x, of=module: of({"x": (x, lengths)}).data, (x,))
    rows = wt.DenseFeatures([fc.numeric_column("x", (4,), normalizer_fn=steps[0])])
    assert torch.autograd.gradcheck(lambda x: rows.double()({"x": x}), (x,))
    jagged = torch.nested.nested_tensor_from_jagged(x[0], torch.tensor([0, 1, 1, 4]))
    wanted = torch.autograd.grad(numbers()({"x": jagged}).data.square().sum(), x)[0]
    assert torch.equal(wanted[0], 2 * x[0]) and wanted[1:].abs().sum() == 0
    single = torch.ones(2, 3, requires_grad=True)
    numbers()({"x": (single, [3, 1])}).data.sum().backward()
    assert single.grad.dtype == torch.float32


def test_numbers_without_gradients():
    x = torch.ones(2, 3, requires_grad=True)
    module = wt.SequenceFeatures([fc.sequence_numeric_column("x", normalizer_fn=np.log1p)])
    features = {"x": (x, [3, 1])}
    data = module(features).data
    with pytest.raises(ValueError, match="'x' requires a gradient and has none"):
        data.sum().backward()
    with torch.no_grad():
        assert not module(features).data.requires_grad
    with pytest.raises(ValueError, match=r"on the CPU alone, but \['x'\]"):
        module.to("meta")(features)


def test_a_layer_behind():
    module = torch.nn.ModuleList([wt.SequenceFeatures(sequence_columns()), wt.GRU(23, 5)])
    assert module[0].width == 23
    pair = module[0](batch())
    module[1](pair.data, mask=pair.mask).sum().backward()
    layers = module[0].to_weft(), module[1].to_weft()
    pair = layers[0](batch())
    wanted = layers[1](pair.data, mask=pair.mask)
    found = module[1](module[0](batch()).data, mask=torch.from_numpy(pair.mask))
    assert np.array_equal(found.detach().numpy(), wanted)
    assert all(p.grad is not None for p in module.parameters())


def test_memory_that_moves_while_threads_call_gives_one_table_or_the_other():
    item = fc.sequence_categorical_column_with_identity("item", 20)
    module = wt.SequenceFeatures(fc.embedding_column(item, 4))
    (table,) = module.tables.values()
    places = [table.weight.data, table.weight.data + 1]
    inputs = batch()

    def called():
        with torch.no_grad():
            return module(inputs)[0].numpy().tobytes()

    expected = set()
    for place in places:
        table.weight.data = place
        expected.add(called())
    found = set()
    threads = [
        threading.Thread(target=lambda: found.update(called() for _ in range(200)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        for place in places:
            table.weight.data = place
    assert found <= expected and found
