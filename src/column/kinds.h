// One entry per kind of column: what CONTRIBUTING calls "adding a column". The kind's own file
// defines its class and the `..._from_config` below.
#pragma once

#include "weft/column.h"

namespace weft {

Column identity_from_config(const Fields& fields);
Column sequence_categorical_from_config(const Fields& fields);
Column embedding_from_config(const Fields& fields);
Column indicator_from_config(const Fields& fields);
Column numeric_from_config(const Fields& fields);
Column sequence_numeric_from_config(const Fields& fields);

// The column as a categorical one. Throws InvalidArgument with `what`, the function that wants it.
const CategoricalColumn& require_categorical(const Column& column, const char* what);

// Throws InvalidArgument naming the key if a dimension is < 1.
void check_numeric_shape(const Shape& shape, const std::string& key);
// Throws InvalidArgument naming the key unless dtype is an integer or floating.
void check_numeric_dtype(DType dtype, const std::string& key);

}  // namespace weft
