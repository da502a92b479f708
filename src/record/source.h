// Where the bytes of a file come from, before they are records.
#pragma once

#include <cstdint>
#include <memory>

#include "weft/tensor.h"

namespace weft::record {

inline constexpr int64_t kChunkBytes = int64_t{256}
                                       << 10;  // fits the level 2 cache with room to spare

struct Chunk {
  Buffer block;
  int64_t begin = 0;  // the bytes are those from here on
  int64_t size = 0;
};

class Source {
 public:
  virtual ~Source() = default;
  // The next bytes, in a block of their own; size 0 at the end. Throws IoError and CorruptData
  // without a record number; everything read before the fault has been returned by then.
  virtual Chunk next() = 0;
};

}  // namespace weft::record
