#include "weft/ids.h"

#include "ids/call.h"

namespace weft {
namespace {

// The rows of the inner level in the bounds of the outer one's: steps forgotten.
Tensor flattened(const Tensor& outer, const Tensor& inner) {
  Tensor splits(DType::kInt64, {outer.size()});
  const auto from = outer.values<int64_t>();
  const auto below = inner.values<int64_t>();
  auto to = splits.mutable_values<int64_t>();
  for (size_t i = 0; i < from.size(); ++i) to[i] = below[static_cast<size_t>(from[i])];
  return splits;
}

}  // namespace

IdsCounters& IdsCounters::operator+=(const IdsCounters& other) {
  seen += other.seen;
  replaced += other.replaced;
  dropped += other.dropped;
  out_of_vocabulary += other.out_of_vocabulary;
  return *this;
}

IdWeightPair finish_ids(FeatureRows rows, Tensor ids, const IdsCall& call) {
  call.counters.seen += ids.size();
  call.counters.dropped += rows.dropped;
  if (call.sequence)
    return {Ragged::trusted(std::move(ids), std::move(rows.splits)), std::nullopt, rows.steps};
  if (rows.splits.size() == 2) rows.splits = {flattened(rows.splits[0], rows.splits[1])};
  return {Ragged::trusted(std::move(ids), std::move(rows.splits)), std::nullopt, 0};
}

IdWeightPair id_weight_pair(const FeatureColumn& column, const Features& features,
                            const IdsOptions& options, IdsCounters* counters) {
  const auto* categorical = dynamic_cast<const CategoricalColumn*>(&column);
  if (categorical == nullptr)
    throw InvalidArgument("only a categorical column has ids, not " + column.to_string());
  IdsCounters met;
  IdWeightPair pair = categorical->ids({features, options, false, met});
  if (counters != nullptr) *counters += met;
  return pair;
}

Ragged column_ids(const FeatureColumn& column, const Features& features, const IdsOptions& options,
                  IdsCounters* counters) {
  return id_weight_pair(column, features, options, counters).ids;
}

}  // namespace weft
