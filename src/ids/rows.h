// One feature of any kind as rows of steps of values, which is how every column kind reads it.
#pragma once

#include <string>
#include <vector>

#include "weft/ids.h"

namespace weft {

struct FeatureRows {
  Tensor values;  // [N], in the feature's dtype, without the absent ones
  std::vector<Tensor>
      splits;           // int64; one level: one value a step; two: [B, steps], [steps, values]
  int64_t steps = 0;    // T, as IdWeightPair has it
  int64_t dropped = 0;  // absent values

  int64_t rows() const { return splits[0].size() - 1; }
};

// Values of an integer or string feature, or of weights as float32. Throws InvalidArgument for a
// scalar and, if `strict` forbids dropping, for an absent value; LimitExceeded for too many steps.
FeatureRows rows_of(const Feature& feature, const std::string& key, const IdsOptions& options);

// Throws InvalidArgument unless the feature has at most one value dimension after the row's: what a
// column that is not a sequence can combine.
void check_rank_two(const Feature& feature, const std::string& key);

inline Where at_key(const std::string& key) { return {.key = key}; }

// The row and step that hold value i.
Where place_of(const FeatureRows& rows, int64_t i, const std::string& key);

// Drops the absent values of `rows`. `dense`: a step without values at the end of a row goes too.
void drop_absent(FeatureRows& rows, const std::string& key, const IdsOptions& options, bool dense);

}  // namespace weft
