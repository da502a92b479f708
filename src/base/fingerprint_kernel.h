// FarmHash's Fingerprint64 (farmhashna::Hash64) of many values at once, modulo a number.
#pragma once

#include <cstdint>

#include "base/kernel.h"

namespace weft {

// For x modulo `by` without a division.
struct Divisor {
  uint64_t by;          // 0: x stays as it is
  uint64_t reciprocal;  // floor((2^64 - 1) / by), or 0
};

static inline Divisor divisor(uint64_t by) { return {by, by == 0 ? 0 : ~uint64_t{0} / by}; }

// The high half of x * reciprocal is floor(x / by) or one less: the reciprocal falls short of
// 2^64 / by by at most 1, so the product, over 2^64, of x / by by less than 1.
static inline uint64_t modulo(uint64_t x, Divisor d) {
  const auto product = static_cast<unsigned __int128>(x) * d.reciprocal;
  const uint64_t rest = x - static_cast<uint64_t>(product >> 64) * d.by;
  return rest >= d.by ? rest - d.by : rest;
}

template <class Word>
static inline Word shift_mix(Word x) {
  return x ^ (x >> 47);
}

// One fingerprint after another, as TensorFlow's FingerprintCat64 (tsl/platform/fingerprint.h).
template <class Word>
static inline Word fingerprint_cat(Word a, Word b) {
  constexpr uint64_t k = 0xc6a4a7935bd1e995;
  return shift_mix(shift_mix((a ^ k ^ shift_mix(b * k) * k) * k) * k);
}

struct FingerprintKernel {
  // String i is data[offsets[i], offsets[i + 1]).
  void (*strings)(const uint8_t* data, const int64_t* offsets, int64_t n, Divisor by,
                  uint64_t* out) noexcept;
  // The decimal text of integers, which may stand at `out`.
  void (*int64s)(const uint64_t* values, int64_t n, Divisor by, uint64_t* out) noexcept;
  void (*uint64s)(const uint64_t* values, int64_t n, Divisor by, uint64_t* out) noexcept;
  // Of keys[0][i], keys[1][i] and so on, begin <= i < end: fingerprint_cat of `seed` and those in
  // turn, to out[i].
  void (*chains)(uint64_t seed, const uint64_t* const* keys, int64_t num_keys, int64_t begin,
                 int64_t end, Divisor by, uint64_t* out) noexcept;
};

WEFT_DECLARE_KERNEL(FingerprintKernel, fingerprint_kernel)

}  // namespace weft
