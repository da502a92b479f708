// Varints, one to a lane of an AVX-512 vector. Only *_kernel.cc may include this: everything has
// internal linkage in the namespace of one instruction set.
#pragma once

#include <cstdint>

#if WEFT_ISA_LEVEL >= 4
#include <immintrin.h>

namespace weft::WEFT_ISA {
namespace {

#define WEFT_VBMI2 __attribute__((target("avx512vbmi,avx512vbmi2")))

// Lanes of one value each, its first byte lowest; what lies above its last byte becomes zero.
// `from_last` has the bits up to the lowest zero high bit, which is the last byte's.
WEFT_VBMI2 inline __m512i trim(__m512i x, __m512i from_last) {
  return _mm512_ternarylogic_epi64(x, from_last, _mm512_set1_epi8(0x7f), 0x80);
}

// Seven bits a byte to 28 bits a 32-bit lane: (b0 + b1 << 7) + (b2 + b3 << 7) << 14.
WEFT_VBMI2 inline __m512i join(__m512i x) {
  const __m512i pairs = _mm512_maddubs_epi16(_mm512_set1_epi16(static_cast<int16_t>(0x8001)), x);
  return _mm512_madd_epi16(pairs, _mm512_set1_epi32(1 | 1 << 30));
}

WEFT_VBMI2 inline void store(uint64_t* to, int64_t n, __m512i values) {
  if (n >= 8) {
    _mm512_storeu_si512(to, values);
  } else if (n > 0) {
    _mm512_mask_storeu_epi64(to, static_cast<__mmask8>((1 << n) - 1), values);
  }
}

// 16 lanes of 32 bits, each a varint of at most 4 bytes and whatever comes after it -> the values.
WEFT_VBMI2 inline __m512i narrow_values(__m512i x) {
  const __m512i last = _mm512_andnot_si512(x, _mm512_set1_epi8(static_cast<char>(0x80)));
  return join(trim(x, _mm512_xor_si512(last, _mm512_sub_epi32(last, _mm512_set1_epi32(1)))));
}

WEFT_VBMI2 inline void store_narrow(uint64_t* to, int64_t n, __m512i values) {
  store(to, n, _mm512_cvtepu32_epi64(_mm512_castsi512_si256(values)));
  store(to + 8, n - 8, _mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64(values, 1)));
}

// The same of 8 lanes of 64 bits and at most 8 bytes.
WEFT_VBMI2 inline __m512i wide_values(__m512i x) {
  const __m512i last = _mm512_andnot_si512(x, _mm512_set1_epi8(static_cast<char>(0x80)));
  const __m512i joined =
      join(trim(x, _mm512_xor_si512(last, _mm512_sub_epi64(last, _mm512_set1_epi64(1)))));
  // 28 + 28 bits: the low half stays, the high one moves down by 4.
  return _mm512_ternarylogic_epi64(_mm512_set1_epi64(0x0fffffff), joined,
                                   _mm512_srli_epi64(joined, 4), 0xca);
}

}  // namespace
}  // namespace weft::WEFT_ISA
#endif
