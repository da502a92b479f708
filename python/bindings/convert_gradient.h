// Gradients, and what vjp() of a layer is made of.
#pragma once

#include <span>

#include "convert.h"
#include "weft/gradient.h"

namespace weft::python {

// A numpy.ndarray, or weft.IndexedSlices.
nb::object gradient_to_python(const Gradient& gradient);
nb::list gradients_to_python(std::span<const Gradient> gradients);

// The same, the other way. Throws WrongType or InvalidArgument naming `argument`.
Gradient gradient_from_python(nb::handle value, const char* argument);

// An array of this dtype; None is zeros, which is nothing here.
std::optional<Tensor> grad_from_python(nb::handle value, DType dtype, const char* argument);

}  // namespace weft::python
