#include "ids/hashing.h"

#include <charconv>

#include "base/fingerprint.h"

namespace weft {
namespace {

template <class T>
uint64_t fingerprint_of_text(T value) {
  char text[24];
  const char* end = std::to_chars(text, text + sizeof text, value).ptr;
  return base::fingerprint64({text, static_cast<size_t>(end - text)});
}

}  // namespace

Fingerprints::Fingerprints(const Tensor& values) : values_(values) {
  if (values.dtype() == DType::kString) return;
  signed_ = values.dtype() != DType::kUInt64;
  if (signed_) values_ = as_int64(values, "values");
  integers_ = reinterpret_cast<const int64_t*>(values_.buffer().data());
}

uint64_t Fingerprints::operator[](int64_t i) const {
  if (values_.dtype() == DType::kString) return base::fingerprint64(values_.bytes()[i]);
  if (signed_) return fingerprint_of_text(integers_[i]);
  return fingerprint_of_text(static_cast<uint64_t>(integers_[i]));
}

uint64_t fingerprint_cat(uint64_t a, uint64_t b) {
  constexpr uint64_t k = 0xc6a4a7935bd1e995;
  const auto mix = [](uint64_t v) { return v ^ (v >> 47); };
  uint64_t r = a ^ k;
  r ^= mix(b * k) * k;
  r *= k;
  return mix(mix(r) * k);
}

}  // namespace weft
