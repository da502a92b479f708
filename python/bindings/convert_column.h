// Columns between Python and C++ (bind_column.cc). The classes that users see are in
// weft/feature_column/; each holds a _core.Column.
#pragma once

#include "convert.h"
#include "weft/column.h"

namespace weft::python {

// _core.Column: one column, shared with whatever was made of it.
struct ColumnHandle {
  Column column;
};

// A _core.Column, or an object of weft.feature_column. Throws InvalidArgument with `text` for
// anything else.
Column column_from_python(nb::handle value, const std::string& text);

}  // namespace weft::python
