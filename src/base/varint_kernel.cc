#include "base/varint_kernel.h"

#include <cstddef>
#include <cstdint>
#if WEFT_ISA_LEVEL >= 2
#include <immintrin.h>
#endif

#include "base/varint_lanes_kernel.h"

namespace weft::WEFT_ISA {
namespace {

inline uint64_t load64(const uint8_t* p) {
  uint64_t x;
  __builtin_memcpy(&x, p, 8);
  return x;
}

// The n < 8 bytes at p, zeros above them.
inline uint64_t load_partial(const uint8_t* p, int64_t n) {
  if (n >= 4) {
    uint32_t first, last;
    __builtin_memcpy(&first, p, 4);
    __builtin_memcpy(&last, p + n - 4, 4);
    return first | static_cast<uint64_t>(last) << (8 * (n - 4));
  }
  if (n == 0) return 0;
  return p[0] | static_cast<uint64_t>(p[n / 2]) << (8 * (n / 2)) |
         static_cast<uint64_t>(p[n - 1]) << (8 * (n - 1));
}

#if WEFT_ISA_LEVEL < 4
// The high bit of each byte of x. The product moves bit 7 + 8i to bit 56 + i.
inline uint64_t mask8(uint64_t x) {
  return ((x & 0x8080808080808080u) * 0x0002040810204081u) >> 56;
}
#endif

// The high bit of each of 64 bytes: which bytes are not the last of their varint.
inline uint64_t mask64(const uint8_t* p) {
#if WEFT_ISA_LEVEL >= 4
  return _mm512_movepi8_mask(_mm512_loadu_si512(p));
#elif WEFT_ISA_LEVEL >= 3
  const auto low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  const auto high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32));
  return static_cast<uint32_t>(_mm256_movemask_epi8(low)) |
         static_cast<uint64_t>(static_cast<uint32_t>(_mm256_movemask_epi8(high))) << 32;
#elif WEFT_ISA_LEVEL >= 2
  uint64_t mask = 0;
  for (int i = 0; i < 4; ++i) {
    const auto block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + int64_t{16} * i));
    mask |= static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(block))) << (16 * i);
  }
  return mask;
#else
  uint64_t mask = 0;
  for (int i = 0; i < 8; ++i) mask |= mask8(load64(p + int64_t{8} * i)) << (8 * i);
  return mask;
#endif
}

// The same of 0 < n < 64 bytes; zeros above them. Reads only those: blocks that end at the last
// byte overlap the ones before.
inline uint64_t mask_partial(const uint8_t* p, int64_t n) {
#if WEFT_ISA_LEVEL >= 4
  return _mm512_movepi8_mask(_mm512_maskz_loadu_epi8((uint64_t{1} << n) - 1, p));
#else
#if WEFT_ISA_LEVEL >= 3
  if (n >= 32) {
    const auto low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    const auto high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + n - 32));
    return static_cast<uint32_t>(_mm256_movemask_epi8(low)) |
           static_cast<uint64_t>(static_cast<uint32_t>(_mm256_movemask_epi8(high))) << (n - 32);
  }
#endif
  if (n < 8) return mask8(load_partial(p, n));
  uint64_t mask = mask8(load64(p + n - 8)) << (n - 8);
  for (int64_t i = 0; i + 8 <= n; i += 8) mask |= mask8(load64(p + i)) << i;
  return mask;
#endif
}

inline uint64_t mask_of(const uint8_t* p, int64_t n) {
  return n >= 64 ? mask64(p) : mask_partial(p, n);
}

inline uint64_t lowest_bits(int64_t n) { return n >= 64 ? ~uint64_t{0} : (uint64_t{1} << n) - 1; }

int64_t count(const uint8_t* p, int64_t size) noexcept {
  int64_t n = size;
  for (; size >= 64; size -= 64, p += 64) n -= __builtin_popcountll(mask64(p));
  if (size > 0) n -= __builtin_popcountll(mask_partial(p, size));
  return n;
}

// Whether no varint is longer than 10 bytes and the last one ends. Bit i of run_n says that the n
// bytes up to byte i are not the last of theirs, `before` that of the block before.
bool valid(const uint8_t* p, int64_t size) noexcept {
  if (size > 0 && p[size - 1] >= 0x80) return false;
  uint64_t before1 = 0, before2 = 0, before4 = 0;
  for (; size > 0; size -= 64, p += 64) {
    const uint64_t run1 = mask_of(p, size);
    const uint64_t run2 = run1 & (run1 << 1 | before1 >> 63);
    const uint64_t run4 = run2 & (run2 << 2 | before2 >> 62);
    const uint64_t run8 = run4 & (run4 << 4 | before4 >> 60);
    if ((run8 & (run2 << 8 | before2 >> 56)) != 0) return false;
    before1 = run1;
    before2 = run2;
    before4 = run4;
  }
  return true;
}

