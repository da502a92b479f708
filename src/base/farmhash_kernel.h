// FarmHash's Fingerprint64 (farmhashna::Hash64) of one string, and of its formulas those that are
// used on many words at once too. Only *_kernel.cc may include this: everything has internal
// linkage in the namespace of one instruction set.
#pragma once

#include <cstdint>

#include "base/fingerprint_kernel.h"

namespace weft::WEFT_ISA {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are read as they lie in memory");

constexpr uint64_t k0 = 0xc3a5c85c97cb3127u;
constexpr uint64_t k1 = 0xb492b66fbe98f273u;
constexpr uint64_t k2 = 0x9ae16a3b2f90404fu;

template <int By, class Word>
Word rotate(Word x) {
  return (x >> By) | (x << (64 - By));
}

template <class Word>
Word hash_16(Word u, Word v, Word mul) {
  const Word a = shift_mix((u ^ v) * mul);
  return shift_mix((v ^ a) * mul) * mul;
}

// What hash_16 is given of 8 to 32 bytes: the first eight and the last eight of them, and, of more
// than 16, the second and the last but one eight.
template <class Word>
struct Mixed {
  Word u, v;
};

template <class Word>
Mixed<Word> mix_8_to_16(Word first, Word last, Word mul) {
  const Word a = first + k2;
  return {rotate<37>(last) * mul + a, (rotate<25>(a) + last) * mul};
}

template <class Word>
Mixed<Word> mix_17_to_32(Word first, Word second, Word before_last, Word last, Word mul) {
  const Word a = first * k1, c = last * mul;
  return {rotate<43>(a + second) + rotate<30>(c) + before_last * k2,
          a + rotate<18>(second + k2) + c};
}

struct Pair {
  uint64_t first;
  uint64_t second;
};

uint64_t word(const uint8_t* p) {
  uint64_t x;
  __builtin_memcpy(&x, p, 8);
  return x;
}

uint64_t half_word(const uint8_t* p) {
  uint32_t x;
  __builtin_memcpy(&x, p, 4);
  return x;
}

uint64_t hash_0_to_16(const uint8_t* s, uint64_t n) {
  const uint64_t mul = k2 + n * 2;
  if (n >= 8) {
    const auto mixed = mix_8_to_16(word(s), word(s + n - 8), mul);
    return hash_16(mixed.u, mixed.v, mul);
  }
  if (n >= 4) return hash_16(n + (half_word(s) << 3), half_word(s + n - 4), mul);
  if (n == 0) return k2;
  const uint64_t y = s[0] + (uint64_t{s[n >> 1]} << 8), z = n + (uint64_t{s[n - 1]} << 2);
  return shift_mix((y * k2) ^ (z * k0)) * k2;
}

uint64_t hash_17_to_32(const uint8_t* s, uint64_t n) {
  const uint64_t mul = k2 + n * 2;
  const auto mixed = mix_17_to_32(word(s), word(s + 8), word(s + n - 16), word(s + n - 8), mul);
  return hash_16(mixed.u, mixed.v, mul);
}

uint64_t hash_33_to_64(const uint8_t* s, uint64_t n) {
  const uint64_t mul = k2 + n * 2;
  const uint64_t a = word(s) * k2, b = word(s + 8), c = word(s + n - 8) * mul,
                 d = word(s + n - 16) * k2;
  const uint64_t y = rotate<43>(a + b) + rotate<30>(c) + d;
  const uint64_t z = hash_16(y, a + rotate<18>(b + k2) + c, mul);
  const uint64_t e = word(s + 16) * mul, f = word(s + 24);
  const uint64_t g = (y + word(s + n - 32)) * mul, h = (z + word(s + n - 24)) * mul;
  return hash_16(rotate<43>(e + f) + rotate<30>(g) + h, e + rotate<18>(f + a) + g, mul);
}

// 32 bytes at s, under the seeds a and b.
Pair weak_hash_32(const uint8_t* s, uint64_t a, uint64_t b) {
  const uint64_t w = word(s), x = word(s + 8), y = word(s + 16), z = word(s + 24);
  a += w;
  b = rotate<21>(b + a + z);
  const uint64_t c = a;
  a += x + y;
  b += rotate<44>(a);
  return {a + z, b + c};
}

struct State {
  uint64_t x, y, z;
  Pair v{0, 0}, w{0, 0};

  void mix(const uint8_t* s, uint64_t mul, uint64_t times) {
    const uint64_t turned = rotate<37>(x + y + v.first + word(s + 8)) * mul ^ w.second * times;
    y = rotate<42>(y + v.second + word(s + 48)) * mul + v.first * times + word(s + 40);
    x = rotate<33>(z + w.first) * mul;
    v = weak_hash_32(s, v.second * mul, turned + w.first);
    w = weak_hash_32(s + 32, x + w.second, y + word(s + 16));
    z = turned;
  }
};

uint64_t hash_over_64(const uint8_t* s, uint64_t n) {
  constexpr uint64_t kSeed = 81;
  State state{kSeed * k2 + word(s), kSeed * k1 + 113, 0};
  state.z = shift_mix(state.y * k2 + 113) * k2;
  // Whole blocks but the last; then the last 64 bytes, which may overlap them.
  const uint8_t* const end = s + (n - 1) / 64 * 64;
  const uint8_t* const last = s + n - 64;
  for (; s != end; s += 64) state.mix(s, k1, 1);
  const uint64_t mul = k1 + ((state.z & 0xff) << 1);
  state.w.first += (n - 1) & 63;
  state.v.first += state.w.first;
  state.w.first += state.v.first;
  state.mix(last, mul, 9);
  return hash_16(hash_16(state.v.first, state.w.first, mul) + shift_mix(state.y) * k0 + state.z,
                 hash_16(state.v.second, state.w.second, mul) + state.x, mul);
}

uint64_t fingerprint(const uint8_t* s, uint64_t n) {
  if (n <= 16) return hash_0_to_16(s, n);
  if (n <= 32) return hash_17_to_32(s, n);
  if (n <= 64) return hash_33_to_64(s, n);
  return hash_over_64(s, n);
}

}  // namespace
}  // namespace weft::WEFT_ISA
