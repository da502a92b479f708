// Arrow arrays through the Arrow PyCapsule interface and C Data Interface.
//   list     format "+l" / "+L": buffers validity, offsets (int32 / int64); one child
//   numbers  one letter:         buffers validity, values
//   strings  "u" "z" / "U" "Z":  buffers validity, offsets (int32 / int64), bytes
//   bool     "b":                buffers validity, bits
#include <memory>
#include <optional>

#include "convert_parts.h"

namespace weft::python {
namespace {

struct ArrowSchema {
  const char* format;
  const char* name;
  const char* metadata;
  int64_t flags;
  int64_t n_children;
  ArrowSchema** children;
  ArrowSchema* dictionary;
  void (*release)(ArrowSchema*);
  void* private_data;
};

struct ArrowArray {
  int64_t length;
  int64_t null_count;
  int64_t offset;
  int64_t n_buffers;
  int64_t n_children;
  const void** buffers;
  ArrowArray** children;
  ArrowArray* dictionary;
  void (*release)(ArrowArray*);
  void* private_data;
};

struct ArrowArrayStream {
  int (*get_schema)(ArrowArrayStream*, ArrowSchema*);
  int (*get_next)(ArrowArrayStream*, ArrowArray*);
  const char* (*get_last_error)(ArrowArrayStream*);
  void (*release)(ArrowArrayStream*);
  void* private_data;
};

// Owns a schema or an array moved out of its capsule; Python may be behind `release`.
template <class T>
struct Owned {
  T it{};
  Owned() = default;
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() {
    if (it.release == nullptr) return;
    if (nb::detail::cleanup_guard guard{}) it.release(&it);
  }
};

// Elements [first, first + count) of `array`, of which `schema` tells the type.
struct Part {
  const ArrowSchema* schema;
  const ArrowArray* array;
  int64_t first;
  int64_t count;
};

class Reader {
 public:
  Reader(std::shared_ptr<const Owned<ArrowArray>> owner, const char* argument)
      : owner_(std::move(owner)), argument_(argument) {}

  Feature read(const ArrowSchema& schema) const {
    Part part{&schema, &owner_->it, 0, owner_->it.length};
    std::vector<Tensor> levels;
    while (is_list(part.schema->format)) {
      refuse_nulls(part, "row");
      levels.push_back(splits(part));
      part = child(part);
    }
    Tensor values = leaf(part);
    if (levels.empty()) return values;
    return Ragged::from_row_splits(std::move(values), levels);
  }

 private:
  static bool is_list(std::string_view format) { return format == "+l" || format == "+L"; }

  static int64_t offset_at(const Part& part, int64_t i, bool wide) {
    const int64_t at = part.array->offset + part.first + i;
    if (wide) return static_cast<const int64_t*>(part.array->buffers[1])[at];
    return static_cast<const int32_t*>(part.array->buffers[1])[at];
  }

  // An array of no elements may have no offsets at all.
  static Tensor splits(const Part& part) {
    Tensor splits = Tensor::zeros(DType::kInt64, {part.count + 1});
    if (part.count == 0) return splits;
    const bool wide = part.schema->format[1] == 'L';
    const int64_t begin = offset_at(part, 0, wide);
    auto to = splits.mutable_values<int64_t>();
    for (int64_t i = 0; i <= part.count; ++i)
      to[static_cast<size_t>(i)] = offset_at(part, i, wide) - begin;
    return splits;
  }

  Part child(const Part& part) const {
    const ArrowArray* below = part.array->children[0];
    const bool wide = part.schema->format[1] == 'L';
    const int64_t begin = part.count == 0 ? 0 : offset_at(part, 0, wide);
    const int64_t end = part.count == 0 ? 0 : offset_at(part, part.count, wide);
    if (begin < 0 || end < begin || end > below->length) {
      throw InvalidArgument(name() + ": Arrow list offsets " + std::to_string(begin) + " to " +
                            std::to_string(end) + " are outside the " +
                            std::to_string(below->length) + " values");
    }
    return {part.schema->children[0], below, begin, end - begin};
  }

  void refuse_nulls(const Part& part, const char* what) const {
    const auto* valid =
        static_cast<const uint8_t*>(part.array->null_count == 0 ? nullptr : part.array->buffers[0]);
    if (valid == nullptr) return;
    for (int64_t i = 0; i < part.count; ++i) {
      const int64_t at = part.array->offset + part.first + i;
      if ((valid[at / 8] >> (at % 8) & 1) == 0) {
        throw InvalidArgument(
            name() + ": " + what + " " + std::to_string(i) +
            " is null; a history that is missing is an empty list, a value is left out");
      }
    }
  }

