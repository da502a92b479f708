#include "example/step_kernel.h"

#include <cstddef>
#include <cstdint>
#if WEFT_ISA_LEVEL >= 4
#include <immintrin.h>
#endif

#include "base/varint_lanes_kernel.h"
#include "example/list_kernel.h"

namespace weft::WEFT_ISA {
namespace {

// The steps of one row. No frame is read after `wide`, and no block of 64 bytes after `far`: the
// bytes behind them may not be readable.
struct Steps {
  const uint8_t* p;
  const uint8_t* end;
  const uint8_t* wide;
  const uint8_t* far;
};

inline Steps steps_of(const ColumnView& view, int64_t row, ListSpan span) {
  const RecordBytes& record = view.records[row];
  const uint8_t* const p = record.data + span.offset;
  const uint8_t* const readable = record.data + record.size + record.padding;
  return {p, p + span.size, readable - kOneVarint, readable - 64};
}

// Seven bits of each of 8 bytes.
inline uint64_t compact(uint64_t x) {
  x = (x & 0x007f007f007f007f) | (x & 0x7f007f007f007f00) >> 1;
  x = (x & 0x00003fff00003fff) | (x & 0x3fff00003fff0000) >> 2;
  return (x & 0x000000000fffffff) | (x & 0x0fffffff00000000) >> 4;
}

struct Int64 {
  using Value = int64_t;
  static constexpr uint8_t kKind = kInt64Tag;

  // The bytes of the step at p if it is a frame and one value, or 0.
  static uint64_t one(const uint8_t* p) { return one_varint(p); }
  static int64_t value(const uint8_t* p, uint64_t step) {
    const uint64_t above = 64 - 8 * (step - kFrame);
    return static_cast<int64_t>(compact(load<uint64_t>(p + kFrame) << above >> above));
  }
  // What can be counted and read by more than a step at a time.
  static int64_t count_first(Steps&) { return 0; }
  static int64_t read_first(Steps&, int64_t*) { return 0; }
  // The values in a payload, or -1.
  static int64_t count(const uint8_t* p, int64_t bytes) {
    if (bytes == 0) return 0;
    if (p[bytes - 1] >= 0x80) return -1;
    int64_t n = 0;
    for (int64_t i = 0; i < bytes; ++i) n += p[i] < 0x80;
    return n;
  }
};

struct Float {
  using Value = float;
  static constexpr uint8_t kKind = kFloatTag;

  static uint64_t one(const uint8_t* p) {
    return (load<uint64_t>(p) & kFrameMask) == frame(kFloatTag, 4) ? kFrame + 4 : 0;
  }
  static float value(const uint8_t* p, uint64_t) { return load<float>(p + kFrame); }
  static int64_t count_first(Steps&) { return 0; }
  static int64_t read_first(Steps&, float*) { return 0; }
  static int64_t count(const uint8_t*, int64_t bytes) { return bytes % 4 == 0 ? bytes / 4 : -1; }
};

#if WEFT_ISA_LEVEL >= 4
// A step of one varint has seven bytes without a high bit: its frame and its last byte. So every
// seventh such byte of 64 ends a step, and no step waits for the one before. Squeezed together, the
// bytes without a high bit are the frames, with one byte after each.
struct Block {
  __m512i bytes;
  __m512i begins;  // of the steps, a byte each
  int64_t steps;   // 0: there are others than of one varint of at most 8 bytes
  int64_t size;    // of the steps
  bool narrow;     // of at most 4 bytes

