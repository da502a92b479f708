// 64 bytes of a feature list of integers, whose steps are read at once. Only *_kernel.cc may
// include this: everything has internal linkage in the namespace of one instruction set.
#pragma once

#include <cstdint>

#include "base/varint_lanes_kernel.h"
#include "example/list_kernel.h"

#if WEFT_ISA_LEVEL >= 4
namespace weft::WEFT_ISA {
namespace {

// A step of one varint has seven bytes without a high bit: its frame and its last byte. So every
// seventh such byte of 64 ends a step, and no step waits for the one before.
struct Block {
  __m512i bytes;
  uint64_t last;  // the bytes without a high bit
  uint64_t ends;
  int64_t steps;
  int64_t size;  // of the steps

  // Of 64 bytes at p, those before `end`. Where p > far, not all 64 may be readable.
  WEFT_VBMI2 Block(const uint8_t* p, const uint8_t* end, const uint8_t* far) {
    constexpr uint64_t kSeventh = 0x4081020408102040;
    const int64_t left = end - p;
    const uint64_t inside = left < 64 ? (uint64_t{1} << left) - 1 : ~uint64_t{0};
    bytes =
        __builtin_expect(p <= far, 1) ? _mm512_loadu_si512(p) : _mm512_maskz_loadu_epi8(inside, p);
    last = inside & ~static_cast<uint64_t>(_mm512_movepi8_mask(bytes));
    ends = _pdep_u64(kSeventh, last);
    steps = __builtin_popcountll(ends);
    size = ends == 0 ? 0 : 64 - __builtin_clzll(ends);
  }

  WEFT_VBMI2 uint64_t starts() const { return ends << 1 | 1; }
  // The bytes of the steps.
  WEFT_VBMI2 uint64_t inside() const { return ~uint64_t{0} >> __builtin_clzll(ends | 1); }

  // The places of the bits of a mask, a byte each.
  WEFT_VBMI2 static __m512i places(uint64_t mask) {
    return _mm512_maskz_compress_epi8(
        mask, _mm512_set_epi8(63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47,
                              46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30,
                              29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13,
                              12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
  }
};

// Whether the steps of a block are of one varint of at most 8 bytes each. Squeezed together, the
// bytes without a high bit are then the frames, with one byte after each.
WEFT_VBMI2 inline bool one_varint_each(const Block& block) {
  constexpr uint64_t kOfFrames = 0xbf7efdfbf7efdfbf, kOfSizes = 0x2a54a952a54a952a;
  const __m512i step =
      _mm512_set_epi8(9, 8, 8, 8, 8, 8, 8, 8, 7, 7, 7, 7, 7, 7, 7, 6, 6, 6, 6, 6, 6, 6, 5, 5, 5, 5,
                      5, 5, 5, 4, 4, 4, 4, 4, 4, 4, 3, 3, 3, 3, 3, 3, 3, 2, 2, 2, 2, 2, 2, 2, 1, 1,
                      1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0);
  // 0a size+4 1a size+2 0a size, and the last byte of a value, which may be any.
  const __m512i plain = _mm512_set_epi64(0x0a00000a021a040a, 0x00000a021a040a00, 0x000a021a040a0000,
                                         0x0a021a040a00000a, 0x021a040a00000a02, 0x1a040a00000a021a,
                                         0x040a00000a021a04, 0x0a00000a021a040a);
  const uint64_t starts = block.starts();
  const __m512i sizes =
      _mm512_sub_epi8(_mm512_sub_epi8(Block::places(block.ends), Block::places(starts)),
                      _mm512_set1_epi8(kFrame - 1));
  const __m512i expected =
      _mm512_add_epi8(plain, _mm512_maskz_permutexvar_epi8(kOfSizes, step, sizes));
  const __m512i frames = _mm512_maskz_compress_epi8(block.last, block.bytes);
  // The six places of each frame, where no high bit may be.
  const uint64_t two = starts | starts << 1, six = two | two << 2 | two << 4;
  uint64_t wrong = six & ~block.last & block.inside();
  wrong |= _mm512_cmpneq_epi8_mask(frames, expected) & kOfFrames &
           ((uint64_t{1} << 7 * block.steps) - 1);
  wrong |= _mm512_cmpgt_epu8_mask(sizes, _mm512_set1_epi8(8)) & ((uint64_t{1} << block.steps) - 1);
  return wrong == 0;
}

// Their values, in order.
WEFT_VBMI2 inline void read_values(const Block& block, int64_t* out) {
  auto* const to = reinterpret_cast<uint64_t*>(out);
  const __m512i begins = Block::places(block.starts());
  const uint64_t more = ~block.last, more2 = more & more >> 1;
  if ((more2 & more2 >> 2 & block.inside()) == 0) {
    const __m512i lane =
        _mm512_set_epi32(0x0f0f0f0f, 0x0e0e0e0e, 0x0d0d0d0d, 0x0c0c0c0c, 0x0b0b0b0b, 0x0a0a0a0a,
                         0x09090909, 0x08080808, 0x07070707, 0x06060606, 0x05050505, 0x04040404,
                         0x03030303, 0x02020202, 0x01010101, 0);
    const __m512i at =
        _mm512_add_epi8(_mm512_permutexvar_epi8(lane, begins), _mm512_set1_epi32(0x09080706));
    store_narrow(to, block.steps, narrow_values(_mm512_permutexvar_epi8(at, block.bytes)));
  } else {
    const __m512i lane = _mm512_set_epi64(
        0x0707070707070707, 0x0606060606060606, 0x0505050505050505, 0x0404040404040404,
        0x0303030303030303, 0x0202020202020202, 0x0101010101010101, 0);
    const __m512i at = _mm512_add_epi8(_mm512_permutexvar_epi8(lane, begins),
                                       _mm512_set1_epi64(0x0d0c0b0a09080706));
    store(to, block.steps, wide_values(_mm512_permutexvar_epi8(at, block.bytes)));
  }
}

}  // namespace
}  // namespace weft::WEFT_ISA
#endif
