#include "arrow/values.h"

#include <algorithm>

#include "arrow/lists.h"

namespace weft::arrow {
namespace {

template <class T>
void keep_present(const uint8_t* from, int64_t count, const uint8_t* present, uint8_t*& to) {
  for (int64_t i = 0; i < count; ++i) {
    if (present[i] == 0) continue;
    std::memcpy(to, from + i * static_cast<int64_t>(sizeof(T)), sizeof(T));
    to += sizeof(T);
  }
}

void keep(const uint8_t* from, int64_t size, int64_t count, const uint8_t* present, uint8_t*& to) {
  switch (size) {
    case 1:
      return keep_present<uint8_t>(from, count, present, to);
    case 2:
      return keep_present<uint16_t>(from, count, present, to);
    case 4:
      return keep_present<uint32_t>(from, count, present, to);
    default:
      return keep_present<uint64_t>(from, count, present, to);
  }
}

int64_t count_present(const std::vector<uint8_t>& present, int64_t slots) {
  return present.empty() ? slots : std::ranges::count(present, uint8_t{1});
}

const uint8_t* numbers_at(const Run& run, DType dtype, const Column& column) {
  const uint8_t* data = needed_buffer(run, 1, column);
  return run.count == 0 ? data : data + (run.array->offset + run.first) * dtype_size(dtype);
}

Tensor read_numbers(DType dtype, const Runs& runs, const std::vector<uint8_t>& present,
                    int64_t slots, const Column& column) {
  const int64_t size = dtype_size(dtype), n = count_present(present, slots);
  if (runs.size() == 1 && present.empty()) {
    const uint8_t* data = numbers_at(runs[0], dtype, column);
    if (reinterpret_cast<uintptr_t>(data) % static_cast<uintptr_t>(size) == 0)
      return Tensor::from_buffer(dtype, {n},
                                 Buffer::borrow(data, n * size, column.chunks[runs[0].chunk]));
  }
  Tensor values(dtype, {n});
  Buffer block = values.buffer();
  uint8_t* to = block.mutable_data();
  int64_t slot = 0;
  for (const Run& run : runs) {
    const uint8_t* from = numbers_at(run, dtype, column);
    if (!present.empty()) {
      keep(from, size, run.count, present.data() + slot, to);
    } else if (run.count > 0) {
      std::memcpy(to, from, static_cast<size_t>(run.count * size));
      to += run.count * size;
    }
    slot += run.count;
  }
  return values;
}

Tensor read_bools(const Runs& runs, const std::vector<uint8_t>& present, int64_t slots,
                  const Column& column) {
  Tensor values(DType::kBool, {count_present(present, slots)});
  bool* to = values.mutable_values<bool>().data();
  int64_t slot = 0;
  for (const Run& run : runs) {
    const uint8_t* bits = needed_buffer(run, 1, column);
    const int64_t from = run.array->offset + run.first;
    for (int64_t i = from; i < from + run.count; ++i, ++slot) {
      if (present.empty() || present[static_cast<size_t>(slot)] != 0) *to++ = bit(bits, i);
    }
  }
  return values;
}

}  // namespace

std::vector<uint8_t> read_present(const Runs& runs) {
  std::vector<uint8_t> present;
  int64_t slot = 0;
  for (const Run& run : runs) {
    if (const uint8_t* bits = null_bits(run)) {
      if (present.empty()) present.assign(static_cast<size_t>(count_of(runs)), 1);
      const int64_t from = run.array->offset + run.first;
      for (int64_t i = 0; i < run.count; ++i)
        present[static_cast<size_t>(slot + i)] = bit(bits, from + i) ? 1 : 0;
    }
    slot += run.count;
  }
  return present;
}

Values read_plain(const Type& type, const Runs& runs, const Column& column) {
  Values read{.slots = count_of(runs)};
  column.check_count(read.slots, "values");
  if (type.layout == Layout::kNull) {
    read.none = true;
    read.values = Tensor(DType::kInt64, {0});
    return read;
  }
  read.present = read_present(runs);
  if (type.layout == Layout::kNumber) {
    read.values = read_numbers(type.dtype, runs, read.present, read.slots, column);
  } else if (type.layout == Layout::kBool) {
    read.values = read_bools(runs, read.present, read.slots, column);
  } else {
    Bytes text = read_text(type, runs, read.present, column);
    const int64_t count = text.size();
    read.values = Tensor::strings({count}, std::move(text));
  }
  return read;
}

Values read_values(const ArrowSchema& schema, const Runs& runs, const Column& column) {
  if (schema.dictionary != nullptr) return read_dictionary(schema, runs, column);
  const Type type = type_of(schema, column.name);
  if (type.layout == Layout::kStruct) refuse_type(schema, column.name);
  return read_plain(type, runs, column);
}

}  // namespace weft::arrow
