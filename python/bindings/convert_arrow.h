// Arrow's PyCapsule interface, both ways.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "convert.h"
#include "weft/arrow.h"

namespace weft::python {

// Whether it has __arrow_c_array__ or __arrow_c_stream__.
bool is_arrow(nb::handle value);

// What it gives, a single record batch or array as a stream of one. `columns`: those that are read,
// unset: all. Throws WrongType for anything else.
ArrowReader reader_from_arrow(nb::handle value, std::optional<std::vector<std::string>> columns);

// One column, all chunks of it. Throws naming `argument`.
Feature feature_from_arrow(nb::handle value, const char* argument);

}  // namespace weft::python
