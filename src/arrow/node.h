// An Arrow array that weft owns, before and while it is handed out.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "weft/arrow.h"

namespace weft::arrow {

struct Node {
  std::string format, name;
  int64_t length = 0;
  int64_t null_count = 0;
  std::vector<const void*> buffers;               // the first one: validity bits, or null
  std::vector<std::shared_ptr<const void>> held;  // what keeps the buffers
  std::vector<Node> children;
};

// "name: format (children)": equal where two arrays are of one type.
std::string type_text(const Node& node);

void export_schema(const Node& node, ArrowSchema& schema);
void export_array(Node node, ArrowArray& array);

// export.cc
Node node_of(const Feature& feature, std::string_view name);
// Throws InvalidArgument for features of different numbers of rows.
Node node_of_batch(const Features& features);

}  // namespace weft::arrow
