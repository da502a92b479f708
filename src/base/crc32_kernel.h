// CRC-32 (IEEE 802.3, as in gzip), without the inversions at both ends.
#pragma once

#include <cstdint>

#include "base/kernel.h"

namespace weft {

struct Crc32Kernel {
  // The register after `size` more bytes.
  uint32_t (*extend)(uint32_t state, const uint8_t* data, int64_t size) noexcept;
  // The same, on a processor with PCLMULQDQ.
  uint32_t (*extend_pclmul)(uint32_t state, const uint8_t* data, int64_t size) noexcept;
};

WEFT_DECLARE_KERNEL(Crc32Kernel, crc32_kernel)

}  // namespace weft
