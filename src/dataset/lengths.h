// How long records are.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "dataset/parse.h"

namespace weft::dataset {

// The length of a record: the longest of some features (Dataset::bucket_by_length).
class Lengths {
 public:
  // Throws InvalidArgument for a key that is not in the spec, is in both, or has no length.
  Lengths(const std::vector<std::string>& keys, const Dataset::Description& description);

  // One for each record; -1 for those that do not parse.
  std::vector<int64_t> of(const RecordBatch& batch) const;
  // Throws what is wrong with record i.
  [[noreturn]] void fail(const RecordBatch& batch, int64_t i) const;

 private:
  Parser parser_;
  std::map<std::string, int64_t, std::less<>> values_per_step_;  // of features that are no lists
};

}  // namespace weft::dataset
