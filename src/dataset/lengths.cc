#include "dataset/lengths.h"

#include <algorithm>
#include <utility>

namespace weft::dataset {
namespace {

// What tells the lengths of a feature: itself, or its values without padding.
FeatureSpec unpadded(const std::string& key, const ParseSpec& spec) {
  const auto found = spec.find(key);
  if (found == spec.end())
    throw InvalidArgument("bucket_by_length needs a feature that parse() names", {.key = key});
  if (std::holds_alternative<FixedLenFeature>(found->second)) {
    throw InvalidArgument("bucket_by_length: every record has the same length of a FixedLenFeature",
                          {.key = key});
  }
  if (const auto* padded = std::get_if<FixedLenSequenceFeature>(&found->second))
    return VarLenFeature{.dtype = padded->dtype};
  return found->second;
}

int64_t values_per_step(const FeatureSpec& spec) {
  const auto* padded = std::get_if<FixedLenSequenceFeature>(&spec);
  return padded == nullptr ? 1 : std::max<int64_t>(1, num_elements(padded->shape));
}

ParseSpec spec_of_lengths(const std::vector<std::string>& keys, const ParseSpec& spec) {
  ParseSpec made;
  for (const std::string& key : keys) made.emplace(key, unpadded(key, spec));
  return made;
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

}  // namespace

Lengths::Lengths(const std::vector<std::string>& keys, const ParseSpec& spec,
                 const ParseOptions& options)
    : parser_(spec_of_lengths(keys, spec), options) {
  for (const auto& [key, made] : parser_.spec())
    values_per_step_.push_back(values_per_step(spec.find(key)->second));
}

std::vector<int64_t> Lengths::of(const RecordBatch& batch) const {
  std::vector<int64_t> lengths(static_cast<size_t>(batch.size()), 0);
  Features features;
  try {
    features = parser_.parse(batch.records());
  } catch (const Error&) {
    if (batch.size() == 1) return {-1};
    for (int64_t i = 0; i < batch.size(); ++i) {
      RecordBatch one;
      one.append(batch, i, 1);
      lengths[static_cast<size_t>(i)] = of(one)[0];
    }
    return lengths;
  }
  auto divisor = values_per_step_.begin();
  for (const auto& [key, feature] : features) {
    const auto* sparse = std::get_if<SparseTensor>(&feature);
    const auto* rows = sparse == nullptr ? std::get_if<Ragged>(&feature) : sparse->rows();
    if (rows != nullptr) {
      lengthen(lengths, rows->row_splits(), *divisor);
    } else {
      lengthen(lengths, *sparse);
    }
    ++divisor;
  }
  return lengths;
}

void Lengths::fail(const RecordBatch& batch, int64_t i) const {
  try {
    parser_.parse(batch.records().subspan(static_cast<size_t>(i), 1));
  } catch (Error& error) {
    error.locate(batch.where(i));
    throw;
  }
}

}  // namespace weft::dataset
