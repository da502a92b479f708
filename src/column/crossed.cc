#include <algorithm>

#include "column/checks.h"
#include "column/fields.h"

namespace weft {
namespace {

void check_key(const CrossKey& key) {
  const Column* column = std::get_if<Column>(&key);
  if (column == nullptr) return;
  require_categorical(*column, "crossed_column");
  const auto* sequence = dynamic_cast<const SequenceCategoricalColumn*>(column->get());
  const FeatureColumn& inner = sequence == nullptr ? **column : *sequence->categorical_column();
  if (dynamic_cast<const HashedCategoricalColumn*>(&inner) != nullptr) {
    throw InvalidArgument(
        "categorical_column_with_hash_bucket is not supported for crossing. Hashing before "
        "crossing will increase probability of collision. Instead, use the feature name as a "
        "string. Given: " +
        inner.to_string());
  }
  if (is_weighted(**column)) {
    throw InvalidArgument(
        "crossed_column does not support weights, but the given column has them: " +
        (*column)->to_string());
  }
}

constexpr size_t kMostLeaves = 64;

void add_leaves(const CrossKeys& keys, CrossKeys& leaves) {
  for (const CrossKey& key : keys) {
    if (leaves.size() >= kMostLeaves)
      throw InvalidArgument("a cross of more than " + std::to_string(kMostLeaves) + " keys");
    const Column* column = std::get_if<Column>(&key);
    const auto* cross =
        column == nullptr ? nullptr : dynamic_cast<const CrossedColumn*>(column->get());
    if (cross != nullptr) {
      add_leaves(cross->keys(), leaves);
    } else {
      leaves.push_back(key);
    }
  }
}

std::string key_name(const CrossKey& key) {
  const auto* name = std::get_if<std::string>(&key);
  return name != nullptr ? *name : std::get<Column>(key)->name();
}

}  // namespace

CrossedColumn::CrossedColumn(CrossKeys keys, int64_t hash_bucket_size,
                             std::optional<int64_t> hash_key)
    : keys_(std::move(keys)), hash_bucket_size_(hash_bucket_size), hash_key_(hash_key) {
  if (hash_bucket_size_ < 1) {
    throw InvalidArgument("hash_bucket_size must be > 1. hash_bucket_size: " +
                          std::to_string(hash_bucket_size_));
  }
  if (keys_.size() < 2) {
    throw InvalidArgument("keys must be a list with length > 1. Given: " + field_string(keys_));
  }
  std::ranges::for_each(keys_, check_key);
  const CrossKeys all = leaves();
  const auto at_odds = std::ranges::find_if(all, [&](const CrossKey& key) {
    const Column* column = std::get_if<Column>(&key);
    return column != nullptr && (*column)->is_sequence() != is_sequence();
  });
  if (at_odds == all.end()) return;
  throw InvalidArgument("crossed_column: some of the columns are sequences and '" +
                        escape_bytes(key_name(*at_odds)) +
                        "' is not; make all of them sequence_categorical_column_with_*, or use "
                        "sequence_crossed_column");
}

CrossKeys CrossedColumn::leaves() const {
  CrossKeys all;
  add_leaves(keys_, all);
  return all;
}

bool CrossedColumn::is_sequence() const {
  return std::ranges::any_of(keys_, [](const CrossKey& key) {
    const Column* column = std::get_if<Column>(&key);
    return column != nullptr && (*column)->is_sequence();
  });
}

std::string CrossedColumn::name() const {
  std::vector<std::string> names;
  std::ranges::transform(leaves(), std::back_inserter(names), key_name);
  std::ranges::sort(names);
  std::string joined;
  for (const std::string& name : names) joined += (joined.empty() ? "" : "_X_") + name;
  return joined;
}

ParseSpec CrossedColumn::parse_example_spec() const {
  ParseSpec spec;
  for (const CrossKey& key : keys_) {
    const Column* column = std::get_if<Column>(&key);
    if (column == nullptr) {
      spec[std::get<std::string>(key)] = VarLenFeature{DType::kString};
    } else {
      for (auto& [name, feature] : (*column)->parse_example_spec()) spec[name] = feature;
    }
  }
  return spec;
}

void CrossedColumn::prepare() const {
  for (const CrossKey& key : keys_) {
    if (const Column* column = std::get_if<Column>(&key)) (*column)->prepare();
  }
}

Fields CrossedColumn::config() const {
  return {{"keys", keys_},
          {"hash_bucket_size", hash_bucket_size_},
          {"hash_key", optional_field(hash_key_)}};
}

Column CrossedColumn::from_config(FieldReader& read) {
  return std::make_shared<CrossedColumn>(read.get<CrossKeys>("keys"),
                                         read.get<int64_t>("hash_bucket_size"),
                                         read.get_optional<int64_t>("hash_key"));
}

Column crossed_column(CrossKeys keys, int64_t hash_bucket_size, std::optional<int64_t> hash_key) {
  return std::make_shared<CrossedColumn>(std::move(keys), hash_bucket_size, hash_key);
}

Column sequence_crossed_column(const CrossKeys& keys, int64_t hash_bucket_size,
                               std::optional<int64_t> hash_key) {
  CrossKeys all;
  add_leaves(keys, all);
  for (CrossKey& key : all) {
    Column* column = std::get_if<Column>(&key);
    if (column != nullptr && *column && !(*column)->is_sequence())
      *column = std::make_shared<SequenceCategoricalColumn>(std::move(*column));
  }
  Column cross = crossed_column(std::move(all), hash_bucket_size, hash_key);
  if (cross->is_sequence()) return cross;
  return std::make_shared<SequenceCategoricalColumn>(std::move(cross));
}

}  // namespace weft
