// How long records are.
#pragma once

#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "weft/example.h"
#include "weft/record.h"

namespace weft::dataset {

// The length of a record: the longest of some features (Dataset::bucket_by_length).
class Lengths {
 public:
  // Throws InvalidArgument for a key that is not in the spec, or has no length.
  Lengths(const std::vector<std::string>& keys, const ParseSpec& spec, const ParseOptions& options);

  // One for each record; -1 for those that do not parse.
  std::vector<int64_t> of(const RecordBatch& batch) const;
  // Throws what is wrong with record i.
  void fail(const RecordBatch& batch, int64_t i) const;

 private:
  ExampleParser parser_;
  std::vector<int64_t> values_per_step_;  // of each feature, in order of the keys' names
};

}  // namespace weft::dataset
