#include <algorithm>

#include "ids/call.h"

namespace weft {
namespace {

const IdsOptions kZeroIsAbsent{.missing = {.integer = 0, .text = {}}};

FeatureRows weight_rows(const IdsCall& call, const std::string& key, DType dtype) {
  const Feature& feature = find_feature(call.features, key);
  const DType given = feature_dtype(feature);
  if (given != dtype) {
    throw InvalidArgument(std::string("Bad dtype, expected ") + dtype_name(dtype) + ", but got " +
                              dtype_name(given) + ".",
                          at_key(key));
  }
  const auto* dense = std::get_if<Tensor>(&feature);
  if (dense == nullptr) return rows_of(feature, key, kZeroIsAbsent);
  return rows_of(as_floating(*dense, DType::kFloat32, "weights"), key, kZeroIsAbsent);
}

bool same_splits(const Tensor& a, std::span<const int64_t> b) {
  return std::ranges::equal(a.values<int64_t>(), b);
}

// One weight for each id, in the same rows and steps.
void check_alike(const Ragged& ids, const FeatureRows& weights, const std::string& name,
                 const std::string& key) {
  const auto refuse = [&](const std::string& text, int64_t row = -1) {
    Where where = at_key(key);
    where.row = row;
    throw InvalidArgument(
        "the weights '" + escape_bytes(key) + "' of column '" + escape_bytes(name) + "' " + text,
        std::move(where));
  };
  if (weights.rows() != ids.rows()) {
    refuse("have " + std::to_string(weights.rows()) + " rows, the ids " +
           std::to_string(ids.rows()));
  }
  const auto lengths = weights.splits[0].values<int64_t>();
  for (size_t row = 0; row + 1 < lengths.size(); ++row) {
    const int64_t here = lengths[row + 1] - lengths[row];
    const int64_t wanted = ids.row_splits()[row + 1] - ids.row_splits()[row];
    if (here == wanted) continue;
    refuse("do not fit its ids: " + std::to_string(here) + " and " + std::to_string(wanted) +
               " in a row; in a dense array a weight of 0 counts as absent",
           static_cast<int64_t>(row));
  }
  if (static_cast<size_t>(ids.levels()) != weights.splits.size() ||
      (ids.levels() == 2 && !same_splits(weights.splits[1], ids.row_splits(1))))
    refuse("stand at other steps than its ids");
}

}  // namespace

IdWeightPair WeightedCategoricalColumn::ids(const IdsCall& call) const {
  IdWeightPair pair = categorical().ids(call);
  FeatureRows weights = weight_rows(call, weight_feature_key_, dtype_);
  const bool steps = call.sequence || is_sequence();
  if (!steps) weights = as_bags(std::move(weights));
  check_alike(pair.ids, weights, categorical_column_->name(), weight_feature_key_);
  pair.weights = as_floating(weights.values, DType::kFloat32, "weights");
  if (steps && pair.ids.levels() == 1) {  // a step with a weight is a bag of one id
    pair.ids = Ragged::trusted(pair.ids.values(), {pair.ids.row_splits_tensor(0),
                                                   even_splits(pair.ids.values().size(), 1)});
  }
  return pair;
}

}  // namespace weft
