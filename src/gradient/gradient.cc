#include "weft/gradient.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

namespace weft {
namespace {

DType dtype_of(const Gradient& gradient) { return values_of(gradient).dtype(); }

const Shape& shape_of(const Gradient& gradient) {
  const auto* slices = std::get_if<IndexedSlices>(&gradient);
  return slices ? slices->dense_shape : std::get<Tensor>(gradient).shape();
}

// The rows that a gradient has, with their ids.
struct Rows {
  std::vector<int64_t> ids;
  const Tensor* values;
};

Rows rows_of(const Gradient& gradient) {
  if (const auto* slices = std::get_if<IndexedSlices>(&gradient)) {
    const auto ids = slices->ids.values<int64_t>();
    return {{ids.begin(), ids.end()}, &slices->values};
  }
  const Tensor& dense = std::get<Tensor>(gradient);
  Rows rows{std::vector<int64_t>(static_cast<size_t>(dense.dim(0))), &dense};
  for (size_t i = 0; i < rows.ids.size(); ++i) rows.ids[i] = static_cast<int64_t>(i);
  return rows;
}

template <class T>
Gradient stack_as(std::span<const Gradient> parts) {
  const int64_t width = shape_of(parts[0])[1];
  bool dense = true;
  int64_t height = 0;
  std::vector<int64_t> ids;
  std::vector<T> values;
  for (const Gradient& part : parts) {
    dense = dense && std::holds_alternative<Tensor>(part);
    const Rows rows = rows_of(part);
    for (int64_t id : rows.ids) ids.push_back(height + id);
    const auto numbers = rows.values->values<T>();
    values.insert(values.end(), numbers.begin(), numbers.end());
    height += shape_of(part)[0];
  }
  const int64_t n = std::ssize(ids);
  Tensor stacked = Tensor::of<T>({n, width}, std::span<const T>(values));
  if (dense) return stacked;
  return IndexedSlices{
      Tensor::of<int64_t>({n}, std::span<const int64_t>(ids)), std::move(stacked), {height, width}};
}

// NaN and infinity have all bits of the exponent set. Without a branch, so that it is vectorized.
template <class T, class Bits>
bool finite(std::span<const T> values) {
  constexpr Bits kExponent = std::bit_cast<Bits>(std::numeric_limits<T>::infinity());
  Bits found = 0;
  for (T value : values)
    found |= static_cast<Bits>((std::bit_cast<Bits>(value) & kExponent) == kExponent);
  return found == 0;
}

template <class T>
void add_to(Tensor& to, const Gradient& more) {
  const auto sums = to.mutable_values<T>();
  const auto* slices = std::get_if<IndexedSlices>(&more);
  const auto numbers = values_of(more).template values<T>();
  if (slices == nullptr) {
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += numbers[i];
    return;
  }
  const auto width = static_cast<size_t>(slices->width());
  const T* from = numbers.data();
  for (int64_t id : slices->ids.values<int64_t>()) {
    if (id < 0 || id >= to.dim(0)) {
      throw OutOfRange("a gradient of " + std::to_string(to.dim(0)) + " rows has the id " +
                       std::to_string(id));
    }
    T* const row = sums.data() + static_cast<size_t>(id) * width;
    for (size_t j = 0; j < width; ++j) row[j] += from[j];
    from += width;
  }
}

template <class T>
Gradient add_as(const Gradient& a, const Gradient& b) {
  if (std::holds_alternative<Tensor>(a) || std::holds_alternative<Tensor>(b)) {
    Tensor sum = Tensor::zeros(dtype_of(a), shape_of(a));
    add_to<T>(sum, a);
    add_to<T>(sum, b);
    return sum;
  }
  const auto &one = std::get<IndexedSlices>(a), &other = std::get<IndexedSlices>(b);
  const auto ids_a = one.ids.values<int64_t>(), ids_b = other.ids.values<int64_t>();
  std::vector<int64_t> ids;
  std::ranges::set_union(ids_a, ids_b, std::back_inserter(ids));
  const auto width = static_cast<size_t>(one.width());
  const int64_t n = std::ssize(ids);
  Shape shape = one.dense_shape;
  shape[0] = n;
  Tensor values = Tensor::zeros(dtype_of(a), std::move(shape));
  T* to = values.mutable_values<T>().data();
  size_t at_a = 0, at_b = 0;
  for (int64_t id : ids) {
    const auto take = [&](std::span<const int64_t> of, const Tensor& from, size_t& at) {
      if (at == of.size() || of[at] != id) return;
      const T* const row = from.values<T>().data() + at++ * width;
      for (size_t j = 0; j < width; ++j) to[j] += row[j];
    };
    take(ids_a, one.values, at_a);
    take(ids_b, other.values, at_b);
    to += width;
  }
  return IndexedSlices{Tensor::of<int64_t>({n}, std::span<const int64_t>(ids)), std::move(values),
                       one.dense_shape};
}

void check_dtypes(const Gradient& a, const Gradient& b) {
  if (dtype_of(a) == dtype_of(b)) return;
  throw WrongType(std::string("gradients of two dtypes: ") + dtype_name(dtype_of(a)) + " and " +
                  dtype_name(dtype_of(b)));
}

}  // namespace

Tensor IndexedSlices::to_dense() const {
  Tensor dense = Tensor::zeros(values.dtype(), dense_shape);
  if (values.dtype() == DType::kFloat32) {
    add_to<float>(dense, *this);
  } else {
    add_to<double>(dense, *this);
  }
  return dense;
}

Gradient stack_rows(std::span<const Gradient> parts) {
  if (parts.empty()) throw InvalidArgument("no gradients to stack");
  for (const Gradient& part : parts) {
    check_dtypes(part, parts[0]);
    if (shape_of(part).size() == 2 && shape_of(part)[1] == shape_of(parts[0])[1]) continue;
    throw InvalidArgument("gradients of shapes " + shape_string(shape_of(parts[0])) + " and " +
                          shape_string(shape_of(part)) + " cannot be stacked");
  }
  if (parts.size() == 1) return parts[0];
  return dtype_of(parts[0]) == DType::kFloat32 ? stack_as<float>(parts) : stack_as<double>(parts);
}

Gradient add(const Gradient& a, const Gradient& b) {
  check_dtypes(a, b);
  if (shape_of(a) != shape_of(b)) {
    throw InvalidArgument("gradients of shapes " + shape_string(shape_of(a)) + " and " +
                          shape_string(shape_of(b)) + " cannot be added");
  }
  return dtype_of(a) == DType::kFloat32 ? add_as<float>(a, b) : add_as<double>(a, b);
}

const Tensor& values_of(const Gradient& gradient) {
  const auto* slices = std::get_if<IndexedSlices>(&gradient);
  return slices ? slices->values : std::get<Tensor>(gradient);
}

bool all_finite(const Gradient& gradient) {
  const Tensor& values = values_of(gradient);
  return values.dtype() == DType::kFloat64 ? finite<double, uint64_t>(values.values<double>())
                                           : finite<float, uint32_t>(values.values<float>());
}

void check_gradient(const Tensor& grad, DType dtype, const Shape& shape, const std::string& what) {
  if (grad.dtype() != dtype) {
    throw WrongType("the gradient of " + what + " must be " + dtype_name(dtype) + ", got " +
                    dtype_name(grad.dtype()));
  }
  if (grad.shape() != shape) {
    throw InvalidArgument("the gradient of " + what + " must have shape " + shape_string(shape) +
                          ", got " + shape_string(grad.shape()));
  }
}

}  // namespace weft
