// The index of a plain file:
//
//   index   := "weftidx1"  file_size:u64  file_modified:u64 (ns)  count:u64  lengths
//              masked_crc32c(all before it):u32
//   lengths := varint[count], of the data of each record
//
// integers little-endian. The text that NVIDIA DALI's tfrecord2idx and the tfrecord package write
// is read as well: for each record a line "offset size", of the record with its header and footer.
// It knows nothing of the file but where it ends.
#include "record/index.h"

#include <sys/stat.h>

#include <charconv>
#include <utility>

#include "base/crc32c.h"
#include "base/varint.h"
#include "record/content.h"

namespace weft::record {
namespace {

constexpr std::string_view kMagic = "weftidx1";
constexpr size_t kHeadBytes = 32;
constexpr size_t kCrcBytes = 4;
constexpr int64_t kFrameBytes = kHeaderBytes + kFooterBytes;

const uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

void put(std::string& to, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) to += static_cast<char>(value >> (8 * i));
}

[[noreturn]] void fail(const std::string& index_path, const char* what) {
  throw CorruptData(std::string("this is no index of record files: ") + what, {.file = index_path});
}

[[noreturn]] void fail_stale(const std::string& index_path, const std::string& path) {
  throw InvalidArgument(
      "the index is of another state of the file '" + escape_bytes(path, 4096) +
          "', which was written since: make it anew (weft index, weft.io.build_index)",
      {.file = index_path});
}

uint32_t checksum(std::string_view bytes) {
  return base::masked_crc32c(bytes.data(), static_cast<int64_t>(bytes.size()));
}

// "weftidx1" and what follows.
Offsets decode_binary(std::string_view bytes, const FileStamp& stamp, const std::string& index_path,
                      const std::string& path) {
  if (bytes.size() < kHeadBytes + kCrcBytes) fail(index_path, "it ends early");
  std::string crc;
  put(crc, checksum(bytes.substr(0, bytes.size() - kCrcBytes)), 4);
  if (bytes.substr(bytes.size() - kCrcBytes) != crc)
    fail(index_path, "it does not have its checksum");
  const auto number = [&](size_t at) {
    return static_cast<int64_t>(record_length(bytes_of(bytes) + at));
  };
  if (FileStamp{.size = number(8), .modified = number(16)} != stamp) fail_stale(index_path, path);
  const int64_t count = number(24);
  const uint8_t* at = bytes_of(bytes) + kHeadBytes;
  const uint8_t* const end = bytes_of(bytes) + bytes.size() - kCrcBytes;
  if (count < 0 || count > end - at) fail(index_path, "it ends early");
  Offsets offsets = {0};
  offsets.reserve(static_cast<size_t>(count) + 1);
  for (int64_t i = 0; i < count; ++i) {
    uint64_t length = 0;
    at = base::read_varint(at, end, &length);
    if (at == nullptr || length > static_cast<uint64_t>(stamp.size))
      fail(index_path, "a length is wrong");
    offsets.push_back(offsets.back() + static_cast<int64_t>(length) + kFrameBytes);
  }
  if (at != end || offsets.back() != stamp.size) fail(index_path, "its lengths are others");
  return offsets;
}

Offsets decode_text(std::string_view bytes, const FileStamp& stamp, const std::string& index_path,
                    const std::string& path) {
  Offsets offsets = {0};
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  while (at != end) {
    int64_t numbers[2] = {};
    for (int64_t& number : numbers) {
      while (at != end && (*at == ' ' || *at == '\t')) ++at;
      const auto [after, error] = std::from_chars(at, end, number);
      if (error != std::errc()) fail(index_path, "no line \"offset size\"");
      at = after;
    }
    while (at != end && (*at == '\r' || *at == '\n' || *at == ' ')) ++at;
    if (numbers[0] != offsets.back() || numbers[1] < kFrameBytes ||
        numbers[1] > stamp.size - numbers[0]) {
      fail_stale(index_path, path);
    }
    offsets.push_back(numbers[0] + numbers[1]);
  }
  if (offsets.back() != stamp.size) fail_stale(index_path, path);
  return offsets;
}

}  // namespace

FileStamp stamp_of(int fd, const std::string& path) {
  struct stat found;
  if (::fstat(fd, &found) != 0 || !S_ISREG(found.st_mode))
    throw InvalidArgument("random access needs a regular file", {.file = path});
  return {.size = found.st_size,
          .modified = int64_t{found.st_mtim.tv_sec} * 1'000'000'000 + found.st_mtim.tv_nsec};
}

Offsets scan(const std::string& path, const FileStamp& stamp, RecordOptions options) {
  options.on_error = OnError::kRaise;
  RecordReader reader(path, std::move(options));
  Offsets offsets;
  RecordBatch batch;
  while (reader.append(batch, 4096) > 0) {
    if (reader.compression() != Compression::kNone) break;
    for (int64_t i = 0; i < batch.size(); ++i) offsets.push_back(batch.offset(i));
    batch.clear();
  }
  if (reader.compression() == Compression::kGzip || reader.compression() == Compression::kZlib) {
    throw InvalidArgument("a compressed file has no random access: write it without compression",
                          {.file = path});
  }
  offsets.push_back(reader.position().offset);
  if (offsets.back() != stamp.size)
    throw IoError("the file was written while it was read", {.file = path});
  return offsets;
}

std::string encode_index(const Offsets& offsets, const FileStamp& stamp) {
  std::string bytes(kMagic);
  put(bytes, static_cast<uint64_t>(stamp.size), 8);
  put(bytes, static_cast<uint64_t>(stamp.modified), 8);
  put(bytes, offsets.size() - 1, 8);
  for (size_t i = 1; i < offsets.size(); ++i) {
    uint8_t varint[base::kMaxVarint];
    const auto length = static_cast<uint64_t>(offsets[i] - offsets[i - 1] - kFrameBytes);
    bytes.append(reinterpret_cast<const char*>(varint),
                 static_cast<size_t>(base::write_varint(varint, length) - varint));
  }
  put(bytes, checksum(bytes), 4);
  return bytes;
}

Offsets decode_index(std::string_view bytes, const FileStamp& stamp, const std::string& index_path,
                     const std::string& path) {
  if (bytes.starts_with(kMagic)) return decode_binary(bytes, stamp, index_path, path);
  if (bytes.starts_with(kMagic.substr(0, kMagic.size() - 1)))
    fail(index_path, "its version is not known");
  return decode_text(bytes, stamp, index_path, path);
}

}  // namespace weft::record
