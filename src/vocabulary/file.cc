// The table file, integers little-endian:
//   file   := header lines:u8[64 * num_lines] records:u8[record_bytes] counts places
//   counts := i64[size], or nothing if has_counts is 0
//   places := u32[size] for strings, nothing for integers
//   header := magic:u8[8] version:u32 byte_order:u32 dtype:u32 has_counts:u32 seed:u64 size:u64
//             num_lines:u64 record_bytes:u64 contents_crc:u32 zeros header_crc:u32    (128 bytes)
// Lines and records are those of lookup_kernel.h; the records of integers are i64[size]. The
// checksums are masked CRC-32C: of everything after the header, and of the header before its last
// four bytes. Where a section begins and how long the file is follow from the header alone.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/atomic_file.h"
#include "base/crc32c.h"
#include "vocabulary/impl.h"

namespace weft::vocabulary {
namespace {

static_assert(std::endian::native == std::endian::little, "the file is used as it lies in memory");

// As PNG's: no text, and damaged by whatever changes line ends.
constexpr char kMagic[8] = {'\x89', 'V', 'O', 'C', '\r', '\n', '\x1a', '\n'};
constexpr uint32_t kVersion = 1;
constexpr uint32_t kByteOrder = 0x01020304;
constexpr uint32_t kStrings = 0, kIntegers = 1;

struct Header {
  char magic[8];
  uint32_t version;
  uint32_t byte_order;
  uint32_t dtype;
  uint32_t has_counts;
  uint64_t seed;
  uint64_t size;
  uint64_t num_lines;
  uint64_t record_bytes;
  uint32_t contents_crc;
  uint32_t zeros[16];
  uint32_t header_crc;
};
static_assert(sizeof(Header) == 128);

uint32_t header_crc(const Header& header) {
  return base::masked_crc32c(&header, sizeof header - sizeof header.header_crc);
}

std::string reason(int error) { return std::generic_category().message(error); }

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw CorruptData("this vocabulary's table file is damaged: " + what, {.file = path});
}

// Sizes of the sections in bytes, each at most that of the file.
struct Layout {
  uint64_t lines, records, counts, places;
  uint64_t end() const { return sizeof(Header) + lines + records + counts + places; }
};

Layout layout(const Header& header, uint64_t file_size, const std::string& path) {
  if (header.num_lines > file_size / kLineBytes || header.num_lines > UINT32_MAX ||
      header.record_bytes > file_size || header.size > file_size / 4 || header.size > kNext) {
    fail(path, "it is shorter than it says");
  }
  const bool strings = header.dtype == kStrings;
  const Layout sections = {.lines = header.num_lines * kLineBytes,
                           .records = header.record_bytes,
                           .counts = header.has_counts != 0 ? header.size * 8 : 0,
                           .places = strings ? header.size * 4 : 0};
  if (sections.end() != file_size) {
    fail(path, "it has " + std::to_string(file_size) + " bytes, not the " +
                   std::to_string(sections.end()) + " it should have");
  }
  if (header.num_lines == 0 || header.record_bytes % 8 != 0 ||
      (strings ? header.record_bytes < kRecordBytes : header.record_bytes != header.size * 8)) {
    fail(path, "its header contradicts itself");
  }
  return sections;
}

// Reads and checks the header; false if the file is no table file.
bool read_header(int fd, const std::string& path, Header* header) {
  const ssize_t got = ::pread(fd, header, sizeof *header, 0);
  if (got < 0 && errno == ESPIPE) return false;
  if (got < 0) throw IoError("cannot read the file: " + reason(errno), {.file = path});
  if (got < 8 || std::memcmp(header->magic, kMagic, sizeof kMagic) != 0) return false;
  if (got < static_cast<ssize_t>(sizeof *header)) fail(path, "it ends inside its header");
  if (header_crc(*header) != header->header_crc) fail(path, "the checksum of its header is wrong");
  if (header->version != kVersion || header->byte_order != kByteOrder) {
    throw InvalidArgument("this vocabulary's table file has version " +
                              std::to_string(header->version) + ", this weft reads " +
                              std::to_string(kVersion) + ": build it again",
                          {.file = path});
  }
  if (header->dtype > kIntegers || header->has_counts > 1) fail(path, "unknown contents");
  return true;
}

uint64_t file_size(int fd, const std::string& path) {
  struct stat found;
  if (::fstat(fd, &found) != 0)
    throw IoError("cannot read the file: " + reason(errno), {.file = path});
  return static_cast<uint64_t>(found.st_size);
}

}  // namespace

