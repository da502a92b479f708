#include "base/fingerprint.h"

#include <bit>
#include <cstring>
#include <utility>

namespace weft::base {
namespace {

static_assert(std::endian::native == std::endian::little, "words are read as they lie in memory");

constexpr uint64_t k0 = 0xc3a5c85c97cb3127u;
constexpr uint64_t k1 = 0xb492b66fbe98f273u;
constexpr uint64_t k2 = 0x9ae16a3b2f90404fu;

struct Pair {
  uint64_t first;
  uint64_t second;
};

uint64_t word(const char* p) {
  uint64_t x;
  std::memcpy(&x, p, 8);
  return x;
}

uint64_t half_word(const char* p) {
  uint32_t x;
  std::memcpy(&x, p, 4);
  return x;
}

uint64_t rotate(uint64_t x, int by) { return std::rotr(x, by); }

uint64_t shift_mix(uint64_t x) { return x ^ (x >> 47); }

uint64_t hash_16(uint64_t u, uint64_t v, uint64_t mul) {
  const uint64_t a = shift_mix((u ^ v) * mul);
  return shift_mix((v ^ a) * mul) * mul;
}

uint64_t hash_0_to_16(const char* s, uint64_t n) {
  const uint64_t mul = k2 + n * 2;
  if (n >= 8) {
    const uint64_t a = word(s) + k2, b = word(s + n - 8);
    return hash_16(rotate(b, 37) * mul + a, (rotate(a, 25) + b) * mul, mul);
  }
  if (n >= 4) return hash_16(n + (half_word(s) << 3), half_word(s + n - 4), mul);
  if (n == 0) return k2;
  const auto first = static_cast<uint8_t>(s[0]), middle = static_cast<uint8_t>(s[n >> 1]),
             last = static_cast<uint8_t>(s[n - 1]);
  const uint64_t y = first + (uint64_t{middle} << 8), z = n + (uint64_t{last} << 2);
  return shift_mix((y * k2) ^ (z * k0)) * k2;
}

uint64_t hash_17_to_32(const char* s, uint64_t n) {
  const uint64_t mul = k2 + n * 2;
  const uint64_t a = word(s) * k1, b = word(s + 8), c = word(s + n - 8) * mul,
                 d = word(s + n - 16) * k2;
  return hash_16(rotate(a + b, 43) + rotate(c, 30) + d, a + rotate(b + k2, 18) + c, mul);
}

uint64_t hash_33_to_64(const char* s, uint64_t n) {
  const uint64_t mul = k2 + n * 2;
  const uint64_t a = word(s) * k2, b = word(s + 8), c = word(s + n - 8) * mul,
                 d = word(s + n - 16) * k2;
  const uint64_t y = rotate(a + b, 43) + rotate(c, 30) + d;
  const uint64_t z = hash_16(y, a + rotate(b + k2, 18) + c, mul);
  const uint64_t e = word(s + 16) * mul, f = word(s + 24);
  const uint64_t g = (y + word(s + n - 32)) * mul, h = (z + word(s + n - 24)) * mul;
  return hash_16(rotate(e + f, 43) + rotate(g, 30) + h, e + rotate(f + a, 18) + g, mul);
}

// 32 bytes at s, under the seeds a and b.
Pair weak_hash_32(const char* s, uint64_t a, uint64_t b) {
  const uint64_t w = word(s), x = word(s + 8), y = word(s + 16), z = word(s + 24);
  a += w;
  b = rotate(b + a + z, 21);
  const uint64_t c = a;
  a += x + y;
  b += rotate(a, 44);
  return {a + z, b + c};
}

struct State {
  uint64_t x, y, z;
  Pair v{0, 0}, w{0, 0};

  void mix(const char* s, uint64_t mul, uint64_t times) {
    x = rotate(x + y + v.first + word(s + 8), 37) * mul;
    y = rotate(y + v.second + word(s + 48), 42) * mul;
    x ^= w.second * times;
    y += v.first * times + word(s + 40);
    z = rotate(z + w.first, 33) * mul;
    v = weak_hash_32(s, v.second * mul, x + w.first);
    w = weak_hash_32(s + 32, z + w.second, y + word(s + 16));
    std::swap(z, x);
  }
};

uint64_t hash_over_64(const char* s, uint64_t n) {
  constexpr uint64_t kSeed = 81;
  State state{kSeed * k2 + word(s), kSeed * k1 + 113, 0};
  state.z = shift_mix(state.y * k2 + 113) * k2;
  // Whole blocks but the last; then the last 64 bytes, which may overlap them.
  const char* const end = s + (n - 1) / 64 * 64;
  const char* const last = s + n - 64;
  for (; s != end; s += 64) state.mix(s, k1, 1);
  const uint64_t mul = k1 + ((state.z & 0xff) << 1);
  state.w.first += (n - 1) & 63;
  state.v.first += state.w.first;
  state.w.first += state.v.first;
  state.mix(last, mul, 9);
  return hash_16(hash_16(state.v.first, state.w.first, mul) + shift_mix(state.y) * k0 + state.z,
                 hash_16(state.v.second, state.w.second, mul) + state.x, mul);
}

}  // namespace

uint64_t fingerprint64(std::string_view bytes) {
  const uint64_t n = bytes.size();
  if (n <= 16) return hash_0_to_16(bytes.data(), n);
  if (n <= 32) return hash_17_to_32(bytes.data(), n);
  if (n <= 64) return hash_33_to_64(bytes.data(), n);
  return hash_over_64(bytes.data(), n);
}

}  // namespace weft::base
