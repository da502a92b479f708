// A list as the kernels of a column meet it. Only *_kernel.cc may include this: everything has
// internal linkage in the namespace of one instruction set.
#pragma once

#include <cstdint>

#include "example/column_kernel.h"

namespace weft::WEFT_ISA {
namespace {

template <class T>
inline T load(const uint8_t* p) {
  T x;
  __builtin_memcpy(&x, p, sizeof x);
  return x;
}

inline const uint8_t* body(const ColumnView& view, int64_t row, ListSpan span) {
  return view.records[row].data + span.offset;
}

// A length after a tag at p, p + 1 < end: the place after it, or null.
inline const uint8_t* read_length(const uint8_t* p, const uint8_t* end, uint64_t* length) {
  *length = p[1];
  if (*length < 0x80) return p + 2;
  *length &= 0x7f;
  for (int i = 1; i < 5 && p + i + 1 != end; ++i) {
    const uint64_t byte = p[i + 1];
    *length |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) return p + i + 2;
  }
  return nullptr;
}

// What follows 0a length up to the end of a list: its packed numbers, or its one string. Null for a
// list that is empty or holds anything else.
inline const uint8_t* payload(const uint8_t* p, uint32_t size, int64_t* bytes) {
  const uint8_t* const end = p + size;
  uint64_t length;
  if (size < 2 || p[0] != 0x0a || (p = read_length(p, end, &length)) == nullptr) return nullptr;
  *bytes = end - p;
  return length == static_cast<uint64_t>(end - p) ? p : nullptr;
}

// The strings of a list, or -1 if it is not canonical.
inline int64_t count_strings(const uint8_t* p, uint32_t size) {
  const uint8_t* const end = p + size;
  int64_t n = 0;
  for (; p != end; ++n) {
    uint64_t length;
    if (end - p < 2 || p[0] != 0x0a || (p = read_length(p, end, &length)) == nullptr ||
        length > static_cast<uint64_t>(end - p)) {
      return -1;
    }
    p += length;
  }
  return n;
}

// A step of a feature list: what its Feature holds.
struct Step {
  const uint8_t* list;
  uint32_t size;
  uint8_t kind;  // the list's tag; 0 for a Feature without a kind
};

// The step at p != end; returns the place after it, or null if it is not canonical.
inline const uint8_t* read_step(const uint8_t* p, const uint8_t* end, Step* step) {
  uint64_t length;
  if (end - p < 2 || p[0] != 0x0a || (p = read_length(p, end, &length)) == nullptr ||
      length > static_cast<uint64_t>(end - p)) {
    return nullptr;
  }
  end = p + length;
  *step = {p, 0, 0};
  if (length == 0) return end;
  step->kind = p[0];
  if (p[0] != kBytesTag && p[0] != kFloatTag && p[0] != kInt64Tag) return nullptr;
  if (length < 2 || (p = read_length(p, end, &length)) == nullptr ||
      length != static_cast<uint64_t>(end - p)) {
    return nullptr;
  }
  step->list = p;
  step->size = static_cast<uint32_t>(length);
  return end;
}

constexpr uint64_t kHighBits = 0x8080808080808080u;
constexpr int64_t kFrame = 6;       // bytes of a short step before its one value
constexpr int64_t kOneVarint = 14;  // bytes that one_varint reads
constexpr uint64_t kFrameMask = 0xffffffffffffu;

// The frame of a step whose one value has `size` bytes: 0a size+4 kind size+2 0a size.
inline constexpr uint64_t frame(uint8_t kind, uint64_t size) {
  return 0x0a0200040au + (uint64_t{kind} << 16) + size * 0x010001000100u;
}

// The bytes of the step at p if it is one varint of at most 8 bytes, or 0.
inline uint64_t one_varint(const uint8_t* p) {
  const uint64_t head = load<uint64_t>(p) & kFrameMask, size = head >> 40;
  if (head != frame(kInt64Tag, size) || size - 1 >= 8) return 0;
  // Only the last byte has no high bit.
  const uint64_t above = 64 - 8 * size;
  const uint64_t more = load<uint64_t>(p + kFrame) << above & kHighBits;
  return more == (kHighBits << above ^ uint64_t{1} << 63) ? kFrame + size : 0;
}

}  // namespace
}  // namespace weft::WEFT_ISA
