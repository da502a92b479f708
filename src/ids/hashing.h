// Values to hashes: FarmHash fingerprints of strings, and of the decimal text of integers.
#pragma once

#include <span>

#include "base/fingerprint_kernel.h"
#include "weft/ids.h"

namespace weft {

// Fingerprints modulo `buckets`.
class Fingerprints {
 public:
  // Keeps what it needs of `values`: strings or integers, else WrongType. 0 buckets: whole
  // fingerprints.
  Fingerprints(const Tensor& values, int64_t buckets);
  // Those of values [begin, end), or of the values at `places`, to out[0] and on.
  void write(int64_t begin, int64_t end, int64_t* out) const;
  void write(std::span<const int64_t> places, int64_t* out) const;

 private:
  void write_integers(const uint64_t* from, int64_t n, int64_t* out) const;

  Tensor values_;  // strings, int64 or uint64
  Divisor buckets_;
};

}  // namespace weft
