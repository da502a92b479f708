#include "column/checks.h"
#include "column/fields.h"

namespace weft {

SequenceNumericColumn::SequenceNumericColumn(std::string key, Shape shape, double default_value,
                                             DType dtype, std::optional<Normalizer> normalizer_fn)
    : key_(std::move(key)),
      shape_(std::move(shape)),
      default_value_(default_value),
      dtype_(dtype),
      normalizer_fn_(std::move(normalizer_fn)) {
  check_numeric_shape(shape_, key_);
  check_numeric_dtype(dtype_, key_);
}

ParseSpec SequenceNumericColumn::parse_example_spec() const {
  return {{key_, VarLenFeature{dtype_}}};
}

Fields SequenceNumericColumn::config() const {
  return {{"key", key_},
          {"shape", shape_},
          {"default_value", default_value_},
          {"dtype", dtype_},
          {"normalizer_fn", optional_field(normalizer_fn_)}};
}

Column SequenceNumericColumn::from_config(FieldReader& read) {
  return std::make_shared<SequenceNumericColumn>(
      read.get<std::string>("key"), read.get<Shape>("shape"), read.get<double>("default_value"),
      read.get<DType>("dtype"), read.get_optional<Normalizer>("normalizer_fn"));
}

Column sequence_numeric_column(std::string key, Shape shape, double default_value, DType dtype,
                               std::optional<Normalizer> normalizer_fn) {
  return std::make_shared<SequenceNumericColumn>(std::move(key), std::move(shape), default_value,
                                                 dtype, std::move(normalizer_fn));
}

}  // namespace weft
