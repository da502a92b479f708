// A hash table in 64-byte lines, each what one cache miss brings, and the lookup of many keys at
// once. Integers, little-endian as everything of the file:
//   line   := key:i64[5] id:u32[5] next:u32              a free slot has key 0 and id 2^32 - 1
// Strings:
//   line   := tag:u16[10] place:u32[10] next:u32         a free slot has tag 0
//   record := id:u32 length:u32 bytes:u8[length] zeros, 24 bytes or a higher multiple of 8
// where `place` counts the bytes of the records by eight; the last record is 24 bytes 0xff, which
// is no key's. Slots fill from the first. A key is in the line that its hash names or, where that
// is full, in one of the following, at most kMaxProbes lines in all; the first comes after the
// last. `next` is 2^32 - 2 if a key had to go past the line and 2^32 - 1 if not: it is what a
// search in vain finds behind the last slot.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/kernel.h"

namespace weft {

inline constexpr uint64_t kLineBytes = 64;
inline constexpr int kIntegerSlots = 5;
inline constexpr int kStringSlots = 10;
inline constexpr int kMaxProbes = 64;
inline constexpr int64_t kRecordBytes = 24;  // of the shortest record
inline constexpr uint32_t kNoEntry = 0xFFFFFFFF;
inline constexpr uint32_t kNext = 0xFFFFFFFE;

// `next` is the last of each line's second array.
struct IntegerLine {
  int64_t keys[kIntegerSlots];
  uint32_t ids[kIntegerSlots + 1];
};
struct StringLine {
  uint16_t tags[kStringSlots];
  uint32_t places[kStringSlots + 1];
};
static_assert(sizeof(IntegerLine) == kLineBytes && sizeof(StringLine) == kLineBytes);

// A table as it lies in memory or in a mapped file, whose lines and records may hold anything.
struct TableView {
  const void* lines;
  uint64_t num_lines;  // from 1 to 2^32 - 1
  const uint8_t* records;
  uint64_t num_places;  // bytes of the records by eight
  uint64_t size;        // ids from here on do not count
  uint64_t multiplier;  // of the hashes, multiplier_of() the table's seed
};

struct LookupKernel {
  void (*integers)(const TableView& table, const int64_t* keys, int64_t n, int64_t* ids) noexcept;
  // Key i is data[offsets[i], offsets[i + 1]).
  void (*strings)(const TableView& table, const uint8_t* data, const int64_t* offsets, int64_t n,
                  int64_t* ids) noexcept;
};

WEFT_DECLARE_KERNEL(LookupKernel, lookup_kernel)

// The hashes of the format. The line is taken from their high half, a string's tag from the low
// one. Keys that meet in few lines under one seed do not under another.

static inline uint64_t multiplier_of(uint64_t seed) {
  return (0x9E3779B97F4A7C15 ^ seed * 0xBF58476D1CE4E5B9) | 1;
}

static inline uint64_t hash_integer(int64_t key, uint64_t multiplier) {
  const auto x = static_cast<uint64_t>(key);
  return (x ^ x >> 32) * multiplier;
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

// At most 16 bytes as two words, what is beyond their end being zeros.
struct TwoWords {
  uint64_t a, b;
};

static inline TwoWords load_words(const uint8_t* p, uint64_t size) {
  if (size > 8) return {load_word(p), load_word(p + size - 8) >> (128 - 8 * size)};
  if (size == 8) return {load_word(p), 0};
  if (size >= 4) return {load_half(p) | load_half(p + size - 4) << (8 * size - 32), 0};
  if (size == 0) return {0, 0};
  const uint64_t half = size / 2, last = size - 1;
  return {p[0] | uint64_t{p[half]} << (8 * half) | uint64_t{p[last]} << (8 * last), 0};
}

// Both halves of a 128-bit product, as in wyhash.
static inline uint64_t hash_words(TwoWords words, uint64_t state) {
  const auto product =
      static_cast<unsigned __int128>(words.a ^ state) * (words.b ^ 0xE7037ED1A0B428DB);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

static inline uint64_t hash_string(const uint8_t* p, uint64_t size, uint64_t multiplier) {
  uint64_t state = multiplier ^ size;
  for (; size > 16; size -= 16, p += 16)
    state = hash_words({load_word(p), load_word(p + 8)}, state);
  return hash_words(load_words(p, size), state);
}

static inline uint64_t line_of(uint64_t hash, uint64_t num_lines) {
  return (hash >> 32) * num_lines >> 32;
}

static inline uint16_t tag_of(uint64_t hash) { return static_cast<uint16_t>(hash | 1); }

}  // namespace weft
