#include "base/inflate_table.h"

#include <array>

#include "base/inflate_kernel.h"

namespace weft::base {
namespace {

constexpr int kLongest = 15;

// A length or distance symbol: `extra` bits follow the code, and have their number in `used`.
constexpr uint32_t with_extra(uint32_t base, uint32_t extra) { return base << 16 | extra; }

// RFC 1951, 3.2.5.
constexpr auto kLengthSymbols = [] {
  constexpr uint8_t kExtra[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                  2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
  std::array<uint32_t, 288> symbols{};
  for (uint32_t s = 0; s < 256; ++s) symbols[s] = kInflateLiteral | s << 16;
  symbols[256] = kInflateEnd;
  uint32_t base = 3;
  for (uint32_t s = 0; s < 28; ++s) {
    symbols[257 + s] = with_extra(base, kExtra[s]);
    base += 1u << kExtra[s];
  }
  symbols[285] = with_extra(258, 0);
  symbols[286] = symbols[287] = kInflateBad;
  return symbols;
}();

constexpr auto kDistanceSymbols = [] {
  std::array<uint32_t, 32> symbols{};
  uint32_t base = 1;
  for (uint32_t s = 0; s < 30; ++s) {
    const uint32_t extra = s < 4 ? 0 : s / 2 - 1;
    symbols[s] = with_extra(base, extra);
    base += 1u << extra;
  }
  symbols[30] = symbols[31] = kInflateBad;
  return symbols;
}();

constexpr auto kNumberSymbols = [] {
  std::array<uint32_t, 19> symbols{};
  for (uint32_t s = 0; s < 19; ++s) symbols[s] = s << 16;
  return symbols;
}();

// The entry of a symbol whose code, or what is left of it in a subtable, has `bits` bits.
uint32_t entry_of(uint32_t symbol, uint32_t bits) { return symbol + (bits << 8 | bits); }

struct Code {
  std::array<uint16_t, kLongest + 1> count{};  // codes of each length
  std::array<uint16_t, 288> sorted{};          // symbols by length, then by number
  uint32_t coded = 0;                          // symbols with a code
  int longest = 0;
};

Code sorted_code(std::span<const uint8_t> lengths) {
  Code code;
  for (uint8_t length : lengths) ++code.count[length];
  code.count[0] = 0;
  std::array<uint16_t, kLongest + 2> at{};
  for (int length = 1; length <= kLongest; ++length) {
    const auto i = static_cast<size_t>(length);
    at[i + 1] = static_cast<uint16_t>(at[i] + code.count[i]);
    if (code.count[i] != 0) code.longest = length;
  }
  code.coded = at[kLongest + 1];
  for (size_t s = 0; s < lengths.size(); ++s) {
    if (lengths[s] != 0) code.sorted[at[lengths[s]]++] = static_cast<uint16_t>(s);
  }
  return code;
}

// Codes of the longest kind that are left unassigned; negative if there are too many codes.
int64_t unassigned(const Code& code) {
  int64_t left = 1;
  for (int length = 1; length <= kLongest; ++length) {
    left = 2 * left - code.count[static_cast<size_t>(length)];
    if (left < 0) return left;
  }
  return left;
}

// Codes are sent from their highest bit on, while the stream is read from its lowest: the next code
// of the same length is found by adding one to the bits in reverse.
uint32_t next_reversed(uint32_t code, int length) {
  uint32_t bit = 1u << (length - 1);
  while (bit != 0 && (code & bit) != 0) {
    code ^= bit;
    bit >>= 1;
  }
  return code | bit;
}

// Bits of the subtable that begins with a code of `length` bits: as many as it takes until the
// codes that are left fill it.
int subtable_bits(const Code& code, int length, int left_of_length, int width) {
  int bits = length - width;
  int64_t used = left_of_length;
  while (used < int64_t{1} << bits && width + bits < kLongest) {
    ++bits;
    used = 2 * used + code.count[static_cast<size_t>(width) + static_cast<size_t>(bits)];
  }
  return bits;
}

}  // namespace

std::span<const uint32_t> inflate_length_symbols() { return kLengthSymbols; }
std::span<const uint32_t> inflate_distance_symbols() { return kDistanceSymbols; }
std::span<const uint32_t> inflate_number_symbols() { return kNumberSymbols; }

bool build_inflate_table(std::span<const uint8_t> lengths, std::span<const uint32_t> symbols,
                         int width, bool may_be_incomplete, uint32_t* table) {
  const Code code = sorted_code(lengths);
  const int64_t left = unassigned(code);
  if (left < 0 || (left > 0 && (!may_be_incomplete || code.longest > 1))) return false;
  const uint32_t size = 1u << width;
  if (left > 0) {
    for (uint32_t i = 0; i < size; ++i) table[i] = kInflateBad;
  }
  uint32_t reversed = 0, end = size, subtable = 0, prefix = ~0u;
  int bits = 0;
  size_t next = 0;
  for (int length = 1; length <= code.longest; ++length) {
    for (int n = code.count[static_cast<size_t>(length)]; n > 0; --n) {
      const uint32_t symbol = symbols[code.sorted[next++]];
      if (length <= width) {
        for (uint32_t i = reversed; i < size; i += 1u << length) {
          table[i] = entry_of(symbol, static_cast<uint32_t>(length));
        }
      } else {
        if ((reversed & (size - 1)) != prefix) {
          prefix = reversed & (size - 1);
          subtable = end;
          bits = subtable_bits(code, length, n, width);
          end += 1u << bits;
          table[prefix] =
              subtable << 16 | kInflateSubtable | static_cast<uint32_t>(bits << 8 | width);
        }
        const int rest = length - width;
        for (uint32_t i = reversed >> width; i < 1u << bits; i += 1u << rest) {
          table[subtable + i] = entry_of(symbol, static_cast<uint32_t>(rest));
        }
      }
      reversed = next_reversed(reversed, length);
    }
  }
  return true;
}

}  // namespace weft::base
