"""shared_embeddings: one table for columns of several layers."""

import json
import pickle

import numpy as np
import pytest
from weft import feature_column as fc
from weft.layers import DenseFeatures, SequenceFeatures


def shared_layers():
    watched = fc.sequence_categorical_column_with_identity("watched", 20)
    liked = fc.sequence_categorical_column_with_identity("liked", 20)
    target = fc.categorical_column_with_identity("target", 20)
    columns = fc.shared_embeddings([watched, liked, target], 4)
    return SequenceFeatures(columns[:2]), DenseFeatures(columns[2:])


def test_sequence_and_dense_columns_share_one_table():
    sequence, dense = shared_layers()
    name = "liked_target_watched_shared_embedding"
    assert list(sequence.weights) == list(dense.weights) == [name]
    assert np.shares_memory(sequence.weights[name], dense.weights[name])
    features = {"watched": [[3]], "liked": [[4]], "target": [[3]]}
    data, _ = sequence(features)
    np.testing.assert_array_equal(data[0, 0, 4:], dense(features)[0])
    dense.set_weights([np.arange(80, dtype=np.float32).reshape(20, 4)])
    assert sequence(features).data[0, 0].tolist() == [16, 17, 18, 19, 12, 13, 14, 15]


def test_layers_of_other_calls_do_not_share():
    (one, _), (two, _) = shared_layers(), shared_layers()
    assert not np.shares_memory(one.get_weights()[0], two.get_weights()[0])
    name = next(iter(one.weights))
    assert not np.shares_memory(one.weights[name], two.weights[name])


def test_shared_tables_stay_shared_through_pickle():
    sequence, dense = pickle.loads(pickle.dumps(shared_layers()))
    name = next(iter(dense.weights))
    assert np.shares_memory(sequence.weights[name], dense.weights[name])


def test_a_layer_from_a_config_shares_inside():
    sequence, _ = shared_layers()
    again = SequenceFeatures.from_config(json.loads(json.dumps(sequence.get_config())))
    assert len(again.weights) == 1
    one, two = again._feature_columns
    assert one.shared_embedding_column_creator is two.shared_embedding_column_creator
    alone = type(one).from_config(one.get_config())
    assert alone == one
    assert alone.shared_embedding_column_creator is not one.shared_embedding_column_creator


def test_shared_embeddings_that_cannot_be():
    a = fc.categorical_column_with_identity("a", 3)
    with pytest.raises(ValueError, match="same number of buckets"):
        fc.shared_embeddings([a, fc.categorical_column_with_identity("b", 4)], 2)
    with pytest.raises(ValueError, match="same type"):
        fc.shared_embeddings([a, fc.categorical_column_with_hash_bucket("b", 3)], 2)
    with pytest.raises(ValueError, match="no columns"):
        fc.shared_embeddings([], 2)
    with pytest.raises(ValueError, match="subclasses of CategoricalColumn"):
        fc.shared_embeddings([a, "b"], 2)
    columns = fc.shared_embeddings([a, fc.weighted_categorical_column(a, "w")], 2, "sum")
    assert [c.name for c in columns] == ["a_shared_embedding", "a_weighted_by_w_shared_embedding"]
    other = fc.shared_embeddings([a], 5, shared_embedding_collection_name="t")
    same_name = fc.shared_embeddings([fc.categorical_column_with_identity("b", 3)], 2)
    clash = fc.shared_embeddings(
        [fc.categorical_column_with_identity("c", 3)], 2, shared_embedding_collection_name="t"
    )
    with pytest.raises(ValueError, match="another table 't'"):
        DenseFeatures([*other, *clash, *same_name])


def test_one_layer_cannot_hold_two_tables_of_one_name():
    a, b = (fc.categorical_column_with_identity(key, 3) for key in "ab")
    one, two = fc.shared_embeddings([a, b], 2), fc.shared_embeddings([a, b], 2)
    with pytest.raises(ValueError, match="of another shared_embeddings"):
        DenseFeatures([one[0], two[1]])
