#include "example/canonical.h"

#include "base/cpu.h"
#include "base/varint.h"
#include "weft/error.h"

namespace weft {
namespace {

void append_varint(std::string& to, uint64_t value) {
  uint8_t buffer[base::kMaxVarint];
  to.append(reinterpret_cast<char*>(buffer),
            static_cast<size_t>(base::write_varint(buffer, value) - buffer));
}

void append_bytes(std::string& to, uint8_t tag, std::string_view bytes) {
  to += static_cast<char>(tag);
  append_varint(to, bytes.size());
  to += bytes;
}

const uint8_t* data_of(std::string_view s) { return reinterpret_cast<const uint8_t*>(s.data()); }

// BytesList, FloatList and Int64List: field 1, repeated; numbers packed or not.
void read_list(WireReader list, uint8_t tag, std::string& values) {
  while (!list.at_end()) {
    const auto field = list.next();
    if (tag == kBytesTag && field.is(1, WireReader::kBytes)) {
      append_bytes(values, 0x0a, list.bytes());
    } else if (tag == kFloatTag && field.is(1, WireReader::kFixed32)) {
      values += list.fixed(4);
    } else if (tag == kFloatTag && field.is(1, WireReader::kBytes)) {
      const std::string_view run = list.bytes();
      if (run.size() % 4 != 0) {
        list.fail("a run of floats has " + std::to_string(run.size()) + " bytes, no multiple of 4");
      }
      values += run;
    } else if (tag == kInt64Tag && field.is(1, WireReader::kVarint)) {
      values += list.varint();
    } else if (tag == kInt64Tag && field.is(1, WireReader::kBytes)) {
      const std::string_view run = list.bytes();
      if (!base::valid_varints(data_of(run), static_cast<int64_t>(run.size()))) {
        list.fail("a run of varints holds one that is cut off or longer than 10 bytes");
      }
      values += run;
    } else {
      list.skip(field);
    }
  }
}

// Feature: one of three lists. The last kind wins; lists of that kind, one after the other, are
// one.
void read_feature(WireReader feature, FeatureValue& value) {
  while (!feature.at_end()) {
    const auto field = feature.next();
    if (field.number > 3 || field.type != WireReader::kBytes) {
      feature.skip(field);
      continue;
    }
    const auto tag = static_cast<uint8_t>(field.number << 3 | WireReader::kBytes);
    if (value.tag != tag) value.values.clear();
    value.tag = tag;
    read_list(feature.message(), tag, value.values);
  }
}

}  // namespace

const char* tag_name(uint8_t tag) {
  return tag == kInt64Tag   ? "int64"
         : tag == kFloatTag ? "float32"
         : tag == kBytesTag ? "string"
                            : "nothing";
}

int64_t FeatureValue::count() const {
  if (tag == kInt64Tag)
    return base::count_varints(data_of(values), static_cast<int64_t>(values.size()));
  if (tag == kFloatTag) return static_cast<int64_t>(values.size() / 4);
  int64_t n = 0;
  for (WireReader list(values); !list.at_end(); ++n) {
    list.next();
    list.bytes();
  }
  return n;
}

void RecordMeaning::read(std::string_view record, const ParseOptions& options) {
  for (FeatureValue& value : slots_) value.present = false;
  keys_ = 0;
  valueless_ = true;
  foreign_ = nullptr;
  bool second_field = false;
  try {
    WireReader example(record);
    while (!example.at_end()) {
      const auto field = example.next();
      second_field |= field.is(2, WireReader::kBytes);
      if (field.is(1, WireReader::kBytes)) {
        read_features(example.message(), options.limits.max_keys);
      } else {
        example.skip(field);
      }
    }
  } catch (const CorruptData& error) {
    if (const char* name = foreign_message(record)) {
      throw CorruptData("the record is " + std::string(name) + ", not a tf.Example", error.where());
    }
    throw;
  }
  if (second_field || (keys_ > 0 && valueless_)) foreign_ = foreign_message(record);
}

// Features: map<string, Feature> feature = 1.
void RecordMeaning::read_features(WireReader features, int64_t max_keys) {
  while (!features.at_end()) {
    const int64_t offset = features.offset();
    const auto field = features.next();
    if (!field.is(1, WireReader::kBytes)) {
      features.skip(field);
      continue;
    }
    if (++keys_ > max_keys) {
      throw LimitExceeded(
          "the record has more than max_keys = " + std::to_string(max_keys) + " features",
          {.offset = offset});
    }
    read_entry(features.message(), offset);
  }
}

// A map entry: string key = 1, Feature value = 2, either of them missing or repeated.
void RecordMeaning::read_entry(WireReader entry, int64_t offset) {
  key_.clear();
  other_.tag = 0;
  other_.values.clear();
  try {
    while (!entry.at_end()) {
      const auto field = entry.next();
      if (field.is(1, WireReader::kBytes)) {
        const std::string_view key = entry.bytes();
        if (!WEFT_KERNEL(scan_kernel).valid_utf8(data_of(key), static_cast<int64_t>(key.size()))) {
          entry.fail("the key '" + escape_bytes(key) + "' is not UTF-8");
        }
        key_ = key;
      } else if (field.is(2, WireReader::kBytes)) {
        valueless_ = false;
        read_feature(entry.message(), other_);
      } else {
        entry.skip(field);
      }
    }
  } catch (Error& error) {
    error.locate({.key = key_});
    throw;
  }
  const int64_t slot = plan_.find(key_);
  if (slot < 0) return;
  FeatureValue& value = slots_[static_cast<size_t>(slot)];
  std::swap(value, other_);
  value.present = true;
  value.offset = offset;
}

std::string RecordMeaning::canonical() const {
  std::string features;
  for (size_t i = 0; i < slots_.size(); ++i) {
    const FeatureValue& value = slots_[i];
    const Slot& slot = plan_.slots()[i];
    const KeyPattern& pattern = plan_.patterns()[i];
    if (!value.present || value.tag == 0) continue;
    if (value.tag != pattern.kind) {
      throw InvalidArgument(std::string("the record holds a list of ") + tag_name(value.tag) +
                                " where the spec reads " + dtype_name(slot.dtype),
                            {.key = slot.key, .offset = value.offset});
    }
    std::string list, feature;
    if (value.tag == kBytesTag) {
      list = value.values;
    } else if (!value.values.empty()) {
      append_bytes(list, 0x0a, value.values);
    }
    append_bytes(feature, value.tag, list);
    std::string entry(reinterpret_cast<const char*>(pattern.whole), pattern.length);
    append_varint(entry, feature.size());
    append_bytes(features, 0x0a, entry + feature);
  }
  std::string record;
  append_bytes(record, 0x0a, features);
  if (record.size() > 0x7fffffff) throw LimitExceeded("a record of more than 2 GiB");
  return record;
}

}  // namespace weft
