// Features -> Examples and SequenceExamples, in the grammar of scan_kernel.h with keys in byte
// order.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <span>
#include <utility>

#include "base/cpu.h"
#include "base/varint.h"
#include "example/scan_kernel.h"
#include "example/wire.h"
#include "weft/error.h"
#include "weft/example.h"

namespace weft {
namespace {

// IEEE 754 binary16.
float half_to_float(uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  float value;
  if (exponent == 31) {
    value = fraction == 0 ? INFINITY : NAN;
  } else if (exponent == 0) {
    value = std::ldexp(static_cast<float>(fraction), -24);
  } else {
    value = std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
  }
  return (bits & 0x8000) != 0 ? -value : value;
}

template <class To, class From>
Tensor converted(const Tensor& from, To (*convert)(From)) {
  Tensor to(kDTypeOf<To>, {from.size()});
  const auto* source = reinterpret_cast<const From*>(from.buffer().data());
  for (To& value : to.mutable_values<To>()) value = convert(*source++);
  return to;
}

void check_fits(const std::string& key, std::span<const uint64_t> values) {
  for (uint64_t value : values) {
    if (value > INT64_MAX) {
      throw OutOfRange(
          std::to_string(value) + " is above 2^63 - 1, the largest integer of an Example",
          {.key = key});
    }
  }
}

// The same elements as int64, float32 or strings.
Tensor encodable(const std::string& key, const Tensor& values) {
  switch (values.dtype()) {
    case DType::kFloat32:
    case DType::kString:
      return values;
    case DType::kBool:
      return converted<int64_t, uint8_t>(values, [](uint8_t x) { return int64_t{x}; });
    case DType::kFloat16:
      return converted<float, uint16_t>(values, half_to_float);
    case DType::kFloat64:
      return converted<float, double>(values, [](double x) { return static_cast<float>(x); });
    case DType::kUInt64:
      check_fits(key, values.values<uint64_t>());
      [[fallthrough]];
    default:
      return as_int64(values, "values");
  }
}

// One feature: row i has the values [begin(i), begin(i + 1)).
struct Source {
  std::string_view key;
  Tensor values;
  int64_t rows = 1;
  int64_t width = 0;  // values of each row, when there are no splits
  Tensor splits;      // int64, when there are
  bool ragged = false;

  int64_t begin(int64_t row) const {
    return ragged ? splits.values<int64_t>()[static_cast<size_t>(row)] : row * width;
  }
};

uint64_t framed(uint64_t size) { return 1 + static_cast<uint64_t>(base::varint_size(size)) + size; }

// What stands in the list, without the tag and length of a packed run.
uint64_t payload_size(const Source& source, int64_t begin, int64_t end) {
  const auto n = static_cast<uint64_t>(end - begin);
  if (source.values.dtype() == DType::kFloat32) return 4 * n;
  uint64_t size = 0;
  if (source.values.dtype() == DType::kInt64) {
    const auto values = source.values.values<int64_t>().subspan(static_cast<size_t>(begin), n);
    for (int64_t value : values)
      size += static_cast<uint64_t>(base::varint_size(static_cast<uint64_t>(value)));
    return size;
  }
  const Bytes& strings = source.values.bytes();
  for (int64_t i = begin; i < end; ++i) size += framed(strings[i].size());
  return size;
}

// The sizes of one Feature, innermost first.
struct FeatureSizes {
  uint64_t payload, list, feature;

