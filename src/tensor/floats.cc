#include <algorithm>
#include <bit>

#include "weft/tensor.h"

namespace weft {
namespace {

// IEEE 754 half precision; subnormals become exact floats.
float half_to_float(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 31u, fraction = half & 0x3ffu;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | (fraction << 13));
  if (exponent != 0)
    return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (fraction << 13));
  const float value = static_cast<float>(fraction) * 0x1p-24f;
  return sign != 0 ? -value : value;
}

template <class From, class To>
void convert(const Tensor& from, Tensor& to) {
  std::ranges::transform(from.values<From>(), to.mutable_values<To>().begin(),
                         [](From value) { return static_cast<To>(value); });
}

template <class To>
void convert_half(const Tensor& from, Tensor& to) {
  const auto* at = reinterpret_cast<const uint16_t*>(from.buffer().data());
  for (To& value : to.mutable_values<To>()) value = static_cast<To>(half_to_float(*at++));
}

template <class To>
Tensor converted(const Tensor& from, const char* what) {
  if (from.dtype() == kDTypeOf<To>) return from;
  Tensor to(kDTypeOf<To>, from.shape());
  switch (from.dtype()) {
    case DType::kBool:
      convert<bool, To>(from, to);
      break;
    case DType::kInt8:
      convert<int8_t, To>(from, to);
      break;
    case DType::kInt16:
      convert<int16_t, To>(from, to);
      break;
    case DType::kInt32:
      convert<int32_t, To>(from, to);
      break;
    case DType::kInt64:
      convert<int64_t, To>(from, to);
      break;
    case DType::kUInt8:
      convert<uint8_t, To>(from, to);
      break;
    case DType::kUInt16:
      convert<uint16_t, To>(from, to);
      break;
    case DType::kUInt32:
      convert<uint32_t, To>(from, to);
      break;
    case DType::kUInt64:
      convert<uint64_t, To>(from, to);
      break;
    case DType::kFloat16:
      convert_half<To>(from, to);
      break;
    case DType::kFloat32:
      convert<float, To>(from, to);
      break;
    case DType::kFloat64:
      convert<double, To>(from, to);
      break;
    case DType::kString:
      throw WrongType(std::string(what) + " must be numbers, got string");
  }
  return to;
}

}  // namespace

Tensor as_floating(const Tensor& values, DType dtype, const char* what) {
  return dtype == DType::kFloat64 ? converted<double>(values, what)
                                  : converted<float>(values, what);
}

}  // namespace weft
