// Random access to the records of a plain file.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/atomic_file.h"
#include "base/crc32c.h"
#include "record/file.h"
#include "record/frames.h"
#include "record/index.h"

namespace weft {
namespace {

constexpr int64_t kRunBytes = int64_t{1} << 20;  // read at once
constexpr int64_t kFrameBytes = record::kHeaderBytes + record::kFooterBytes;

std::string reason(int error) { return std::generic_category().message(error); }

// A file that is read at any place, by any thread.
class PlacedFile {
 public:
  explicit PlacedFile(const std::string& path) : fd_(record::open_to_read(path)) {}
  PlacedFile(const PlacedFile&) = delete;
  PlacedFile& operator=(const PlacedFile&) = delete;
  ~PlacedFile() { ::close(fd_); }

  int fd() const { return fd_; }
  // How many bytes were there.
  int64_t read(uint8_t* to, int64_t size, int64_t offset, const std::string& path) const {
    int64_t done = 0;
    while (done < size) {
      const ssize_t got = ::pread(fd_, to + done, static_cast<size_t>(size - done), offset + done);
      if (got == 0) break;
      if (got < 0 && errno != EINTR) {
        throw IoError("cannot read the file: " + reason(errno),
                      {.file = path, .offset = offset + done});
      }
      if (got > 0) done += got;
    }
    return done;
  }

 private:
  const int fd_;
};

std::string contents(const std::string& path) {
  const PlacedFile file(path);
  const int64_t size = record::stamp_of(file.fd(), path).size;
  std::string bytes(static_cast<size_t>(size), '\0');
  bytes.resize(
      static_cast<size_t>(file.read(reinterpret_cast<uint8_t*>(bytes.data()), size, 0, path)));
  return bytes;
}

bool exists(const std::string& path) {
  struct stat found;
  return ::stat(path.c_str(), &found) == 0;
}

}  // namespace

std::string index_path(const std::string& path) { return path + ".idx"; }

int64_t build_index(const std::string& path, const std::string& index, RecordOptions options) {
  const std::string to = index.empty() ? index_path(path) : index;
  const PlacedFile file(path);
  const record::FileStamp stamp = record::stamp_of(file.fd(), path);
  const record::Offsets offsets = record::scan(path, stamp, std::move(options));
  const std::string bytes = record::encode_index(offsets, stamp);
  base::AtomicFile made;
  int failed = made.open(to);
  if (failed == 0) failed = made.write(bytes.data(), static_cast<int64_t>(bytes.size()));
  if (failed == 0) failed = made.commit();
  if (failed != 0) throw IoError("cannot write the index: " + reason(failed), {.file = to});
  return static_cast<int64_t>(offsets.size()) - 1;
}

class RecordFile::Impl {
 public:
  Impl(std::string path, RecordFileOptions options)
      : file(path),
        name(std::make_shared<const std::string>(std::move(path))),
        verify_crc(options.record.verify_crc),
        limits(options.record.limits) {
    const record::FileStamp stamp = record::stamp_of(file.fd(), *name);
    const std::string index = options.index.empty() ? index_path(*name) : options.index;
    offsets = options.index.empty() && !exists(index)
                  ? record::scan(*name, stamp, std::move(options.record))
                  : record::decode_index(contents(index), stamp, index, *name);
  }

  int64_t size() const { return static_cast<int64_t>(offsets.size()) - 1; }
  int64_t offset(int64_t i) const { return offsets[static_cast<size_t>(i)]; }
  void read_run(int64_t begin, int64_t end, RecordBatch& batch) const;

  const PlacedFile file;
  const std::shared_ptr<const std::string> name;
  const bool verify_crc;
  const Limits limits;
  record::Offsets offsets;

 private:
  int64_t length(int64_t i) const { return offset(i + 1) - offset(i) - kFrameBytes; }
  Where where(int64_t i) const { return {.file = *name, .record = i, .offset = offset(i)}; }
  void check_limit(int64_t i) const;
  void check(const uint8_t* frame, int64_t i) const;
};

void RecordFile::Impl::check_limit(int64_t i) const {
  if (length(i) <= limits.max_record_bytes) return;
  throw LimitExceeded(
      "a record of " + std::to_string(length(i)) +
          " bytes is longer than max_record_bytes = " + std::to_string(limits.max_record_bytes),
      where(i));
}

void RecordFile::Impl::check(const uint8_t* frame, int64_t i) const {
  if (!record::header_fits(frame) ||
      record::record_length(frame) != static_cast<uint64_t>(length(i))) {
    throw CorruptData("there is no record where the index has one: make the index anew", where(i));
  }
  if (verify_crc && !record::data_fits(frame + record::kHeaderBytes, length(i)))
    throw CorruptData("the data of the record do not have their checksum", where(i));
}

// Records [begin, end), which stand one behind the other.
void RecordFile::Impl::read_run(int64_t begin, int64_t end, RecordBatch& batch) const {
  const int64_t size = offset(end) - offset(begin);
  for (int64_t i = begin; i < end; ++i) check_limit(i);
  Buffer block = Buffer::allocate(size);
  if (file.read(block.mutable_data(), size, offset(begin), *name) < size) {
    throw CorruptData("the file ends before a record that the index has", where(begin));
  }
  RecordAppender to(batch, name);
  to.keep(block);
  for (int64_t i = begin; i < end; ++i) {
    const uint8_t* frame = block.data() + (offset(i) - offset(begin));
    check(frame, i);
    to.add(frame + record::kHeaderBytes, length(i), i, offset(i));
  }
}

RecordFile::RecordFile(std::string path, RecordFileOptions options)
    : impl_(std::make_unique<const Impl>(std::move(path), std::move(options))) {}
RecordFile::RecordFile(RecordFile&&) noexcept = default;
RecordFile& RecordFile::operator=(RecordFile&&) noexcept = default;
RecordFile::~RecordFile() = default;

const std::string& RecordFile::path() const { return *impl_->name; }
int64_t RecordFile::size() const { return impl_->size(); }

void RecordFile::read(std::span<const int64_t> which, RecordBatch& batch) const {
  batch.clear();
  for (int64_t i : which) {
    if (i < 0 || i >= size()) {
      throw OutOfRange("record " + std::to_string(i) + " of a file of " + std::to_string(size()),
                       {.file = path()});
    }
  }
  for (size_t at = 0; at < which.size();) {
    const int64_t begin = which[at++];
    int64_t end = begin + 1;
    while (at < which.size() && which[at] == end &&
           impl_->offset(end + 1) - impl_->offset(begin) <= kRunBytes) {
      ++end;
      ++at;
    }
    impl_->read_run(begin, end, batch);
  }
}

}  // namespace weft
