#include "base/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>

namespace weft::base {
namespace {

std::string resolved(const std::string& path) {
  struct stat found;
  if (::lstat(path.c_str(), &found) != 0 || !S_ISLNK(found.st_mode)) return path;
  char* real = ::realpath(path.c_str(), nullptr);
  if (real == nullptr) return path;
  std::string text = real;
  std::free(real);
  return text;
}

// Unique among the threads and processes of this machine; O_EXCL and link() catch the rest.
std::string hidden_name(const std::string& folder, const std::string& name) {
  static std::atomic<int64_t> serial{0};
  return folder + "/." + name.substr(0, 200) + "." + std::to_string(::getpid()) + "." +
         std::to_string(serial.fetch_add(1)) + ".tmp";
}

std::string proc_path(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

int sync_folder(const std::string& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno;
  // A folder that cannot be synchronised (EINVAL: some network file systems) is as durable as it
  // gets.
  const int failed = ::fsync(fd) != 0 && errno != EINVAL ? errno : 0;
  ::close(fd);
  return failed;
}

}  // namespace

int AtomicFile::open(const std::string& path) {
  struct stat found;
  const bool replaces = ::stat(path.c_str(), &found) == 0;
  if (replaces && !S_ISREG(found.st_mode)) return S_ISDIR(found.st_mode) ? EISDIR : EINVAL;
  path_ = resolved(path);
  const size_t slash = path_.rfind('/');
  folder_ = slash == std::string::npos ? "." : slash == 0 ? "/" : path_.substr(0, slash);
  const std::string name = slash == std::string::npos ? path_ : path_.substr(slash + 1);
  if (name.empty()) return path_.empty() ? ENOENT : EISDIR;
  if (name.size() > NAME_MAX) return ENAMETOOLONG;
  temporary_ = hidden_name(folder_, name);
  opened_by_ = ::getpid();
  if (const int failed = create()) return failed;
  return replaces && ::fchmod(fd_, found.st_mode & 07777) != 0 ? errno : 0;
}

int AtomicFile::create() {
  fd_ = ::open(folder_.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
  anonymous_ = fd_ >= 0 && ::access(proc_path(fd_).c_str(), F_OK) == 0;
  if (anonymous_) return 0;
  if (fd_ >= 0) ::close(fd_);
  fd_ = ::open(temporary_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
  return fd_ >= 0 ? 0 : errno;
}

int AtomicFile::write(const void* data, int64_t size) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t written = ::write(fd_, at, static_cast<size_t>(size));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    at += written;
    size -= written;
  }
  return 0;
}

int AtomicFile::link_anonymous() {
  if (::linkat(AT_FDCWD, proc_path(fd_).c_str(), AT_FDCWD, temporary_.c_str(), AT_SYMLINK_FOLLOW) !=
      0) {
    return errno;
  }
  anonymous_ = false;
  return 0;
}

int AtomicFile::commit() {
  if (::fsync(fd_) != 0) return errno;
  if (anonymous_) {
    if (const int failed = link_anonymous()) return failed;
  }
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return errno;
  ::close(fd_);
  fd_ = -1;
  return sync_folder(folder_);
}

void AtomicFile::discard() noexcept {
  if (fd_ < 0) return;
  ::close(fd_);
  fd_ = -1;
  if (!anonymous_ && opened_by_ == ::getpid()) ::unlink(temporary_.c_str());
}

}  // namespace weft::base
