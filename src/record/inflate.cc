#include "record/inflate.h"

#include <new>
#include <string>

namespace weft::record {
namespace {

constexpr int64_t kInputBytes = int64_t{64} << 10;

}  // namespace

InflateSource::InflateSource(File& file, bool gzip)
    : file_(file), gzip_(gzip), input_(Buffer::allocate(kInputBytes)) {
  if (inflateInit2(&stream_, gzip ? 15 + 16 : 15) != Z_OK) throw std::bad_alloc();
}

InflateSource::~InflateSource() { inflateEnd(&stream_); }

void InflateSource::fail(const char* what) const {
  throw CorruptData(std::string(gzip_ ? "gzip: " : "zlib: ") + what,
                    {.file = file_.path(), .offset = file_.offset() - stream_.avail_in});
}

void InflateSource::fail_inflating(int result) const {
  if (result == Z_NEED_DICT) fail("a preset dictionary is needed");
  fail(stream_.msg != nullptr ? stream_.msg : "broken compressed data");
}

// Makes input available; false at the end of the file.
bool InflateSource::refill() {
  if (stream_.avail_in > 0) return true;
  stream_.next_in = input_.mutable_data();
  stream_.avail_in = static_cast<uInt>(file_.read(input_.mutable_data(), kInputBytes));
  return stream_.avail_in > 0;
}

// After a trailer: another gzip member, or what does not belong there.
void InflateSource::begin_member() {
  if (!gzip_ || *stream_.next_in != 0x1f) fail("bytes follow the end of the compressed data");
  inflateReset(&stream_);
  in_stream_ = true;
}

// Up to `size` bytes; fewer only at the end of the file. Throws with nothing in `to`.
int64_t InflateSource::inflate_into(uint8_t* to, int64_t size) {
  stream_.next_out = to;
  stream_.avail_out = static_cast<uInt>(size);
  const auto done = [&] { return size - static_cast<int64_t>(stream_.avail_out); };
  while (stream_.avail_out > 0) {
    if (!refill()) {
      if (!in_stream_ || done() > 0) break;
      fail("the file ends inside the compressed data");
    }
    if (!in_stream_) {
      if (done() > 0 && *stream_.next_in != 0x1f) break;
      begin_member();
    }
    const int result = inflate(&stream_, Z_NO_FLUSH);
    if (result == Z_STREAM_END) {
      in_stream_ = false;
    } else if (result == Z_MEM_ERROR) {
      throw std::bad_alloc();
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      if (done() > 0) break;  // zlib says it again at the next call
      fail_inflating(result);
    }
  }
  return done();
}

Chunk InflateSource::next() {
  Chunk chunk{.block = Buffer::allocate(kChunkBytes)};
  chunk.size = inflate_into(chunk.block.mutable_data(), kChunkBytes);
  return chunk;
}

}  // namespace weft::record
