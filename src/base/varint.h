// Base-128 varints: seven bits a byte, least significant first, the high bit set on all but the
// last byte. At most 10 bytes; the bits of the tenth beyond the 64th are dropped, as protobuf does.
#pragma once

#include <cstdint>

#include "base/varint_kernel.h"

namespace weft::base {

inline constexpr int kMaxVarint = 10;

inline int varint_size(uint64_t value) {
  const int bits = 64 - __builtin_clzll(value | 1);
  return (bits + 6) / 7;
}

// Writes varint_size(value) bytes; returns the place after them.
inline uint8_t* write_varint(uint8_t* to, uint64_t value) {
  for (; value >= 0x80; value >>= 7) *to++ = static_cast<uint8_t>(value | 0x80);
  *to++ = static_cast<uint8_t>(value);
  return to;
}

// Reads one varint of at most `max_bytes`; returns the place after it, or null when it does not end
// there or before `end`.
inline const uint8_t* read_varint(const uint8_t* p, const uint8_t* end, uint64_t* value,
                                  int max_bytes = kMaxVarint) {
  uint64_t result = 0;
  for (int i = 0; i < max_bytes && p != end; ++i) {
    const uint64_t byte = *p++;
    result |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      *value = result;
      return p;
    }
  }
  return nullptr;
}

// The varints that end within p[0, size): bytes without the high bit.
int64_t count_varints(const uint8_t* p, int64_t size);
// Whether p[0, size) is whole varints.
bool valid_varints(const uint8_t* p, int64_t size) noexcept;
// Decodes p[0, size) into to[0, count_varints(p, size)); false if they are not whole varints (what
// `to` then holds is unspecified). Touches nothing else.
bool decode_varints(const uint8_t* p, int64_t size, uint64_t* to);

// The decoder for this processor: what decode_varints calls, for loops over many short runs.
VarintDecode* varint_decoder();

}  // namespace weft::base
