// An open file and its first bytes.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "record/source.h"

namespace weft::record {

// A descriptor of the file. Does not wait for whoever writes to a pipe. Throws NotFound or IoError.
int open_to_read(const std::string& path);

class File {
 public:
  // Throws NotFound or IoError.
  explicit File(std::string path);
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File();

  const std::string& path() const { return path_; }
  int64_t size() const { return size_; }      // -1 if this is no regular file
  int64_t offset() const { return offset_; }  // bytes handed out by read()

  // The first `size` bytes of the file, fewer if it is shorter; only before the first read().
  std::span<const uint8_t> peek(int64_t size);
  // At least one byte and as many as there are, up to `size`; 0 at the end of the file and after
  // stop(). Throws IoError.
  int64_t read(uint8_t* to, int64_t size);
  // Passes over bytes, before the first read(): as many as it can, up to `size`, without reading
  // them. Returns how many.
  int64_t skip(int64_t size);
  // From any thread: a read that waits for a pipe gives up.
  void stop() { stopped_.store(true, std::memory_order_relaxed); }

 private:
  int64_t read_some(uint8_t* to, int64_t size);
  int64_t fill(uint8_t* to, int64_t size);

  const std::string path_;
  int fd_;
  int64_t size_ = -1;
  int64_t position_ = 0;       // bytes taken from the system
  int64_t offset_ = 0;         // bytes handed out
  std::vector<uint8_t> head_;  // peeked, not yet read
  std::atomic<bool> stopped_{false};
};

// The file as it is.
class PlainSource : public Source {
 public:
  explicit PlainSource(File& file) : file_(file) {}
  Chunk next() override;

 private:
  File& file_;
};

}  // namespace weft::record
