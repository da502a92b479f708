// Inverted dropout: which elements are kept, as a pure function of a stream and the element.
#pragma once

#include <cmath>
#include <cstdint>

#include "base/philox.h"

namespace weft::base {

// What elements are multiplied by: 0 at this rate, else 1 / (1 - rate). Element e is dropped if
// word e % 4 of block e / 4 of the numbers is less than rate * 2^32.
class DropoutMask {
 public:
  DropoutMask() = default;                  // at rate 0, which is no dropout
  DropoutMask(double rate, Philox numbers)  // 0 <= rate < 1
      : numbers_(numbers),
        threshold_(static_cast<uint64_t>(std::ceil(std::ldexp(rate, 32)))),
        scale_(1 / (1 - rate)) {}

  explicit operator bool() const { return scale_ != 1; }  // whether there is anything to do

  double operator()(uint64_t element) const { return at(numbers_(element / 4), element % 4); }
  // Of n elements from `first` on.
  template <class T>
  void fill(uint64_t first, int64_t n, T* mask) const {
    for (T* const end = mask + n; mask != end;) {
      const Philox::Block block = numbers_(first / 4);
      for (uint64_t i = first % 4; i < 4 && mask != end; ++i, ++first)
        *mask++ = static_cast<T>(at(block, i));
    }
  }

 private:
  double at(const Philox::Block& block, uint64_t i) const {
    return block[i] < threshold_ ? 0 : scale_;
  }

  Philox numbers_{0, 0};
  uint64_t threshold_ = 0;
  double scale_ = 1;
};

}  // namespace weft::base
