#include "sequence/categorical.h"

namespace weft {

const CategoricalColumn* categorical_of(const DenseColumn& column) {
  switch (column.kind()) {
    case FeatureColumn::Kind::kEmbedding:
      return &static_cast<const EmbeddingColumn&>(column).categorical();
    case FeatureColumn::Kind::kIndicator:
      return &static_cast<const IndicatorColumn&>(column).categorical();
    default:
      return nullptr;
  }
}

const IdWeightPair& BatchIds::of(const CategoricalColumn& column) {
  for (const Entry& entry : entries_) {
    if (entry.column == &column || *entry.column == column) return entry.pair;
  }
  Entry entry{&column, {}, {}};
  entry.pair = id_weight_pair(column, features_, options_, &entry.counters);
  entries_.push_back(std::move(entry));
  return entries_.back().pair;
}

}  // namespace weft
