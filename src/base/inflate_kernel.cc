#include "base/inflate_kernel.h"

namespace weft::WEFT_ISA {
namespace {

uint64_t load(const uint8_t* from) {
  uint64_t value;
  __builtin_memcpy(&value, from, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  value = __builtin_bswap64(value);
#endif
  return value;
}

void copy8(uint8_t* to, const uint8_t* from) { __builtin_memcpy(to, from, 8); }
void copy16(uint8_t* to, const uint8_t* from) {
  unsigned char block[16];
  __builtin_memcpy(block, from, 16);
  __builtin_memcpy(to, block, 16);
}

uint64_t low(uint64_t bits, uint32_t n) { return bits & ((uint64_t{1} << n) - 1); }

// Has at least 56 bits at hand. The bits above `count` are those of the byte at `in`, which is read
// again: they do no harm.
void refill(InflateCursor& c) {
  c.bits |= load(c.in) << c.count;
  c.in += (63 - c.count) >> 3;
  c.count |= 56;
}

void use(InflateCursor& c, uint32_t entry) {
  c.bits >>= entry & 0xff;
  c.count -= entry & 0xff;
}

// The base of a length or distance and its extra bits, from the bits before use().
uint32_t value_of(uint32_t entry, uint64_t before) {
  return (entry >> 16) + static_cast<uint32_t>(low(before, entry & 0xff) >> (entry >> 8 & 0xf));
}

uint32_t in_subtable(InflateCursor& c, const uint32_t* table, uint32_t entry) {
  use(c, entry);
  return table[(entry >> 16) + low(c.bits, entry >> 8 & 0xf)];
}

// Copies a match, writing up to 31 bytes more than it has.
void copy_match(uint8_t* out, uint32_t distance, uint32_t length) {
  const uint8_t* from = out - distance;
  uint8_t* const end = out + length;
  if (distance >= 16) {
    copy16(out, from);
    copy16(out + 16, from + 16);
    for (out += 32, from += 32; out < end; out += 16, from += 16) copy16(out, from);
  } else if (distance >= 8) {
    for (; out < end; out += 8, from += 8) copy8(out, from);
  } else if (distance == 1) {
    const uint64_t same = uint64_t{0x0101010101010101} * *from;
    for (; out < end; out += 8) __builtin_memcpy(out, &same, 8);
  } else {  // each copy brings `distance` more bytes into place
    for (; out < end; out += distance, from += distance) copy8(out, from);
  }
}

InflateStop decode(InflateCursor* cursor, const uint32_t* lengths,
                   const uint32_t* distances) noexcept {
  constexpr uint32_t kLengthMask = (1u << kInflateLengthBits) - 1;
  constexpr uint32_t kDistanceMask = (1u << kInflateDistanceBits) - 1;
  InflateCursor c = *cursor;
  const auto stop = [&](InflateStop why) {
    c.bits = low(c.bits, c.count);
    *cursor = c;
    return why;
  };
  const auto put_literal = [&](uint32_t entry) {
    use(c, entry);
    *c.out++ = static_cast<uint8_t>(entry >> 16);
  };
  const auto look_up = [&] { return lengths[c.bits & kLengthMask]; };
  const auto refill_and_look_up = [&] {
    refill(c);
    return look_up();
  };
  if (c.in_end - c.in < kInflateInputMargin) return InflateStop::kMargin;
  // The next entry is looked up before the match of the last is copied: neither waits for the
  // other.
  uint32_t entry = refill_and_look_up();
  while (c.in_end - c.in >= kInflateInputMargin && c.out_end - c.out >= kInflateOutputMargin) {
    // Two literals and a length need at most 11 + 11 + 15 + 5 of the 56 bits.
    for (int i = 0; i < 2 && (entry & kInflateLiteral) != 0; ++i) {
      put_literal(entry);
      entry = look_up();
    }
    if ((entry & kInflateSubtable) != 0) entry = in_subtable(c, lengths, entry);
    if ((entry & kInflateLiteral) != 0) {
      put_literal(entry);
      entry = refill_and_look_up();
      continue;
    }
    if ((entry & kInflateBad) != 0) return stop(InflateStop::kBadCode);
    uint64_t before = c.bits;
    use(c, entry);
    if ((entry & kInflateEnd) != 0) return stop(InflateStop::kBlockEnd);
    const uint32_t length = value_of(entry, before);
    refill(c);
    entry = distances[c.bits & kDistanceMask];
    if ((entry & kInflateSubtable) != 0) entry = in_subtable(c, distances, entry);
    if ((entry & kInflateBad) != 0) return stop(InflateStop::kBadCode);
    before = c.bits;
    use(c, entry);
    const uint32_t distance = value_of(entry, before);
    if (distance > c.out - c.window) return stop(InflateStop::kBadDistance);
    entry = refill_and_look_up();
    copy_match(c.out, distance, length);
    c.out += length;
  }
  return stop(InflateStop::kMargin);
}

}  // namespace

extern const InflateKernel inflate_kernel = {decode};

}  // namespace weft::WEFT_ISA
