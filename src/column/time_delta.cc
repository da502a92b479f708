#include <cmath>

#include "column/checks.h"
#include "column/fields.h"

namespace weft {

SequenceTimeDeltaColumn::SequenceTimeDeltaColumn(std::string key,
                                                 std::optional<std::string> reference_key,
                                                 double unit, double default_value, DType dtype,
                                                 std::optional<Normalizer> normalizer_fn)
    : key_(std::move(key)),
      reference_key_(std::move(reference_key)),
      unit_(unit),
      default_value_(default_value),
      dtype_(dtype),
      normalizer_fn_(std::move(normalizer_fn)) {
  check_numeric_dtype(dtype_, key_);
  if (!(unit_ > 0) || !std::isfinite(unit_)) {
    throw InvalidArgument("unit must be greater than 0, got " + std::to_string(unit_) +
                          ", key: " + escape_bytes(key_));
  }
  if (reference_key_ == key_) {
    throw InvalidArgument("reference_key must be another feature than the key: " +
                          escape_bytes(key_));
  }
}

std::string SequenceTimeDeltaColumn::name() const {
  return key_ + "_delta" + (reference_key_ ? "_to_" + *reference_key_ : "");
}

ParseSpec SequenceTimeDeltaColumn::parse_example_spec() const {
  ParseSpec spec{{key_, VarLenFeature{dtype_}}};
  if (reference_key_) spec[*reference_key_] = FixedLenFeature{{}, dtype_, {}};
  return spec;
}

Fields SequenceTimeDeltaColumn::config() const {
  return {{"key", key_},     {"reference_key", optional_field(reference_key_)},
          {"unit", unit_},   {"default_value", default_value_},
          {"dtype", dtype_}, {"normalizer_fn", optional_field(normalizer_fn_)}};
}

Column SequenceTimeDeltaColumn::from_config(FieldReader& read) {
  return std::make_shared<SequenceTimeDeltaColumn>(
      read.get<std::string>("key"), read.get_optional<std::string>("reference_key"),
      read.get<double>("unit"), read.get<double>("default_value"), read.get<DType>("dtype"),
      read.get_optional<Normalizer>("normalizer_fn"));
}

Column sequence_time_delta_column(std::string key, std::optional<std::string> reference_key,
                                  double unit, double default_value, DType dtype,
                                  std::optional<Normalizer> normalizer_fn) {
  return std::make_shared<SequenceTimeDeltaColumn>(std::move(key), std::move(reference_key), unit,
                                                   default_value, dtype, std::move(normalizer_fn));
}

}  // namespace weft
