"""weft.initializers: Keras's classes over a counter-based generator."""

import pickle

import numpy as np
import pytest
import weft
from weft import initializers

NAMES = [n for n in initializers.__all__ if n[0].isupper() and n != "Initializer"]


@pytest.mark.parametrize("name", NAMES)
def test_is_a_value_with_a_config(name):
    made = getattr(initializers, name)()
    assert made == type(made).from_config(made.get_config())
    assert hash(made) == hash(type(made)())
    assert initializers.deserialize(initializers.serialize(made)) == made
    assert pickle.loads(pickle.dumps(made)) == made
    values = made((4, 4))
    assert values.shape == (4, 4)
    assert values.dtype == np.float32
    assert (values == made((4, 4))).all()
    assert made((4, 4), weft.float64).dtype == np.float64


def test_fields_are_attributes_and_fixed():
    made = initializers.TruncatedNormal(stddev=0.5, seed=3)
    assert made.get_config() == {"mean": 0.0, "stddev": 0.5, "seed": 3}
    assert (made.mean, made.stddev, made.seed) == (0.0, 0.5, 3)
    assert repr(made) == "TruncatedNormal(mean=0.0, stddev=0.5, seed=3)"
    assert made != initializers.TruncatedNormal(stddev=0.5)
    assert made != initializers.RandomNormal(stddev=0.5, seed=3)
    with pytest.raises(AttributeError):
        made.stddev = 1
    with pytest.raises(AttributeError):
        _ = made.gain


@pytest.mark.parametrize(
    "identifier",
    [
        "he_normal",
        "HeNormal",
        initializers.HeNormal,
        initializers.HeNormal(),
        {"class_name": "HeNormal", "config": {"seed": None}},
        {"module": "keras.initializers", "class_name": "he_normal", "config": {}},
    ],
)
def test_get(identifier):
    assert initializers.get(identifier) == initializers.HeNormal()


def test_refuses_what_cannot_work():
    with pytest.raises(ValueError, match="unknown initializer 'glorot'"):
        initializers.get("glorot")
    with pytest.raises(TypeError, match="got 3"):
        initializers.get(3)
    with pytest.raises(ValueError, match="scale must be greater than 0"):
        initializers.VarianceScaling(scale=-1)
    with pytest.raises(TypeError, match="does not take this type for 'value'"):
        initializers.Constant("x")
    with pytest.raises(TypeError, match="'value' of an initializer must be a number"):
        initializers.Constant([1, 2])
    with pytest.raises(ValueError, match="rank 2"):
        initializers.Orthogonal()((3,))
    with pytest.raises(TypeError, match="must be float32 or float64, got int64"):
        initializers.Ones()((3,), "int64")


def test_a_callable_serves():
    seen = []

    def count(shape, dtype):
        seen.append((shape, dtype))
        return np.arange(np.prod(shape), dtype=dtype).reshape(shape)

    cell = weft.layers.SimpleRNNCell(2, kernel_initializer=count, bias_initializer=np.ones)
    cell.build((None, 3))
    assert seen == [((3, 2), np.dtype("float32"))]
    assert cell.weights["kernel"].tolist() == [[0, 1], [2, 3], [4, 5]]
    assert cell.weights["bias"].tolist() == [1, 1]
    again = weft.layers.SimpleRNNCell(2, kernel_initializer=lambda shape, dtype: np.zeros(3, dtype))
    with pytest.raises(ValueError, match=r"kernel.*returned shape \[3\], expected \[3, 2\]"):
        again.build((None, 3))
    with pytest.raises(ZeroDivisionError):
        weft.layers.SimpleRNNCell(2, kernel_initializer=lambda s, d: 1 / 0).build((None, 3))
    wrong = weft.layers.SimpleRNNCell(2, kernel_initializer=lambda s, d: np.zeros(s, np.int32))
    with pytest.raises(TypeError, match="returned int32, expected float32"):
        wrong.build((None, 3))
    assert not wrong.built


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("uniform", "RandomUniform"),
        ("normal", "RandomNormal"),
        ("zero", "Zeros"),
        ("one", "Ones"),
        ("ZerosV2", "Zeros"),
        ("HeUniformV2", "HeUniform"),
        ("glorot_uniformV2", "GlorotUniform"),
    ],
)
def test_keras_other_names(name, made):
    assert initializers.get(name) == getattr(initializers, made)()
    assert initializers.deserialize({"class_name": name, "config": {}}) == initializers.get(made)


def test_function_names_are_the_classes():
    assert initializers.glorot_uniform is initializers.GlorotUniform
    assert weft.keras.initializers.he_normal is initializers.HeNormal
    assert initializers.zeros()((2,)).tolist() == [0, 0]
    functions = [n for n in initializers.__all__ if n[0].islower()]
    assert len(functions) == len(NAMES) + 3  # deserialize, get, serialize
    for name in NAMES:
        assert initializers.get(name) == getattr(initializers, name)()


def test_deserialize():
    assert initializers.deserialize("zeros") == initializers.Zeros()
    assert initializers.deserialize({"class_name": "Ones"}) == initializers.Ones()
    own = initializers.deserialize({"class_name": "Own", "config": {}}, {"Own": np.ones})
    assert own is np.ones
    with pytest.raises(ValueError, match="unknown initializer 'nonsense'; known are zeros, ones"):
        initializers.deserialize("nonsense")
    with pytest.raises(ValueError, match="Zeros does not take {'value': 1}"):
        initializers.deserialize({"class_name": "Zeros", "config": {"value": 1}})
    for config in (3, None, {}, {"class_name": 3}, {"class_name": "Zeros", "config": [1]}):
        with pytest.raises(TypeError, match="class_name and config"):
            initializers.deserialize(config)


class G2(initializers.GlorotUniform):
    def __init__(self, label="a", seed=None):
        self.label = label
        super().__init__(seed)


class Tens(initializers.Constant):
    def __call__(self, shape, dtype=None):
        return super().__call__(shape, dtype) * 10


def test_subclasses_of_the_classes():
    """One that keeps the base's behaviour is a value; one that does not is a callable."""
    made = G2(seed=4)
    assert made == G2(seed=4)
    assert made != initializers.GlorotUniform(seed=4)
    kernels = []
    for initializer in (made, initializers.GlorotUniform(seed=4)):
        cell = weft.layers.GRUCell(2, kernel_initializer=initializer, name="a", input_dim=3)
        kernels.append(cell.weights["kernel"])
    np.testing.assert_array_equal(*kernels)
    np.testing.assert_array_equal(made((2, 3)), initializers.GlorotUniform(seed=4)((2, 3)))
    again = pickle.loads(pickle.dumps(G2("b", seed=4)))
    assert (type(again), again.label, again.seed) == (G2, "b", 4)
    tens = Tens(2)
    assert tens != Tens(2)
    cell = weft.layers.SimpleRNNCell(2, bias_initializer=tens)
    cell.build((3,))
    assert cell.weights["bias"].tolist() == [20, 20]
    assert pickle.loads(pickle.dumps(tens)).value == 2


def test_a_subclass_serves():
    class Sevens(initializers.Initializer):
        def __call__(self, shape, dtype=None):
            return np.full(shape, 7, dtype)

    cell = weft.layers.SimpleRNNCell(2, bias_initializer=Sevens())
    cell.build((None, 3))
    assert cell.weights["bias"].tolist() == [7, 7]
