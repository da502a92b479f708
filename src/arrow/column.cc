#include "arrow/column.h"

#include "arrow/lists.h"
#include "arrow/values.h"

namespace weft::arrow {
namespace {

// All dimensions below the rows as levels with splits.
Tensor splits_of(const Level& level) {
  return level.fixed < 0 ? level.splits : even_splits(level.lists, level.fixed);
}

// The index of each slot that has a value: [N, levels + 1].
Tensor present_indices(const Values& read, const std::vector<Level>& levels) {
  const size_t rank = levels.size() + 1;
  std::vector<std::span<const int64_t>> splits;
  for (const Level& level : levels) {
    splits.push_back(level.fixed < 0 ? level.splits.values<int64_t>() : std::span<const int64_t>());
  }
  Tensor indices(DType::kInt64, {read.values.size(), static_cast<int64_t>(rank)});
  int64_t* to = indices.mutable_values<int64_t>().data();
  std::vector<size_t> holder(levels.size(), 0);
  for (size_t slot = 0; slot < read.present.size(); ++slot) {
    if (read.present[slot] == 0) continue;
    auto element = static_cast<int64_t>(slot);
    for (size_t level = levels.size(); level-- > 0;) {
      if (const int64_t fixed = levels[level].fixed; fixed >= 0) {
        to[level + 1] = element % fixed;
        element /= fixed;
        continue;
      }
      size_t& list = holder[level];
      while (splits[level][list + 1] <= element) ++list;
      to[level + 1] = element - splits[level][list];
      element = static_cast<int64_t>(list);
    }
    to[0] = element;
    to += rank;
  }
  return indices;
}

SparseTensor sparse_of(Values read, const std::vector<Level>& levels) {
  Shape shape{levels.empty() ? read.slots : levels[0].lists};
  for (const Level& level : levels) shape.push_back(level.length_of_longest());
  Tensor indices = present_indices(read, levels);
  return SparseTensor::trusted(std::move(indices), std::move(read.values), std::move(shape));
}

// Fixed-size lists that stand below all others are dimensions of the values.
Feature dense_of(const Values& read, const std::vector<Level>& levels) {
  size_t ragged = levels.size();
  while (ragged > 0 && levels[ragged - 1].fixed >= 0) --ragged;
  Shape shape{ragged < levels.size() ? levels[ragged].lists : read.slots};
  for (size_t level = ragged; level < levels.size(); ++level) shape.push_back(levels[level].fixed);
  Tensor values = read.values.reshaped(std::move(shape));
  if (ragged == 0) return values;
  std::vector<Tensor> splits;
  for (size_t level = 0; level < ragged; ++level) splits.push_back(splits_of(levels[level]));
  return Ragged::trusted(std::move(values), std::move(splits));
}

void check_arrays(const Runs& runs, const Type& type, const Column& column) {
  const ArrowArray* last = nullptr;
  for (const Run& run : runs) {
    if (run.array != last) check_array(*run.array, type, column);
    last = run.array;
  }
}

}  // namespace

std::shared_ptr<const ArrowArray> own(ArrowArray& array, std::string_view name) {
  if (array.release == nullptr) {
    throw InvalidArgument("the Arrow array has been released already", {.key = std::string(name)});
  }
  auto* moved = new ArrowArray(array);
  array.release = nullptr;
  return {moved, [](ArrowArray* held) {
            if (held->release != nullptr) held->release(held);
            delete held;
          }};
}

Feature read_column(const ArrowSchema& schema, const std::vector<Chunk>& chunks,
                    std::string_view name, const Limits& limits) {
  Column column{std::string(name), limits};
  Runs runs;
  for (const Chunk& chunk : chunks) {
    if (chunk.count != 0)
      runs.push_back({column.chunks.size(), chunk.array.get(), chunk.first, chunk.count});
    column.chunks.push_back(chunk.array);
  }
  const ArrowSchema* at = &schema;
  Type type = type_of(*at, column.name);
  while (is_list(type.layout)) {
    if (column.levels.size() == Ragged::kMaxLevels) {
      throw LimitExceeded("Arrow lists nested deeper than " + std::to_string(Ragged::kMaxLevels),
                          {.key = column.name});
    }
    check_arrays(runs, type, column);
    runs = open_lists(runs, type, column);
    at = &child_of(*at, column.name);
    type = type_of(*at, column.name);
  }
  check_arrays(runs, type, column);
  Values read = read_values(*at, runs, column);
  if (read.complete()) return dense_of(read, column.levels);
  return sparse_of(std::move(read), column.levels);
}

}  // namespace weft::arrow
