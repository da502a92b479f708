// What protobuf says that a record means, written again in the form that the scan reads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "example/plan.h"
#include "example/wire.h"
#include "weft/example.h"

namespace weft {

// One feature of a record.
struct FeatureValue {
  uint8_t tag = 0;  // kBytesTag, kFloatTag, kInt64Tag; 0: no kind
  bool present = false;
  int64_t offset = -1;  // of its map entry in the record
  // Varints, floats, or (0a length bytes)*, all runs and lists together.
  std::string values;

  int64_t count() const;
};

class RecordMeaning {
 public:
  explicit RecordMeaning(const Plan& plan) : plan_(plan), slots_(plan.slots().size()) {}

  // Reads a record. Throws CorruptData for bytes that no protobuf library reads, naming the message
  // type they seem to be if there is one; LimitExceeded above max_keys.
  void read(std::string_view record, const ParseOptions& options);
  // The features that the plan reads, by slot.
  const std::vector<FeatureValue>& slots() const { return slots_; }
  // The name of another message type that the record seems to be, or null.
  const char* foreign() const { return foreign_; }
  // The record again, as the scan takes it. Throws InvalidArgument for a list of another kind than
  // its slot's.
  std::string canonical() const;

 private:
  void read_features(WireReader features, int64_t max_keys);
  void read_entry(WireReader entry, int64_t offset);

  const Plan& plan_;
  std::vector<FeatureValue> slots_;
  FeatureValue other_;  // the entry being read
  std::string key_;
  int64_t keys_ = 0;
  bool valueless_ = true;
  const char* foreign_ = nullptr;
};

// "int64", "float32", "string": what the lists of a tag hold.
const char* tag_name(uint8_t tag);

// The message type other than Example that a record is, judged by its structure, or null: "a
// SequenceExample", "an ExampleListWithContext".
const char* foreign_message(std::string_view record);

}  // namespace weft
