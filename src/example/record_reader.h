// What protobuf says that a record means: slow and complete, for the records that the scan leaves.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace weft {

// One feature of a record.
struct FeatureValue {
  uint8_t tag = 0;      // kBytesTag, kFloatTag, kInt64Tag; 0: no kind
  int64_t offset = -1;  // of its map entry in the record; -1 where the record has none
  // Varints, floats, or (0a length bytes)*, all runs and lists together.
  std::string values;

  bool present() const { return offset >= 0; }
  int64_t count() const;
};

// A feature list of a record.
struct FeatureListValue {
  int64_t offset = -1;  // of its map entry in the record; -1 where the record has none
  std::vector<FeatureValue> steps;

  bool present() const { return offset >= 0; }
};

// Called for each map entry, in their order: of two with one key the later counts. The value may be
// swapped away.
using FeatureFound = std::function<void(const std::string& key, FeatureValue& value)>;
using FeatureListFound = std::function<void(const std::string& key, FeatureListValue& value)>;

// What a record seems to be instead of what it was read as: "a SequenceExample", or null.
using ForeignName = const char*;

// Each throws CorruptData for bytes that no protobuf library reads, naming the message type they
// seem to be if there is one; LimitExceeded above max_keys.
ForeignName read_example(std::string_view record, int64_t max_keys, const FeatureFound& found);
// `has_lists`: whether there is a field of feature lists, though it be empty.
ForeignName read_sequence_example(std::string_view record, int64_t max_keys,
                                  const FeatureFound& found, const FeatureListFound& list_found,
                                  bool* has_lists);

// The message type that a record is by its structure, other than the one it was read as: "a
// SequenceExample", "an ExampleListWithContext".
ForeignName foreign_to_example(std::string_view record);
ForeignName foreign_to_sequence_example(std::string_view record);

// `type`: what records are read as, "tf.Example".
[[noreturn]] void throw_foreign(ForeignName foreign, const char* type);

// "int64", "float32", "string": what the lists of a tag hold.
const char* tag_name(uint8_t tag);

}  // namespace weft