// A varint of 9 or 10 bytes.
inline uint64_t long_value(const uint8_t* p, unsigned length) {
  uint64_t value = 0;
  for (unsigned i = 0; i < length; ++i) value |= static_cast<uint64_t>(p[i] & 0x7f) << (7 * i);
  return value;
}

// The seven low bits of each of the first `bytes` of 8, together.
struct Shifts {
  static uint64_t compact(uint64_t x, unsigned bytes) {
    x = x << (64 - 8 * bytes) >> (64 - 8 * bytes);
    x = (x & 0x007f007f007f007f) | (x & 0x7f007f007f007f00) >> 1;
    x = (x & 0x00003fff00003fff) | (x & 0x3fff00003fff0000) >> 2;
    return (x & 0x000000000fffffff) | (x & 0x0fffffff00000000) >> 4;
  }
};

#if WEFT_ISA_LEVEL >= 3
struct Pext {
  static uint64_t compact(uint64_t x, unsigned bytes) {
    return _pext_u64(_bzhi_u64(x, 8 * bytes), 0x7f7f7f7f7f7f7f7f);
  }
};
#endif

// The values that `ends` marks the last bytes of, in x = the bytes from `p` on. `load(start)` gives
// 8 bytes from there. Advances `to`; returns the bytes used, or 0 for a varint of over 10 bytes.
template <class Compact, class Load>
inline int64_t decode_marked(const uint8_t* p, uint64_t ends, uint64_t*& to, Load load) {
  unsigned start = 0;
  for (; ends != 0; ends &= ends - 1) {
    const unsigned last = static_cast<unsigned>(__builtin_ctzll(ends));
    const unsigned length = last - start + 1;
    if (__builtin_expect(length > 8, 0)) {
      if (length > 10) return 0;
      *to++ = long_value(p + start, length);
    } else {
      *to++ = Compact::compact(load(start), length);
    }
    start = last + 1;
  }
  return start;
}

// Up to 64 + 7 bytes: no load passes their end.
template <class Compact>
bool decode_tail(const uint8_t* p, int64_t size, uint64_t* to) {
  while (size > 0) {
    const uint64_t ends = ~mask_of(p, size) & lowest_bits(size);
    int64_t used;
    if (size >= 8) {
      used = decode_marked<Compact>(p, ends, to, [=](int64_t start) {
        const int64_t at = start < size - 8 ? start : size - 8;
        return load64(p + at) >> (8 * (start - at));  // NOLINT(*-core.BitwiseShift)
      });
    } else {
      const uint64_t all = load_partial(p, size);
      used = decode_marked<Compact>(p, ends, to, [=](int64_t start) {
        return all >> (8 * start);  // NOLINT(*-core.BitwiseShift)
      });
    }
    if (used == 0) return false;
    p += used;
    size -= used;
  }
  return true;
}

// The next value of a block, of at most 8 bytes.
template <class Compact>
inline uint64_t take(const uint8_t* p, uint64_t& ends, unsigned& start) {
  const unsigned next = static_cast<unsigned>(__builtin_ctzll(ends)) + 1;
  const uint64_t value = Compact::compact(load64(p + start), next - start);
  ends &= ends - 1;
  start = next;
  return value;
}

template <class Compact>
inline bool decode_run(const uint8_t* p, int64_t size, uint64_t* to) {
  while (size >= 64 + 7) {
    const uint64_t more = mask64(p), run2 = more & more >> 1, run4 = run2 & run2 >> 2;
    uint64_t ends = ~more;
    int64_t used = 64;
    if (more == 0) {
      for (int i = 0; i < 64; ++i) to[i] = p[i];
      to += 64;
    } else if (__builtin_expect((run4 & run4 >> 4) != 0, 0)) {
      used = decode_marked<Compact>(p, ends, to, [=](int64_t start) { return load64(p + start); });
      if (used == 0) return false;
    } else {
      const int64_t n = __builtin_popcountll(ends);
      unsigned start = 0;
      for (int64_t i = 0; i < n / 4; ++i, to += 4) {
        to[0] = take<Compact>(p, ends, start);
        to[1] = take<Compact>(p, ends, start);
        to[2] = take<Compact>(p, ends, start);
        to[3] = take<Compact>(p, ends, start);
      }
      for (int64_t i = 0; i < n % 4; ++i) *to++ = take<Compact>(p, ends, start);
      used = start;
    }
    p += used;
    size -= used;
  }
  return decode_tail<Compact>(p, size, to);
}

bool decode(const uint8_t* p, int64_t size, uint64_t* to) noexcept {
  return decode_run<Shifts>(p, size, to);
}

#if WEFT_ISA_LEVEL >= 3
bool decode_pext(const uint8_t* p, int64_t size, uint64_t* to) noexcept {
  return decode_run<Pext>(p, size, to);
}
#else
constexpr VarintDecode* decode_pext = nullptr;
#endif

