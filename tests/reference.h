// Slow and obvious versions of lookups and padding, which every code path is held against. Kernels
// promise the same bits on every instruction set, so these compare with ==.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <vector>

#include "base/cpu.h"
#include "weft/column.h"
#include "weft/ragged.h"
#include "weft/tensor.h"

namespace weft::testing {

// Runs `body` on every instruction set of this processor, up to the one that is in use.
template <class Body>
void on_every_isa(const Body& body) {
  const base::Isa best = base::isa();
  for (base::Isa isa : {base::Isa::kPlain, base::Isa::kV2, base::Isa::kV3, base::Isa::kV4}) {
    if (isa > best) continue;
    base::set_isa(isa);
    SCOPED_TRACE(base::isa_name(isa));
    body();
  }
  base::set_isa(best);
}

template <class T>
std::vector<T> to_vector(const Tensor& tensor) {
  const auto values = tensor.values<T>();
  return {values.begin(), values.end()};
}

inline std::vector<int64_t> to_vector(std::span<const int64_t> values) {
  return {values.begin(), values.end()};
}

// Numbers whose sums round: a change of order or of width would show.
template <class T>
Tensor random_table(int64_t rows, int64_t dimension, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> number(-2, 2);
  Tensor table(kDTypeOf<T>, {rows, dimension});
  for (T& value : table.mutable_values<T>()) value = static_cast<T>(number(random));
  return table;
}

// max_norm / norm where the row's norm is larger, otherwise 1; eight partial sums, as the kernels
// add.
template <class T>
T reference_norm_factor(std::span<const T> row, std::optional<double> max_norm) {
  if (!max_norm) return T{1};
  double s[8] = {};
  for (size_t i = 0; i < row.size(); ++i)
    s[i % 8] += static_cast<double>(row[i]) * static_cast<double>(row[i]);
  const double norm = std::sqrt(((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7])));
  return norm > *max_norm ? static_cast<T>(*max_norm / norm) : T{1};
}

template <class T>
std::span<const T> reference_row(const Tensor& table, int64_t id) {
  return table.values<T>().subspan(static_cast<size_t>(id * table.dim(1)),
                                   static_cast<size_t>(table.dim(1)));
}

// sum(w x) in the order of the ids, then divided by sum(w) or sqrt(sum(w^2)); zeros for no ids.
template <class T>
std::vector<T> reference_combine(const Tensor& table, std::span<const int64_t> ids,
                                 std::span<const float> weights = {},
                                 Combiner combiner = Combiner::kSum,
                                 std::optional<double> max_norm = {}) {
  std::vector<T> sum(static_cast<size_t>(table.dim(1)), T{0});
  T total = 0, squared = 0;
  for (size_t i = 0; i < ids.size(); ++i) {
    const T weight = weights.empty() ? T{1} : static_cast<T>(weights[i]);
    if (ids[i] < 0 || (combiner != Combiner::kSum && !(weight > 0))) continue;
    const auto row = reference_row<T>(table, ids[i]);
    const T factor = weight * reference_norm_factor<T>(row, max_norm);
    for (size_t e = 0; e < sum.size(); ++e) sum[e] += row[e] * factor;
    total += weight;
    squared += weight * weight;
  }
  if (combiner == Combiner::kSum || total == 0) return sum;
  const T divisor = combiner == Combiner::kMean ? total : std::sqrt(squared);
  for (T& value : sum) value /= divisor;
  return sum;
}

// Rows of steps of `width` numbers in one block [rows.size(), steps, width].
template <class T>
std::vector<T> reference_padded(const std::vector<std::vector<std::vector<T>>>& rows, int64_t steps,
                                int64_t width, bool left = false, T padding = 0) {
  std::vector<T> block(rows.size() * static_cast<size_t>(steps * width), padding);
  for (size_t row = 0; row < rows.size(); ++row) {
    const size_t shift = left ? static_cast<size_t>(steps) - rows[row].size() : 0;
    for (size_t step = 0; step < rows[row].size(); ++step) {
      const size_t cell = row * static_cast<size_t>(steps) + shift + step;
      std::ranges::copy(rows[row][step], block.begin() + static_cast<std::ptrdiff_t>(
                                                             cell * static_cast<size_t>(width)));
    }
  }
  return block;
}

}  // namespace weft::testing
