// Parse specs, compiled: which keys a record is searched for, and what becomes of their lists.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "example/key_table.h"
#include "weft/column.h"
#include "weft/tensor.h"

namespace weft {

// One key of the records. With `steps`, it is that of a feature list, and what is said here of the
// values of a record goes for each step.
struct Slot {
  // kFixed: `elements` values in each record. kPadded: a multiple of them, padded to the longest;
  // of a feature list, `elements` in each step. kSparse, kRagged: any number.
  enum class Kind : uint8_t { kFixed, kPadded, kSparse, kRagged };

  std::string key;
  DType dtype = DType::kInt64;
  Kind kind = Kind::kFixed;
  Shape shape;
  int64_t elements = 1;
  std::optional<Tensor> default_value;  // `elements` values of kFixed, one of kPadded
  int64_t uses = 0;                     // by outputs
  bool steps = false;
  bool required = false;  // of a feature list: a record without it is an error

  bool variable() const { return kind != Kind::kFixed; }
  // One number in each record: its place is known before any list is measured.
  bool read_at_once() const {
    return kind == Kind::kFixed && elements == 1 && dtype != DType::kString;
  }
};

// One name of a spec: what it is made of.
struct Output {
  std::string name;
  const FeatureSpec* spec = nullptr;
  size_t values = 0;           // slot
  std::vector<size_t> others;  // slots: a RaggedFeature's partitions, a SparseFeature's indices
};

class Plan {
 public:
  // Of Examples. Throws as ExampleParser's constructor.
  explicit Plan(ParseSpec spec);
  // Of SequenceExamples. Throws as SequenceExampleParser's constructor.
  Plan(ParseSpec context, ParseSpec lists);
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  bool sequence() const { return sequence_; }
  const char* record_type() const { return sequence_ ? "tf.SequenceExample" : "tf.Example"; }
  // Of an Example's features, or of a SequenceExample's context.
  const ParseSpec& spec() const { return spec_; }
  const ParseSpec& list_spec() const { return list_spec_; }
  // Those of spec(), then those of list_spec().
  const std::vector<Slot>& slots() const { return slots_; }
  const std::vector<Output>& outputs() const { return outputs_; }
  const std::vector<Output>& list_outputs() const { return list_outputs_; }
  const KeyTable& keys() const { return keys_; }
  const KeyTable& list_keys() const { return list_keys_; }
  // The slot of a key, or -1.
  int64_t find(std::string_view key) const { return keys_.find(key); }
  int64_t find_list(std::string_view key) const {
    const int64_t found = list_keys_.find(key);
    return found < 0 ? -1 : found + static_cast<int64_t>(keys_.size());
  }

 private:
  class Builder;
  void compile();
  void make_keys(KeyTable& keys, bool steps) const;

  bool sequence_ = false;
  ParseSpec spec_, list_spec_;
  std::vector<Slot> slots_;
  std::vector<Output> outputs_, list_outputs_;
  KeyTable keys_, list_keys_;
};

}  // namespace weft