  Tensor leaf(const Part& part) const {
    const std::string_view format = part.schema->format;
    refuse_nulls(part, "value");
    if (part.schema->dictionary == nullptr && format.size() == 1) {
      if (std::string_view("uzUZ").find(format) != format.npos)
        return strings(part, format == "U" || format == "Z");
      if (format == "b") return bools(part);
      static constexpr std::string_view kFormats = "cCsSiIlLefg";
      static constexpr DType kTypes[] = {DType::kInt8,    DType::kUInt8,  DType::kInt16,
                                         DType::kUInt16,  DType::kInt32,  DType::kUInt32,
                                         DType::kInt64,   DType::kUInt64, DType::kFloat16,
                                         DType::kFloat32, DType::kFloat64};
      if (const size_t i = kFormats.find(format); i != kFormats.npos)
        return numbers(part, kTypes[i]);
    }
    throw WrongType(name() + ": Arrow type '" + escape_bytes(format) +
                    "' is not taken; numbers, bools, strings and lists of them are");
  }

  Tensor numbers(const Part& part, DType dtype) const {
    const int64_t size = dtype_size(dtype);
    const auto* data = static_cast<const uint8_t*>(part.array->buffers[1]);
    if (part.count == 0) return Tensor(dtype, {0});
    data += (part.array->offset + part.first) * size;
    return Tensor::from_buffer(dtype, {part.count},
                               Buffer::borrow(data, part.count * size, owner_));
  }

  static Tensor bools(const Part& part) {
    Tensor values(DType::kBool, {part.count});
    const auto* bits = static_cast<const uint8_t*>(part.array->buffers[1]);
    for (int64_t i = 0; i < part.count; ++i) {
      const int64_t at = part.array->offset + part.first + i;
      values.mutable_values<bool>()[static_cast<size_t>(i)] = (bits[at / 8] >> (at % 8) & 1) != 0;
    }
    return values;
  }

  Tensor strings(const Part& part, bool wide) const {
    std::vector<std::string_view> views;
    const auto* data = static_cast<const char*>(part.array->buffers[2]);
    const int64_t all = part.count == 0 ? 0 : offset_at(part, part.count, wide);
    for (int64_t i = 0; i < part.count; ++i) {
      const int64_t begin = offset_at(part, i, wide), end = offset_at(part, i + 1, wide);
      if (begin < 0 || end < begin || end > all) {
        throw InvalidArgument(name() + ": Arrow string " + std::to_string(i) +
                              " goes from offset " + std::to_string(begin) + " to " +
                              std::to_string(end) + ", the last one to " + std::to_string(all));
      }
      views.emplace_back(end > begin ? data + begin : "", static_cast<size_t>(end - begin));
    }
    return Tensor::strings({part.count}, Bytes::from(views));
  }

  std::string name() const { return std::string("'") + argument_ + "'"; }

  std::shared_ptr<const Owned<ArrowArray>> owner_;
  const char* argument_;
};

template <class T>
T* capsule_pointer(nb::handle capsule, const char* name) {
  void* pointer = PyCapsule_GetPointer(capsule.ptr(), name);
  if (pointer == nullptr) throw nb::python_error();
  return static_cast<T*>(pointer);
}

template <class T>
void move_from(T* from, T& to) {
  to = *from;
  from->release = nullptr;
}

void check_stream(int code, ArrowArrayStream* stream, const char* argument) {
  if (code == 0) return;
  const char* text = stream->get_last_error(stream);
  throw InvalidArgument(std::string("'") + argument +
                        "': the Arrow stream failed: " + (text == nullptr ? "" : text));
}

void read_stream(nb::handle capsule, Owned<ArrowSchema>& schema, Owned<ArrowArray>& array,
                 const char* argument) {
  auto* stream = capsule_pointer<ArrowArrayStream>(capsule, "arrow_array_stream");
  Owned<ArrowArray> more;
  check_stream(stream->get_schema(stream, &schema.it), stream, argument);
  check_stream(stream->get_next(stream, &array.it), stream, argument);
  if (array.it.release != nullptr)
    check_stream(stream->get_next(stream, &more.it), stream, argument);
  if (array.it.release == nullptr || more.it.release != nullptr) {
    throw InvalidArgument(std::string("'") + argument + "' has " +
                          (more.it.release == nullptr ? "no chunk" : "several chunks") +
                          "; combine them into one first (combine_chunks, rechunk)");
  }
}

}  // namespace

std::optional<Feature> feature_from_arrow(nb::handle value, const char* argument) {
  Owned<ArrowSchema> schema;
  auto array = std::make_shared<Owned<ArrowArray>>();
  if (nb::hasattr(value, "__arrow_c_array__")) {
    nb::object pair = value.attr("__arrow_c_array__")();
    nb::object first = pair[0], second = pair[1];
    move_from(capsule_pointer<ArrowSchema>(first, "arrow_schema"), schema.it);
    move_from(capsule_pointer<ArrowArray>(second, "arrow_array"), array->it);
  } else if (nb::hasattr(value, "__arrow_c_stream__")) {
    nb::object capsule = value.attr("__arrow_c_stream__")();
    read_stream(capsule, schema, *array, argument);
  } else {
    return std::nullopt;
  }
  return Reader(std::move(array), argument).read(schema.it);
}

}  // namespace weft::python
