#include "sequence/batch_ids.h"

namespace weft {

const IdWeightPair& BatchIds::of(const CategoricalColumn& column) {
  for (const Entry& entry : entries_) {
    if (*entry.column == column) return entry.pair;
  }
  Entry entry{&column, {}, {}};
  entry.pair = id_weight_pair(column, features_, options_, &entry.counters);
  entries_.push_back(std::move(entry));
  return entries_.back().pair;
}

}  // namespace weft
