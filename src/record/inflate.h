// gzip (RFC 1952) and zlib (RFC 1950) files.
#pragma once

#include <exception>

#include "base/inflate.h"
#include "record/file.h"

namespace weft::record {

// The contents of a gzip file (any number of members, also empty ones) or of a zlib stream. Throws
// CorruptData with the offset in the file: broken data, a checksum that does not fit, a stream that
// ends early, bytes after it.
class InflateSource : public Source {
 public:
  InflateSource(File& file, bool gzip);
  Chunk next() override;

 private:
  enum class Stage { kHeader, kBody, kTrailer, kEnd };

  void produce();
  bool refill();
  bool at_end() { return cursor_.in == cursor_.in_end && !refill(); }
  uint8_t byte();
  uint32_t number(int bytes);
  void gzip_header();
  void zlib_header();
  bool body();
  void trailer();
  [[noreturn]] void fail(const char* what) const;

  File& file_;
  const bool gzip_;
  Stage stage_ = Stage::kHeader;
  bool first_ = true;  // in the first member
  bool last_ = false;  // the file has been read to its end
  Buffer input_;
  Buffer block_;  // of the chunk before
  base::Inflater inflater_;
  InflateCursor cursor_{};
  uint32_t checksum_ = 0;       // of the header or the contents so far
  uint32_t size_ = 0;           // of the contents so far, modulo 2^32
  std::exception_ptr failure_;  // came after bytes that had to be delivered first
};

}  // namespace weft::record
