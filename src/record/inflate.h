// gzip (RFC 1952) and zlib (RFC 1950) files, inflated by zlib.
#pragma once

#include <zlib.h>

#include "record/file.h"

namespace weft::record {

// The contents of a gzip file (any number of members, also empty ones) or of a zlib stream. Throws
// CorruptData with the offset in the file: broken data, a stream that ends early, bytes after it.
class InflateSource : public Source {
 public:
  InflateSource(File& file, bool gzip);
  ~InflateSource() override;
  Chunk next() override;

 private:
  bool refill();
  void begin_member();
  int64_t inflate_into(uint8_t* to, int64_t size);
  [[noreturn]] void fail(const char* what) const;
  [[noreturn]] void fail_inflating(int result) const;

  File& file_;
  const bool gzip_;
  Buffer input_;
  z_stream stream_{};
  bool in_stream_ = true;  // between header and trailer, the header of the first member included
};

}  // namespace weft::record
