#include "example/column_kernel.h"

#include <cstddef>
#include <cstdint>
#if WEFT_ISA_LEVEL >= 2
#include <immintrin.h>
#endif

#include "example/list_kernel.h"

namespace weft::WEFT_ISA {
namespace {

constexpr uint64_t kHigh = 0x8080808080808080u;

// Before a list stand at least 8 bytes of its entry, which may be read with it.
constexpr int64_t kBefore = 8;

// The bytes without a high bit in p[0, size), and so the varints that end there.
inline int64_t count_ends(const uint8_t* p, int64_t size) {
  int64_t n = size;
#if WEFT_ISA_LEVEL >= 4
  for (; size >= 64; size -= 64, p += 64)
    n -= __builtin_popcountll(_mm512_movepi8_mask(_mm512_loadu_si512(p)));
  const __mmask64 inside = (uint64_t{1} << size) - 1;
  return n - __builtin_popcountll(_mm512_movepi8_mask(_mm512_maskz_loadu_epi8(inside, p)));
#else
#if WEFT_ISA_LEVEL >= 3
  for (; size >= 32; size -= 32, p += 32) {
    const auto block = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    n -= __builtin_popcount(static_cast<uint32_t>(_mm256_movemask_epi8(block)));
  }
#endif
  for (; size >= 8; size -= 8, p += 8) n -= __builtin_popcountll(load<uint64_t>(p) & kHigh);
  if (size > 0) {
    n -= __builtin_popcountll((load<uint64_t>(p + size - kBefore) & kHigh) >> (64 - 8 * size));
  }
  return n;
#endif
}

// Seven bits of each of 8 bytes.
inline uint64_t compact(uint64_t x) {
  x = (x & 0x007f007f007f007f) | (x & 0x7f007f007f007f00) >> 1;
  x = (x & 0x00003fff00003fff) | (x & 0x3fff00003fff0000) >> 2;
  return (x & 0x000000000fffffff) | (x & 0x0fffffff00000000) >> 4;
}

// One varint of 9 or 10 bytes, which negative numbers have.
bool long_scalar(const uint8_t* p, uint32_t n, int64_t* out) {
  uint64_t value = 0;
  for (uint32_t i = 0; i < n; ++i) {
    if ((p[i] >= 0x80) != (i + 1 < n)) return false;
    value |= static_cast<uint64_t>(p[i] & 0x7f) << (7 * i);
  }
  *out = static_cast<int64_t>(value);
  return true;
}

int64_t int64_scalars(const ColumnView& view, int64_t from, int64_t* out) noexcept {
  for (int64_t row = from; row < view.rows; ++row) {
    const ListSpan span = view.spans[row * view.stride];
    const uint32_t n = span.size - 2;
    if (n - 1 >= 10) return row;
    const uint8_t* p = body(view, row, span);
    if (load<uint16_t>(p) != (0x0a | n << 8)) return row;
    if (n > 8) {
      if (!long_scalar(p + 2, n, out + row)) return row;
      continue;
    }
    const uint64_t x = load<uint64_t>(p + span.size - kBefore) >> (64 - 8 * n);
    const uint64_t more = (uint64_t{1} << (8 * (n - 1))) - 1;
    if ((x & kHigh) != (kHigh & more)) return row;
    out[row] = static_cast<int64_t>(compact(x));
  }
  return view.rows;
}

int64_t float_scalars(const ColumnView& view, int64_t from, float* out) noexcept {
  for (int64_t row = from; row < view.rows; ++row) {
    const ListSpan span = view.spans[row * view.stride];
    if (span.size != 6) return row;
    const uint8_t* p = body(view, row, span);
    if (load<uint16_t>(p) != 0x040a) return row;
    out[row] = load<float>(p + 2);
  }
  return view.rows;
}

int64_t int64_lengths(const ColumnView& view, int64_t from, int64_t* lengths) noexcept {
  for (int64_t row = from; row < view.rows; ++row) {
    const ListSpan span = view.spans[row * view.stride];
    lengths[row] = 0;
    if (span.size == 0) continue;
    int64_t size;
    const uint8_t* p = payload(body(view, row, span), span.size, &size);
    if (p == nullptr || (size > 0 && p[size - 1] >= 0x80)) return row;
    lengths[row] = count_ends(p, size);
  }
  return view.rows;
}

int64_t float_lengths(const ColumnView& view, int64_t from, int64_t* lengths) noexcept {
  for (int64_t row = from; row < view.rows; ++row) {
    const ListSpan span = view.spans[row * view.stride];
    lengths[row] = 0;
    if (span.size == 0) continue;
    int64_t size;
    const uint8_t* p = payload(body(view, row, span), span.size, &size);
    if (p == nullptr || size % 4 != 0) return row;
    lengths[row] = size / 4;
  }
  return view.rows;
}

int64_t int64_values(const ColumnView& view, int64_t from, const int64_t* starts,
                     bool (*decode)(const uint8_t*, int64_t, uint64_t*) noexcept,
                     int64_t* out) noexcept {
  for (int64_t row = from; row < view.rows; ++row) {
    const ListSpan span = view.spans[row * view.stride];
    if (span.size == 0) continue;
    int64_t size = 0;
    const uint8_t* p = payload(body(view, row, span), span.size, &size);
    if (!decode(p, size, reinterpret_cast<uint64_t*>(out + starts[row]))) return row;
  }
  return view.rows;
}

int64_t float_values(const ColumnView& view, int64_t from, const int64_t* starts,
                     float* out) noexcept {
  for (int64_t row = from; row < view.rows; ++row) {
    const ListSpan span = view.spans[row * view.stride];
    if (span.size == 0) continue;
    int64_t size = 0;
    const uint8_t* p = payload(body(view, row, span), span.size, &size);
    if (size > 0) __builtin_memcpy(out + starts[row], p, static_cast<size_t>(size));
  }
  return view.rows;
}

}  // namespace

extern const ColumnKernel column_kernel = {int64_scalars, float_scalars, int64_lengths,
                                           float_lengths, int64_values,  float_values};

}  // namespace weft::WEFT_ISA
