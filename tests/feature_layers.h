// Columns, features and layers with recognisable weights, for the tests of feature layers.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "expect_error.h"
#include "reference.h"
#include "weft/sequence.h"

namespace weft::testing {

using Floats = std::vector<float>;
using Ints = std::vector<int64_t>;

inline Tensor int64s(const Ints& values) {
  return Tensor::of<int64_t>({static_cast<int64_t>(values.size())},
                             std::span<const int64_t>(values));
}

inline SparseTensor sparse(const Ints& indices, const Tensor& values, Shape dense_shape) {
  const auto rank = static_cast<int64_t>(dense_shape.size());
  return SparseTensor(int64s(indices).reshaped({values.size(), rank}), values,
                      std::move(dense_shape));
}

inline Column sequence_ids(const char* key, int64_t buckets = 5) {
  return sequence_categorical_column_with_identity(key, buckets);
}
inline Column bag_ids(const char* key, int64_t buckets = 5) {
  return categorical_column_with_identity(key, buckets);
}

// Row i of the table is (i + 1, (i + 1) / 2, ...): easy to recognise.
template <class Layer>
Layer with_known_tables(Layer layer) {
  for (Parameter& parameter : layer.parameters()) {
    float* at = parameter.value.template mutable_values<float>().data();
    for (int64_t row = 1; row <= parameter.value.dim(0); ++row) {
      for (int64_t i = 1; i <= parameter.value.dim(1); ++i) {
        *at++ = static_cast<float>(row) / static_cast<float>(i);
      }
    }
  }
  return layer;
}

inline SequenceFeatures sequence_layer(std::vector<Column> columns,
                                       SequenceFeaturesOptions options = {}) {
  return with_known_tables(SequenceFeatures(std::move(columns), std::move(options)));
}

inline DenseFeatures dense_layer(std::vector<Column> columns, FeatureLayer::Options options = {}) {
  return with_known_tables(DenseFeatures(std::move(columns), std::move(options)));
}

inline Normalizer doubling() {
  return normalizers::Custom{[](const Tensor& values) {
                               Tensor twice(DType::kFloat32, values.shape());
                               const auto from = values.values<float>();
                               for (size_t i = 0; i < from.size(); ++i)
                                 twice.mutable_values<float>()[i] = 2 * from[i];
                               return twice;
                             },
                             std::make_shared<int>(), "doubling"};
}

}  // namespace weft::testing
