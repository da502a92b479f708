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

}  // namespace
}  // namespace weft::WEFT_ISA
