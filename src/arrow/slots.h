// Where the elements of one column stand: runs of slots in arrays that have been checked.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "arrow/type.h"

namespace weft::arrow {

// Slots [first, first + count) of `array`, its own offset not counted.
struct Run {
  size_t chunk;  // whose array this is or is a child of
  const ArrowArray* array;
  int64_t first;
  int64_t count;
};
using Runs = std::vector<Run>;

// One level of lists, between the rows and the elements below.
struct Level {
  int64_t lists = 0;
  int64_t fixed = -1;  // every list's length; -1: `splits` tell
  Tensor splits;       // int64 [lists + 1]

  // The list that holds element `at`.
  int64_t holder(int64_t at) const;
  int64_t length_of_longest() const;
};

// What messages and limits need, and how deep the reader is.
struct Column {
  std::string name;
  Limits limits;
  std::vector<std::shared_ptr<const ArrowArray>> chunks = {};
  std::vector<Level> levels = {};

  // The row that holds element `at` of the innermost level.
  Where where(int64_t at) const;
  [[noreturn]] void corrupt(const std::string& text, int64_t at) const;
  // Throws LimitExceeded.
  void check_count(int64_t count, const char* what) const;
};

// What every array of a type must have: a length, an offset, a null count and a number of buffers
// and children that make sense. Throws CorruptData, InvalidArgument if it has been released.
void check_array(const ArrowArray& array, const Type& type, const Column& column);

// Buffers may be misaligned: load() reads their elements.
inline const uint8_t* buffer(const ArrowArray& array, int64_t i) {
  return static_cast<const uint8_t*>(array.buffers[i]);
}

// Throws CorruptData if it is missing.
const uint8_t* needed_buffer(const Run& run, int64_t i, const Column& column);

template <class T>
T load(const uint8_t* at, int64_t i) {
  T value;
  std::memcpy(&value, at + i * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return value;
}

inline bool bit(const uint8_t* bits, int64_t i) { return (bits[i / 8] >> (i % 8) & 1) != 0; }

// The validity bits of a run that has a null in it; null otherwise.
const uint8_t* null_bits(const Run& run);

}  // namespace weft::arrow
