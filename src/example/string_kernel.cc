#include "example/string_kernel.h"

#include <cstddef>
#include <cstdint>
#if WEFT_ISA_LEVEL >= 3
#include <immintrin.h>
#endif

#include "example/list_kernel.h"

namespace weft::WEFT_ISA {
namespace {

int64_t scalar_sizes(const ColumnView& view, int64_t from, int64_t* bytes) noexcept {
  int64_t sum = 0, row = from;
  for (; row < view.rows; ++row) {
    const ListSpan span = view.spans[row * view.stride];
    int64_t size = 0;
    if (span.size == 0 || payload(body(view, row, span), span.size, &size) == nullptr) break;
    sum += size;
  }
  *bytes += sum;
  return row;
}

#define WEFT_ALWAYS_INLINE inline __attribute__((always_inline))

// A list of strings being measured: in registers, so nothing may take its address.
struct Walk {
  const uint8_t* p;
  const uint8_t* last;  // two bytes before the end: no string begins after it
  int64_t n;
};

enum class Turn { kOn, kDone, kStopped };

// Goes to the next row with a list that is not empty; false at the lane's end.
WEFT_ALWAYS_INLINE bool next_list(const ColumnView& view, StringLane& lane, int64_t* lengths,
                                  Walk& walk) {
  for (; lane.row < lane.end; ++lane.row) {
    const ListSpan span = view.spans[lane.row * view.stride];
    lengths[lane.row] = 0;
    if (span.size == 0) continue;
    lane.list_bytes = span.size;
    walk.p = body(view, lane.row, span);
    walk.last = walk.p + span.size - 2;
    walk.n = 0;
    return true;
  }
  return false;
}

// After a string with a length of several bytes; null if the list is not canonical.
__attribute__((noinline)) const uint8_t* after_long_string(const uint8_t* p, const uint8_t* end,
                                                           StringLane& lane) {
  uint64_t length;
  const uint8_t* const text = *p == 0x0a ? read_length(p, end, &length) : nullptr;
  if (text == nullptr || length > static_cast<uint64_t>(end - text)) return nullptr;
  lane.list_bytes -= text - p - 2;
  return text + length;
}

// One string, and what ends the list before it.
WEFT_ALWAYS_INLINE Turn measure_next(const ColumnView& view, StringLane& lane, int64_t* lengths,
                                     Walk& walk) {
  if (__builtin_expect(walk.p > walk.last, 0)) {
    if (walk.p != walk.last + 2) return Turn::kStopped;
    lengths[lane.row] = walk.n;
    lane.bytes += lane.list_bytes - 2 * walk.n;
    ++lane.row;
    if (!next_list(view, lane, lengths, walk)) return Turn::kDone;
  }
  const uint32_t head = load<uint16_t>(walk.p);
  ++walk.n;
  if (__builtin_expect((head & 0x80ff) == 0x0a, 1)) {
    walk.p += 2 + (head >> 8);
    return Turn::kOn;
  }
  walk.p = after_long_string(walk.p, walk.last + 2, lane);
  return walk.p == nullptr ? Turn::kStopped : Turn::kOn;
}

// Walks N lanes in step until one of them has no more rows; the others then begin their lists
// again. Returns a lane that could not be read.
template <int N>
StringLane* measure_in_step(const ColumnView& view, StringLane* const* lanes, int64_t* lengths) {
  Walk a{}, b{}, c{}, d{};
  if (!next_list(view, *lanes[0], lengths, a)) return nullptr;
  if (N > 1 && !next_list(view, *lanes[1], lengths, b)) return nullptr;
  if (N > 2 && !next_list(view, *lanes[2], lengths, c)) return nullptr;
  if (N > 3 && !next_list(view, *lanes[3], lengths, d)) return nullptr;
  for (;;) {
    Turn turn = measure_next(view, *lanes[0], lengths, a);
    if (turn != Turn::kOn) return turn == Turn::kDone ? nullptr : lanes[0];
    if constexpr (N > 1) turn = measure_next(view, *lanes[1], lengths, b);
    if (turn != Turn::kOn) return turn == Turn::kDone ? nullptr : lanes[1];
    if constexpr (N > 2) turn = measure_next(view, *lanes[2], lengths, c);
    if (turn != Turn::kOn) return turn == Turn::kDone ? nullptr : lanes[2];
    if constexpr (N > 3) turn = measure_next(view, *lanes[3], lengths, d);
    if (turn != Turn::kOn) return turn == Turn::kDone ? nullptr : lanes[3];
  }
}

// The lanes that have rows left.
inline int open_lanes(StringLane* lanes, StringLane** open) {
  int n = 0;
  for (int k = 0; k < kStringLanes; ++k) {
    if (lanes[k].row < lanes[k].end) open[n++] = lanes + k;
  }
  return n;
}

StringLane* string_lengths(const ColumnView& view, StringLane* lanes, int64_t* lengths) noexcept {
  StringLane* stopped = nullptr;
  while (stopped == nullptr) {
    StringLane* open[kStringLanes];
    switch (open_lanes(lanes, open)) {
      case 0:
        return nullptr;
      case 1:
        stopped = measure_in_step<1>(view, open, lengths);
        break;
      case 2:
        stopped = measure_in_step<2>(view, open, lengths);
        break;
      case 3:
        stopped = measure_in_step<3>(view, open, lengths);
        break;
      default:
        stopped = measure_in_step<4>(view, open, lengths);
    }
  }
  return stopped;
}

// 32 bytes from anywhere to anywhere.
inline void move32(uint8_t* to, const uint8_t* from) {
#if WEFT_ISA_LEVEL >= 3
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                      _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
#else
  __builtin_memcpy(to, from, 32);
#endif
}

template <class T>
inline void move_ends(uint8_t* to, const uint8_t* from, uint64_t n) {
  const T first = load<T>(from), last = load<T>(from + n - sizeof(T));
  __builtin_memcpy(to, &first, sizeof first);
  __builtin_memcpy(to + n - sizeof(T), &last, sizeof last);
}

// n bytes and no more.
__attribute__((noinline)) void move_exactly(uint8_t* to, const uint8_t* from, uint64_t n) {
  if (n >= 32) {
    for (uint64_t i = 0; i + 32 < n; i += 32) move32(to + i, from + i);
    move32(to + n - 32, from + n - 32);
  } else if (n >= 16) {
    move_ends<unsigned __int128>(to, from, n);
  } else if (n >= 8) {
    move_ends<uint64_t>(to, from, n);
  } else if (n >= 4) {
    move_ends<uint32_t>(to, from, n);
  } else if (n >= 2) {
    move_ends<uint16_t>(to, from, n);
  } else if (n == 1) {
    *to = *from;
  }
}

// A list of strings being copied.
struct Copy {
  const uint8_t* p;
  const uint8_t* end;
  const uint8_t* wide;  // up to here 32 bytes may be read at once
};

inline Copy copy_of(const ColumnView& view, int64_t row, ListSpan span) {
  const RecordBytes& record = view.records[row];
  const uint8_t* p = record.data + span.offset;
  return {p, p + span.size, record.data + record.size + record.padding - 32};
}

WEFT_ALWAYS_INLINE void copy_next(Copy& copy, StringSink& sink) {
  uint64_t n;
  copy.p = read_length(copy.p, copy.end, &n);
  if (__builtin_expect(n <= 32 && copy.p <= copy.wide && sink.end - sink.data >= 32, 1)) {
    move32(sink.data, copy.p);
  } else {
    move_exactly(sink.data, copy.p, n);
  }
  copy.p += n;
  sink.data += n;
  *sink.offsets++ = sink.data - sink.text;
}

// Goes to the next row with a list that is not empty; false at the lane's end.
WEFT_ALWAYS_INLINE bool next_copy(const ColumnView& view, StringLane& lane, Copy& copy) {
  for (; lane.row < lane.end; ++lane.row) {
    const ListSpan span = view.spans[lane.row * view.stride];
    if (span.size == 0) continue;
    copy = copy_of(view, lane.row++, span);
    return true;
  }
  return false;
}

void copy_rest(const ColumnView& view, StringLane& lane, Copy copy, StringSink sink) {
  do {
    while (copy.p != copy.end) copy_next(copy, sink);
  } while (next_copy(view, lane, copy));
}

// Two lanes in step, then what is left of one.
void copy_in_step(const ColumnView& view, StringLane& lane_a, StringLane& lane_b) {
  Copy a{}, b{};
  StringSink to_a = lane_a.sink, to_b = lane_b.sink;
  const bool some_a = next_copy(view, lane_a, a), some_b = next_copy(view, lane_b, b);
  while (some_a && some_b) {
    if (__builtin_expect(a.p == a.end, 0) && !next_copy(view, lane_a, a))
      return copy_rest(view, lane_b, b, to_b);
    copy_next(a, to_a);
    if (__builtin_expect(b.p == b.end, 0) && !next_copy(view, lane_b, b))
      return copy_rest(view, lane_a, a, to_a);
    copy_next(b, to_b);
  }
  if (some_a) copy_rest(view, lane_a, a, to_a);
  if (some_b) copy_rest(view, lane_b, b, to_b);
}

void string_values(const ColumnView& view, StringLane* lanes) noexcept {
  for (int k = 0; k < kStringLanes; k += 2) copy_in_step(view, lanes[k], lanes[k + 1]);
}

int64_t fixed_values(const ColumnView& view, int64_t from, StringSink& out) noexcept {
  StringSink sink = out;  // in registers
  int64_t row = from;
  for (; row < view.rows; ++row) {
    const ListSpan span = view.spans[row * view.stride];
    if (span.offset == kMissing) break;
    for (Copy copy = copy_of(view, row, span); copy.p != copy.end;) copy_next(copy, sink);
  }
  out = sink;
  return row;
}

// The string of the step at p if that is a short step of one string; null otherwise. Reads 8 bytes.
inline const uint8_t* one_string(const uint8_t* p, uint64_t* size) {
  const uint64_t head = load<uint64_t>(p) & kFrameMask;
  *size = head >> 40;
  return head == frame(kBytesTag, *size) && *size < 0x7c ? p + kFrame : nullptr;
}

// Any step at p; returns the place after it, or null if it is not canonical.
__attribute__((noinline)) const uint8_t* count_step(const uint8_t* p, const uint8_t* end,
                                                    int64_t* n, int64_t* bytes) {
  Step step;
  p = read_step(p, end, &step);
  if (p == nullptr || (step.kind != kBytesTag && step.kind != 0)) return nullptr;
  *n = 0;
  for (const uint8_t *q = step.list, *const last = q + step.size; q != last; ++*n) {
    uint64_t length;
    if (last - q < 2 || *q != 0x0a || (q = read_length(q, last, &length)) == nullptr ||
        length > static_cast<uint64_t>(last - q)) {
      return nullptr;
    }
    q += length;
    *bytes += static_cast<int64_t>(length);
  }
  return p;
}

bool count_steps(Copy row, int64_t elements, int64_t* steps, int64_t* values, int64_t* bytes) {
  while (row.p != row.end) {
    uint64_t size;
    const uint8_t* text = row.p <= row.wide ? one_string(row.p, &size) : nullptr;
    int64_t n = 1;
    if (text != nullptr && size <= static_cast<uint64_t>(row.end - text)) {
      row.p = text + size;
      *bytes += static_cast<int64_t>(size);
    } else if ((row.p = count_step(row.p, row.end, &n, bytes)) == nullptr) {
      return false;
    }
    if (elements >= 0 && n != elements) return false;
    *values += n;
    ++*steps;
  }
  return true;
}

int64_t step_counts(const ColumnView& view, int64_t from, const StepCounts& counts,
                    int64_t* bytes) noexcept {
  for (int64_t row = from; row < view.rows; ++row) {
    const ListSpan span = view.spans[row * view.stride];
    int64_t steps = 0, values = 0, size = 0;
    if (span.size > 0 &&
        !count_steps(copy_of(view, row, span), counts.elements, &steps, &values, &size)) {
      return row;
    }
    counts.steps[row] = steps;
    counts.values[row] = values;
    *bytes += size;
  }
  return view.rows;
}

void step_values(const ColumnView& view, StringSink& out, const int64_t* first,
                 const int64_t* steps, int64_t* ends) noexcept {
  StringSink sink = out;  // in registers
  for (int64_t row = 0; row < view.rows; ++row) {
    const ListSpan span = view.spans[row * view.stride];
    if (span.size == 0) continue;
    Copy copy = copy_of(view, row, span);
    const uint8_t* const end = copy.end;
    int64_t* to = ends == nullptr ? nullptr : ends + steps[row];
    while (copy.p != end) {
      Step step{};
      const uint8_t* next = read_step(copy.p, end, &step);
      copy.p = step.list;
      copy.end = step.list + step.size;
      while (copy.p != copy.end) copy_next(copy, sink);
      copy.p = next;
      if (to != nullptr) *to++ = sink.offsets - first;
    }
  }
  out = sink;
}

}  // namespace

extern const StringKernel string_kernel = {scalar_sizes, string_lengths, string_values,
                                           fixed_values, step_counts,    step_values};

}  // namespace weft::WEFT_ISA
