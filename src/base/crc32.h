// CRC-32 (IEEE 802.3), as gzip files hold it.
#pragma once

#include <cstdint>

namespace weft::base {

// crc32 of a followed by b, from crc = crc32(a); 0 for an empty a.
uint32_t extend_crc32(uint32_t crc, const void* data, int64_t size);

}  // namespace weft::base
