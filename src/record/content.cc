#include "record/content.h"

#include <algorithm>
#include <cstring>

#include "base/crc32c.h"
#include "record/inflate.h"

namespace weft::record {
namespace {

uint32_t load_u32(const uint8_t* at) {
  return at[0] | uint32_t{at[1]} << 8 | uint32_t{at[2]} << 16 | uint32_t{at[3]} << 24;
}

bool begins_with(std::span<const uint8_t> head, std::string_view magic) {
  return head.size() >= magic.size() && std::memcmp(head.data(), magic.data(), magic.size()) == 0;
}

bool is_text(std::span<const uint8_t> head) {
  return !head.empty() && std::all_of(head.begin(), head.end(), [](uint8_t c) {
    return (c >= 0x20 && c != 0x7f) || c == '\t' || c == '\n' || c == '\r' || c == '\f';
  });
}

struct Kind {
  std::string_view magic;
  std::string_view name;
};

constexpr Kind kKinds[] = {
    {"version https://git-lfs",
     "a Git LFS pointer: the file itself has not been fetched (git lfs pull)"},
    {"PAR1", "a Parquet file"},
    {"\x1f\x8b", "gzip data"},
    {"\x28\xb5\x2f\xfd", "zstd data"},
    {"BZh", "bzip2 data"},
    {"\xfd"
     "7zXZ",
     "xz data"},
    {"PK\x03\x04", "a zip archive"},
    {"ARROW1", "an Arrow file"},
    {"Obj\x01", "an Avro file"},
    {"ORC", "an ORC file"},
    {"\x89HDF", "an HDF5 file"},
    {"\x93NUMPY", "a numpy file"},
    {"\xff\xd8\xff", "a JPEG image"},
    {"\x89PNG", "a PNG image"},
    {"\x89VOC", "the table file of a vocabulary"},
    {"weftidx1", "the index of a record file"},
    {"\x7f"
     "ELF",
     "a program"},
};

// The header of RFC 1950, without a preset dictionary.
bool zlib_header(std::span<const uint8_t> head) {
  return head.size() >= 2 && (head[0] & 15) == 8 && head[0] >> 4 <= 7 &&
         (head[0] * 256 + head[1]) % 31 == 0 && (head[1] & 0x20) == 0 && !is_text(head);
}

Compression detect(std::span<const uint8_t> head) {
  if (static_cast<int64_t>(head.size()) >= kHeaderBytes && header_fits(head.data()))
    return Compression::kNone;
  if (begins_with(head, "\x1f\x8b")) return Compression::kGzip;
  return zlib_header(head) ? Compression::kZlib : Compression::kNone;
}

// Names a file that cannot be what it was said to be.
void check_compressed(std::span<const uint8_t> head, bool gzip, const std::string& path) {
  const bool is_gzip = begins_with(head, "\x1f\x8b"), is_zlib = zlib_header(head);
  if (gzip ? is_gzip : is_zlib) return;
  const std::string_view kind = is_zlib ? "zlib data" : kind_of_file(head);
  if (kind.empty()) return;
  std::string text = "this is " + std::string(kind) + ", not " + (gzip ? "gzip" : "zlib") + " data";
  if (is_gzip || is_zlib) text += " (without a compression type it is recognised)";
  throw CorruptData(text, {.file = path, .offset = 0});
}

}  // namespace

uint64_t record_length(const uint8_t* header) {
  return load_u32(header) | uint64_t{load_u32(header + 4)} << 32;
}

bool header_fits(const uint8_t* header) {
  return base::masked_crc32c(header, 8) == load_u32(header + 8);
}

std::string_view kind_of_file(std::span<const uint8_t> head) {
  for (const Kind& kind : kKinds) {
    if (begins_with(head, kind.magic)) return kind.name;
  }
  if (begins_with(head, "<!DOCTYPE") || begins_with(head, "<html")) return "a web page";
  return is_text(head.first(std::min<size_t>(head.size(), kKindBytes))) ? "a text file" : "";
}

bool data_fits(const uint8_t* data, int64_t size) {
  return base::masked_crc32c(data, size) == load_u32(data + size);
}

void ContentSource::open() {
  const auto head = file_.peek(kKindBytes);
  const Compression wanted = compression();
  const Compression found = wanted == Compression::kAuto ? detect(head) : wanted;
  const bool plain = found == Compression::kNone || head.empty();
  if (!plain && static_cast<int64_t>(head.size()) >= kHeaderBytes && header_fits(head.data())) {
    throw CorruptData(std::string("these are plain records, not ") +
                          (found == Compression::kGzip ? "gzip" : "zlib") + " data",
                      {.file = file_.path(), .offset = 0});
  }
  if (!plain) check_compressed(head, found == Compression::kGzip, file_.path());
  compression_.store(found, std::memory_order_relaxed);
  if (plain) {
    source_ = std::make_unique<PlainSource>(file_);
  } else {
    source_ = std::make_unique<InflateSource>(file_, found == Compression::kGzip);
  }
}

// The chunk that `start_` lies in, from there on. A compressed file is inflated up to it.
Chunk ContentSource::chunk_of_start() {
  int64_t before = start_;
  if (compression() == Compression::kNone || file_.size() == 0) before -= file_.skip(start_);
  for (;;) {
    Chunk chunk = source_->next();
    if (before == 0 || chunk.size > before) {
      chunk.begin += before;
      chunk.size -= before;
      return chunk;
    }
    if (chunk.size == 0) {
      throw CorruptData("the file ends before the place from which it is to be read on",
                        {.file = file_.path(), .offset = start_});
    }
    before -= chunk.size;
  }
}

Chunk ContentSource::next() {
  if (source_ != nullptr) return source_->next();
  open();
  return chunk_of_start();
}

}  // namespace weft::record
