#include "sequence/batch_ids.h"

#include <algorithm>

namespace weft {

bool IdsPlaces::add(const CategoricalColumn& column) {
  const auto equal =
      std::ranges::find_if(columns_, [&](const auto* other) { return *other == column; });
  places_[&column] = static_cast<size_t>(equal - columns_.begin());
  if (equal != columns_.end()) return false;
  columns_.push_back(&column);
  return true;
}

const IdWeightPair& BatchIds::of(const CategoricalColumn& column) {
  const size_t place = places_.of(column);
  std::optional<IdWeightPair>& pair = pairs_[place];
  if (!pair) pair = id_weight_pair(column, features_, options_, &counters_[place]);
  return *pair;
}

}  // namespace weft
