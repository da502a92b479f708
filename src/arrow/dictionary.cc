// Dictionary arrays: indices of any integer type into values that each array brings along.
#include "arrow/lists.h"
#include "arrow/values.h"

namespace weft::arrow {
namespace {

int64_t load_index(const uint8_t* indices, int64_t i, DType dtype) {
  switch (dtype) {
    case DType::kInt8:
      return load<int8_t>(indices, i);
    case DType::kInt16:
      return load<int16_t>(indices, i);
    case DType::kInt32:
      return load<int32_t>(indices, i);
    case DType::kUInt8:
      return load<uint8_t>(indices, i);
    case DType::kUInt16:
      return load<uint16_t>(indices, i);
    case DType::kUInt32:
      return load<uint32_t>(indices, i);
    default:  // an unsigned one beyond int64 is negative here
      return load<int64_t>(indices, i);
  }
}

// Where the values of the slots stand that have an index, in dictionaries that are checked.
Runs entries_of(const Runs& runs, const std::vector<uint8_t>& present, DType dtype,
                const Type& type, const Column& column) {
  Runs entries;
  const ArrowArray* checked = nullptr;
  int64_t slot = 0;
  for (const Run& run : runs) {
    const ArrowArray* dictionary = run.array->dictionary;
    if (dictionary == nullptr) corrupt(column.name, "a dictionary array without its dictionary");
    if (dictionary != checked) check_array(*dictionary, type, column);
    checked = dictionary;
    const uint8_t* indices = needed_buffer(run, 1, column);
    const int64_t from = run.array->offset + run.first;
    for (int64_t i = 0; i < run.count; ++i, ++slot) {
      if (!present.empty() && present[static_cast<size_t>(slot)] == 0) continue;
      const int64_t entry = load_index(indices, from + i, dtype);
      if (entry < 0 || entry >= dictionary->length) {
        column.corrupt("index " + std::to_string(entry) + " into an Arrow dictionary of " +
                           std::to_string(dictionary->length) + " values",
                       slot);
      }
      append(entries, {run.chunk, dictionary, entry, 1});
    }
  }
  return entries;
}

// A slot holds one value or none, as a list would: so errors in values find their rows.
Level holders_of(const std::vector<uint8_t>& present) {
  const auto slots = static_cast<int64_t>(present.size());
  Tensor splits(DType::kInt64, {slots + 1});
  int64_t* to = splits.mutable_values<int64_t>().data();
  *to = 0;
  for (uint8_t flag : present) to[1] = *to + flag, ++to;
  return {slots, -1, std::move(splits)};
}

}  // namespace

Values read_dictionary(const ArrowSchema& schema, const Runs& runs, const Column& column) {
  const Type indices = type_of(schema, column.name);
  const Type type = type_of(*schema.dictionary, column.name);
  if (!is_integer(indices.dtype))
    corrupt(column.name, "the indices of an Arrow dictionary are no integers");
  if (schema.dictionary->dictionary != nullptr || is_list(type.layout) ||
      type.layout == Layout::kStruct) {
    throw WrongType("an Arrow dictionary of lists, structs or dictionaries is not taken",
                    {.key = column.name});
  }
  const int64_t slots = count_of(runs);
  column.check_count(slots, "values");
  std::vector<uint8_t> present = read_present(runs);
  Column below = column;
  if (!present.empty()) below.levels.push_back(holders_of(present));
  Values read = read_plain(type, entries_of(runs, present, indices.dtype, type, column), below);
  if (!read.complete()) {
    if (present.empty()) present.assign(static_cast<size_t>(slots), 1);
    auto has_value = read.present.begin();
    for (uint8_t& flag : present) {
      if (flag != 0) flag = read.none ? 0 : *has_value++;
    }
  }
  return {std::move(read.values), std::move(present), false, slots};
}

}  // namespace weft::arrow
