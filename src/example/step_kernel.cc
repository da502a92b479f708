#include "example/step_kernel.h"

#include <cstddef>
#include <cstdint>

#include "example/list_kernel.h"
#include "example/step_block_kernel.h"

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
  static int64_t count(const uint8_t*, int64_t bytes) { return bytes % 4 == 0 ? bytes / 4 : -1; }
};

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

// Adds the steps and values of what is left of a row; false if it cannot be read.
template <class T>
bool count_row(Steps row, int64_t elements, int64_t* steps, int64_t* values) {
  const bool ones = elements == 1 || elements < 0;
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

// Reads what is left of a row to `to`; `read_any(p, end, to)` reads any step and returns the place
// after it, moving `to`, or null.
template <class T, class ReadStep>
inline bool read_row(Steps row, typename T::Value* out, typename T::Value* to, int64_t* ends,
                     ReadStep read_any) {
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

// Any step of integers.
struct ReadInt64s {
  VarintDecode* decode;

  const uint8_t* operator()(const uint8_t* p, const uint8_t* end, int64_t*& to) const {
    const uint8_t* values = nullptr;
    int64_t bytes;
    p = any_step<Int64>(p, end, &values, &bytes);
    if (bytes > 0 && !decode(values, bytes, reinterpret_cast<uint64_t*>(to))) return nullptr;
    to += Int64::count(values, bytes);
    return p;
  }
};

int64_t int64_values(const ColumnView& view, int64_t from, const StepSink<int64_t>& sink,
                     VarintDecode* decode) noexcept {
  return read_rows<Int64>(view, from, sink, ReadInt64s{decode});
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
// A block's place is known when the one before it is read. Lists are therefore walked in two places
// at once: each lane goes through a row, and then takes the next that no lane has taken.
struct Lane {
  Steps row;
  int64_t index;
  int64_t n;  // steps so far
};

// Walks the rows that use.wanted(row), in two lanes. `use.take(lane, block)` takes the steps of a
// block, or is false at what it cannot take; `use.close(lane)` ends a row there.
template <class Use>
WEFT_VBMI2 void in_two_lanes(const ColumnView& view, int64_t next, const Use& use) {
  const auto open = [&](Lane& lane) {
    while (next < view.rows && (view.spans[next * view.stride].size == 0 || !use.wanted(next)))
      ++next;
    if (next == view.rows) return false;
    lane = {steps_of(view, next, view.spans[next * view.stride]), next, 0};
    ++next;
    return true;
  };
  Lane a{}, b{};
  bool more = open(a), two = open(b);
  while (more) {
    const Block block_a(a.row.p, a.row.end, a.row.far);
    if (two) {
      const Block block_b(b.row.p, b.row.end, b.row.far);
      if (__builtin_expect(!use.take(b, block_b) || b.row.p == b.row.end, 0)) {
        use.close(b);
        two = open(b);
      }
    }
    if (__builtin_expect(use.take(a, block_a) && a.row.p != a.row.end, 1)) continue;
    use.close(a);
    more = open(a);
    if (more || !two) continue;
    a = b;
    more = true;
    two = false;
  }
}

struct CountLane {
  const StepCounts& counts;

  bool wanted(int64_t) const { return true; }
  WEFT_VBMI2 bool take(Lane& lane, const Block& block) const {
    if (block.steps == 0 || !one_varint_each(block)) return false;
    lane.n += block.steps;
    lane.row.p += block.size;
    return true;
  }
  void close(const Lane& lane) const {
    counts.steps[lane.index] = counts.values[lane.index] = lane.n;
    counts.ones[lane.index] = lane.row.p == lane.row.end;
  }
};

int64_t int64_counts_vbmi2(const ColumnView& view, int64_t from,
                           const StepCounts& counts) noexcept {
  for (int64_t row = from; row < view.rows; ++row) counts.ones[row] = 0;
  if (counts.elements != 1 && counts.elements >= 0) return int64_counts(view, from, counts);
  in_two_lanes(view, from, CountLane{counts});
  for (int64_t row = from; row < view.rows; ++row) {
    if (counts.ones[row] != 0) continue;
    ColumnView one = view;
    one.rows = row + 1;
    if (int64_counts(one, row, counts) == row) return row;
  }
  return view.rows;
}

struct ReadLane {
  const StepSink<int64_t>& sink;

  bool wanted(int64_t row) const { return sink.ones[row] != 0; }
  WEFT_VBMI2 bool take(Lane& lane, const Block& block) const {
    read_values(block, sink.out + sink.starts[lane.index] + lane.n);
    lane.n += block.steps;
    lane.row.p += block.size;
    return true;
  }
  void close(const Lane& lane) const {
    if (sink.ends == nullptr) return;
    int64_t* const ends = sink.ends + sink.steps[lane.index];
    for (int64_t i = 0; i < lane.n; ++i) ends[i] = sink.starts[lane.index] + i + 1;
  }
};

int64_t int64_values_vbmi2(const ColumnView& view, int64_t from, const StepSink<int64_t>& sink,
                           VarintDecode* decode) noexcept {
  in_two_lanes(view, from, ReadLane{sink});
  for (int64_t row = from; row < view.rows; ++row) {
    if (sink.ones[row] != 0) continue;
    ColumnView one = view;
    one.rows = row + 1;
    if (int64_values(one, row, sink, decode) == row) return row;
  }
  return view.rows;
}
#else
constexpr auto int64_counts_vbmi2 = nullptr;
constexpr auto int64_values_vbmi2 = nullptr;
#endif

}  // namespace

extern const StepKernel step_kernel = {int64_counts, float_counts, int64_counts_vbmi2,
                                       int64_values, float_values, int64_values_vbmi2};

}  // namespace weft::WEFT_ISA
