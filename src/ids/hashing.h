// Values to hashes: FarmHash fingerprints, and TensorFlow's way of combining them.
#pragma once

#include "weft/ids.h"

namespace weft {

// The fingerprints of strings, and of the decimal text of integers.
class Fingerprints {
 public:
  // Keeps what it needs of `values`: strings or integers, else WrongType.
  explicit Fingerprints(const Tensor& values);
  int64_t size() const { return values_.size(); }
  uint64_t operator[](int64_t i) const;  // value i's

 private:
  Tensor values_;  // strings, int64 or uint64
  const int64_t* integers_ = nullptr;
  bool signed_ = true;
};

// One fingerprint after another, as TensorFlow's FingerprintCat64 (tsl/platform/fingerprint.h).
uint64_t fingerprint_cat(uint64_t a, uint64_t b);

}  // namespace weft
