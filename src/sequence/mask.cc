#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "weft/sequence.h"

namespace weft {
namespace {

int64_t checked_size(int64_t rows, int64_t maxlen) {
  int64_t size = 0;
  if (__builtin_mul_overflow(rows, maxlen, &size) || size > Limits{}.max_batch_values) {
    throw LimitExceeded("a mask of " + std::to_string(rows) + " x " + std::to_string(maxlen) +
                        " values; the limit is " + std::to_string(Limits{}.max_batch_values));
  }
  return size;
}

// The bytes of 1 as `dtype`; zeros are zero bytes in every dtype.
int64_t one_of(DType dtype, uint8_t (&bytes)[8]) {
  const auto put = [&](auto value) { std::memcpy(bytes, &value, sizeof value); };
  if (dtype == DType::kFloat64) {
    put(1.0);
  } else if (dtype == DType::kFloat32) {
    put(1.0f);
  } else if (dtype == DType::kFloat16) {
    put(uint16_t{0x3c00});
  } else {
    put(uint64_t{1});
  }
  return dtype_size(dtype);
}

}  // namespace

void check_mask(const Tensor& mask, int64_t batch, int64_t steps, bool time_major) {
  if (mask.dtype() != DType::kBool) {
    throw WrongType(std::string("mask must be bool, got ") + dtype_name(mask.dtype()));
  }
  const char* axes = time_major ? "[T, B]" : "[B, T]";
  if (mask.rank() != 2) {
    throw InvalidArgument(std::string("mask must have shape ") + axes + ", got " +
                          shape_string(mask.shape()));
  }
  const int64_t width = mask.dim(time_major ? 0 : 1), rows = mask.dim(time_major ? 1 : 0);
  if (width != steps) {
    throw InvalidArgument(
        "the mask is " + std::to_string(width) + " steps wide, the inputs have " +
        std::to_string(steps) +
        "; the .mask of SequenceFeatures' result fits its data, with pad_to and pad='left' too");
  }
  if (rows != batch) {
    throw InvalidArgument("the mask has " + std::to_string(rows) + " rows, the inputs have " +
                          std::to_string(batch));
  }
}

Tensor checked_lengths(const Tensor& lengths, int64_t batch, int64_t steps) {
  Tensor own = as_int64(lengths, "lengths");
  if (lengths.shape() != Shape{batch}) {
    throw InvalidArgument("lengths must have shape " + shape_string({batch}) + ", got " +
                          shape_string(lengths.shape()));
  }
  for (int64_t row = 0; row < batch; ++row) {
    const int64_t length = own.values<int64_t>()[static_cast<size_t>(row)];
    if (length >= 0 && length <= steps) continue;
    Where where;
    where.row = row;
    throw OutOfRange("a length of " + std::to_string(length) + " where the inputs have " +
                         std::to_string(steps) + " steps",
                     std::move(where));
  }
  return own;
}

Tensor sequence_mask(const Tensor& lengths, std::optional<int64_t> maxlen, DType dtype, Pad pad) {
  const Tensor wide = as_int64(lengths, "the lengths of a mask");
  const auto each = wide.values<int64_t>();
  if (dtype == DType::kString)
    throw WrongType("the dtype of a mask must be a number or bool, got string");
  if (maxlen && *maxlen < 0)
    throw InvalidArgument("maxlen must not be negative, got " + std::to_string(*maxlen));
  const int64_t width = maxlen         ? *maxlen
                        : each.empty() ? 0
                                       : std::max<int64_t>(0, std::ranges::max(each));
  checked_size(wide.size(), width);
  Shape shape = lengths.shape();
  shape.push_back(width);
  Tensor mask = Tensor::zeros(dtype, std::move(shape));
  if (mask.size() == 0) return mask;
  // Buffer handles are shared: this one writes to the mask's memory.
  Buffer memory = mask.buffer();
  uint8_t* row = memory.mutable_data();
  uint8_t one[8] = {};
  const int64_t size = one_of(dtype, one);
  for (int64_t length : each) {
    const int64_t real = std::clamp<int64_t>(length, 0, width);
    uint8_t* at = row + (pad == Pad::kLeft ? width - real : 0) * size;
    if (size == 1) {
      std::memset(at, 1, static_cast<size_t>(real));
    } else {
      for (int64_t i = 0; i < real; ++i) std::memcpy(at + i * size, one, static_cast<size_t>(size));
    }
    row += width * size;
  }
  return mask;
}

}  // namespace weft
