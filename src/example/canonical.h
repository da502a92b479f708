// What protobuf says that a record means, written again in the form that the scan reads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "example/plan.h"
#include "example/record_reader.h"
#include "weft/example.h"

namespace weft {

class RecordMeaning {
 public:
  explicit RecordMeaning(const Plan& plan) : plan_(plan), slots_(plan.slots().size()) {}

  // Throws as read_record.
  void read(std::string_view record, const ParseOptions& options);
  // The features that the plan reads, by slot.
  const std::vector<FeatureValue>& slots() const { return slots_; }
  // The name of another message type that the record seems to be, or null.
  const char* foreign() const { return foreign_; }
  // The record again, as the scan takes it. Throws InvalidArgument for a list of another kind than
  // its slot's.
  std::string canonical() const;

 private:
  const Plan& plan_;
  std::vector<FeatureValue> slots_;
  const char* foreign_ = nullptr;
};

}  // namespace weft
