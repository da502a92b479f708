// Arrow arrays whose buffers are as long as their lengths say and whose contents and counts are
// anything. Importing them is an error of weft's or gives features that are safe to read, that go
// out to Arrow again, and that come back the same.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "tests/arrow_array.h"
#include "tests/same_features.h"
#include "weft/arrow.h"

namespace weft {
namespace {

using testing::Arrow;
using testing::MadeArray;

constexpr int64_t kTextBytes = 40;

// The input, read front to back; zeros after its end.
class Source {
 public:
  Source(const uint8_t* data, size_t size) : at_(data), end_(data + size) {}

  uint8_t byte() { return at_ < end_ ? *at_++ : 0; }
  // Small as a rule, beyond every limit now and then.
  int64_t number() {
    static constexpr int64_t kExtremes[] = {-1,        INT64_MIN,        INT64_MAX,
                                            INT32_MAX, int64_t{1} << 56, int64_t{1} << 40};
    const uint8_t first = byte();
    return first < 250 ? first % 12 : kExtremes[first - 250];
  }
  bool rarely() { return byte() >= 248; }

 private:
  const uint8_t* at_;
  const uint8_t* end_;
};

// `n` integers of `size` bytes.
std::string integers(Source& source, int64_t n, size_t size) {
  std::string bytes;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t value = source.number();
    bytes.append(reinterpret_cast<const char*>(&value), size);
  }
  return bytes;
}

// n + 1 offsets that rise as a rule. `most`: none is larger, for the bytes behind string offsets
// are there by contract.
std::string offsets(Source& source, int64_t n, size_t size, int64_t most) {
  std::string bytes;
  int64_t at = 0;
  for (int64_t i = 0; i <= n; ++i) {
    const uint8_t step = source.byte();
    at = step >= 250 ? source.number() : at + (i > 0 && at < INT64_MAX - 4 ? step % 4 : 0);
    at = std::min(at, most);
    bytes.append(reinterpret_cast<const char*>(&at), size);
  }
  return bytes;
}

std::string views(Source& source, int64_t n) {
  std::string bytes;
  for (int64_t i = 0; i < n; ++i) {
    int32_t view[4] = {source.byte() % 24, 0, 0, 0};
    if (view[0] > 12) {
      view[2] = static_cast<int32_t>(source.number());
      view[3] = static_cast<int32_t>(source.number());
    }
    if (source.rarely()) view[0] = static_cast<int32_t>(source.number());
    bytes.append(reinterpret_cast<const char*>(view), sizeof(view));
  }
  return bytes;
}

// What the arrays of one column are: all of them have one type.
MadeArray type_from(Source& source, int depth) {
  static constexpr const char* kFormats[] = {
      "l",   "c",   "f",   "b",  "u", "Z",  "vu",   "n",  "+l", "+L",
      "+vl", "+vL", "+w:", "w:", "S", "+l", "tss:", "+m", "e"};
  MadeArray type{kFormats[source.byte() % std::size(kFormats)]};
  if (type.format.ends_with("w:")) {
    const int64_t size = source.number();
    type.format += std::to_string(type.format == "w:" && size > 0 ? size % 9 : size);
  }
  if (type.format.starts_with("+") && type.format != "+m" && depth < 40)
    type.children = {type_from(source, depth + 1)};
  if ((type.format == "c" || type.format == "S") && source.byte() % 2 == 0)
    type.dictionary = {type_from(source, depth + 1)};
  return type;
}

// How many elements a child of `length` such lists should have.
int64_t child_length(Source& source, const MadeArray& type, int64_t slots) {
  if (!type.format.starts_with("+w:")) return source.byte() % 24;
  const int64_t size = std::atoll(type.format.c_str() + 3);
  const bool fits = size >= 0 && size < 12 && source.byte() < 250;
  return fits ? slots * size % 512 : source.byte() % 24;
}

void add_buffers(Source& source, MadeArray& made, int64_t slots) {
  const std::string& format = made.format;
  const bool wide = format == "Z" || format == "+L" || format == "+vL";
  const size_t width = wide ? 8 : 4;
  if (format == "+l" || format == "+L") {
    made.buffers.push_back(offsets(source, slots, width, INT64_MAX));
  } else if (format == "u" || format == "Z") {
    made.buffers.push_back(offsets(source, slots, width, kTextBytes));
    made.buffers.push_back(std::string(kTextBytes, 't'));
  } else if (format.starts_with("+v")) {
    made.buffers.push_back(integers(source, slots, width));
    made.buffers.push_back(integers(source, slots, width));
  } else if (format == "vu") {
    made.buffers.push_back(views(source, slots));
    made.buffers.push_back(std::string(kTextBytes, 'v'));
    made.buffers.push_back(testing::bytes_of<int64_t>({kTextBytes}));
  } else if (format.starts_with("w:")) {
    const int64_t size = std::max<int64_t>(0, std::atoll(format.c_str() + 2));
    made.buffers.push_back(std::string(static_cast<size_t>(slots * size), 'w'));
  } else if (format == "b") {
    made.buffers.push_back(std::string(static_cast<size_t>((slots + 7) / 8), '\x5a'));
  } else if (format != "+m" && !format.starts_with("+w:")) {
    const size_t size = format == "c"                    ? 1
                        : format == "S" || format == "e" ? 2
                        : format == "f"                  ? 4
                                                         : 8;
    made.buffers.push_back(integers(source, slots, size));
  }
}

// An array of `type` with `slots` places in its buffers.
MadeArray array_from(Source& source, const MadeArray& type, int64_t slots) {
  MadeArray made{type.format};
  made.offset = slots == 0 ? 0 : source.byte() % (slots + 1) / 2;
  made.length = slots - made.offset;
  if (made.format != "n") {
    made.buffers.push_back(std::nullopt);
    add_buffers(source, made, slots);
    if (source.byte() % 3 == 0) {
      std::string bits(static_cast<size_t>((slots + 7) / 8), '\0');
      for (char& byte : bits) byte = static_cast<char>(source.byte());
      made.buffers[0] = bits;
      made.null_count = -1;
    }
    if (source.rarely()) made.buffers[source.byte() % made.buffers.size()] = std::nullopt;
  } else if (source.rarely()) {
    made.length = source.number();
  }
  for (const MadeArray& child : type.children)
    made.children.push_back(array_from(source, child, child_length(source, type, slots)));
  for (const MadeArray& values : type.dictionary)
    made.dictionary.push_back(array_from(source, values, source.byte() % 12));
  return made;
}

// Counts that contradict the rest, without claiming more than there is.
void damage(Source& source, ArrowArray& array, bool is_view) {
  const uint8_t choice = source.byte();
  if (choice < 200) return;
  if (choice < 210) array.null_count = source.number();
  if (choice == 210 && array.length > 0) --array.length;
  if (choice == 211) array.length = -1;
  if (choice == 212) array.offset = source.byte() % 2 == 0 ? -1 : INT64_MAX;
  if (choice == 213) array.n_buffers = is_view ? source.byte() % 3 : source.number();
  if (choice == 214) array.n_children = source.number();
  if (choice == 215) array.children = nullptr;
  if (choice == 216) array.buffers = nullptr;
  if (choice == 217) array.dictionary = nullptr;
  if (choice == 218 && array.n_children == 1) array.children[0] = nullptr;
}

void damage_all(Source& source, ArrowArray& array, const MadeArray& made) {
  for (size_t i = 0; i < made.children.size(); ++i)
    damage_all(source, *array.children[i], made.children[i]);
  if (array.dictionary != nullptr) damage_all(source, *array.dictionary, made.dictionary[0]);
  damage(source, array, made.format == "vu");
}

// Calls `body`; what weft refuses is fine, anything else is not.
template <class Body>
void attempt(const Body& body) {
  try {
    body();
  } catch (const Error& error) {
    if (std::string_view(error.what()).empty()) std::abort();
  }
}

uint64_t touch(const Tensor& values) {
  uint64_t sum = 0;
  if (values.dtype() == DType::kString) {
    for (int64_t i = 0; i < values.size(); ++i) {
      for (char c : values.bytes()[i]) sum += static_cast<uint8_t>(c);
    }
    return sum;
  }
  for (int64_t i = 0; i < values.size() * dtype_size(values.dtype()); ++i)
    sum += values.buffer().data()[i];
  return sum;
}

// Splits and indices that lead outside are what everything behind relies on not to get.
void check(const Feature& feature) {
  [[maybe_unused]] volatile uint64_t sum = 0;
  if (const auto* tensor = std::get_if<Tensor>(&feature)) {
    sum = touch(*tensor);
  } else if (const auto* ragged = std::get_if<Ragged>(&feature)) {
    std::vector<Tensor> levels;
    for (int64_t level = 0; level < ragged->levels(); ++level)
      levels.push_back(ragged->row_splits_tensor(level));
    (void)Ragged::from_row_splits(ragged->values(), levels);
    sum = touch(ragged->values());
  } else {
    const auto& sparse = std::get<SparseTensor>(feature);
    (void)SparseTensor(sparse.indices(), sparse.values(), sparse.dense_shape());
    sum = touch(sparse.values());
  }
}

// Trusted features must pass the checks of those that are not: a failure here is weft's.
void check_and_return(const Features& features) {
  try {
    for (const auto& [name, feature] : features) check(feature);
  } catch (const Error&) {
    std::abort();
  }
  attempt([&] {
    ArrowSchema schema{};
    ArrowArray array{};
    export_batch(features, schema, array);
    Features again;
    try {
      again = import_batch(std::move(array), schema);
    } catch (const Error&) {
      std::abort();
    }
    schema.release(&schema);
    for (const auto& [name, feature] : features) {
      if (std::holds_alternative<SparseTensor>(feature)) continue;
      if (testing::text_of(again.at(name)) != testing::text_of(feature)) std::abort();
    }
  });
}

void run(Source& source) {
  const uint8_t choice = source.byte();
  const int64_t rows = source.byte() % 12;
  const MadeArray type = type_from(source, 0);
  const MadeArray made = array_from(source, type, rows);
  Limits limits;
  limits.max_batch_values = 1 << 14;
  if (choice % 2 == 0) {
    Arrow arrow(made, choice % 4 == 0);
    damage_all(source, arrow.array, made);
    attempt([&] {
      check_and_return({{"a", import_array(std::move(arrow.array), arrow.schema, "a", limits)}});
    });
    return;
  }
  MadeArray other = array_from(source, type_from(source, 0), rows);
  other.name = "b";
  MadeArray batch{"+s", std::min(made.length, source.number()), {{}}, {made, other}};
  batch.offset = source.number();
  Arrow arrow(batch, choice % 4 == 1);
  damage_all(source, arrow.array, batch);
  attempt([&] {
    ArrowSchema schema = arrow.schema;
    ArrowReader reader(std::move(arrow.array), std::move(schema), {.limits = limits});
    check_and_return(reader.read_all());
  });
}

}  // namespace
}  // namespace weft

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weft::Source source(data, size);
  weft::run(source);
  return 0;
}
