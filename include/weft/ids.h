// Feature values -> ids: what a categorical column makes of a batch, before any table is read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "weft/column.h"
#include "weft/export.h"
#include "weft/ragged.h"

namespace weft {

// What a column met in the batches it has read. Mergeable: add them up.
struct IdsCounters {
  int64_t seen = 0;               // values that were not absent
  int64_t replaced = 0;           // of those: outside the range, became default_value
  int64_t dropped = 0;            // absent values (not in `seen`)
  int64_t out_of_vocabulary = 0;  // of those seen: became id -1, which embeds to zeros
  IdsCounters& operator+=(const IdsCounters& other);
  bool operator==(const IdsCounters&) const = default;
};

// What counts as absent: values that are dropped before any id is made of them. The default is
// TensorFlow's: -1 and "" in a dense array, where every cell must hold something (for unsigned
// integers -1 is the largest value of the type), and nothing in ragged and sparse data, which leave
// out what is absent; -1 there is an id.
struct Missing {
  std::optional<int64_t> integer = -1;  // unset: no integer is absent
  std::optional<std::string> text = "";
  bool everywhere = false;  // in ragged and sparse data too
};

struct IdsOptions {
  Missing missing;
  // Every silent drop becomes an error: a value that is absent by a rule that is not `everywhere`,
  // and a value out of vocabulary.
  bool strict = false;
};

// As TensorFlow's CategoricalColumn.IdWeightPair.
struct IdWeightPair {
  // int64. A sequence column's levels are [B, steps] where the feature holds one id a step, and
  // [B, steps, ids of the step] where a step may hold several or none; any other column's are
  // [B, ids of the row]. -1 is out of vocabulary; every other id is in [0, num_buckets), unless
  // memory borrowed by the feature is changed meanwhile: whoever reads a table with them checks
  // them once more.
  Ragged ids;
  std::optional<Tensor> weights;  // float32 [N], one per id; unset: all 1
  // T of a sequence column: the second dimension of a sparse or dense feature, the longest row of a
  // ragged one. 0 for other columns.
  int64_t steps = 0;
};

// The ids of `column` (categorical). Features: Ragged (one level: one id a step; more: several ids
// a step), SparseTensor and Tensor of rank 1 (read as [B, 1]), 2, and 3 or more for sequences.
//
// A sequence row ends with its last step that holds a value; a step before that without one (a hole
// of a SparseTensor, an absent value) is a step without ids. The steps of a ragged row stay steps
// though they are empty, except that absent values (Missing) at the end of a row of a one-level
// ragged shorten it.
//
// int64 values that are in range are shared, not copied. Other integer dtypes are widened into a
// copy. `counters`, if given, are added to.
//
// Throws, naming the column, the row, the step and the value where there is one: InvalidArgument
// for a feature that is not there, a rank that does not fit or a column that is not categorical;
// WrongType for a dtype that the column does not take; OutOfRange for an id outside the column
// without a default; LimitExceeded if the steps add up to more than Limits{}.max_batch_values.
WEFT_API IdWeightPair id_weight_pair(const FeatureColumn& column, const Features& features,
                                     const IdsOptions& options = {},
                                     IdsCounters* counters = nullptr);

// Its ids alone: for tables and models that are not weft's.
WEFT_API Ragged column_ids(const FeatureColumn& column, const Features& features,
                           const IdsOptions& options = {}, IdsCounters* counters = nullptr);

// Which steps a model may see at the time of a request: those whose time, in the sequence feature
// `key`, is not after the row's one time in `reference_key`. bool, as many as there are steps.
// Times are integers or floating. Throws as a SequenceTimeDeltaColumn of the two does.
WEFT_API Ragged steps_until(const Features& features, const std::string& key,
                            const std::string& reference_key);

// The feature `key`. Throws InvalidArgument naming it if it is not there.
WEFT_API const Feature& find_feature(const Features& features, const std::string& key);

// FarmHash's Fingerprint64, TensorFlow's hash of strings.
WEFT_API uint64_t fingerprint64(std::string_view bytes);

}  // namespace weft
