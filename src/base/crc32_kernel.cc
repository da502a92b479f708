#include "base/crc32_kernel.h"

#if WEFT_ISA_LEVEL >= 2
#include <immintrin.h>
#endif

namespace weft::WEFT_ISA {
namespace {

// The polynomial with the coefficient of x^0 in the highest bit, as the whole file has them.
constexpr uint32_t kPolynomial = 0xedb88320;

constexpr uint32_t times_x(uint32_t p, int power) {
  for (int i = 0; i < power; ++i) p = (p >> 1) ^ ((p & 1) != 0 ? kPolynomial : 0);
  return p;
}

// at[k][b]: the register after byte b and then k zero bytes.
struct Tables {
  uint32_t at[8][256];
  constexpr Tables() : at{} {
    for (uint32_t b = 0; b < 256; ++b) {
      for (int k = 0; k < 8; ++k) at[k][b] = times_x(b, 8 * (k + 1));
    }
  }
};
constexpr Tables kTables;

uint32_t extend(uint32_t state, const uint8_t* data, int64_t size) noexcept {
  const auto& t = kTables.at;
  for (; size >= 8; size -= 8, data += 8) {
    state ^= data[0] | uint32_t{data[1]} << 8 | uint32_t{data[2]} << 16 | uint32_t{data[3]} << 24;
    state = t[7][state & 255] ^ t[6][state >> 8 & 255] ^ t[5][state >> 16 & 255] ^
            t[4][state >> 24] ^ t[3][data[4]] ^ t[2][data[5]] ^ t[1][data[6]] ^ t[0][data[7]];
  }
  for (; size > 0; --size, ++data) state = (state >> 8) ^ t[0][(state ^ *data) & 255];
  return state;
}

#if WEFT_ISA_LEVEL >= 2

// Four registers of 128 bits run over the data side by side: each is moved 512 bits on by two
// carry-less products, one for each half, and the next 128 bits of its stream are added. At the end
// they are folded into one, which is then treated as 16 bytes of data. After Gopal et al., "Fast
// CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction" (Intel, 2009).
constexpr uint64_t fold_power(int power) {  // x^power, as the multiplier of a 64-bit half
  return uint64_t{times_x(uint32_t{1} << 31, power)} << 1;
}

struct Fold {
  uint64_t low, high;
};
constexpr Fold kBy512 = {fold_power(512 + 32), fold_power(512 - 32)};
constexpr Fold kBy128 = {fold_power(128 + 32), fold_power(128 - 32)};

__attribute__((target("pclmul"))) __m128i fold(__m128i x, __m128i by, __m128i next) {
  const __m128i low = _mm_clmulepi64_si128(x, by, 0x00);
  const __m128i high = _mm_clmulepi64_si128(x, by, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

__m128i load(const uint8_t* data) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(data));
}

__m128i pair(Fold by) {
  return _mm_set_epi64x(static_cast<int64_t>(by.high), static_cast<int64_t>(by.low));
}

__attribute__((target("pclmul"))) uint32_t extend_pclmul(uint32_t state, const uint8_t* data,
                                                         int64_t size) noexcept {
  if (size < 128) return extend(state, data, size);
  const __m128i by512 = pair(kBy512), by128 = pair(kBy128);
  __m128i a = _mm_xor_si128(load(data), _mm_cvtsi32_si128(static_cast<int>(state)));
  __m128i b = load(data + 16), c = load(data + 32), d = load(data + 48);
  for (data += 64, size -= 64; size >= 64; data += 64, size -= 64) {
    a = fold(a, by512, load(data));
    b = fold(b, by512, load(data + 16));
    c = fold(c, by512, load(data + 32));
    d = fold(d, by512, load(data + 48));
  }
  __m128i all = fold(fold(fold(a, by128, b), by128, c), by128, d);
  for (; size >= 16; data += 16, size -= 16) all = fold(all, by128, load(data));
  uint8_t rest[16];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(rest), all);
  return extend(extend(0, rest, 16), data, size);
}

#else

uint32_t extend_pclmul(uint32_t state, const uint8_t* data, int64_t size) noexcept {
  return extend(state, data, size);
}

#endif

}  // namespace

extern const Crc32Kernel crc32_kernel = {extend, extend_pclmul};

}  // namespace weft::WEFT_ISA
