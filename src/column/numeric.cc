#include <algorithm>

#include "column/fields.h"
#include "column/kinds.h"

namespace weft {
namespace {

// One number stands for every element.
Tensor spread(const Tensor& scalar, const Shape& shape) {
  Tensor full(scalar.dtype(), shape);
  if (scalar.dtype() == DType::kInt64) {
    std::ranges::fill(full.mutable_values<int64_t>(), scalar.values<int64_t>()[0]);
  } else {
    std::ranges::fill(full.mutable_values<double>(), scalar.values<double>()[0]);
  }
  return full;
}

Tensor checked_default(const Tensor& value, const Shape& shape, DType dtype,
                       const std::string& key) {
  const bool whole = value.dtype() == DType::kInt64;
  if (!whole && (value.dtype() != DType::kFloat64 || is_integer(dtype))) {
    throw WrongType(std::string("default_value must be compatible with dtype. default_value: ") +
                    dtype_name(value.dtype()) + ", dtype: " + dtype_name(dtype) +
                    ", key: " + escape_bytes(key));
  }
  if (value.rank() == 0) return spread(value, shape);
  if (value.shape() != shape) {
    throw InvalidArgument(
        "The shape of default_value must be equal to given shape. default_value: " +
        field_string(value) + ", shape: " + field_string(shape) + ", key: " + escape_bytes(key));
  }
  return value;
}

// As the parser wants it: of the feature's own dtype.
Tensor parse_default(const Tensor& value, DType dtype) {
  if (dtype != DType::kFloat32) return value;
  Tensor narrow(DType::kFloat32, value.shape());
  auto to = narrow.mutable_values<float>();
  const auto narrowed = [](auto number) { return static_cast<float>(number); };
  if (value.dtype() == DType::kInt64) {
    std::ranges::transform(value.values<int64_t>(), to.begin(), narrowed);
  } else {
    std::ranges::transform(value.values<double>(), to.begin(), narrowed);
  }
  return narrow;
}

}  // namespace

NumericColumn::NumericColumn(std::string key, Shape shape, std::optional<Tensor> default_value,
                             DType dtype, std::optional<Normalizer> normalizer_fn)
    : DenseColumn(Kind::kNumeric),
      key_(std::move(key)),
      shape_(std::move(shape)),
      default_value_(std::move(default_value)),
      dtype_(dtype),
      normalizer_fn_(std::move(normalizer_fn)) {
  check_numeric_shape(shape_, key_);
  check_numeric_dtype(dtype_, key_);
  if (default_value_) default_value_ = checked_default(*default_value_, shape_, dtype_, key_);
}

ParseSpec NumericColumn::parse_example_spec() const {
  FixedLenFeature spec{shape_, dtype_, {}};
  if (default_value_) spec.default_value = parse_default(*default_value_, dtype_);
  return {{key_, std::move(spec)}};
}

Fields NumericColumn::config() const {
  return {{"key", key_},
          {"shape", shape_},
          {"default_value", optional_field(default_value_)},
          {"dtype", dtype_},
          {"normalizer_fn", optional_field(normalizer_fn_)}};
}

Column numeric_from_config(const Fields& fields) {
  const FieldReader read("NumericColumn", fields,
                         {"key", "shape", "default_value", "dtype", "normalizer_fn"});
  return std::make_shared<NumericColumn>(read.get<std::string>("key"), read.get<Shape>("shape"),
                                         read.get_optional<Tensor>("default_value"),
                                         read.get<DType>("dtype"),
                                         read.get_optional<Normalizer>("normalizer_fn"));
}

Column numeric_column(std::string key, Shape shape, std::optional<Tensor> default_value,
                      DType dtype, std::optional<Normalizer> normalizer_fn) {
  return std::make_shared<NumericColumn>(std::move(key), std::move(shape), std::move(default_value),
                                         dtype, std::move(normalizer_fn));
}

}  // namespace weft
