// One entry per kind of categorical column: how it makes ids of the values of its feature.
#pragma once

#include "ids/rows.h"

namespace weft {

// What one call is asked for.
struct IdsCall {
  const Features& features;
  const IdsOptions& options;
  bool sequence;          // keep the steps; otherwise a row's ids are one bag
  IdsCounters& counters;  // of this call alone
};

// `rows` with these ids in the place of its values, laid out as the call wants it.
IdWeightPair finish_ids(FeatureRows rows, Tensor ids, const IdsCall& call);

IdWeightPair identity_ids(const FeatureColumn& column, const IdsCall& call);

}  // namespace weft
