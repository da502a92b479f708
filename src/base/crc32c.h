// CRC-32C (Castagnoli), as RFC 3720 defines it, and its masked form.
#pragma once

#include <cstdint>

namespace weft::base {

uint32_t crc32c(const void* data, int64_t size);
// crc32c of a followed by b, from crc = crc32c(a).
uint32_t extend_crc32c(uint32_t crc, const void* data, int64_t size);

// What is stored beside data that may itself hold CRCs: rotated by 15 bits, plus a constant.
constexpr uint32_t mask_crc32c(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8u; }
inline uint32_t masked_crc32c(const void* data, int64_t size) {
  return mask_crc32c(crc32c(data, size));
}

}  // namespace weft::base
