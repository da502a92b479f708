"""sequence_mask and concatenate_context_input against TensorFlow's (oracle/make_columns.py)."""

import golden
import pytest
import weft

CASES = golden.cases("sequence_ops.json")
MASKS = [c for c in CASES if c["name"].startswith("sequence_mask")]
CONTEXTS = [c for c in CASES if c["name"].startswith("concatenate")]
ERRORS = (ValueError, TypeError)
# Lengths or a maxlen that are no integers: TensorFlow compares floats, weft refuses them.
REFUSED = {"sequence_mask/floats/None/bool", "sequence_mask/vector/2.5/bool"}


@pytest.mark.parametrize("case", MASKS, ids=lambda c: c["name"])
def test_sequence_mask(case):
    lengths, dtype = golden.array(case["lengths"]), weft.as_dtype(case["dtype"])
    if "error" in case or case["name"] in REFUSED:
        with pytest.raises(ERRORS):
            weft.sequence_mask(lengths, maxlen=case["maxlen"], dtype=dtype)
        return
    got = weft.sequence_mask(lengths, maxlen=case["maxlen"], dtype=dtype)
    golden.assert_same(got, golden.array(case["result"]))


@pytest.mark.parametrize("case", CONTEXTS, ids=lambda c: c["name"])
def test_concatenate_context_input(case):
    context, sequence = golden.array(case["context"]), golden.array(case["sequence"])
    call = weft.feature_column.concatenate_context_input
    if "error" in case:
        raised = TypeError if case["error"]["type"] == "TypeError" else ERRORS
        with pytest.raises(raised):
            call(context, sequence)
        return
    golden.assert_same(call(context, sequence), golden.array(case["result"]))
