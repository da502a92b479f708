#include "example/record_reader.h"

#include "base/varint.h"
#include "example/scan_kernel.h"
#include "example/wire.h"
#include "weft/error.h"

namespace weft {
namespace {

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

class ExampleReader {
 public:
  ExampleReader(int64_t max_keys, const FeatureFound& found) : max_keys_(max_keys), found_(found) {}

  const char* read(std::string_view record) {
    bool second_field = false;
    try {
      WireReader example(record);
      while (!example.at_end()) {
        const auto field = example.next();
        second_field |= field.is(2, WireReader::kBytes);
        if (field.is(1, WireReader::kBytes)) {
          read_features(example.message());
        } else {
          example.skip(field);
        }
      }
    } catch (const CorruptData& error) {
      if (const char* name = foreign_message(record)) {
        throw CorruptData("the record is " + std::string(name) + ", not a tf.Example",
                          error.where());
      }
      throw;
    }
    return second_field || (keys_ > 0 && valueless_) ? foreign_message(record) : nullptr;
  }

 private:
  // Features: map<string, Feature> feature = 1.
  void read_features(WireReader features) {
    while (!features.at_end()) {
      const int64_t offset = features.offset();
      const auto field = features.next();
      if (!field.is(1, WireReader::kBytes)) {
        features.skip(field);
        continue;
      }
      if (++keys_ > max_keys_) {
        throw LimitExceeded(
            "the record has more than max_keys = " + std::to_string(max_keys_) + " features",
            {.offset = offset});
      }
      value_.tag = 0;
      value_.offset = offset;
      value_.values.clear();
      read_entry(features.message());
      found_(key_, value_);
    }
  }

  // A map entry: string key = 1, Feature value = 2, either of them missing or repeated.
  void read_entry(WireReader entry) {
    key_.clear();
    try {
      while (!entry.at_end()) {
        const auto field = entry.next();
        if (field.is(1, WireReader::kBytes)) {
          key_ = key_of(entry);
        } else if (field.is(2, WireReader::kBytes)) {
          valueless_ = false;
          read_feature(entry.message(), value_);
        } else {
          entry.skip(field);
        }
      }
    } catch (Error& error) {
      error.locate({.key = key_});
      throw;
    }
  }

  static std::string_view key_of(WireReader& entry) {
    const std::string_view key = entry.bytes();
    if (!is_utf8(key)) entry.fail("the key '" + escape_bytes(key) + "' is not UTF-8");
    return key;
  }

  const int64_t max_keys_;
  const FeatureFound& found_;
  std::string key_;
  FeatureValue value_;  // of the entry being read
  int64_t keys_ = 0;
  bool valueless_ = true;
};

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

const char* read_record(std::string_view record, int64_t max_keys, const FeatureFound& found) {
  return ExampleReader(max_keys, found).read(record);
}

}  // namespace weft
