// Random numbers of a given distribution from random bits.
#pragma once

#include <cstdint>

#include "base/philox.h"

namespace weft {

// The quantile function of the normal distribution, to 1e-15 relative. 0 < p < 1.
double normal_quantile(double p);

// Element i of the stream in [0, 1).
inline double uniform_at(const base::Philox& stream, int64_t i) {
  return static_cast<double>(stream.bits(i) >> 11) * 0x1p-53;
}
// Standard normal.
double normal_at(const base::Philox& stream, int64_t i);
// Standard normal, given that it lies within two standard deviations.
double truncated_normal_at(const base::Philox& stream, int64_t i);

}  // namespace weft
