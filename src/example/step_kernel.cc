#include "example/step_kernel.h"

#include <cstddef>
#include <cstdint>

#include "example/list_kernel.h"

namespace weft::WEFT_ISA {
namespace {

// The steps of one row. No frame is read after `wide`: the bytes behind it may not be readable.
struct Steps {
  const uint8_t* p;
  const uint8_t* end;
  const uint8_t* wide;
};

inline Steps steps_of(const ColumnView& view, int64_t row, ListSpan span) {
  const RecordBytes& record = view.records[row];
  const uint8_t* const p = record.data + span.offset;
  return {p, p + span.size, record.data + record.size + record.padding - kOneVarint};
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

// Reads a row; `step(p, end, to)` reads any step to `to` and returns the place after it, moving
// `to`, or null.
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

int64_t int64_values(const ColumnView& view, int64_t from, const StepSink<int64_t>& sink,
                     bool (*decode)(const uint8_t*, int64_t, uint64_t*) noexcept) noexcept {
  return read_rows<Int64>(
      view, from, sink,
      [decode](const uint8_t* p, const uint8_t* end, int64_t*& to) -> const uint8_t* {
        const uint8_t* values = nullptr;
        int64_t bytes;
        p = any_step<Int64>(p, end, &values, &bytes);
        if (bytes > 0 && !decode(values, bytes, reinterpret_cast<uint64_t*>(to))) return nullptr;
        to += Int64::count(values, bytes);
        return p;
      });
}

int64_t float_values(const ColumnView& view, int64_t from, const StepSink<float>& sink) noexcept {
  return read_rows<Float>(
      view, from, sink, [](const uint8_t* p, const uint8_t* end, float*& to) -> const uint8_t* {
        const uint8_t* values = nullptr;
        int64_t bytes;
        p = any_step<Float>(p, end, &values, &bytes);
        if (bytes > 0) __builtin_memcpy(to, values, static_cast<size_t>(bytes));
        to += bytes / 4;
        return p;
      });
}

}  // namespace

extern const StepKernel step_kernel = {int64_counts, float_counts, int64_values, float_values};

}  // namespace weft::WEFT_ISA
