// What one call for ids is asked for, and how a kind of column answers: a categorical column's
// ids() stands in src/ids/<kind>.cc.
#pragma once

#include "ids/rows.h"

namespace weft {

struct IdsCall {
  const Features& features;
  const IdsOptions& options;
  bool sequence;          // keep the steps; otherwise a row's ids are one bag
  IdsCounters& counters;  // of this call alone
};

// The rows with all values of a row in one bag: its steps forgotten.
FeatureRows as_bags(FeatureRows rows);

// `rows` with these ids in the place of its values, laid out as the call wants it.
IdWeightPair finish_ids(FeatureRows rows, Tensor ids, const IdsCall& call);

// The rows of the call's feature `key`, for a column that is no identity. Throws InvalidArgument or
// WrongType, naming the key, unless it holds strings where `dtype` is kString and integers where it
// is an integer.
FeatureRows rows_of_dtype(const IdsCall& call, const std::string& key, DType dtype);

}  // namespace weft
