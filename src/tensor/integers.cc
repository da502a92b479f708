#include <algorithm>
#include <utility>

#include "weft/tensor.h"

namespace weft {
namespace {

template <class T>
Tensor widened(const Tensor& values) {
  Tensor wide(DType::kInt64, values.shape());
  std::ranges::transform(values.values<T>(), wide.mutable_values<int64_t>().begin(), [](T value) {
    return std::in_range<int64_t>(value) ? static_cast<int64_t>(value) : INT64_MAX;
  });
  return wide;
}

}  // namespace

Tensor as_int64(const Tensor& values, const char* what) {
  switch (values.dtype()) {
    case DType::kInt8:
      return widened<int8_t>(values);
    case DType::kInt16:
      return widened<int16_t>(values);
    case DType::kInt32:
      return widened<int32_t>(values);
    case DType::kInt64:
      return values;
    case DType::kUInt8:
      return widened<uint8_t>(values);
    case DType::kUInt16:
      return widened<uint16_t>(values);
    case DType::kUInt32:
      return widened<uint32_t>(values);
    case DType::kUInt64:
      return widened<uint64_t>(values);
    default:
      throw WrongType(std::string(what) + " must be integers, got " + dtype_name(values.dtype()));
  }
}

}  // namespace weft