#if WEFT_ISA_LEVEL >= 4
// n values of at most 4 bytes, which begin at starts[0..n) in the block and may end in the next
// one.
WEFT_VBMI2 inline void decode_narrow(__m512i block, __m512i next, __m512i starts, int64_t n,
                                     uint64_t* to) {
  __m512i lane = _mm512_set_epi32(0x0f0f0f0f, 0x0e0e0e0e, 0x0d0d0d0d, 0x0c0c0c0c, 0x0b0b0b0b,
                                  0x0a0a0a0a, 0x09090909, 0x08080808, 0x07070707, 0x06060606,
                                  0x05050505, 0x04040404, 0x03030303, 0x02020202, 0x01010101, 0);
  for (int64_t i = 0; i < n; i += 16) {
    const __m512i at =
        _mm512_add_epi8(_mm512_permutexvar_epi8(lane, starts), _mm512_set1_epi32(0x03020100));
    const __m512i x = _mm512_permutex2var_epi8(block, at, next);
    store_narrow(to + i, n - i, narrow_values(x));
    lane = _mm512_add_epi8(lane, _mm512_set1_epi8(16));
  }
}

// The same of values of at most 8 bytes.
WEFT_VBMI2 inline void decode_wide(__m512i block, __m512i next, __m512i starts, int64_t n,
                                   uint64_t* to) {
  __m512i lane = _mm512_set_epi64(0x0707070707070707, 0x0606060606060606, 0x0505050505050505,
                                  0x0404040404040404, 0x0303030303030303, 0x0202020202020202,
                                  0x0101010101010101, 0);
  for (int64_t i = 0; i < n; i += 8) {
    const __m512i at = _mm512_add_epi8(_mm512_permutexvar_epi8(lane, starts),
                                       _mm512_set1_epi64(0x0706050403020100));
    const __m512i x = _mm512_permutex2var_epi8(block, at, next);
    store(to + i, n - i, wide_values(x));
    lane = _mm512_add_epi8(lane, _mm512_set1_epi8(8));
  }
}

WEFT_VBMI2 inline __m512i load_block(const uint8_t* p, int64_t size) {
  return size >= 64 ? _mm512_loadu_si512(p) : _mm512_maskz_loadu_epi8((uint64_t{1} << size) - 1, p);
}

// Blocks of 64 bytes, so that no block waits for the one before: a value belongs to the block in
// which it begins, and takes its last bytes from the next one. The places where values begin are
// squeezed out of a mask, the bytes of each value then gathered into a lane of its own.
WEFT_VBMI2 bool decode_vbmi2(const uint8_t* p, int64_t size, uint64_t* to) noexcept {
  const __m512i places = _mm512_set_epi8(
      63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41,
      40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18,
      17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  if (size <= 0) return true;
  if (p[size - 1] >= 0x80) return false;
  __m512i block = load_block(p, size);
  uint64_t more = _mm512_movepi8_mask(block), begins = 1;
  for (; size > 0; size -= 64, p += 64) {
    const __m512i next = size > 64 ? load_block(p + 64, size - 64) : _mm512_setzero_si512();
    const uint64_t next_more = _mm512_movepi8_mask(next);
    const uint64_t inside = lowest_bits(size), ends = ~more & inside;
    const uint64_t starts = (ends << 1 | begins) & inside;
    // Bit i of run_n: n bytes from i on that are not the last of theirs.
    const uint64_t run2 = more & (more >> 1 | next_more << 63), next2 = next_more & next_more >> 1;
    const uint64_t run4 = run2 & (run2 >> 2 | next2 << 62), next4 = next2 & next2 >> 2;
    if (__builtin_expect((run4 & (run4 >> 4 | next4 << 60)) != 0, 0)) {
      // A value of over 8 bytes. What came before the first start is read already.
      const int64_t first = starts == 0 ? 64 : __builtin_ctzll(starts);
      return starts != 0 && decode_run<Pext>(p + first, size - first, to);
    }
    const int64_t n = __builtin_popcountll(starts);
    if (starts == ~uint64_t{0} && ends == starts) {
      for (int i = 0; i < 64; i += 8) {
        const auto bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p + i));
        _mm512_storeu_si512(to + i, _mm512_cvtepu8_epi64(bytes));
      }
    } else if (__builtin_expect(run4 == 0, 1)) {
      decode_narrow(block, next, _mm512_maskz_compress_epi8(starts, places), n, to);
    } else {
      decode_wide(block, next, _mm512_maskz_compress_epi8(starts, places), n, to);
    }
    to += n;
    begins = ends >> 63;
    block = next;
    more = next_more;
  }
  return true;
}
#else
constexpr VarintDecode* decode_vbmi2 = nullptr;
#endif

}  // namespace

extern const VarintKernel varint_kernel = {count, valid, decode, decode_pext, decode_vbmi2};

}  // namespace weft::WEFT_ISA