  FeatureSizes(const Source& source, int64_t begin, int64_t end)
      : payload(payload_size(source, begin, end)) {
    const bool packed = source.values.dtype() != DType::kString && end > begin;
    list = packed ? framed(payload) : payload;
    feature = framed(list);
  }
};

// Of the map entry of a value.
uint64_t entry_size(const Source& source, uint64_t value) {
  return framed(source.key.size()) + framed(value);
}

uint8_t* write_head(uint8_t* to, uint8_t tag, uint64_t size) {
  *to++ = tag;
  return base::write_varint(to, size);
}

uint8_t* write_bytes(uint8_t* to, std::string_view bytes) {
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  return to + bytes.size();
}

uint8_t* write_payload(uint8_t* to, const Source& source, int64_t begin, int64_t end) {
  const auto first = static_cast<size_t>(begin), n = static_cast<size_t>(end - begin);
  if (source.values.dtype() == DType::kInt64) {
    for (int64_t value : source.values.values<int64_t>().subspan(first, n)) {
      to = base::write_varint(to, static_cast<uint64_t>(value));
    }
    return to;
  }
  if (source.values.dtype() == DType::kFloat32) {
    const auto values = source.values.values<float>().subspan(first, n);
    return write_bytes(to, {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
  }
  const Bytes& strings = source.values.bytes();
  for (int64_t i = begin; i < end; ++i) {
    to = write_bytes(write_head(to, 0x0a, strings[i].size()), strings[i]);
  }
  return to;
}

uint8_t* write_feature(uint8_t* to, const Source& source, int64_t begin, int64_t end,
                       const FeatureSizes& sizes) {
  const DType dtype = source.values.dtype();
  to = write_head(to,
                  dtype == DType::kInt64     ? kInt64Tag
                  : dtype == DType::kFloat32 ? kFloatTag
                                             : kBytesTag,
                  sizes.list);
  if (dtype != DType::kString && end > begin) to = write_head(to, 0x0a, sizes.payload);
  return write_payload(to, source, begin, end);
}

// A map entry up to its value, whose tag and size come next.
uint8_t* write_key(uint8_t* to, const Source& source, uint64_t value) {
  to = write_head(to, 0x0a, entry_size(source, value));
  return write_bytes(write_head(to, 0x0a, source.key.size()), source.key);
}

uint64_t features_size(const std::vector<Source>& sources, int64_t row) {
  uint64_t size = 0;
  for (const Source& source : sources) {
    const FeatureSizes sizes(source, source.begin(row), source.begin(row + 1));
    size += framed(entry_size(source, sizes.feature));
  }
  return size;
}

uint8_t* write_example(uint8_t* to, const std::vector<Source>& sources, int64_t row,
                       uint64_t size) {
  to = write_head(to, 0x0a, size);
  for (const Source& source : sources) {
    const int64_t begin = source.begin(row), end = source.begin(row + 1);
    const FeatureSizes sizes(source, begin, end);
    to = write_head(write_key(to, source, sizes.feature), 0x12, sizes.feature);
    to = write_feature(to, source, begin, end, sizes);
  }
  return to;
}

// A FeatureList: one Feature for each row of the source.
uint64_t list_size(const Source& source) {
  uint64_t size = 0;
  for (int64_t row = 0; row < source.rows; ++row)
    size += framed(FeatureSizes(source, source.begin(row), source.begin(row + 1)).feature);
  return size;
}

uint8_t* write_list(uint8_t* to, const Source& source) {
  const uint64_t size = list_size(source);
  to = write_head(write_key(to, source, size), 0x12, size);
  for (int64_t row = 0; row < source.rows; ++row) {
    const int64_t begin = source.begin(row), end = source.begin(row + 1);
    const FeatureSizes sizes(source, begin, end);
    to = write_feature(write_head(to, 0x0a, sizes.feature), source, begin, end, sizes);
  }
  return to;
}

void check_key(const std::string& key) {
  if (!is_utf8(key)) {
    throw InvalidArgument("the key is not UTF-8, as every key of an Example is", {.key = key});
  }
}

// The rows of a sparse tensor of rank 2 whose values stand at positions 0, 1, 2, ... of each row,
// or of rank 1, whose rows hold a value or none.
Tensor sparse_splits(const std::string& key, const SparseTensor& sparse) {
  const auto rank = static_cast<size_t>(sparse.rank());
  if (rank > 2) {
    throw InvalidArgument(
        "a SparseTensor of rank " + std::to_string(rank) + " where rank 2 or 1 is written",
        {.key = key});
  }
  const Tensor indices = sparse.indices();
  const auto at = indices.values<int64_t>();
  Tensor splits(DType::kInt64, {sparse.dense_shape()[0] + 1});
  auto to = splits.mutable_values<int64_t>();
  size_t i = 0;
  to[0] = 0;
  for (size_t row = 0; row + 1 < to.size(); ++row) {
    int64_t position = 0;
    for (; rank * i < at.size() && at[rank * i] == static_cast<int64_t>(row); ++i, ++position) {
      if (rank == 1 || at[2 * i + 1] == position) continue;
      throw InvalidArgument("the value at " + std::to_string(at[2 * i + 1]) +
                                " comes where position " + std::to_string(position) +
                                " should: a list has no holes",
                            {.key = key, .row = static_cast<int64_t>(row)});
    }
    to[row + 1] = static_cast<int64_t>(i);
  }
  return splits;
}

Source source_of(const std::string& key, const Feature& feature) {
  check_key(key);
  Source source{.key = key, .rows = feature_rows(feature)};
  const Ragged* ragged = std::get_if<Ragged>(&feature);
  if (const auto* sparse = std::get_if<SparseTensor>(&feature)) {
    ragged = sparse->rows();
    source.ragged = true;
    source.values = encodable(key, sparse->values());
    if (ragged == nullptr) source.splits = sparse_splits(key, *sparse);
  }
  if (const auto* tensor = std::get_if<Tensor>(&feature)) {
    if (tensor->rank() == 0) throw InvalidArgument("a scalar has no rows", {.key = key});
    source.values = encodable(key, *tensor);
    source.width = tensor->dim(0) == 0 ? 0 : tensor->size() / tensor->dim(0);
  } else if (ragged != nullptr) {
    if (ragged->levels() != 1 || ragged->values().rank() != 1) {
      throw InvalidArgument(
          "a list in an Example has one level; write the row_splits of this Ragged as features",
          {.key = key});
    }
    source.ragged = true;
    source.values = encodable(key, ragged->values());
    source.splits = ragged->row_splits_tensor(0);
  }
  return source;
}

std::vector<Source> sources_of(const std::map<std::string, Tensor, std::less<>>& features) {
  std::vector<Source> sources;
  for (const auto& [key, tensor] : features) {
    check_key(key);
    sources.push_back({.key = key, .values = encodable(key, tensor), .width = tensor.size()});
  }
  return sources;
}

}  // namespace

std::string encode_example(const std::map<std::string, Tensor, std::less<>>& features) {
  const std::vector<Source> sources = sources_of(features);
  const uint64_t size = features_size(sources, 0);
  std::string record(framed(size), '\0');
  write_example(reinterpret_cast<uint8_t*>(record.data()), sources, 0, size);
  return record;
}

std::string encode_sequence_example(const std::map<std::string, Tensor, std::less<>>& context,
                                    const Features& feature_lists) {
  const std::vector<Source> sources = sources_of(context);
  const uint64_t size = features_size(sources, 0);
  uint64_t lists_size = 0;
  std::vector<Source> lists;
  for (const auto& [key, feature] : feature_lists) {
    lists.push_back(source_of(key, feature));
    lists_size += framed(entry_size(lists.back(), list_size(lists.back())));
  }
  std::string record(framed(size) + framed(lists_size), '\0');
  uint8_t* to = write_example(reinterpret_cast<uint8_t*>(record.data()), sources, 0, size);
  to = write_head(to, 0x12, lists_size);
  for (const Source& list : lists) to = write_list(to, list);
  return record;
}

Bytes encode_examples(const Features& features) {
  std::vector<Source> sources;
  int64_t rows = 0;
  for (const auto& [key, feature] : features) {
    sources.push_back(source_of(key, feature));
    rows = sources.back().rows;
    if (rows != sources[0].rows) {
      throw InvalidArgument(std::to_string(rows) + " rows where '" + escape_bytes(sources[0].key) +
                                "' has " + std::to_string(sources[0].rows),
                            {.key = key});
    }
  }
  Buffer offsets = Buffer::allocate((rows + 1) * 8);
  auto* ends = reinterpret_cast<int64_t*>(offsets.mutable_data());
  ends[0] = 0;
  std::vector<uint64_t> sizes(static_cast<size_t>(rows));
  for (int64_t row = 0; row < rows; ++row) {
    const uint64_t size = sizes[static_cast<size_t>(row)] = features_size(sources, row);
    ends[row + 1] = ends[row] + static_cast<int64_t>(framed(size));
  }
  Buffer data = Buffer::allocate(ends[rows]);
  for (int64_t row = 0; row < rows; ++row) {
    write_example(data.mutable_data() + ends[row], sources, row, sizes[static_cast<size_t>(row)]);
  }
  return Bytes::trusted(std::move(data), std::move(offsets));
}

}  // namespace weft
