// Columns as JSON:
//
//   {"weft_columns": 1, "columns": [COLUMN, ...]}
//   COLUMN = {"class_name": NAME, "config": {FIELD: VALUE, ...}}
//
// Fields are those of config(), in its order. None is null; a dtype is its name; a shape, a list of
// boundaries or of a vocabulary and a default of several numbers are arrays; a column inside a
// column is a COLUMN, a key of a cross a string or a COLUMN; an initializer is {"class_name":
// NAME, "config": {...}}, a normalizer an array of such. A string that is no UTF-8 is {"bytes":
// [BYTE, ...]}, a number that is not finite {"float": "nan" | "inf" | "-inf"}.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "weft/column.h"

namespace weft {

using Json = nlohmann::ordered_json;

constexpr int64_t kColumnsVersion = 1;

[[noreturn]] inline void refuse_json(const std::string& text) {
  throw InvalidArgument("columns: " + text);
}

}  // namespace weft
