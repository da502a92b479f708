// Entries from files of lines and of records.
#include <unistd.h>
#include <zlib.h>

#include <cctype>
#include <charconv>
#include <cstring>
#include <functional>
#include <new>
#include <utility>
#include <vector>

#include "base/crc32c.h"
#include "vocabulary/impl.h"
#include "weft/record.h"

namespace weft::vocabulary {
namespace {

constexpr size_t kChunkBytes = size_t{256} << 10;
constexpr int64_t kBatch = 4096;

// A file's bytes, inflated if they are gzip.
class Content {
 public:
  Content(int fd, const std::string& path) : path_(path), file_(::gzdopen(fd, "rb")) {
    if (file_ == nullptr) {
      ::close(fd);
      throw std::bad_alloc();
    }
    ::gzbuffer(file_, kChunkBytes);
    chunk_.resize(kChunkBytes);
  }
  Content(const Content&) = delete;
  Content& operator=(const Content&) = delete;
  ~Content() { ::gzclose(file_); }

  // The next bytes, empty at the end; valid until the next call.
  std::string_view next() {
    if (!peeked_.empty()) return std::exchange(peeked_, {});
    const int got = ::gzread(file_, chunk_.data(), static_cast<unsigned>(chunk_.size()));
    int error = Z_OK;
    const char* const message = ::gzerror(file_, &error);
    if (error == Z_ERRNO) throw IoError("cannot read the file", {.file = path_});
    if (error == Z_BUF_ERROR)
      throw CorruptData("the file ends inside the compressed data", {.file = path_});
    if (error != Z_OK) throw CorruptData(std::string("gzip: ") + message, {.file = path_});
    return {chunk_.data(), static_cast<size_t>(got)};
  }
  std::string_view peek() { return peeked_ = next(); }

 private:
  const std::string& path_;
  gzFile file_;
  std::vector<char> chunk_;
  std::string_view peeked_;
};

// Whether these are the first bytes of a record file: a length and its checksum.
bool begins_record(std::string_view head) {
  if (head.size() < 12) return false;
  uint32_t crc;
  std::memcpy(&crc, head.data() + 8, 4);
  return base::masked_crc32c(head.data(), 8) == crc;
}

using Visit = std::function<bool(std::string_view)>;

constexpr size_t kMostLine = size_t{1} << 30;  // a gzip file of nothing could be any number of them

// Calls `visit` with each line until it returns false. As tensorflow::io::InputBuffer::ReadLine: a
// "\r" at the end of a line belongs to its end, also in a last line without "\n", which is no line
// if nothing else is in it.
void for_each_line(Content& content, const Visit& visit) {
  const auto line = [&](std::string_view text) {
    if (text.ends_with('\r')) text.remove_suffix(1);
    return visit(text);
  };
  std::string begun;
  for (std::string_view chunk = content.next(); !chunk.empty(); chunk = content.next()) {
    for (size_t end; (end = chunk.find('\n')) != std::string_view::npos;
         chunk.remove_prefix(end + 1)) {
      const std::string_view text = chunk.substr(0, end);
      if (!(begun.empty() ? line(text) : line(begun.append(text)))) return;
      begun.clear();
    }
    begun += chunk;
    if (begun.size() > kMostLine) throw LimitExceeded("a line of more than 2^30 bytes: no text?");
  }
  if (!begun.empty() && begun != "\r") line(begun);
}

void for_each_record(const std::string& path, const Visit& visit) {
  RecordReader reader(path);
  RecordBatch batch;
  while (reader.next(batch, kBatch)) {
    for (std::string_view record : batch.records()) {
      if (!visit(record)) return;
    }
  }
}

// An integer as strings::safe_strto64 of TensorFlow reads it; false if it is none.
bool parse_integer(std::string_view text, int64_t* value) {
  const auto is_space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size();
}

// Puts the entries of a file into a table, many at a time, and refuses those that cannot be.
class Collector {
 public:
  Collector(const std::string& path, DType dtype, bool lines)
      : table_(dtype), path_(path), unit_(lines ? "line" : "record"), first_(lines ? 1 : 0) {}

  void add(std::string_view entry) {
    if (unit_ == "line" && entry.empty()) fail(read_, "is empty");
    if (table_.dtype() == DType::kString) {
      data_ += entry;
      offsets_.push_back(static_cast<int64_t>(data_.size()));
    } else {
      int64_t value;
      if (!parse_integer(entry, &value))
        fail(read_, "is no integer: \"" + escape_bytes(entry) + '"');
      integers_.push_back(value);
    }
    if (++read_ % kBatch == 0) flush();
  }

  Table finish() {
    flush();
    return std::move(table_);
  }

  int64_t read() const { return read_; }

 private:
  void flush() {
    const int64_t before = table_.size(), n = read_ - before;
    ids_.resize(static_cast<size_t>(n));
    if (table_.dtype() == DType::kString) {
      const auto keys =
          Bytes::trusted(Buffer::borrow(data_.data(), static_cast<int64_t>(data_.size()), nullptr),
                         Buffer::borrow(offsets_.data(), 8 * (n + 1), nullptr));
      table_.insert(keys, 0, n, ids_.data());
    } else {
      table_.insert(integers_.data(), n, ids_.data());
    }
    if (table_.size() != read_) {
      for (int64_t i = 0; i < n; ++i) {
        const int64_t id = ids_[static_cast<size_t>(i)];
        if (id != before + i) fail_repeated(before + i, id);
      }
    }
    data_.clear();
    offsets_.resize(1);
    integers_.clear();
  }

  std::string name(int64_t entry) const {
    return std::string(unit_) + ' ' + std::to_string(first_ + entry);
  }
  [[noreturn]] void fail(int64_t entry, const std::string& what) const {
    throw InvalidArgument(name(entry) + " of the vocabulary " + what, {.file = path_});
  }
  [[noreturn]] void fail_repeated(int64_t entry, int64_t earlier) const {
    const std::string text = table_.dtype() == DType::kString
                                 ? '"' + escape_bytes(table_.string(earlier)) + '"'
                                 : std::to_string(table_.integer(earlier));
    fail(entry, "repeats " + name(earlier) + ": " + text);
  }

  Table table_;
  const std::string& path_;
  const std::string_view unit_;
  const int64_t first_;  // the number of the first line or record
  int64_t read_ = 0;
  std::string data_;
  std::vector<int64_t> offsets_ = {0};
  std::vector<int64_t> integers_;
  std::vector<int64_t> ids_;
};

}  // namespace

Table read_entries(int fd, const std::string& path, DType dtype, std::optional<int64_t> size) {
  Content content(fd, path);
  const bool records = begins_record(content.peek());
  Collector collector(path, dtype, !records);
  const Visit visit = [&](std::string_view entry) {
    if (size && collector.read() == *size) return false;
    collector.add(entry);
    return true;
  };
  if (records) {
    for_each_record(path, visit);
  } else {
    for_each_line(content, visit);
  }
  if (size && collector.read() < *size) {
    throw InvalidArgument("the vocabulary has " + std::to_string(collector.read()) +
                              " entries, fewer than the " + std::to_string(*size) + " asked for",
                          {.file = path});
  }
  return collector.finish();
}

int64_t count_entries(int fd, const std::string& path) {
  Content content(fd, path);
  int64_t count = 0;
  const Visit visit = [&](std::string_view) { return ++count > 0; };
  if (begins_record(content.peek())) {
    for_each_record(path, visit);
  } else {
    for_each_line(content, visit);
  }
  return count;
}

}  // namespace weft::vocabulary
