// What the convert_*.cc files call of each other.
#pragma once

#include <optional>

#include "convert.h"

namespace weft::python {

// What Python sees as weft.int64 and its like.
struct DTypeObject {
  DType value;
};
// convert_small.cc: nothing for what is no dtype.
std::optional<DType> find_dtype(nb::handle value);
void bind_dtypes(nb::module_& m);

// Memory of a tensor as Python's buffer protocol sees it: what numpy arrays are made over.
struct Block {
  Tensor tensor;
  bool writable;
};

// convert_array.cc: arrays. Nothing for what is neither a buffer nor DLPack: lists and scalars.
std::optional<Tensor> tensor_from_memory(nb::handle value, const char* argument);
// convert_list.cc: the strings of an object, 'S' or 'U' array.
Tensor strings_from_array(nb::handle array, Shape shape, const char* argument);
// convert_list.cc: a flat list is dense, a nested one ragged; int64 when it holds no value.
Feature feature_from_lists(nb::handle value, const char* name);
// bind_ragged.cc: the same dtype, shape and values (NaN differs from NaN).
bool same_elements(const Tensor& a, const Tensor& b);
// convert_guest.cc: columns of pandas, torch and Arrow; nothing for the rest.
std::optional<Feature> feature_from_guest(nb::handle value, const char* argument);
// convert_guest.cc: whether `value` is of a class of this package.
bool is_from(nb::handle value, std::string_view package);
// convert_ragged.cc: the first lengths[i] steps of row i of `padded` [B, T, inner...], copied.
Ragged ragged_from_padded(const Tensor& padded, const Tensor& lengths, const char* argument);

}  // namespace weft::python
