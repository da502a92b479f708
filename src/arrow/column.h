#pragma once

#include "arrow/slots.h"

namespace weft::arrow {

// Slots [first, first + count) of an array that weft has moved to itself.
struct Chunk {
  std::shared_ptr<const ArrowArray> array;
  int64_t first;
  int64_t count;
};

// Moved from: `array.release` is null afterwards. Throws InvalidArgument if it has been before.
std::shared_ptr<const ArrowArray> own(ArrowArray& array, std::string_view name);

// The column whose rows are those of `chunks`, one after the other. As import_array.
Feature read_column(const ArrowSchema& schema, const std::vector<Chunk>& chunks,
                    std::string_view name, const Limits& limits);

}  // namespace weft::arrow
