// The ids that the columns of one layer share in one batch.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "weft/sequence.h"

namespace weft {

// The different categorical columns that a layer reads. Which of them are equal is found once, when
// the layer is made: to compare two columns is to compare their vocabularies.
class IdsPlaces {
 public:
  // Gives the column a place, that of an equal one if there is one; true if it is a new one.
  bool add(const CategoricalColumn& column);
  // Of a column that was added.
  size_t of(const CategoricalColumn& column) const { return places_.at(&column); }
  const std::vector<const CategoricalColumn*>& columns() const { return columns_; }

 private:
  std::vector<const CategoricalColumn*> columns_;  // by place
  std::map<const CategoricalColumn*, size_t> places_;
};

// Computes the ids of each categorical column once, although an embedding and an indicator read it.
class BatchIds {
 public:
  BatchIds(const IdsPlaces& places, const Features& features, const IdsOptions& options)
      : places_(places),
        features_(features),
        options_(options),
        pairs_(places.columns().size()),
        counters_(places.columns().size()) {}

  const Features& features() const { return features_; }
  // Valid as long as this object.
  const IdWeightPair& of(const CategoricalColumn& column);
  const std::vector<IdsCounters>& counters() const { return counters_; }  // by place

 private:
  const IdsPlaces& places_;
  const Features& features_;
  const IdsOptions& options_;
  std::vector<std::optional<IdWeightPair>> pairs_;
  std::vector<IdsCounters> counters_;
};

}  // namespace weft
