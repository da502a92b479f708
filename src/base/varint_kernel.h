// Runs of varints, 64 bytes at a time.
#pragma once

#include <cstdint>

#include "base/kernel.h"

namespace weft {

// As weft::base::decode_varints.
using VarintDecode = bool(const uint8_t* p, int64_t size, uint64_t* to) noexcept;

struct VarintKernel {
  int64_t (*count)(const uint8_t* p, int64_t size) noexcept;
  bool (*valid)(const uint8_t* p, int64_t size) noexcept;
  VarintDecode* decode;
  VarintDecode* decode_pext;   // where PEXT is fast; null below v3
  VarintDecode* decode_vbmi2;  // needs AVX512-VBMI and VBMI2; null below v4
};

WEFT_DECLARE_KERNEL(VarintKernel, varint_kernel)

}  // namespace weft
