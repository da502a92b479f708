// Gradients against differences.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/reference_rnn.h"
#include "weft/tensor.h"

namespace weft::testing {

inline double dot(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (int64_t i = 0; i < a.size(); ++i) sum += reference::element(a, i) * reference::element(b, i);
  return sum;
}

// Compares `found`, the gradient with regard to `value`, with differences of f at some elements;
// where the value is NaN it must be zero. The memory of `value` is what f reads.
template <class F>
void expect_differences(Tensor value, const Tensor& found, std::mt19937& random, const F& f) {
  ASSERT_EQ(value.shape(), found.shape());
  for (int trial = 0; trial < 10 && value.size() > 0; ++trial) {
    const auto i = static_cast<size_t>(random() % static_cast<uint64_t>(value.size()));
    double& x = value.mutable_values<double>()[i];
    if (std::isnan(x)) {
      EXPECT_EQ(found.values<double>()[i], 0);
      continue;
    }
    const double before = x, step = 1e-5;
    x = before + step;
    const double above = f();
    x = before - step;
    const double below = f();
    x = before;
    EXPECT_NEAR(found.values<double>()[i], (above - below) / (2 * step),
                1e-7 * (1 + std::abs(found.values<double>()[i])))
        << "element " << i;
  }
}

}  // namespace weft::testing
