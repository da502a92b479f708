#include "ids/hashing.h"

#include <algorithm>

#include "base/cpu.h"

namespace weft {

Fingerprints::Fingerprints(const Tensor& values, int64_t buckets)
    : values_(values), buckets_(divisor(static_cast<uint64_t>(buckets))) {
  if (values.dtype() != DType::kString && values.dtype() != DType::kUInt64)
    values_ = as_int64(values, "values");
}

void Fingerprints::write(int64_t begin, int64_t end, int64_t* out) const {
  if (values_.dtype() != DType::kString) {
    write_integers(reinterpret_cast<const uint64_t*>(values_.buffer().data()) + begin, end - begin,
                   out);
    return;
  }
  const Bytes& bytes = values_.bytes();
  WEFT_KERNEL(fingerprint_kernel)
      .strings(bytes.data().data(), bytes.offsets().data() + begin, end - begin, buckets_,
               reinterpret_cast<uint64_t*>(out));
}

void Fingerprints::write(std::span<const int64_t> places, int64_t* out) const {
  if (values_.dtype() == DType::kString) {
    for (int64_t place : places) write(place, place + 1, out++);
    return;
  }
  const auto* from = reinterpret_cast<const uint64_t*>(values_.buffer().data());
  std::transform(places.begin(), places.end(), out,
                 [&](int64_t place) { return static_cast<int64_t>(from[place]); });
  write_integers(reinterpret_cast<const uint64_t*>(out), static_cast<int64_t>(places.size()), out);
}

void Fingerprints::write_integers(const uint64_t* from, int64_t n, int64_t* out) const {
  const FingerprintKernel& kernel = WEFT_KERNEL(fingerprint_kernel);
  const bool is_signed = values_.dtype() == DType::kInt64;
  (is_signed ? kernel.int64s : kernel.uint64s)(from, n, buckets_, reinterpret_cast<uint64_t*>(out));
}

}  // namespace weft
