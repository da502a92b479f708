// Feature columns together: all kinds, what they want parsed, and how they are written down.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weft/categorical_column.h"
#include "weft/dense_column.h"
#include "weft/export.h"
#include "weft/feature_column.h"
#include "weft/parse_spec.h"

namespace weft {

// The specs of all columns in one. Throws InvalidArgument naming the column if two columns want
// different specs for one key, or if a column is null.
WEFT_API ParseSpec make_parse_example_spec(std::span<const Column> columns);
inline ParseSpec make_parse_example_spec(const std::vector<Column>& columns) {
  return make_parse_example_spec(std::span<const Column>(columns));
}

// The tables that columns made from configs share, by the name of their collection.
using SharedTables = std::map<std::string, std::shared_ptr<SharedTable>, std::less<>>;

// The column of class `class_name` (TensorFlow's) with these fields: the inverse of config().
// Throws InvalidArgument for an unknown class or unless `fields` are exactly that class's, in any
// order; WrongType for a field of another type. `shared`: where shared embeddings find their table
// or leave it, so that those of one name have one; each has its own without.
WEFT_API Column column_from_config(std::string_view class_name, const Fields& fields,
                                   SharedTables* shared = nullptr);

// Columns as JSON: versioned, readable, the same text for equal columns (docs/columns.md has the
// format). Throws InvalidArgument, naming the column, for an initializer or a normalizer that is a
// function.
WEFT_API std::string columns_to_json(std::span<const Column> columns);
inline std::string columns_to_json(const std::vector<Column>& columns) {
  return columns_to_json(std::span<const Column>(columns));
}
// Columns of one collection of shared embeddings share their table. Throws InvalidArgument or
// WrongType for what is no such text, of another version, or a column that cannot be.
WEFT_API std::vector<Column> columns_from_json(std::string_view json);

}  // namespace weft
