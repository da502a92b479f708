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

// Integers, none of them, as so many strings: nested lists that hold nothing have no dtype of their
// own.
std::optional<Feature> as_no_strings(const Feature& feature) {
  const auto none = [](const Tensor& values) {
    return Tensor::strings(values.shape(), Bytes::from({}));
  };
  if (const auto* ragged = std::get_if<Ragged>(&feature); ragged && ragged->values().size() == 0)
    return ragged->with_values(none(ragged->values()));
  if (const auto* dense = std::get_if<Tensor>(&feature); dense && dense->size() == 0)
    return none(*dense);
  return std::nullopt;
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
  const int64_t steps = call.sequence ? rows.steps : 0;
  if (!call.sequence) rows = as_bags(std::move(rows));
  return {Ragged::trusted(std::move(ids), std::move(rows.splits)), std::nullopt, steps};
}

FeatureRows as_bags(FeatureRows rows) {
  if (rows.splits.size() == 2) rows.splits = {flattened(rows.splits[0], rows.splits[1])};
  return rows;
}

FeatureRows rows_of_dtype(const IdsCall& call, const std::string& key, DType dtype) {
  const Feature& found = find_feature(call.features, key);
  std::optional<Feature> empty;
  if (dtype == DType::kString && feature_dtype(found) == DType::kInt64)
    empty = as_no_strings(found);
  const Feature& feature = empty ? *empty : found;
  const DType given = feature_dtype(feature);
  const bool strings = given == DType::kString;
  if (!strings && !is_integer(given)) {
    throw WrongType(
        "column_name: " + escape_bytes(key) +
            " input_tensor dtype must be string or integer. dtype: " + dtype_name(given) + ".",
        at_key(key));
  }
  if (strings != (dtype == DType::kString)) {
    throw InvalidArgument(
        "Column dtype and SparseTensors dtype must be compatible. key: " + escape_bytes(key) +
            ", column dtype: " + dtype_name(dtype) + ", tensor dtype: " + dtype_name(given),
        at_key(key));
  }
  if (!call.sequence) check_rank_two(feature, key);
  return rows_of(feature, key, call.options);
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
