// The inner loop of inflate: the symbols of one compressed block.
#pragma once

#include <cstdint>

#include "base/kernel.h"

namespace weft {

// Where decoding stands. The next bits of the input are the low `count` bits of `bits`, then the
// bytes from `in` on.
struct InflateCursor {
  const uint8_t* in;
  const uint8_t* in_end;
  uint8_t* out;
  uint8_t* out_end;
  const uint8_t* window;  // the first byte that a match may refer to
  uint64_t bits;
  uint32_t count;
};

// A code is decoded by looking up as many bits as its table is wide. Entries:
//   literal    1 << 31 | byte << 16 | used
//   length     base << 16 | code << 8 | used      code: bits of the code alone; used: with extra
//   bits distance   the same subtable   index << 16 | kInflateSubtable | width << 8 | used used:
//   the width of this table end        kInflateEnd | used no code    kInflateBad
inline constexpr uint32_t kInflateLiteral = 1u << 31;
inline constexpr uint32_t kInflateSubtable = 1u << 14;
inline constexpr uint32_t kInflateEnd = 1u << 13;
inline constexpr uint32_t kInflateBad = 1u << 12;
inline constexpr int kInflateLengthBits = 11;   // width of the table of literals and lengths
inline constexpr int kInflateDistanceBits = 8;  // and of distances
// Entries, subtables included: the most that complete codes of 288 and 32 symbols can need.
inline constexpr int kInflateLengthEntries = 2342;
inline constexpr int kInflateDistanceEntries = 402;

// Room that must be left for a step: input is read and output written that far ahead.
inline constexpr int64_t kInflateInputMargin = 32;
inline constexpr int64_t kInflateOutputMargin = 320;

enum class InflateStop : int { kMargin, kBlockEnd, kBadCode, kBadDistance };

struct InflateKernel {
  // Decodes until the block ends, a margin is reached or the data are wrong. All that it has put
  // out is then right, and but for wrong data the cursor is where the last whole symbol ended.
  InflateStop (*decode)(InflateCursor* cursor, const uint32_t* lengths,
                        const uint32_t* distances) noexcept;
};

WEFT_DECLARE_KERNEL(InflateKernel, inflate_kernel)

}  // namespace weft
