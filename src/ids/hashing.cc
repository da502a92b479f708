#include "ids/hashing.h"

#include "base/cpu.h"

namespace weft {

Fingerprints::Fingerprints(const Tensor& values, int64_t buckets)
    : values_(values), buckets_(divisor(static_cast<uint64_t>(buckets))) {
  if (values.dtype() != DType::kString && values.dtype() != DType::kUInt64)
    values_ = as_int64(values, "values");
}

void Fingerprints::write(int64_t begin, int64_t end, int64_t* out) const {
  const FingerprintKernel& kernel = WEFT_KERNEL(fingerprint_kernel);
  auto* to = reinterpret_cast<uint64_t*>(out);
  if (values_.dtype() == DType::kString) {
    const Bytes& bytes = values_.bytes();
    kernel.strings(bytes.data().data(), bytes.offsets().data() + begin, end - begin, buckets_, to);
    return;
  }
  const auto* from = reinterpret_cast<const uint64_t*>(values_.buffer().data()) + begin;
  const bool is_signed = values_.dtype() == DType::kInt64;
  (is_signed ? kernel.int64s : kernel.uint64s)(from, end - begin, buckets_, to);
}

}  // namespace weft
