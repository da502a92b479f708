#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <system_error>
#include <utility>

#include "base/atomic_file.h"
#include "base/crc32c.h"
#include "weft/record.h"

namespace weft {
namespace {

constexpr size_t kBufferBytes = size_t{256} << 10;

void store_u32(char* to, uint32_t value) {
  for (int i = 0; i < 4; ++i) to[i] = static_cast<char>(value >> (8 * i));
}

}  // namespace

// Bytes go into buffer_, and from there into the file, through the compressor if there is one.
class RecordWriter::Impl {
 public:
  Impl(std::string path, RecordWriterOptions options);
  ~Impl();

  void write(std::string_view record);
  void flush(int mode);
  void close();
  void discard();

  const std::string path;
  RecordCounters counters;

 private:
  void put(const char* data, size_t size);
  void drain(int mode);
  void open_file();
  void check(int error);
  void check_open() const;

  const bool compressed_;
  base::AtomicFile file_;
  std::vector<char> buffer_;
  std::vector<uint8_t> output_;
  z_stream stream_{};
  bool open_ = true;
  bool failed_ = false;
};

RecordWriter::Impl::Impl(std::string name, RecordWriterOptions options)
    : path(std::move(name)), compressed_(options.compression != Compression::kNone) {
  if (options.compression == Compression::kAuto) {
    throw InvalidArgument("a writer needs to be told the compression: kNone, kGzip or kZlib");
  }
  if (options.level < -1 || options.level > 9) {
    throw InvalidArgument("the compression level must be in [-1, 9], got " +
                          std::to_string(options.level));
  }
  buffer_.reserve(kBufferBytes);
  if (compressed_) output_.resize(kBufferBytes);
  open_file();
  if (!compressed_) return;
  const int window = options.compression == Compression::kGzip ? 15 + 16 : 15;
  if (deflateInit2(&stream_, options.level, Z_DEFLATED, window, 9, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
}

RecordWriter::Impl::~Impl() {
  if (compressed_) deflateEnd(&stream_);
}

void RecordWriter::Impl::open_file() {
  const Where where{.file = path};
  if (path.find('\0') != std::string::npos)
    throw InvalidArgument("a path cannot hold a NUL byte", where);
  const int error = file_.open(path);
  if (error == ENOENT || error == ENOTDIR)
    throw NotFound("the folder of the file does not exist", where);
  if (error == EISDIR) throw InvalidArgument("this is a folder, not a file", where);
  if (error == EINVAL) throw InvalidArgument("this is no regular file", where);
  check(error);
}

void RecordWriter::Impl::check(int error) {
  if (error == 0) return;
  failed_ = true;
  file_.discard();
  throw IoError("cannot write the file: " + std::generic_category().message(error), {.file = path});
}

void RecordWriter::Impl::check_open() const {
  if (failed_) throw IoError("an earlier write to this file failed", {.file = path});
  if (!open_) throw InvalidArgument("the writer is closed", {.file = path});
}

// Empties the buffer; `mode` is Z_NO_FLUSH, Z_SYNC_FLUSH or Z_FINISH.
void RecordWriter::Impl::drain(int mode) {
  if (!compressed_) {
    check(file_.write(buffer_.data(), static_cast<int64_t>(buffer_.size())));
    buffer_.clear();
    return;
  }
  stream_.next_in = reinterpret_cast<Bytef*>(buffer_.data());
  stream_.avail_in = static_cast<uInt>(buffer_.size());
  do {
    stream_.next_out = output_.data();
    stream_.avail_out = static_cast<uInt>(output_.size());
    deflate(&stream_, mode);
    check(file_.write(output_.data(), static_cast<int64_t>(output_.size() - stream_.avail_out)));
  } while (stream_.avail_out == 0);
  buffer_.clear();
}

void RecordWriter::Impl::put(const char* data, size_t size) {
  while (size > 0) {
    const size_t part = std::min(size, kBufferBytes - buffer_.size());
    buffer_.insert(buffer_.end(), data, data + part);
    data += part;
    size -= part;
    if (buffer_.size() == kBufferBytes) drain(Z_NO_FLUSH);
  }
}

void RecordWriter::Impl::write(std::string_view record) {
  check_open();
  char header[12];
  store_u32(header, static_cast<uint32_t>(record.size()));
  store_u32(header + 4, static_cast<uint32_t>(uint64_t{record.size()} >> 32));
  store_u32(header + 8, base::masked_crc32c(header, 8));
  char footer[4];
  store_u32(footer, base::masked_crc32c(record.data(), static_cast<int64_t>(record.size())));
  put(header, sizeof header);
  put(record.data(), record.size());
  put(footer, sizeof footer);
  ++counters.records;
  counters.bytes += static_cast<int64_t>(record.size());
}

void RecordWriter::Impl::flush(int mode) {
  check_open();
  drain(mode);
}

void RecordWriter::Impl::discard() {
  file_.discard();
  open_ = false;
}

void RecordWriter::Impl::close() {
  if (!open_ && !failed_) return;
  flush(Z_FINISH);
  check(file_.commit());
  open_ = false;
}

RecordWriter::RecordWriter(std::string path, RecordWriterOptions options)
    : impl_(std::make_unique<Impl>(std::move(path), options)) {}
RecordWriter::RecordWriter(RecordWriter&&) noexcept = default;
RecordWriter& RecordWriter::operator=(RecordWriter&&) noexcept = default;
RecordWriter::~RecordWriter() = default;

void RecordWriter::write(std::string_view record) { impl_->write(record); }
void RecordWriter::flush() { impl_->flush(Z_SYNC_FLUSH); }
void RecordWriter::close() { impl_->close(); }
void RecordWriter::discard() { impl_->discard(); }
const std::string& RecordWriter::path() const { return impl_->path; }
RecordCounters RecordWriter::counters() const { return impl_->counters; }

}  // namespace weft
