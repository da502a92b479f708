#include "column/checks.h"
#include "column/fields.h"

namespace weft {
namespace {

constexpr int64_t kMostDefault = int64_t{1} << 24;  // one number may stand for all of a shape

// As From, every element as To; one number stands for every element of `shape`.
template <class To, class From>
Tensor filled(const Tensor& value, const Shape& shape) {
  Tensor full(kDTypeOf<To>, shape);
  const auto from = value.values<From>();
  const auto to = full.mutable_values<To>();
  for (size_t i = 0; i < to.size(); ++i) to[i] = static_cast<To>(from[value.rank() == 0 ? 0 : i]);
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
  if (value.rank() != 0 && value.shape() != shape) {
    throw InvalidArgument(
        "The shape of default_value must be equal to given shape. default_value: " +
        field_string(value) + ", shape: " + field_string(shape) + ", key: " + escape_bytes(key));
  }
  if (num_elements(shape) > kMostDefault) {
    throw InvalidArgument("a default_value for more than " + std::to_string(kMostDefault) +
                          " numbers, key: " + escape_bytes(key));
  }
  if (!whole) return filled<double, double>(value, shape);
  return is_floating(dtype) ? filled<double, int64_t>(value, shape)
                            : filled<int64_t, int64_t>(value, shape);
}

}  // namespace

NumericColumn::NumericColumn(std::string key, Shape shape, std::optional<Tensor> default_value,
                             DType dtype, std::optional<Normalizer> normalizer_fn)
    : key_(std::move(key)),
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
  if (default_value_) {  // as the parser wants it: of the feature's own dtype
    spec.default_value = dtype_ == DType::kFloat32 ? filled<float, double>(*default_value_, shape_)
                                                   : *default_value_;
  }
  return {{key_, std::move(spec)}};
}

Fields NumericColumn::config() const {
  return {{"key", key_},
          {"shape", shape_},
          {"default_value", optional_field(default_value_)},
          {"dtype", dtype_},
          {"normalizer_fn", optional_field(normalizer_fn_)}};
}

Column NumericColumn::from_config(FieldReader& read) {
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
