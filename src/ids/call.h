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

// `rows` with these ids in the place of its values, laid out as the call wants it.
IdWeightPair finish_ids(FeatureRows rows, Tensor ids, const IdsCall& call);

}  // namespace weft