void check_written(int error, const std::string& path) {
  const Where where{.file = path};
  if (error == 0) return;
  if (error == ENOENT || error == ENOTDIR)
    throw NotFound("the folder of the file does not exist", where);
  if (error == EISDIR) throw InvalidArgument("this is a folder, not a file", where);
  if (error == EINVAL) throw InvalidArgument("this is no regular file", where);
  throw IoError("cannot write the file: " + reason(error), where);
}

int64_t count_table(int fd, const std::string& path) {
  Header header;
  if (!read_header(fd, path, &header)) return -1;
  layout(header, file_size(fd, path), path);
  return static_cast<int64_t>(header.size);
}

std::shared_ptr<Vocabulary::Impl> open_table(int fd, const std::string& path, bool verify) {
  Header header;
  if (!read_header(fd, path, &header)) return nullptr;
  const uint64_t bytes = file_size(fd, path);
  const Layout sections = layout(header, bytes, path);
  void* const mapped = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) throw IoError("cannot map the file: " + reason(errno), {.file = path});
  const std::shared_ptr<const void> owner(
      mapped, [bytes](const void* p) { ::munmap(const_cast<void*>(p), bytes); });
  const uint8_t* at = static_cast<const uint8_t*>(mapped) + sizeof header;
  if (verify &&
      base::masked_crc32c(at, static_cast<int64_t>(bytes - sizeof header)) != header.contents_crc) {
    fail(path, "the checksum of its contents is wrong");
  }
  const auto section = [&](uint64_t size) {
    at += size;
    return Buffer::borrow(at - size, static_cast<int64_t>(size), owner);
  };
  const Buffer lines = section(sections.lines), records = section(sections.records),
               counts = header.has_counts != 0 ? section(sections.counts) : Buffer(),
               places = section(sections.places);
  auto made = std::make_shared<Vocabulary::Impl>(
      header.dtype == kStrings ? DType::kString : DType::kInt64, static_cast<int64_t>(header.size),
      header.seed, lines, records, counts, places);
  made->file = path;
  return made;
}

void save_table(const Vocabulary::Impl& table, const std::string& path) {
  const Buffer* const sections[] = {&table.lines, &table.records, &table.counts, &table.places};
  uint32_t crc = base::crc32c(nullptr, 0);
  for (const Buffer* section : sections)
    crc = base::extend_crc32c(crc, section->data(), section->size());
  Header header = {.version = kVersion,
                   .byte_order = kByteOrder,
                   .dtype = table.dtype == DType::kString ? kStrings : kIntegers,
                   .has_counts = table.counts.data() != nullptr,
                   .seed = table.seed,
                   .size = static_cast<uint64_t>(table.size),
                   .num_lines = static_cast<uint64_t>(table.lines.size()) / kLineBytes,
                   .record_bytes = static_cast<uint64_t>(table.records.size()),
                   .contents_crc = base::mask_crc32c(crc)};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.header_crc = header_crc(header);
  base::AtomicFile file;
  check_written(file.open(path), path);
  check_written(file.write(&header, sizeof header), path);
  for (const Buffer* section : sections)
    check_written(file.write(section->data(), section->size()), path);
  check_written(file.commit(), path);
}

}  // namespace weft::vocabulary
