#include "column/checks.h"

namespace weft {

const CategoricalColumn& require_categorical(const Column& column, const char* what) {
  const auto* categorical = dynamic_cast<const CategoricalColumn*>(column.get());
  if (categorical == nullptr) {
    throw InvalidArgument(std::string(what) +
                          ": Unsupported input type. Input must be a CategoricalColumn. Given: " +
                          (column ? column->to_string() : "None"));
  }
  return *categorical;
}

void check_numeric_shape(const Shape& shape, const std::string& key) {
  for (int64_t dim : shape) {
    if (dim < 1) {
      throw InvalidArgument("shape dimensions must be greater than 0. shape: " +
                            shape_string(shape) + ", key: " + escape_bytes(key));
    }
  }
  (void)num_elements(shape);
}

void check_numeric_dtype(DType dtype, const std::string& key) {
  if (is_integer(dtype) || is_floating(dtype)) return;
  throw InvalidArgument(std::string("dtype must be convertible to float. dtype: ") +
                        dtype_name(dtype) + ", key: " + escape_bytes(key));
}

void check_string_or_integer(DType dtype, const std::string& key) {
  if (dtype == DType::kString || is_integer(dtype)) return;
  throw InvalidArgument("column_name: " + escape_bytes(key) +
                        ": dtype must be string or integer. dtype: " + dtype_name(dtype) + ".");
}

void check_out_of_vocabulary(const OutOfVocabulary& out, int64_t size, const std::string& key) {
  const auto refuse = [&](const std::string& text) {
    throw InvalidArgument(text + " in " + escape_bytes(key) + ".");
  };
  if (out.num_oov_buckets < 0)
    refuse("Invalid num_oov_buckets " + std::to_string(out.num_oov_buckets));
  if (out.num_oov_buckets > 0 && out.default_value != -1)
    refuse("Can't specify both num_oov_buckets and default_value");
  if (out.default_value < -1 || out.default_value >= size) {
    refuse("default_value " + std::to_string(out.default_value) + " is neither -1 nor in [0, " +
           std::to_string(size) + ")");
  }
  if (__builtin_add_overflow(size, out.num_oov_buckets, &size))
    refuse("Invalid num_oov_buckets " + std::to_string(out.num_oov_buckets));
}

bool is_weighted(const FeatureColumn& column) {
  if (const auto* sequence = dynamic_cast<const SequenceCategoricalColumn*>(&column))
    return is_weighted(*sequence->categorical_column());
  return dynamic_cast<const WeightedCategoricalColumn*>(&column) != nullptr;
}

}  // namespace weft
