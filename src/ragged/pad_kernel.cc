#include "ragged/pad_kernel.h"

#include <cstddef>
#include <cstdint>

#if defined(__x86_64__) && WEFT_ISA_LEVEL >= 2
#include <immintrin.h>
#endif

namespace weft::WEFT_ISA {
namespace {

void copy(uint8_t* to, const uint8_t* from, int64_t n) {
  __builtin_memcpy(to, from, static_cast<std::size_t>(n));
}

#if WEFT_ISA_LEVEL >= 4
void stream_line(uint8_t* to, const uint8_t* from) {
  _mm512_stream_si512(reinterpret_cast<__m512i*>(to), _mm512_loadu_si512(from));
}
void fence() { _mm_sfence(); }
#elif WEFT_ISA_LEVEL >= 2
void stream_line(uint8_t* to, const uint8_t* from) {
  for (int i = 0; i < 64; i += 16) {
    _mm_stream_si128(reinterpret_cast<__m128i*>(to + i),
                     _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i)));
  }
}
void fence() { _mm_sfence(); }
#else
void stream_line(uint8_t* to, const uint8_t* from) { copy(to, from, 64); }
void fence() {}
#endif

// Whole cache lines past the caches.
void stream(uint8_t* to, const uint8_t* from, int64_t n) {
  const auto before = static_cast<int64_t>(-reinterpret_cast<uintptr_t>(to) & 63);
  const int64_t head = before < n ? before : n;
  copy(to, from, head);
  int64_t i = head;
  for (; i + 64 <= n; i += 64) stream_line(to + i, from + i);
  copy(to + i, from + i, n - i);
}

void pad(const PadRows& rows, int64_t begin, int64_t end, uint8_t* out) noexcept {
  const auto write = rows.stream ? stream : copy;
  for (int64_t row = begin; row < end; ++row) {
    uint8_t* const to = out + row * rows.width;
    const int64_t first = rows.splits[row] * rows.each;
    const int64_t used = rows.splits[row + 1] * rows.each - first;
    write(to, rows.values + first, used);
    write(to + used, rows.padding, rows.width - used);
  }
  if (rows.stream) fence();
}

}  // namespace

extern const PadKernel pad_kernel = {pad};

}  // namespace weft::WEFT_ISA
