// One block of memory for many arrays: first all are named, then the memory is there.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "weft/tensor.h"

namespace weft {

template <class T>
class Slab {
 public:
  // `array` will point to n elements, 64-byte aligned; until allocate() to nothing.
  void add(T*& array, int64_t n) {
    arrays_.emplace_back(&array, size_);
    size_ += (n + kAlign - 1) / kAlign * kAlign;
  }
  // Sets all pointers, which must still be where they were. Contents are unspecified.
  void allocate() {
    buffer_ = Buffer::allocate(size_ * int64_t{sizeof(T)});
    for (const auto& [array, at] : arrays_) *array = data() + at;
    arrays_.clear();
  }

  T* data() { return reinterpret_cast<T*>(buffer_.mutable_data()); }
  int64_t size() const { return size_; }

 private:
  static constexpr int64_t kAlign = 64 / sizeof(T);
  Buffer buffer_;
  int64_t size_ = 0;
  std::vector<std::pair<T**, int64_t>> arrays_;
};

}  // namespace weft
