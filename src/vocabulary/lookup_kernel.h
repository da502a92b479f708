// A hash table in 64-byte lines, each what one cache miss brings, and the lookup of many keys at
// once. Integers, little-endian as everything of the file:
//   line   := key:i64[5] id:u32[5] overflow:u32             a free slot has key 0 and id 2^32 - 1
// Strings:
//   line   := tag:u16[10] place:u32[10] overflow:u32        a free slot has tag 0
//   record := id:u32 length:u32 bytes:u8[length] zeros to a multiple of 8
// where `place` counts records' bytes by eight. A key is in the line that its hash names or, if
// that one is full, in the next one that is not, at most kMaxProbes lines on; `overflow` of a line
// is 1 if a key had to go past it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/kernel.h"

namespace weft {

inline constexpr uint64_t kLineBytes = 64;
inline constexpr int kIntegerSlots = 5;
inline constexpr int kStringSlots = 10;
inline constexpr int kMaxProbes = 64;
inline constexpr uint32_t kNoId = ~uint32_t{0};

struct IntegerLine {
  int64_t keys[kIntegerSlots];
  uint32_t ids[kIntegerSlots];
  uint32_t overflow;
};
struct StringLine {
  uint16_t tags[kStringSlots];
  uint32_t places[kStringSlots];
  uint32_t overflow;
};
static_assert(sizeof(IntegerLine) == kLineBytes && sizeof(StringLine) == kLineBytes);

// A table as it lies in memory or in a mapped file, whose lines and records may hold anything.
struct TableView {
  const void* lines;
  uint64_t num_lines;  // 0: nothing is in it
  const uint8_t* records;
  uint64_t num_places;  // bytes of the records by eight
  uint64_t size;        // ids from here on do not count
  uint64_t seed;
};

struct LookupKernel {
  void (*integers)(const TableView& table, const int64_t* keys, int64_t n, int64_t* ids) noexcept;
  // Key i is data[offsets[i], offsets[i + 1]).
  void (*strings)(const TableView& table, const uint8_t* data, const int64_t* offsets, int64_t n,
                  int64_t* ids) noexcept;
};

WEFT_DECLARE_KERNEL(LookupKernel, lookup_kernel)

// The hashes of the format: the high half of a 128-bit product, folded onto the low one, as in
// wyhash. The line is taken from the high bits of a hash and the tag from the low ones.

static inline uint64_t multiply_fold(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

static inline uint64_t hash_integer(int64_t key, uint64_t seed) {
  return multiply_fold(static_cast<uint64_t>(key) ^ 0xA0761D6478BD642F ^ seed, 0xE7037ED1A0B428DB);
}

static inline uint64_t load_word(const uint8_t* p) {
  uint64_t word;
  __builtin_memcpy(&word, p, 8);
  return word;
}

static inline uint64_t load_half(const uint8_t* p) {
  uint32_t half;
  __builtin_memcpy(&half, p, 4);
  return half;
}

static inline uint64_t hash_string(const uint8_t* p, uint64_t size, uint64_t seed) {
  uint64_t a, b;
  seed ^= 0xA0761D6478BD642F;
  if (size <= 16) {
    if (size >= 8) {
      a = load_word(p);
      b = load_word(p + size - 8);
    } else if (size >= 4) {
      a = load_half(p);
      b = load_half(p + size - 4);
    } else if (size > 0) {
      a = static_cast<uint64_t>(p[0]) << 16 | static_cast<uint64_t>(p[size >> 1]) << 8 |
          p[size - 1];
      b = 0;
    } else {
      a = b = 0;
    }
  } else {
    uint64_t left = size;
    for (; left > 16; left -= 16, p += 16)
      seed = multiply_fold(load_word(p) ^ 0xE7037ED1A0B428DB, load_word(p + 8) ^ seed);
    a = load_word(p + left - 16);
    b = load_word(p + left - 8);
  }
  return multiply_fold(0x8EBC6AF09C88C6E3 ^ size, multiply_fold(a ^ 0xE7037ED1A0B428DB, b ^ seed));
}

static inline uint64_t line_of(uint64_t hash, uint64_t num_lines) {
  return static_cast<uint64_t>(static_cast<unsigned __int128>(hash) * num_lines >> 64);
}

static inline uint16_t tag_of(uint64_t hash) {
  const auto tag = static_cast<uint16_t>(hash);
  return tag == 0 ? 1 : tag;
}

}  // namespace weft
