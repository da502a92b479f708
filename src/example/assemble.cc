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
Feature feature_of(SlotColumn column, const Slot& slot, bool single) {
  if (slot.kind == Slot::Kind::kFixed || slot.kind == Slot::Kind::kPadded)
    return std::move(column.values);
  std::vector<Tensor> splits;
  if (!single) splits.push_back(std::move(column.row_splits));
  if (slot.steps) splits.push_back(std::move(column.step_splits));
  if (splits.empty() && slot.kind == Slot::Kind::kRagged) return std::move(column.values);
  if (splits.empty()) return sparse_vector(std::move(column.values));
  Ragged rows = Ragged::trusted(std::move(column.values), std::move(splits));
  if (slot.kind == Slot::Kind::kRagged) return rows;
  return SparseTensor::from_ragged(std::move(rows));
}

// What an output's slots make together.
Feature assemble_output(const Plan& plan, const Output& output, std::vector<SlotColumn>& columns,
                        const Limits& limits, bool single) {
  const Slot& slot = plan.slots()[output.values];
  SlotColumn& column = columns[output.values];
  if (output.others.empty())
    return feature_of(slot.uses == 1 ? std::move(column) : column, slot, single);
  if (slot.kind == Slot::Kind::kSparse) return assemble_sparse(plan, output, columns, single);
  return assemble_ragged(plan, output, columns, limits, single);
}

// How many steps each row has: [B], or a scalar.
Tensor lengths_of(const SlotColumn& column, bool single) {
  const auto splits = column.splits();
  const Shape shape = single ? Shape{} : Shape{static_cast<int64_t>(splits.size()) - 1};
  Tensor lengths(DType::kInt64, shape);
  size_t row = 0;
  for (int64_t& length : lengths.mutable_values<int64_t>()) {
    length = splits[row + 1] - splits[row];
    ++row;
  }
  return lengths;
}

}  // namespace

Features assemble(const Plan& plan, std::vector<SlotColumn> columns, const Limits& limits,
                  bool single) {
  Features features;
  for (const Output& output : plan.outputs()) {
    features.emplace_hint(features.end(), output.name,
                          assemble_output(plan, output, columns, limits, single));
  }
  return features;
}

ParsedSequenceExamples assemble_sequences(const Plan& plan, std::vector<SlotColumn> columns,
                                          const Limits& limits, bool single) {
  ParsedSequenceExamples parsed;
  for (const Output& output : plan.list_outputs()) {
    if (plan.slots()[output.values].kind == Slot::Kind::kPadded) {
      parsed.lengths.emplace_hint(parsed.lengths.end(), output.name,
                                  lengths_of(columns[output.values], single));
    }
    parsed.lists.emplace_hint(parsed.lists.end(), output.name,
                              assemble_output(plan, output, columns, limits, single));
  }
  parsed.context = assemble(plan, std::move(columns), limits, single);
  return parsed;
}

}  // namespace weft
