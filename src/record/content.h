// What a file turns out to hold.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "record/file.h"
#include "weft/record.h"

namespace weft::record {

// The grammar of a record file, integers little-endian:
//   file   := record*
//   record := length:u64  masked_crc32c(length):u32  data:u8[length]  masked_crc32c(data):u32
inline constexpr int64_t kHeaderBytes = 12;
inline constexpr int64_t kFooterBytes = 4;

uint64_t record_length(const uint8_t* header);
bool header_fits(const uint8_t* header);            // whether the length has its checksum
bool data_fits(const uint8_t* data, int64_t size);  // whether they have theirs, which follows them

// A kind of file, in words, that begins with these bytes and is no record file; empty if none is
// known. The first 64 bytes are enough.
std::string_view kind_of_file(std::span<const uint8_t> head);
inline constexpr int64_t kKindBytes = 64;

// The contents of a file from `start` on, inflated where the file says so (kAuto) or `wanted` does.
// The file is first read from at the first next().
class ContentSource : public Source {
 public:
  ContentSource(File& file, Compression wanted, int64_t start)
      : file_(file), compression_(wanted), start_(start) {}
  Chunk next() override;
  // From any thread; kAuto before it is known.
  Compression compression() const { return compression_.load(std::memory_order_relaxed); }

 private:
  void open();
  Chunk chunk_of_start();

  File& file_;
  std::atomic<Compression> compression_;
  const int64_t start_;
  std::unique_ptr<Source> source_;
};

}  // namespace weft::record
