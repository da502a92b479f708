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
  explicit RecordMeaning(const Plan& plan)
      : plan_(plan), features_(plan.keys().size()), lists_(plan.list_keys().size()) {}

  // Throws as read_example and read_sequence_example.
  void read(std::string_view record, const ParseOptions& options);
  // What the plan reads, by slot; of those with steps in lists().
  const std::vector<FeatureValue>& features() const { return features_; }
  const std::vector<FeatureListValue>& lists() const { return lists_; }
  const FeatureListValue& list_of(size_t slot) const { return lists_[slot - features_.size()]; }
  // Where a slot's map entry begins in the record; -1 if it has none.
  int64_t offset_of(size_t slot) const;
  // What the record seems to be, or null.
  ForeignName foreign() const { return foreign_; }
  // The record again, as the scan takes it. Throws InvalidArgument for a list of another kind than
  // its slot's.
  std::string canonical() const;

 private:
  void read_sequence(std::string_view record, const ParseOptions& options);
  std::string feature_of(const FeatureValue& value, size_t slot, int64_t step) const;

  const Plan& plan_;
  std::vector<FeatureValue> features_;
  std::vector<FeatureListValue> lists_;
  ForeignName foreign_ = nullptr;
};

}  // namespace weft
