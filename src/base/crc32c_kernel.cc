#include "base/crc32c_kernel.h"

#if WEFT_ISA_LEVEL >= 2
#include <immintrin.h>
#endif

namespace weft::WEFT_ISA {
namespace {

// The polynomial with the coefficient of x^0 in the highest bit, as the whole file has them.
constexpr uint32_t kPolynomial = 0x82f63b78;

constexpr uint32_t times_x(uint32_t p, int power) {
  for (int i = 0; i < power; ++i) p = (p >> 1) ^ ((p & 1) != 0 ? kPolynomial : 0);
  return p;
}

#if WEFT_ISA_LEVEL == 1

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

uint32_t extend_pclmul(uint32_t state, const uint8_t* data, int64_t size) noexcept {
  return extend(state, data, size);
}

#else

uint64_t word(const uint8_t* data) {
  uint64_t value;
  __builtin_memcpy(&value, data, 8);
  return value;
}

uint32_t extend(uint32_t state, const uint8_t* data, int64_t size) noexcept {
  uint64_t s = state;
  for (; size >= 8; size -= 8, data += 8) s = _mm_crc32_u64(s, word(data));
  state = static_cast<uint32_t>(s);
  if ((size & 4) != 0) {
    uint32_t value;
    __builtin_memcpy(&value, data, 4);
    state = _mm_crc32_u32(state, value);
    data += 4;
  }
  for (int64_t i = 0; i < (size & 3); ++i) state = _mm_crc32_u8(state, data[i]);
  return state;
}

// The instruction has a latency of three cycles and starts one every cycle: three streams of
// `words` words each run side by side, and their registers are joined by A x^(2n) + B x^n + C, n
// the bits of a stream. A carry-less product of two such registers, taken as a word, stands for the
// product times x, and the instruction multiplies it by x^32 and reduces it: at[w] is x^(64 w -
// 33).
constexpr int64_t kMaxWords = 128;

struct Powers {
  uint32_t at[2 * kMaxWords + 1];
  constexpr Powers() : at{} {
    at[1] = 1;  // x^31
    for (int64_t w = 2; w <= 2 * kMaxWords; ++w) at[w] = times_x(at[w - 1], 64);
  }
};
constexpr Powers kPowers;

__attribute__((target("pclmul"))) uint32_t extend_pclmul(uint32_t state, const uint8_t* data,
                                                         int64_t size) noexcept {
  while (size >= 96) {
    const int64_t words = size / 24 < kMaxWords ? size / 24 : kMaxWords;
    const int64_t stream = 8 * words;
    uint64_t a = state, b = 0, c = 0;
    for (int64_t i = 0; i < stream; i += 8) {
      a = _mm_crc32_u64(a, word(data + i));
      b = _mm_crc32_u64(b, word(data + stream + i));
      c = _mm_crc32_u64(c, word(data + 2 * stream + i));
    }
    const __m128i far =
        _mm_clmulepi64_si128(_mm_cvtsi64_si128(static_cast<int64_t>(a)),
                             _mm_cvtsi32_si128(static_cast<int>(kPowers.at[2 * words])), 0);
    const __m128i near =
        _mm_clmulepi64_si128(_mm_cvtsi64_si128(static_cast<int64_t>(b)),
                             _mm_cvtsi32_si128(static_cast<int>(kPowers.at[words])), 0);
    const auto joined = static_cast<uint64_t>(_mm_cvtsi128_si64(_mm_xor_si128(far, near)));
    state = static_cast<uint32_t>(c ^ _mm_crc32_u64(0, joined));
    data += 3 * stream;
    size -= 3 * stream;
  }
  return extend(state, data, size);
}

#endif

}  // namespace

extern const Crc32cKernel crc32c_kernel = {extend, extend_pclmul};

}  // namespace weft::WEFT_ISA
