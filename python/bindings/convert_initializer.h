// Initializers between Python and C++ (bind_initializer.cc).
#pragma once

#include "convert.h"
#include "weft/initializer.h"

namespace weft::python {

// Whatever weft.initializers.get takes: a name, an object of weft.initializers, a config, None
// (GlorotUniform) or a callable (shape, dtype) -> array, which is called with the GIL held. The
// same callable gives equal initializers. Throws WrongType or InvalidArgument naming `argument`.
Initializer initializer_from_python(nb::handle value, const char* argument);
// The object of weft.initializers; the callable itself.
nb::object initializer_to_python(const Initializer& initializer);

}  // namespace weft::python
