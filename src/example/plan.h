// A parse spec, compiled: which keys a record is searched for, and what becomes of their lists.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "example/scan_kernel.h"
#include "weft/column.h"
#include "weft/tensor.h"

namespace weft {

// One key of the records.
struct Slot {
  // kFixed: `elements` values in each record. kPadded: a multiple of them, padded to the longest.
  // kSparse, kRagged: any number.
  enum class Kind : uint8_t { kFixed, kPadded, kSparse, kRagged };

  std::string key;
  DType dtype = DType::kInt64;
  Kind kind = Kind::kFixed;
  Shape shape;
  int64_t elements = 1;
  std::optional<Tensor> default_value;  // `elements` values of kFixed, one of kPadded
  int64_t uses = 0;                     // by outputs

  bool variable() const { return kind != Kind::kFixed; }
  // One number in each record: its place is known before any list is measured.
  bool read_at_once() const {
    return kind == Kind::kFixed && elements == 1 && dtype != DType::kString;
  }
};

// One name of the spec: what it is made of.
struct Output {
  std::string name;
  const FeatureSpec* spec = nullptr;
  size_t values = 0;           // slot
  std::vector<size_t> others;  // slots: a RaggedFeature's partitions, a SparseFeature's indices
};

class Plan {
 public:
  // Throws as ExampleParser's constructor.
  explicit Plan(ParseSpec spec);
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  const ParseSpec& spec() const { return spec_; }
  const std::vector<Slot>& slots() const { return slots_; }
  const std::vector<Output>& outputs() const { return outputs_; }
  // The slot of a key, or -1.
  int64_t find(std::string_view key) const;

  // For ScanState.
  const std::vector<KeyPattern>& patterns() const { return patterns_; }
  const std::vector<int32_t>& table() const { return table_; }
  uint32_t table_shift() const { return table_shift_; }
  uint64_t seed() const { return seed_; }

 private:
  class Builder;
  void make_patterns();
  void make_table();

  ParseSpec spec_;
  std::vector<Slot> slots_;
  std::vector<Output> outputs_;
  std::vector<std::string> heads_;  // what the patterns' `whole` points into
  std::vector<KeyPattern> patterns_;
  std::vector<int32_t> table_;
  uint32_t table_shift_ = 0;
  uint64_t seed_ = 0;
};

}  // namespace weft
