// What counts as absent, between Python and C++ (bind_ids.cc).
#pragma once

#include "convert.h"
#include "weft/ids.h"

namespace weft::python {

// `given`: integer and text (or None), everywhere, strict; see weft/feature_column/base.py.
IdsOptions ids_options_from_python(nb::dict given);

}  // namespace weft::python
