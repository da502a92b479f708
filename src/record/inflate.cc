#include "record/inflate.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "base/crc32.h"

namespace weft::record {
namespace {

constexpr int64_t kInputBytes = int64_t{64} << 10;
constexpr int64_t kWindow = base::Inflater::kWindow;

}  // namespace

InflateSource::InflateSource(File& file, bool gzip)
    : file_(file), gzip_(gzip), input_(Buffer::allocate(kInputBytes)) {
  cursor_.in = cursor_.in_end = input_.data();
}

void InflateSource::fail(const char* what) const {
  throw CorruptData(
      std::string(gzip_ ? "gzip: " : "zlib: ") + what,
      {.file = file_.path(), .offset = file_.offset() - (cursor_.in_end - cursor_.in)});
}

// Moves what is left to the front and reads on; false at the end of the file.
bool InflateSource::refill() {
  const int64_t left = cursor_.in_end - cursor_.in;
  uint8_t* const input = input_.mutable_data();
  std::memmove(input, cursor_.in, static_cast<size_t>(left));
  const int64_t got = last_ ? 0 : file_.read(input + left, kInputBytes - left);
  last_ = got == 0;
  cursor_.in = input;
  cursor_.in_end = input + left + got;
  return got > 0;
}

uint8_t InflateSource::byte() {
  if (at_end()) fail("the file ends inside the compressed data");
  checksum_ = stage_ == Stage::kHeader ? base::extend_crc32(checksum_, cursor_.in, 1) : checksum_;
  return *cursor_.in++;
}

uint32_t InflateSource::number(int bytes) {
  uint32_t value = 0;
  for (int i = 0; i < bytes; ++i) value |= uint32_t{byte()} << (8 * i);
  return value;
}

// header := 1f 8b 08 flags time:u32 2 bytes [size:u16 extra] [name 00] [comment 00] [crc:u16]
void InflateSource::gzip_header() {
  constexpr uint32_t kHasCrc = 2, kHasExtra = 4, kHasName = 8, kHasComment = 16, kReserved = 0xe0;
  checksum_ = 0;
  if (*cursor_.in != 0x1f)
    fail(first_ ? "no gzip data" : "bytes follow the end of the compressed data");
  if (number(2) != 0x8b1f)
    fail(first_ ? "no gzip data" : "bytes follow the end of the compressed data");
  if (byte() != 8) fail("an unknown compression method");
  const uint32_t flags = byte();
  if ((flags & kReserved) != 0) fail("unknown flags in the header");
  number(4);
  number(2);
  if ((flags & kHasExtra) != 0) {
    for (uint32_t left = number(2); left > 0; --left) byte();
  }
  for (const uint32_t text : {kHasName, kHasComment}) {
    while ((flags & text) != 0 && byte() != 0) {
    }
  }
  const uint32_t crc = checksum_ & 0xffff;
  if ((flags & kHasCrc) != 0 && number(2) != crc) fail("the header does not have its checksum");
  checksum_ = 0;
}

void InflateSource::zlib_header() {
  const uint32_t method = byte(), flags = byte();
  if ((method * 256 + flags) % 31 != 0) fail("no zlib data");
  if ((method & 15) != 8 || method >> 4 > 7) fail("an unknown compression method");
  if ((flags & 32) != 0) fail("a preset dictionary is needed");
  checksum_ = static_cast<uint32_t>(adler32(0, nullptr, 0));
}

// Whether the chunk has room for more.
bool InflateSource::body() {
  using Status = base::Inflater::Status;
  const uint8_t* const begin = cursor_.out;
  const Status status = inflater_.run(cursor_, last_);
  const int64_t produced = cursor_.out - begin;
  checksum_ = gzip_ ? base::extend_crc32(checksum_, begin, produced)
                    : static_cast<uint32_t>(adler32(checksum_, begin, static_cast<uInt>(produced)));
  size_ += static_cast<uint32_t>(produced);
  switch (status) {
    case Status::kInput:
      refill();
      break;
    case Status::kOutput:
      return false;
    case Status::kEnd:
      stage_ = Stage::kTrailer;
      break;
    case Status::kCut:
      cursor_.in = cursor_.in_end;
      fail("the file ends inside the compressed data");
    case Status::kBad:
      fail(inflater_.error());
  }
  return true;
}

void InflateSource::trailer() {
  if (gzip_) {
    if (number(4) != checksum_) fail("the contents do not have their checksum");
    if (number(4) != size_) fail("the contents do not have their size");
  } else {
    uint32_t stored = 0;
    for (int i = 0; i < 4; ++i) stored = stored << 8 | byte();
    if (stored != checksum_) fail("the contents do not have their checksum");
  }
}

void InflateSource::produce() {
  for (;;) {
    switch (stage_) {
      case Stage::kHeader:
        if (at_end() && !first_) return;
        if (gzip_)
          gzip_header();
        else
          zlib_header();
        inflater_.reset();
        cursor_.window = cursor_.out;
        size_ = 0;
        first_ = false;
        stage_ = Stage::kBody;
        break;
      case Stage::kBody:
        if (!body()) return;
        break;
      case Stage::kTrailer:
        trailer();
        stage_ = gzip_ ? Stage::kHeader : Stage::kEnd;
        break;
      case Stage::kEnd:
        if (!at_end()) fail("bytes follow the end of the compressed data");
        return;
    }
  }
}

// Each chunk stands behind a copy of the end of the one before, which the data may refer to.
Chunk InflateSource::next() {
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  Chunk chunk;
  chunk.block = Buffer::allocate(kWindow + kChunkBytes + base::Inflater::kOutputSlack);
  chunk.begin = kWindow;
  uint8_t* const begin = chunk.block.mutable_data() + kWindow;
  const int64_t history = std::min<int64_t>(kWindow, cursor_.out - cursor_.window);
  if (history > 0)
    std::memcpy(begin - history, cursor_.out - history, static_cast<size_t>(history));
  cursor_.out = begin;
  cursor_.out_end = begin + kChunkBytes + base::Inflater::kOutputSlack;
  cursor_.window = begin - history;
  block_ = chunk.block;
  try {
    produce();
  } catch (...) {
    if (cursor_.out == begin) throw;
    failure_ = std::current_exception();
  }
  chunk.size = cursor_.out - begin;
  return chunk;
}

}  // namespace weft::record
