#include "example/assemble.h"

#include <utility>

#include "weft/error.h"

namespace weft {
namespace {

SparseTensor sparse_vector(Tensor values) {
  const int64_t n = values.size();
  Tensor indices(DType::kInt64, {n, 1});
  int64_t i = 0;
  for (int64_t& index : indices.mutable_values<int64_t>()) index = i++;
  return SparseTensor::trusted(std::move(indices), std::move(values), {n});
}

// What a slot alone makes.
Feature feature_of(SlotColumn column, Slot::Kind kind, bool single) {
  if (kind == Slot::Kind::kFixed || kind == Slot::Kind::kPadded) return std::move(column.values);
  if (single && kind == Slot::Kind::kRagged) return std::move(column.values);
  if (single) return sparse_vector(std::move(column.values));
  std::vector<Tensor> splits;
  splits.push_back(std::move(column.row_splits));
  Ragged rows = Ragged::trusted(std::move(column.values), std::move(splits));
  if (kind == Slot::Kind::kRagged) return rows;
  return SparseTensor::from_ragged(std::move(rows));
}

}  // namespace

Features assemble(const Plan& plan, std::vector<SlotColumn> columns, const Limits& limits,
                  bool single) {
  Features features;
  for (const Output& output : plan.outputs()) {
    const Slot& slot = plan.slots()[output.values];
    SlotColumn& column = columns[output.values];
    if (output.others.empty()) {
      features.emplace_hint(
          features.end(), output.name,
          feature_of(slot.uses == 1 ? std::move(column) : column, slot.kind, single));
    } else if (slot.kind == Slot::Kind::kSparse) {
      features.emplace_hint(features.end(), output.name,
                            assemble_sparse(plan, output, columns, single));
    } else {
      features.emplace_hint(features.end(), output.name,
                            assemble_ragged(plan, output, columns, limits, single));
    }
  }
  return features;
}

}  // namespace weft
