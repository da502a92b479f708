// What protobuf says that a record means: slow and complete, for the records that the scan leaves.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

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

// Called for each map entry, in their order: of two with one key the later counts. The value may be
// swapped away.
using FeatureFound = std::function<void(const std::string& key, FeatureValue& value)>;

// Returns the name of another message type that the record seems to be, or null. Throws CorruptData
// for bytes that no protobuf library reads, naming the message type they seem to be if there is
// one; LimitExceeded above max_keys.
const char* read_record(std::string_view record, int64_t max_keys, const FeatureFound& found);

// The message type other than Example that a record is, judged by its structure, or null: "a
// SequenceExample", "an ExampleListWithContext".
const char* foreign_message(std::string_view record);

[[noreturn]] void throw_foreign(const char* foreign);

// "int64", "float32", "string": what the lists of a tag hold.
const char* tag_name(uint8_t tag);

}  // namespace weft
