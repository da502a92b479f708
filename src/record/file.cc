#include "record/file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace weft::record {
namespace {

std::string reason(int error) { return std::generic_category().message(error); }

}  // namespace

int open_to_read(const std::string& path) {
  if (path.find('\0') != std::string::npos)
    throw InvalidArgument("a path cannot hold a NUL byte", {.file = path});
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd >= 0) return fd;
  if (errno == ENOENT || errno == ENOTDIR) throw NotFound("no such file", {.file = path});
  throw IoError("cannot open the file: " + reason(errno), {.file = path});
}

// A pipe's read_some() waits, and can be stopped.
File::File(std::string path) : path_(std::move(path)), fd_(open_to_read(path_)) {
  struct stat found;
  if (::fstat(fd_, &found) != 0) return;
  if (S_ISREG(found.st_mode)) size_ = found.st_size;
  if (S_ISDIR(found.st_mode)) {
    ::close(fd_);
    throw IoError("this is a folder, not a file", {.file = path_});
  }
}

File::~File() { ::close(fd_); }

// Bytes read, 0 at the end, or an errno value, negative.
int64_t File::read_some(uint8_t* to, int64_t size) {
  for (;;) {
    if (size_ < 0) {  // a pipe may never answer
      pollfd waiting = {.fd = fd_, .events = POLLIN, .revents = 0};
      while (!stopped_.load(std::memory_order_relaxed) && ::poll(&waiting, 1, 50) == 0) {
      }
    }
    if (stopped_.load(std::memory_order_relaxed)) return 0;
    // The position in a regular file is ours alone, not shared with a forked child.
    const ssize_t got = size_ < 0 ? ::read(fd_, to, static_cast<size_t>(size))
                                  : ::pread(fd_, to, static_cast<size_t>(size), position_);
    if (got >= 0) {
      position_ += got;
      return got;
    }
    if (errno != EINTR && errno != EAGAIN) return -errno;
  }
}

std::span<const uint8_t> File::peek(int64_t size) {
  const auto have = static_cast<int64_t>(head_.size());
  if (have < size) {
    head_.resize(static_cast<size_t>(size));
    head_.resize(static_cast<size_t>(have + fill(head_.data() + have, size - have)));
  }
  return head_;
}

int64_t File::fill(uint8_t* to, int64_t size) {
  int64_t done = 0;
  while (done < size) {
    const int64_t got = read_some(to + done, size - done);
    if (got < 0 && done == 0) {
      throw IoError("cannot read the file: " + reason(static_cast<int>(-got)),
                    {.file = path_, .offset = offset_});
    }
    if (got <= 0) break;  // a fault shows again at the next call
    done += got;
  }
  return done;
}

int64_t File::read(uint8_t* to, int64_t size) {
  int64_t done = std::min<int64_t>(size, static_cast<int64_t>(head_.size()));
  if (done > 0) {
    std::memcpy(to, head_.data(), static_cast<size_t>(done));
    head_.erase(head_.begin(), head_.begin() + done);
  } else {
    done = fill(to, size);
  }
  offset_ += done;
  return done;
}

int64_t File::skip(int64_t size) {
  if (size_ < 0 || size == 0) return 0;  // a pipe: to be read
  head_.clear();
  position_ = offset_ = std::min(size, size_);
  return position_;
}

Chunk PlainSource::next() {
  Chunk chunk;
  chunk.block = Buffer::allocate(kChunkBytes);
  chunk.size = file_.read(chunk.block.mutable_data(), kChunkBytes);
  return chunk;
}

}  // namespace weft::record