  // Of the next 64 bytes of a row.
  WEFT_VBMI2 explicit Block(const Steps& row) {
    constexpr uint64_t kSeventh = 0x4081020408102040;
    const __m512i places = _mm512_set_epi8(
        63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41,
        40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18,
        17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const int64_t left = row.end - row.p;
    const uint64_t inside = left < 64 ? (uint64_t{1} << left) - 1 : ~uint64_t{0};
    bytes = __builtin_expect(row.p <= row.far, 1) ? _mm512_loadu_si512(row.p)
                                                  : _mm512_maskz_loadu_epi8(inside, row.p);
    const uint64_t last = inside & ~static_cast<uint64_t>(_mm512_movepi8_mask(bytes));
    const uint64_t ends = _pdep_u64(kSeventh, last);
    const uint64_t starts = ends << 1 | 1;
    steps = __builtin_popcountll(ends);
    size = ends == 0 ? 0 : 64 - __builtin_clzll(ends);
    begins = _mm512_maskz_compress_epi8(starts, places);
    const __m512i sizes =
        _mm512_sub_epi8(_mm512_sub_epi8(_mm512_maskz_compress_epi8(ends, places), begins),
                        _mm512_set1_epi8(kFrame - 1));
    // The six places of each frame, where no high bit may be.
    const uint64_t two = starts | starts << 1, six = two | two << 2 | two << 4;
    uint64_t wrong = six & ~last & ((uint64_t{1} << (size & 63)) - 1);
    wrong |= wrong_frames(_mm512_maskz_compress_epi8(last, bytes), sizes) &
             ((uint64_t{1} << 7 * steps) - 1);
    const uint64_t some = (uint64_t{1} << steps) - 1;
    wrong |= _mm512_cmpgt_epu8_mask(sizes, _mm512_set1_epi8(8)) & some;
    narrow = (_mm512_cmpgt_epu8_mask(sizes, _mm512_set1_epi8(4)) & some) == 0;
    if (wrong != 0) steps = 0;
  }

  // The values, in order.
  WEFT_VBMI2 void read(int64_t* out) const {
    auto* const to = reinterpret_cast<uint64_t*>(out);
    if (narrow) {
      const __m512i lane =
          _mm512_set_epi32(0x0f0f0f0f, 0x0e0e0e0e, 0x0d0d0d0d, 0x0c0c0c0c, 0x0b0b0b0b, 0x0a0a0a0a,
                           0x09090909, 0x08080808, 0x07070707, 0x06060606, 0x05050505, 0x04040404,
                           0x03030303, 0x02020202, 0x01010101, 0);
      const __m512i at =
          _mm512_add_epi8(_mm512_permutexvar_epi8(lane, begins), _mm512_set1_epi32(0x09080706));
      store_narrow(to, steps, narrow_values(_mm512_permutexvar_epi8(at, bytes)));
    } else {
      const __m512i lane = _mm512_set_epi64(
          0x0707070707070707, 0x0606060606060606, 0x0505050505050505, 0x0404040404040404,
          0x0303030303030303, 0x0202020202020202, 0x0101010101010101, 0);
      const __m512i at = _mm512_add_epi8(_mm512_permutexvar_epi8(lane, begins),
                                         _mm512_set1_epi64(0x0d0c0b0a09080706));
      store(to, steps, wide_values(_mm512_permutexvar_epi8(at, bytes)));
    }
  }

 private:
  // Which of the frames' bytes are not those of a value of the step's size.
  WEFT_VBMI2 static uint64_t wrong_frames(__m512i frames, __m512i sizes) {
    constexpr uint64_t kOfFrames = 0xbf7efdfbf7efdfbf, kOfSizes = 0x2a54a952a54a952a;
    const __m512i step =
        _mm512_set_epi8(9, 8, 8, 8, 8, 8, 8, 8, 7, 7, 7, 7, 7, 7, 7, 6, 6, 6, 6, 6, 6, 6, 5, 5, 5,
                        5, 5, 5, 5, 4, 4, 4, 4, 4, 4, 4, 3, 3, 3, 3, 3, 3, 3, 2, 2, 2, 2, 2, 2, 2,
                        1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0);
    // 0a size+4 1a size+2 0a size, and the last byte of a value, which may be any.
    const __m512i plain = _mm512_set_epi64(
        0x0a00000a021a040a, 0x00000a021a040a00, 0x000a021a040a0000, 0x0a021a040a00000a,
        0x021a040a00000a02, 0x1a040a00000a021a, 0x040a00000a021a04, 0x0a00000a021a040a);
    const __m512i expected =
        _mm512_add_epi8(plain, _mm512_maskz_permutexvar_epi8(kOfSizes, step, sizes));
    return _mm512_cmpneq_epi8_mask(frames, expected) & kOfFrames;
  }
};

// Moves past blocks of steps of one varint; returns how many steps there were.
WEFT_VBMI2 int64_t count_blocks(Steps& row) {
  int64_t n = 0;
  while (row.p != row.end) {
    const Block block(row);
    if (block.steps == 0) break;
    n += block.steps;
    row.p += block.size;
  }
  return n;
}

// Reads the values of such blocks; returns how many.
WEFT_VBMI2 int64_t read_blocks(Steps& row, int64_t* to) {
  int64_t n = 0;
  while (row.p != row.end) {
    const Block block(row);
    if (block.steps == 0) break;
    block.read(to + n);
    n += block.steps;
    row.p += block.size;
  }
  return n;
}

struct Int64Blocks : Int64 {
  static int64_t count_first(Steps& row) { return count_blocks(row); }
  static int64_t read_first(Steps& row, int64_t* to) { return read_blocks(row, to); }
};
#endif

// Any step at p, as read_step, and its payload.
template <class T>
inline const uint8_t* any_step(const uint8_t* p, const uint8_t* end, const uint8_t** values,
                               int64_t* bytes) {
  Step step;
  p = read_step(p, end, &step);
  *bytes = 0;
  if (p == nullptr || (step.kind != T::kKind && step.kind != 0)) return nullptr;
  if (step.size == 0) return p;
  *values = payload(step.list, step.size, bytes);
  return *values == nullptr ? nullptr : p;
}

// The values of the step at p, and the place after it; null if it cannot be read.
template <class T>
__attribute__((noinline)) const uint8_t* count_step(const uint8_t* p, const uint8_t* end,
                                                    int64_t* n) {
  const uint8_t* values = nullptr;
  int64_t bytes;
  p = any_step<T>(p, end, &values, &bytes);
  if (p != nullptr) *n = T::count(values, bytes);
  return p != nullptr && *n >= 0 ? p : nullptr;
}

// Moves past steps of one value; returns how many.
template <class T>
inline int64_t count_ones(Steps& row) {
  const uint8_t* p = row.p;
  int64_t n = 0;
  while (p <= row.wide) {
    const uint64_t step = T::one(p);
    if (step == 0 || step > static_cast<uint64_t>(row.end - p)) break;
    p += step;
    ++n;
  }
  row.p = p;
  return n;
}

template <class T>
bool count_row(Steps row, int64_t elements, int64_t* steps, int64_t* values) {
  const bool ones = elements == 1 || elements < 0;
  if (ones) *steps = *values = T::count_first(row);
  for (;;) {
    const int64_t n = ones ? count_ones<T>(row) : 0;
    *steps += n;
    *values += n;
    if (row.p == row.end) return true;
    int64_t found;
    row.p = count_step<T>(row.p, row.end, &found);
    if (row.p == nullptr || (elements >= 0 && found != elements)) return false;
    *values += found;
    ++*steps;
  }
}

template <class T>
int64_t count_rows(const ColumnView& view, int64_t from, const StepCounts& counts) {
  for (int64_t row = from; row < view.rows; ++row) {
    const ListSpan span = view.spans[row * view.stride];
    counts.steps[row] = counts.values[row] = 0;
    if (span.size == 0) continue;
    if (!count_row<T>(steps_of(view, row, span), counts.elements, counts.steps + row,
                      counts.values + row)) {
      return row;
    }
  }
  return view.rows;
}

// Reads a row; `step(p, end, to)` reads any step to `to` and returns the place after it, moving
// `to`, or null.
template <class T, class ReadStep>
inline bool read_row(Steps row, typename T::Value* out, typename T::Value* to, int64_t* ends,
                     ReadStep read_any) {
  const int64_t first = T::read_first(row, to);
  if (ends != nullptr) {
    for (int64_t i = 1; i <= first; ++i) *ends++ = to - out + i;
  }
  to += first;
  while (row.p != row.end) {
    const uint64_t step = row.p <= row.wide ? T::one(row.p) : 0;
    if (__builtin_expect(step != 0, 1)) {
      *to++ = T::value(row.p, step);
      row.p += step;
    } else {
      row.p = read_any(row.p, row.end, to);
      if (row.p == nullptr) return false;
    }
    if (ends != nullptr) *ends++ = to - out;
  }
  return true;
}

template <class T, class ReadStep>
inline int64_t read_rows(const ColumnView& view, int64_t from,
                         const StepSink<typename T::Value>& sink, ReadStep read_any) {
  for (int64_t row = from; row < view.rows; ++row) {
    const ListSpan span = view.spans[row * view.stride];
    if (span.size == 0) continue;
    if (!read_row<T>(steps_of(view, row, span), sink.out, sink.out + sink.starts[row],
                     sink.ends == nullptr ? nullptr : sink.ends + sink.steps[row], read_any)) {
      return row;
    }
  }
  return view.rows;
}

int64_t int64_counts(const ColumnView& view, int64_t from, const StepCounts& counts) noexcept {
  return count_rows<Int64>(view, from, counts);
}

int64_t float_counts(const ColumnView& view, int64_t from, const StepCounts& counts) noexcept {
  return count_rows<Float>(view, from, counts);
}

template <class T>
inline int64_t read_int64s(const ColumnView& view, int64_t from, const StepSink<int64_t>& sink,
                           VarintDecode* decode) {
  return read_rows<T>(
      view, from, sink,
      [decode](const uint8_t* p, const uint8_t* end, int64_t*& to) -> const uint8_t* {
        const uint8_t* values = nullptr;
        int64_t bytes;
        p = any_step<T>(p, end, &values, &bytes);
        if (bytes > 0 && !decode(values, bytes, reinterpret_cast<uint64_t*>(to))) return nullptr;
        to += T::count(values, bytes);
        return p;
      });
}

int64_t int64_values(const ColumnView& view, int64_t from, const StepSink<int64_t>& sink,
                     VarintDecode* decode) noexcept {
  return read_int64s<Int64>(view, from, sink, decode);
}

int64_t float_values(const ColumnView& view, int64_t from, const StepSink<float>& sink) noexcept {
  return read_rows<Float>(view, from, sink,
                          [](const uint8_t* p, const uint8_t* end, float*& to) -> const uint8_t* {
                            const uint8_t* values = nullptr;
                            int64_t bytes;
                            p = any_step<Float>(p, end, &values, &bytes);
                            if (bytes > 0) __builtin_memcpy(to, values, static_cast<size_t>(bytes));
                            to += bytes / 4;
                            return p;
                          });
}

#if WEFT_ISA_LEVEL >= 4
int64_t int64_counts_vbmi2(const ColumnView& view, int64_t from,
                           const StepCounts& counts) noexcept {
  return count_rows<Int64Blocks>(view, from, counts);
}

int64_t int64_values_vbmi2(const ColumnView& view, int64_t from, const StepSink<int64_t>& sink,
                           VarintDecode* decode) noexcept {
  return read_int64s<Int64Blocks>(view, from, sink, decode);
}
#else
constexpr auto int64_counts_vbmi2 = nullptr;
constexpr auto int64_values_vbmi2 = nullptr;
#endif

}  // namespace

extern const StepKernel step_kernel = {int64_counts, float_counts, int64_counts_vbmi2,
                                       int64_values, float_values, int64_values_vbmi2};

}  // namespace weft::WEFT_ISA
