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

}  // namespace weft
