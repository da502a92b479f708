// Columns from JSON: any text is refused by an error of the library, or the columns that it makes
// write a text that makes the same columns and the same text again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "weft/column.h"

namespace weft {
namespace {

void require(bool good) {
  if (!good) std::abort();
}

// A NaN among the fields makes a column differ from itself.
bool has_nan(const FeatureColumn& column) {
  return !(*column_from_config(column.class_name(), column.config()) == column);
}

void check(std::string_view text) {
  const std::vector<Column> columns = columns_from_json(text);
  const std::string written = columns_to_json(columns);
  const std::vector<Column> again = columns_from_json(written);
  require(again.size() == columns.size());
  require(columns_to_json(again) == written);
  for (size_t i = 0; i < columns.size(); ++i) {
    require(*columns[i] == *again[i] || has_nan(*columns[i]));
    require(!columns[i]->to_string().empty());
    (void)columns[i]->parse_example_spec();
  }
}

}  // namespace
}  // namespace weft

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // A vocabulary file would be any file of the machine.
  if (text.find("File") != std::string_view::npos) return 0;
  try {
    weft::check(text);
  } catch (const weft::Error&) {
  }
  return 0;
}
