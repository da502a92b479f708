#include "example/assemble.h"

#include <utility>

#include "weft/error.h"

namespace weft {
namespace {

Tensor without_batch(const Tensor& tensor) {
  return tensor.reshaped(Shape(tensor.shape().begin() + 1, tensor.shape().end()));
}

SparseTensor sparse_vector(const Tensor& values) {
  Tensor indices(DType::kInt64, {values.size(), 1});
  int64_t i = 0;
  for (int64_t& index : indices.mutable_values<int64_t>()) index = i++;
  return SparseTensor::trusted(std::move(indices), values, {values.size()});
}

Feature dense(const SlotColumn& column, bool single) {
  return single ? without_batch(column.values) : column.values;
}

Feature rows_of(const SlotColumn& column, bool sparse, bool single) {
  if (single) return sparse ? Feature(sparse_vector(column.values)) : Feature(column.values);
  Ragged rows = Ragged::trusted(column.values, {column.row_splits});
  return sparse ? Feature(SparseTensor::from_ragged(std::move(rows))) : Feature(std::move(rows));
}

}  // namespace

Features assemble(const Plan& plan, const std::vector<SlotColumn>& columns, const Limits& limits,
                  bool single) {
  Features features;
  for (const Output& output : plan.outputs()) {
    const SlotColumn& column = columns[output.values];
    Feature feature;
    switch (plan.slots()[output.values].kind) {
      case Slot::Kind::kFixed:
      case Slot::Kind::kPadded: feature = dense(column, single); break;
      case Slot::Kind::kSparse:
        feature = output.others.empty() ? rows_of(column, true, single)
                                        : assemble_sparse(plan, output, columns, single);
        break;
      case Slot::Kind::kRagged:
        feature = output.others.empty() ? rows_of(column, false, single)
                                        : assemble_ragged(plan, output, columns, limits, single);
    }
    features.emplace_hint(features.end(), output.name, std::move(feature));
  }
  return features;
}

}  // namespace weft
