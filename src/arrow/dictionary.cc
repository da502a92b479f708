// Dictionary arrays: indices of any integer type into values that each array brings along.
#include <algorithm>
#include <span>

#include "arrow/lists.h"
#include "arrow/values.h"

namespace weft::arrow {
namespace {

constexpr int64_t kFew = 8;  // a dictionary of so many entries a slot is not read whole

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

// What the slots of a column refer to: entries of dictionaries, one dictionary after the other.
struct Entries {
  Runs runs;
  int64_t count = 0;
  std::vector<int64_t> of;  // each slot: a place among them, -1 for null

  // Follows them with those that runs of one array refer to.
  void add(std::span<const Run> slots, DType index_dtype, const Type& type, const Column& column);
};

void Entries::add(std::span<const Run> slots, DType index_dtype, const Type& type,
                  const Column& column) {
  const ArrowArray* dictionary = slots[0].array->dictionary;
  if (dictionary == nullptr) corrupt(column.name, "a dictionary array without its dictionary");
  check_array(*dictionary, type, column);
  const size_t begin = of.size();
  for (const Run& run : slots) {
    const uint8_t *indices = needed_buffer(run, 1, column), *bits = null_bits(run);
    const int64_t from = run.array->offset + run.first;
    for (int64_t i = from; i < from + run.count; ++i) {
      const bool there = bits == nullptr || bit(bits, i);
      const int64_t entry = there ? load_index(indices, i, index_dtype) : -1;
      if (there && (entry < 0 || entry >= dictionary->length)) {
        column.corrupt("index " + std::to_string(entry) + " into an Arrow dictionary of " +
                           std::to_string(dictionary->length) + " values",
                       static_cast<int64_t>(of.size()));
      }
      of.push_back(entry);
    }
  }
  const std::span<int64_t> added = std::span(of).subspan(begin);
  if (dictionary->length <= kFew * std::ssize(added)) {
    append(runs, {slots[0].chunk, dictionary, 0, dictionary->length});
    for (int64_t& entry : added) entry += entry < 0 ? 0 : count;
    count += dictionary->length;
    return;
  }
  for (int64_t& entry : added) {
    if (entry < 0) continue;
    append(runs, {slots[0].chunk, dictionary, entry, 1});
    entry = count++;
  }
}

Entries entries_of(const Runs& runs, DType index_dtype, const Type& type, const Column& column) {
  Entries entries;
  entries.of.reserve(static_cast<size_t>(count_of(runs)));
  for (auto begin = runs.begin(), end = begin; begin != runs.end(); begin = end) {
    const auto other = [&](const Run& run) { return run.array != begin->array; };
    end = std::find_if(begin, runs.end(), other);
    entries.add({begin, end}, index_dtype, type, column);
  }
  return entries;
}

// What is wrong with an entry is wrong with the first slot that refers to it.
Values read_entries(const Entries& entries, const Type& type, const Column& column) {
  try {
    return read_plain(type, entries.runs, {column.name, column.limits, column.chunks});
  } catch (const CorruptData& error) {
    const int64_t entry = error.where().row;
    const auto slot = std::ranges::find(entries.of, entry);
    if (entry < 0 || slot == entries.of.end()) corrupt(column.name, error.message());
    column.corrupt(error.message(), slot - entries.of.begin());
  }
}

// Leaves the absent entries out of `of` as places among the values.
void skip_absent(const Values& entries, std::vector<int64_t>& of) {
  std::vector<int64_t> places(static_cast<size_t>(entries.slots), -1);
  int64_t place = 0;
  for (size_t i = 0; i < entries.present.size(); ++i) {
    if (entries.present[i] != 0) places[i] = place++;
  }
  for (int64_t& entry : of) {
    if (entry >= 0) entry = places[static_cast<size_t>(entry)];
  }
}

Tensor gather(const Tensor& from, const std::vector<int64_t>& places, const Column& column) {
  const auto n = static_cast<int64_t>(places.size());
  if (from.dtype() == DType::kString) {
    std::vector<std::string_view> views;
    views.reserve(places.size());
    int64_t bytes = 0;
    for (int64_t place : places) {
      views.push_back(from.bytes()[place]);
      bytes += static_cast<int64_t>(views.back().size());
      column.check_count(bytes / 8, "times 8 bytes of text");
    }
    return Tensor::strings({n}, Bytes::from(views));
  }
  Tensor values(from.dtype(), {n});
  const auto size = static_cast<size_t>(dtype_size(from.dtype()));
  Buffer block = values.buffer();
  uint8_t* to = block.mutable_data();
  for (int64_t place : places) {
    std::memcpy(to, from.buffer().data() + static_cast<size_t>(place) * size, size);
    to += size;
  }
  return values;
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
  Values read{.slots = count_of(runs)};
  column.check_count(read.slots, "values");
  Entries entries = entries_of(runs, indices.dtype, type, column);
  const Values known = read_entries(entries, type, column);
  if (!known.complete()) skip_absent(known, entries.of);
  if (std::ranges::find(entries.of, -1) != entries.of.end()) {
    read.present.resize(entries.of.size());
    std::ranges::transform(entries.of, read.present.begin(),
                           [](int64_t place) { return place < 0 ? uint8_t{0} : uint8_t{1}; });
    std::erase(entries.of, -1);
  }
  read.values = gather(known.values, entries.of, column);
  return read;
}

}  // namespace weft::arrow
