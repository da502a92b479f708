// Dictionary arrays: indices of any integer type into values that each array brings along.
#include <optional>

#include "arrow/lists.h"
#include "arrow/values.h"

namespace weft::arrow {
namespace {

// The values of one array's dictionary, absent ones included.
struct Dictionary {
  const ArrowArray* of = nullptr;
  Values values;
  std::vector<int64_t> places;  // of entry i in values.values, -1: absent

  Dictionary(const Type& type, const Run& run, const Column& column) : of(run.array) {
    const ArrowArray* array = run.array->dictionary;
    if (array == nullptr) corrupt(column.name, "a dictionary array without its dictionary");
    const Column entries{column.name + " (dictionary)", column.limits, column.chunks};
    check_array(*array, type, entries);
    values = read_plain(type, {{run.chunk, array, 0, array->length}}, entries);
    if (values.none) places.assign(static_cast<size_t>(values.slots), -1);
    int64_t place = 0;
    for (uint8_t flag : values.present) places.push_back(flag != 0 ? place++ : -1);
  }

  int64_t place(int64_t entry) const {
    return places.empty() ? entry : places[static_cast<size_t>(entry)];
  }
};

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

// Where the value of each slot is found; -1: it has none.
struct Places {
  std::vector<Dictionary> dictionaries;
  std::vector<std::pair<size_t, int64_t>> at;  // dictionary and place, for slots that have one
  std::vector<uint8_t> present;
  bool any_absent = false;
};

void add_places(const Run& run, DType index_dtype, const Column& column, Places& places) {
  const uint8_t *indices = needed_buffer(run, 1, column), *bits = null_bits(run);
  const Dictionary& dictionary = places.dictionaries.back();
  const int64_t from = run.array->offset + run.first;
  for (int64_t i = from; i < from + run.count; ++i) {
    int64_t place = -1;
    if (bits == nullptr || bit(bits, i)) {
      const int64_t entry = load_index(indices, i, index_dtype);
      if (entry < 0 || entry >= dictionary.values.slots) {
        column.corrupt("index " + std::to_string(entry) + " into an Arrow dictionary of " +
                           std::to_string(dictionary.values.slots) + " values",
                       static_cast<int64_t>(places.present.size()));
      }
      place = dictionary.place(entry);
    }
    places.present.push_back(place >= 0 ? 1 : 0);
    places.any_absent = places.any_absent || place < 0;
    if (place >= 0) places.at.emplace_back(places.dictionaries.size() - 1, place);
  }
}

Tensor gather(const Places& places, DType dtype, const Column& column) {
  const auto n = static_cast<int64_t>(places.at.size());
  if (dtype == DType::kString) {
    std::vector<std::string_view> views;
    views.reserve(places.at.size());
    int64_t bytes = 0;
    for (const auto& [dictionary, place] : places.at) {
      views.push_back(places.dictionaries[dictionary].values.values.bytes()[place]);
      bytes += static_cast<int64_t>(views.back().size());
      column.check_count(bytes / 8, "times 8 bytes of text");
    }
    return Tensor::strings({n}, Bytes::from(views));
  }
  Tensor values(dtype, {n});
  const auto size = static_cast<size_t>(dtype_size(dtype));
  Buffer block = values.buffer();
  uint8_t* to = block.mutable_data();
  for (const auto& [dictionary, place] : places.at) {
    const uint8_t* from = places.dictionaries[dictionary].values.values.buffer().data();
    std::memcpy(to, from + static_cast<size_t>(place) * size, size);
    to += size;
  }
  return values;
}

}  // namespace

Values read_dictionary(const ArrowSchema& schema, const Runs& runs, const Column& column) {
  const Type indices = type_of(schema, column.name);
  const Type entries = type_of(*schema.dictionary, column.name);
  if (!is_integer(indices.dtype))
    corrupt(column.name, "the indices of an Arrow dictionary are no integers");
  if (schema.dictionary->dictionary != nullptr || is_list(entries.layout) ||
      entries.layout == Layout::kStruct) {
    throw WrongType("an Arrow dictionary of lists, structs or dictionaries is not taken",
                    {.key = column.name});
  }
  Values read{.slots = count_of(runs)};
  column.check_count(read.slots, "values");
  Places places;
  for (const Run& run : runs) {
    if (places.dictionaries.empty() || places.dictionaries.back().of != run.array)
      places.dictionaries.emplace_back(entries, run, column);
    add_places(run, indices.dtype, column, places);
  }
  read.values = gather(places, entries.dtype, column);
  if (places.any_absent) read.present = std::move(places.present);
  return read;
}

}  // namespace weft::arrow
