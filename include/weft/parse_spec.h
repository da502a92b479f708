// How features are parsed: the parse spec, as tf.io's classes of the same names.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "weft/export.h"
#include "weft/tensor.h"

namespace weft {

// dtype is kInt64, kFloat32 or kString: the three kinds that a tf.Example holds.

// Exactly num_elements(shape) values in every record -> Tensor [B, shape...]. A record without the
// feature takes default_value (num_elements(shape) elements), or fails when there is none.
struct FixedLenFeature {
  Shape shape;
  DType dtype = DType::kFloat32;
  std::optional<Tensor> default_value;
};

// Any number of values -> SparseTensor [B, longest].
struct VarLenFeature {
  DType dtype = DType::kFloat32;
};

// A multiple of num_elements(shape) values -> Tensor [B, longest, shape...], padded with
// default_value (one element; 0 or "" when unset). Without allow_missing the feature must be there.
struct FixedLenSequenceFeature {
  Shape shape;
  DType dtype = DType::kFloat32;
  bool allow_missing = false;
  std::optional<Tensor> default_value;
};

// How the values of a RaggedFeature fall into rows: the int64 feature `key` holds it, or, for
// kUniformRowLength, `length` does.
struct RowPartition {
  enum class Kind {
    kRowSplits,
    kRowLengths,
    kRowStarts,
    kRowLimits,
    kValueRowIds,
    kUniformRowLength
  };
  Kind kind = Kind::kRowSplits;
  std::string key;
  int64_t length = 0;
  bool operator==(const RowPartition&) const = default;
};

// Any number of values -> Ragged of 1 + partitions.size() levels, outermost partition first.
// `value_key`: the feature that holds the values; the spec's own name when empty.
// `row_splits_dtype` and `validate` are kept for TensorFlow's sake: splits are int64 and always
// validated here.
struct RaggedFeature {
  DType dtype = DType::kFloat32;
  std::string value_key;
  std::vector<RowPartition> partitions;
  DType row_splits_dtype = DType::kInt32;
  bool validate = false;
};

// Values of the feature `value_key` at the positions given by the int64 features `index_key` ->
// SparseTensor [B, size...].
struct SparseFeature {
  std::vector<std::string> index_key;
  std::string value_key;
  DType dtype = DType::kFloat32;
  std::vector<int64_t> size;
  bool already_sorted = false;
};

using FeatureSpec = std::variant<FixedLenFeature, VarLenFeature, FixedLenSequenceFeature,
                                 RaggedFeature, SparseFeature>;
using ParseSpec = std::map<std::string, FeatureSpec, std::less<>>;

// Same class and same fields, default values element by element.
WEFT_API bool operator==(const FeatureSpec& a, const FeatureSpec& b);

}  // namespace weft
