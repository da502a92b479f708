// The columns of record batches.
#pragma once

#include <string>
#include <vector>

#include "arrow/column.h"

namespace weft::arrow {

// A column that is read, and its rows in the batches that have been added.
struct Selected {
  int64_t index;
  std::string name;
  const ArrowSchema* schema;
  std::vector<Chunk> chunks = {};
};

bool is_batch(const ArrowSchema& schema);

// Throws WrongType for a schema that is no record batch's, InvalidArgument for two columns of one
// name.
std::vector<Selected> select_columns(const ArrowSchema& schema, const ArrowOptions& options);

void add_batch(const ArrowSchema& schema, const ArrowArray& batch, std::vector<Selected>& selected);

Features read_batch(const std::vector<Selected>& selected, const Limits& limits);

}  // namespace weft::arrow
