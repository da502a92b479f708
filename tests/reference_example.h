// The slow, obvious parser: protobuf's meaning of the bytes into a map of vectors, and the feature
// specs over those.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "weft/column.h"
#include "weft/ragged.h"

namespace weft::reference {

struct Malformed : std::runtime_error {
  using runtime_error::runtime_error;
};
struct Unfit : std::runtime_error {
  using runtime_error::runtime_error;
};

// A Feature; kind 0 is none, otherwise the number of its field.
struct Value {
  int kind = 0;
  std::vector<std::string> strings;
  std::vector<float> floats;
  std::vector<int64_t> ints;
};
using Record = std::map<std::string, Value>;

class Reader {
 public:
  Reader(std::string_view bytes, int depth) : bytes_(bytes), depth_(depth) {
    if (depth < 0) throw Malformed("too deep");
  }
  bool done() const { return bytes_.empty(); }

  uint64_t varint(size_t most = 10) {
    uint64_t value = 0;
    for (size_t i = 0; i < most; ++i) {
      const auto byte = static_cast<uint8_t>(take(1)[0]);
      if (i < 9 || (byte & 1) != 0) value |= uint64_t{byte & 0x7fu} << (7 * i);
      if (byte < 0x80) return value;
    }
    throw Malformed("long varint");
  }
  // Number and wire type of the next field.
  std::pair<uint64_t, int> field() {
    const uint64_t tag = varint(5);
    if (tag >> 32 != 0 || tag >> 3 == 0 || (tag & 7) > 5) throw Malformed("tag");
    return {tag >> 3, static_cast<int>(tag & 7)};
  }
  std::string_view take(uint64_t n) {
    if (n > bytes_.size()) throw Malformed("cut off");
    const std::string_view taken = bytes_.substr(0, n);
    bytes_.remove_prefix(n);
    return taken;
  }
  std::string_view block() { return take(varint(5)); }
  Reader message() { return Reader(block(), depth_ - 1); }
  void skip(uint64_t number, int type) {
    if (type == 0) varint();
    if (type == 1) take(8);
    if (type == 2) block();
    if (type == 3) skip_group(number);
    if (type == 4) throw Malformed("end of no group");
    if (type == 5) take(4);
  }

 private:
  void skip_group(uint64_t number) {
    if (--depth_ < 0) throw Malformed("too deep");
    for (;;) {
      const auto [inner, type] = field();
      if (type == 4 && inner != number) throw Malformed("end of another group");
      if (type == 4) break;
      skip(inner, type);
    }
    ++depth_;
  }

