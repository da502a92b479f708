// The ids that the columns of one layer share in one batch.
#pragma once

#include <deque>

#include "weft/sequence.h"

namespace weft {

// Computes the ids of each categorical column once, although an embedding and an indicator read it.
class BatchIds {
 public:
  BatchIds(const Features& features, const IdsOptions& options)
      : features_(features), options_(options) {}

  const Features& features() const { return features_; }
  // Valid as long as this object.
  const IdWeightPair& of(const CategoricalColumn& column);

  struct Entry {
    const CategoricalColumn* column;
    IdWeightPair pair;
    IdsCounters counters;
  };
  const std::deque<Entry>& entries() const { return entries_; }

 private:
  const Features& features_;
  const IdsOptions& options_;
  std::deque<Entry> entries_;
};

}  // namespace weft
