// What several kinds of column check.
#pragma once

#include "weft/column.h"

namespace weft {

// The column as a categorical one. Throws InvalidArgument with `what`, the function that wants it.
const CategoricalColumn& require_categorical(const Column& column, const char* what);

// Throws InvalidArgument naming the key if a dimension is < 1.
void check_numeric_shape(const Shape& shape, const std::string& key);
// Throws InvalidArgument naming the key unless dtype is an integer or floating.
void check_numeric_dtype(DType dtype, const std::string& key);

// Throws InvalidArgument naming the key unless dtype is a string or an integer.
void check_string_or_integer(DType dtype, const std::string& key);

// Throws InvalidArgument naming the key for what cannot follow a vocabulary of `size` entries.
void check_out_of_vocabulary(const OutOfVocabulary& out, int64_t size, const std::string& key);

// Whether the column's ids come with weights.
bool is_weighted(const FeatureColumn& column);

}  // namespace weft
