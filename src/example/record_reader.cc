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

std::string_view key_of(WireReader& entry) {
  const std::string_view key = entry.bytes();
  if (!is_utf8(key)) entry.fail("the key '" + escape_bytes(key) + "' is not UTF-8");
  return key;
}

// FeatureList: Feature feature = 1, repeated.
void read_feature_list(WireReader list, FeatureListValue& value) {
  while (!list.at_end()) {
    const int64_t offset = list.offset();
    const auto field = list.next();
    if (!field.is(1, WireReader::kBytes)) {
      list.skip(field);
      continue;
    }
    FeatureValue& step = value.steps.emplace_back();
    step.offset = offset;
    try {
      read_feature(list.message(), step);
    } catch (Error& error) {
      error.locate({.step = static_cast<int64_t>(value.steps.size()) - 1});
      throw;
    }
  }
}

void read_value(WireReader value, FeatureValue& to) { read_feature(value, to); }
void read_value(WireReader value, FeatureListValue& to) { read_feature_list(value, to); }

// The maps of one record, entry by entry.
class MapReader {
 public:
  explicit MapReader(int64_t max_keys) : max_keys_(max_keys) {}

  // Features: map<string, Feature> feature = 1; FeatureLists: map<string, FeatureList>.
  template <class Value, class Found>
  void read(WireReader map, const Found& found) {
    while (!map.at_end()) {
      const int64_t offset = map.offset();
      const auto field = map.next();
      if (!field.is(1, WireReader::kBytes)) {
        map.skip(field);
        continue;
      }
      if (++keys_ > max_keys_) {
        throw LimitExceeded(
            "the record has more than max_keys = " + std::to_string(max_keys_) + " features",
            {.offset = offset});
      }
      Value value{};
      value.offset = offset;
      const std::string key = read_entry(map.message(), value);
      found(key, value);
    }
  }

  // There are entries, and none of them has a value.
  bool keys_only() const { return keys_ > 0 && valueless_; }

 private:
  // A map entry: string key = 1, the value = 2, either of them missing or repeated.
  template <class Value>
  std::string read_entry(WireReader entry, Value& value) {
    std::string key;
    try {
      while (!entry.at_end()) {
        const auto field = entry.next();
        if (field.is(1, WireReader::kBytes)) {
          key = key_of(entry);
        } else if (field.is(2, WireReader::kBytes)) {
          valueless_ = false;
          read_value(entry.message(), value);
        } else {
          entry.skip(field);
        }
      }
    } catch (Error& error) {
      error.locate({.key = key});
      throw;
    }
    return key;
  }

  const int64_t max_keys_;
  int64_t keys_ = 0;
  bool valueless_ = true;
};

// Reads the fields of the outermost message; names what the bytes seem to be if they are none.
template <class ReadFields>
void read_message(std::string_view record, const char* type,
                  ForeignName (*foreign)(std::string_view), const ReadFields& read_fields) {
  try {
    WireReader message(record, type);
    while (!message.at_end()) {
      const auto field = message.next();
      if (!read_fields(field, message)) message.skip(field);
    }
  } catch (const CorruptData& error) {
    if (ForeignName name = foreign(record)) {
      throw CorruptData("the record is " + std::string(name) + ", not a " + type, error.where());
    }
    throw;
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

ForeignName read_example(std::string_view record, int64_t max_keys, const FeatureFound& found) {
  MapReader maps(max_keys);
  bool second_field = false;
  read_message(record, "tf.Example", foreign_to_example,
               [&](WireReader::Field field, WireReader& message) {
                 second_field |= field.is(2, WireReader::kBytes);
                 if (!field.is(1, WireReader::kBytes)) return false;
                 maps.read<FeatureValue>(message.message(), found);
                 return true;
               });
  return second_field || maps.keys_only() ? foreign_to_example(record) : nullptr;
}

ForeignName read_sequence_example(std::string_view record, int64_t max_keys,
                                  const FeatureFound& found, const FeatureListFound& list_found,
                                  bool* has_lists) {
  MapReader maps(max_keys);
  *has_lists = false;
  read_message(record, "tf.SequenceExample", foreign_to_sequence_example,
               [&](WireReader::Field field, WireReader& message) {
                 if (field.is(1, WireReader::kBytes)) {
                   maps.read<FeatureValue>(message.message(), found);
                 } else if (field.is(2, WireReader::kBytes)) {
                   *has_lists = true;
                   maps.read<FeatureListValue>(message.message(), list_found);
                 } else {
                   return false;
                 }
                 return true;
               });
  return maps.keys_only() ? foreign_to_sequence_example(record) : nullptr;
}

}  // namespace weft
