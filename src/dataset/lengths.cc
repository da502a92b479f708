#include "dataset/lengths.h"

#include <algorithm>
#include <utility>

namespace weft::dataset {
namespace {

// What tells the lengths of a feature: itself, or its values without padding.
FeatureSpec unpadded(const std::string& key, const FeatureSpec& spec) {
  if (std::holds_alternative<FixedLenFeature>(spec)) {
    throw InvalidArgument("bucket_by_length: every record has the same length of a FixedLenFeature",
                          {.key = key});
  }
  if (const auto* padded = std::get_if<FixedLenSequenceFeature>(&spec))
    return VarLenFeature{.dtype = padded->dtype};
  return spec;
}

int64_t values_per_step(const FeatureSpec& spec) {
  const auto* padded = std::get_if<FixedLenSequenceFeature>(&spec);
  return padded == nullptr ? 1 : std::max<int64_t>(1, num_elements(padded->shape));
}

// Those of `keys` that `spec` names; null is a spec of nothing.
ParseSpec named(const std::vector<std::string>& keys, const ParseSpec* spec) {
  ParseSpec found;
  for (const std::string& key : keys) {
    if (spec != nullptr && spec->contains(key)) found.emplace(key, unpadded(key, spec->at(key)));
  }
  return found;
}

Parser parser_of(const std::vector<std::string>& keys, const Dataset::Description& description) {
  const ParseSpec* lists = description.lists ? &*description.lists : nullptr;
  for (const std::string& key : keys) {
    const bool a_feature = description.spec->contains(key);
    const bool a_list = lists != nullptr && lists->contains(key);
    if (a_feature != a_list) continue;
    throw InvalidArgument(a_list ? "bucket_by_length: a feature list and a feature of the context "
                                   "have this name"
                                 : "bucket_by_length needs a feature that parse() names",
                          {.key = key});
  }
  const ParseSpec features = named(keys, &*description.spec);
  const ParseSpec steps = named(keys, lists);
  return Parser(features, lists == nullptr ? nullptr : &steps, description.parse_options);
}

void lengthen(std::vector<int64_t>& lengths, std::span<const int64_t> row_splits, int64_t divisor) {
  for (size_t i = 0; i < lengths.size(); ++i)
    lengths[i] = std::max(lengths[i], (row_splits[i + 1] - row_splits[i]) / divisor);
}

// Each row's last index and one more.
void lengthen(std::vector<int64_t>& lengths, const SparseTensor& sparse) {
  const Tensor indices = sparse.indices();
  const auto rank = static_cast<size_t>(sparse.rank());
  const auto at = indices.values<int64_t>();
  for (size_t i = 0; i < at.size(); i += rank) {
    int64_t& length = lengths[static_cast<size_t>(at[i])];
    length = std::max(length, at[i + 1] + 1);
  }
}

void lengthen(std::vector<int64_t>& lengths, const Feature& feature, int64_t divisor) {
  const auto* sparse = std::get_if<SparseTensor>(&feature);
  const auto* rows = sparse == nullptr ? std::get_if<Ragged>(&feature) : sparse->rows();
  if (rows != nullptr) {
    lengthen(lengths, rows->row_splits(), divisor);
  } else {
    lengthen(lengths, *sparse);
  }
}

}  // namespace

Lengths::Lengths(const std::vector<std::string>& keys, const Dataset::Description& description)
    : parser_(parser_of(keys, description)) {
  for (const std::string& key : keys) {
    const auto found = description.spec->find(key);
    if (found != description.spec->end()) values_per_step_[key] = values_per_step(found->second);
  }
}

std::vector<int64_t> Lengths::of(const RecordBatch& batch) const {
  std::vector<int64_t> lengths(static_cast<size_t>(batch.size()), 0);
  ParsedSequenceExamples parsed;
  try {
    parsed = parser_.parse(batch);
  } catch (const Error&) {
    if (batch.size() == 1) return {-1};
    for (int64_t i = 0; i < batch.size(); ++i) {
      RecordBatch one;
      one.append(batch, i, 1);
      lengths[static_cast<size_t>(i)] = of(one)[0];
    }
    return lengths;
  }
  for (const auto& [key, feature] : parsed.context)
    lengthen(lengths, feature, values_per_step_.find(key)->second);
  for (const auto& [key, list] : parsed.lists) lengthen(lengths, list, 1);
  return lengths;
}

void Lengths::fail(const RecordBatch& batch, int64_t i) const {
  RecordBatch one;
  one.append(batch, i, 1);
  (void)parser_.parse(one);
  throw InvalidArgument("a record that parses alone and not among others", batch.where(i));
}

}  // namespace weft::dataset
