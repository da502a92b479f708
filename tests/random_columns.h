// Random declarations of feature layers with batches that fit them: indicators between embeddings
// and numbers, weights, several ids a step, empty rows, layouts.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "feature_layers.h"

namespace weft::testing {

inline bool same_bits(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() &&
         std::memcmp(a.buffer().data(), b.buffer().data(),
                     static_cast<size_t>(a.size() * dtype_size(a.dtype()))) == 0;
}

// Draws columns "k0", "k1", ... and their features for rows of these lengths.
class ColumnLottery {
 public:
  ColumnLottery(uint32_t seed, bool sequence) : random_(seed), sequence_(sequence) {
    const int64_t rows = upto(30);
    for (int64_t i = 0; i < rows; ++i) lengths_.push_back(i % 4 == 3 ? 0 : upto(12) - 1);
    const int64_t count = upto(5);
    for (int64_t i = 0; i < count; ++i) draw("k" + std::to_string(i));
  }

  int64_t upto(int64_t n) { return 1 + static_cast<int64_t>(random_() % static_cast<uint64_t>(n)); }

  std::vector<Column> columns;
  Features features;

 private:
  void draw(const std::string& key) {
    const int64_t kind = upto(6), buckets = upto(40);
    if (kind == 1) return draw_numbers(key);
    if (kind == 2) {
      draw_numbers(key);
      Tensor bounds = Tensor::of<double>({3}, {100, 300.5, 700});
      columns.back() = sequence_ ? sequence_bucketized_column(columns.back(), bounds)
                                 : bucketized_column(columns.back(), bounds);
      return;
    }
    const std::string weights = key + "_w";
    draw_ids(key, buckets, kind == 5 ? &weights : nullptr);
    Column ids = sequence_ ? sequence_categorical_column_with_identity(key, buckets)
                           : categorical_column_with_identity(key, buckets);
    if (kind == 5) {
      ids = sequence_ ? sequence_weighted_categorical_column(ids, weights)
                      : weighted_categorical_column(ids, weights);
    }
    columns.push_back(kind == 3 ? embedding_column(ids, upto(9)) : indicator_column(ids));
  }

  void draw_numbers(const std::string& key) {
    const int64_t each = upto(3);
    int64_t total = 0;
    for (int64_t length : lengths_) total += sequence_ ? length * each : each;
    std::vector<float> values(static_cast<size_t>(total));
    for (float& value : values) value = static_cast<float>(random_() % 1000) / 7;
    const Tensor flat = Tensor::of<float>({total}, std::span<const float>(values));
    if (!sequence_) {
      columns.push_back(numeric_column(key, {each}));
      features.emplace(key, flat.reshaped({std::ssize(lengths_), each}));
      return;
    }
    Ints lengths = lengths_;
    for (int64_t& length : lengths) length *= each;
    columns.push_back(sequence_numeric_column(key, {each}, 0.25));
    features.emplace(key, Ragged::from_row_lengths(flat, int64s(lengths)));
  }

  // One id a step, or several; -1 for none.
  void draw_ids(const std::string& key, int64_t buckets, const std::string* weight_key) {
    std::vector<Tensor> lengths{int64s(lengths_)};
    int64_t total = 0;
    for (int64_t length : lengths_) total += length;
    if (sequence_ && random_() % 2 == 0) {
      Ints inner;
      for (int64_t i = 0; i < total; ++i) inner.push_back(upto(5) - 1);
      total = 0;
      for (int64_t n : inner) total += n;
      lengths.push_back(int64s(inner));
    }
    Ints ids;
    Floats weights;
    for (int64_t i = 0; i < total; ++i) {
      ids.push_back(upto(buckets) - 1);
      weights.push_back(static_cast<float>(upto(1000)) / 300);
    }
    features.emplace(key, Ragged::from_row_lengths(int64s(ids), lengths));
    if (weight_key == nullptr) return;
    const Tensor values = Tensor::of<float>({total}, std::span<const float>(weights));
    features.emplace(*weight_key, Ragged::from_row_lengths(values, lengths));
  }

  std::mt19937 random_;
  bool sequence_;
  Ints lengths_;
};

struct RandomSequences {
  SequenceFeatures layer;
  Features features;
};
inline RandomSequences random_sequences(uint32_t seed, DType dtype = DType::kFloat32) {
  ColumnLottery lottery(seed, true);
  SequenceFeaturesOptions options;
  options.dtype = dtype;
  if (lottery.upto(2) == 1) options.max_length = lottery.upto(8);
  if (lottery.upto(2) == 1) options.keep = Keep::kFirst;
  if (lottery.upto(2) == 1) options.pad = Pad::kLeft;
  if (lottery.upto(3) == 1) options.pad_to = {PadTo::Kind::kMultiple, lottery.upto(7)};
  if (lottery.upto(4) == 1) options.pad_to = {PadTo::Kind::kFixed, 12};
  return {SequenceFeatures(lottery.columns, options), lottery.features};
}

struct RandomRows {
  DenseFeatures layer;
  Features features;
};
inline RandomRows random_rows(uint32_t seed, DType dtype = DType::kFloat32) {
  ColumnLottery lottery(seed, false);
  FeatureLayer::Options options;
  options.dtype = dtype;
  return {DenseFeatures(lottery.columns, options), lottery.features};
}

template <class T>
void write_block(const Blocks::Block& block, int64_t at, int64_t width, Tensor& out) {
  T* to = out.mutable_values<T>().data() + at;
  const int64_t cells = width == 0 ? 0 : out.size() / width;
  for (int64_t cell = 0; cell < cells; ++cell, to += width) {
    if (const auto* dense = std::get_if<Tensor>(&block)) {
      const int64_t own = dense->shape().back();
      std::copy_n(dense->values<T>().data() + cell * own, own, to);
      continue;
    }
    const auto& ids = std::get<IdCounts>(block);
    const auto splits = ids.splits.values<int64_t>();
    for (auto i = static_cast<size_t>(splits[static_cast<size_t>(cell)]);
         i < static_cast<size_t>(splits[static_cast<size_t>(cell) + 1]); ++i)
      to[ids.ids.values<int64_t>()[i]] = ids.counts.values<T>()[i];
  }
}

// The tensor that the blocks stand for.
inline Tensor written(const Blocks& blocks) {
  Tensor out = Tensor::zeros(blocks.dtype(), blocks.shape());
  int64_t at = 0;
  for (const Blocks::Block& block : blocks.blocks()) {
    if (blocks.dtype() == DType::kFloat64) {
      write_block<double>(block, at, blocks.shape().back(), out);
    } else {
      write_block<float>(block, at, blocks.shape().back(), out);
    }
    const auto* ids = std::get_if<IdCounts>(&block);
    at += ids != nullptr ? ids->width : std::get<Tensor>(block).shape().back();
  }
  return out;
}

inline int64_t id_blocks(const Blocks& blocks) {
  return std::ranges::count_if(blocks.blocks(), [](const Blocks::Block& block) {
    return std::holds_alternative<IdCounts>(block);
  });
}

}  // namespace weft::testing