  std::string_view bytes_;
  int depth_;
};

inline float float_of(std::string_view bytes) {
  float value;
  std::memcpy(&value, bytes.data(), 4);
  return value;
}

inline void read_list(Reader list, Value& value) {
  while (!list.done()) {
    const auto [number, type] = list.field();
    if (number == 1 && type == 2 && value.kind == 1) {
      value.strings.emplace_back(list.block());
    } else if (number == 1 && type == 5 && value.kind == 2) {
      value.floats.push_back(float_of(list.take(4)));
    } else if (number == 1 && type == 0 && value.kind == 3) {
      value.ints.push_back(static_cast<int64_t>(list.varint()));
    } else if (number == 1 && type == 2) {
      for (Reader run = Reader(list.block(), 0); !run.done();) {
        if (value.kind == 2) value.floats.push_back(float_of(run.take(4)));
        if (value.kind == 3) value.ints.push_back(static_cast<int64_t>(run.varint()));
      }
    } else {
      list.skip(number, type);
    }
  }
}

inline void read_feature(Reader feature, Value& value) {
  while (!feature.done()) {
    const auto [number, type] = feature.field();
    if (number > 3 || type != 2) {
      feature.skip(number, type);
      continue;
    }
    if (value.kind != static_cast<int>(number)) value = {.kind = static_cast<int>(number)};
    read_list(feature.message(), value);
  }
}

inline bool is_utf8(std::string_view s) {
  for (size_t i = 0; i < s.size();) {
    const auto lead = static_cast<uint8_t>(s[i++]);
    const int more = lead < 0x80       ? 0
                     : lead >> 5 == 6  ? 1
                     : lead >> 4 == 14 ? 2
                     : lead >> 3 == 30 ? 3
                                       : -1;
    if (more < 0 || i + static_cast<size_t>(more) > s.size()) return false;
    uint32_t point = more == 0 ? lead : lead & (0x3fu >> more);
    for (int k = 0; k < more; ++k) {
      const auto byte = static_cast<uint8_t>(s[i++]);
      if (byte >> 6 != 2) return false;
      point = point << 6 | (byte & 0x3fu);
    }
    const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    if (point < least[more] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
      return false;
  }
  return true;
}

// A map entry; `read` reads its value.
template <class Value, class Read>
void read_entry(Reader entry, std::map<std::string, Value>& record, const Read& read) {
  std::string key;
  Value value;
  while (!entry.done()) {
    const auto [number, type] = entry.field();
    if (number == 1 && type == 2) {
      key = entry.block();
      if (!is_utf8(key)) throw Malformed("key");
    } else if (number == 2 && type == 2) {
      read(entry.message(), value);
    } else {
      entry.skip(number, type);
    }
  }
  record[key] = value;
}

template <class Value, class Read>
void read_map(Reader map, std::map<std::string, Value>& record, const Read& read) {
  while (!map.done()) {
    const auto [number, type] = map.field();
    if (number == 1 && type == 2) {
      read_entry(map.message(), record, read);
    } else {
      map.skip(number, type);
    }
  }
}

// Throws Malformed.
inline Record read_record(std::string_view bytes) {
  Record record;
  Reader example(bytes, 100);
  while (!example.done()) {
    const auto [number, type] = example.field();
    if (number == 1 && type == 2) {
      read_map(example.message(), record, read_feature);
    } else {
      example.skip(number, type);
    }
  }
  return record;
}

// The values of a Feature; nullopt without a kind. Throws Unfit for a list of another kind. Strings
// stay the Feature's.
template <class T>
std::optional<std::vector<T>> values_in(const Value& value) {
  if (value.kind == 0) return std::nullopt;
  if constexpr (std::is_same_v<T, std::string_view>) {
    if (value.kind != 1) throw Unfit("kind");
    return std::vector<T>(value.strings.begin(), value.strings.end());
  } else if constexpr (std::is_same_v<T, float>) {
    if (value.kind != 2) throw Unfit("kind");
    return value.floats;
  } else {
    if (value.kind != 3) throw Unfit("kind");
    return value.ints;
  }
}

// The values of `key` in every record as rows; nullopt for a record without.
template <class T>
std::vector<std::optional<std::vector<T>>> rows_of(std::span<const Record> records,
                                                   const std::string& key) {
  std::vector<std::optional<std::vector<T>>> rows;
  for (const Record& record : records) {
    const auto found = record.find(key);
    rows.push_back(found == record.end() ? std::nullopt : values_in<T>(found->second));
  }
  return rows;
}

template <class T>
Tensor tensor_of(Shape shape, const std::vector<T>& values) {
  if constexpr (std::is_same_v<T, std::string_view>) {
    return Tensor::strings(std::move(shape), Bytes::from(values));
  } else {
    return Tensor::of<T>(std::move(shape), std::span<const T>(values));
  }
}

template <class T>
std::vector<T> values_of(const Tensor& tensor) {
  std::vector<T> values;
  for (int64_t i = 0; i < tensor.size(); ++i) {
    if constexpr (std::is_same_v<T, std::string_view>) {
      values.push_back(tensor.bytes()[i]);
    } else {
      values.push_back(tensor.values<T>()[static_cast<size_t>(i)]);
    }
  }
  return values;
}

template <class T>
Feature fixed(std::span<const Record> records, const std::string& key,
              const FixedLenFeature& spec) {
  std::vector<T> all;
  for (auto& row : rows_of<T>(records, key)) {
    if (!row && !spec.default_value) throw Unfit("missing");
    if (!row) row = values_of<T>(*spec.default_value);
    if (static_cast<int64_t>(row->size()) != num_elements(spec.shape)) throw Unfit("count");
    all.insert(all.end(), row->begin(), row->end());
  }
  Shape shape = spec.shape;
  shape.insert(shape.begin(), static_cast<int64_t>(records.size()));
  return tensor_of(shape, all);
}

template <class T>
Feature padded(std::span<const Record> records, const std::string& key,
               const FixedLenSequenceFeature& spec) {
  auto rows = rows_of<T>(records, key);
  size_t longest = 0;
  for (auto& row : rows) {
    if (!row) row.emplace();
    if (static_cast<int64_t>(row->size()) % num_elements(spec.shape) != 0) throw Unfit("count");
    longest = std::max(longest, row->size());
  }
  std::vector<T> all;
  for (auto& row : rows) {
    row->resize(longest, spec.default_value ? values_of<T>(*spec.default_value)[0] : T{});
    all.insert(all.end(), row->begin(), row->end());
  }
  Shape shape = spec.shape;
  shape.insert(shape.begin(), static_cast<int64_t>(longest) / num_elements(spec.shape));
  shape.insert(shape.begin(), static_cast<int64_t>(records.size()));
  return tensor_of(shape, all);
}

template <class T>
Ragged ragged(std::span<const Record> records, const std::string& key) {
  std::vector<std::vector<T>> lists;
  for (auto& row : rows_of<T>(records, key)) lists.push_back(row ? *row : std::vector<T>());
  return Ragged::from_lists(lists);
}

// FixedLen, FixedLenSequence, VarLen and Ragged without partitions.
template <class T>
Feature feature(std::span<const Record> records, const std::string& name, const FeatureSpec& spec) {
  if (const auto* f = std::get_if<FixedLenFeature>(&spec)) return fixed<T>(records, name, *f);
  if (const auto* f = std::get_if<FixedLenSequenceFeature>(&spec))
    return padded<T>(records, name, *f);
  if (std::holds_alternative<VarLenFeature>(spec)) {
    return SparseTensor::from_ragged(ragged<T>(records, name));
  }
  const std::string& key = std::get<RaggedFeature>(spec).value_key;
  return ragged<T>(records, key.empty() ? name : key);
}

// Throws Unfit.
inline Features features_of(std::span<const Record> records, const ParseSpec& spec) {
  Features features;
  for (const auto& [name, what] : spec) {
    const DType dtype = std::visit([](const auto& f) { return f.dtype; }, what);
    if (dtype == DType::kInt64) features[name] = feature<int64_t>(records, name, what);
    if (dtype == DType::kFloat32) features[name] = feature<float>(records, name, what);
    if (dtype == DType::kString) features[name] = feature<std::string_view>(records, name, what);
  }
  return features;
}

// Throws Malformed or Unfit.
inline Features parse_example(std::span<const std::string_view> serialized, const ParseSpec& spec) {
  std::vector<Record> records;
  for (std::string_view bytes : serialized) records.push_back(read_record(bytes));
  return features_of(records, spec);
}

}  // namespace weft::reference
