#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <mutex>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include "vocabulary/impl.h"

namespace weft {
namespace {

// An open regular file: a device or a pipe might never end. release() hands the descriptor on.
class OpenFile {
 public:
  explicit OpenFile(const std::string& path) : path_(path) {
    if (path.find('\0') != std::string::npos)
      throw InvalidArgument("a path cannot hold a NUL byte", {.file = path});
    // O_NONBLOCK, or opening a pipe would wait for its writer.
    fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd_ < 0 && (errno == ENOENT || errno == ENOTDIR))
      throw NotFound("no such file", {.file = path});
    if (fd_ < 0) fail(errno);
    if (::fstat(fd_, &found) != 0) fail(errno);
    if (S_ISDIR(found.st_mode)) fail(EISDIR);
    if (!S_ISREG(found.st_mode)) fail(EINVAL);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

  struct stat found;

 private:
  [[noreturn]] void fail(int error) {
    if (fd_ >= 0) ::close(fd_);
    throw IoError("cannot open the file: " + std::generic_category().message(error),
                  {.file = path_});
  }

  const std::string& path_;
  int fd_ = -1;
};

// The vocabularies of files that are alive.
class Opened {
 public:
  using Key = std::tuple<dev_t, ino_t, off_t, time_t, long, int64_t, int>;
  using Found = std::shared_ptr<const Vocabulary::Impl>;

  static Key key(const struct stat& file, const VocabularyFileOptions& options) {
    return {file.st_dev,
            file.st_ino,
            file.st_size,
            file.st_mtim.tv_sec,
            file.st_mtim.tv_nsec,
            options.size.value_or(-1),
            options.dtype ? static_cast<int>(*options.dtype) : -1};
  }
  Found find(const Key& key) {
    std::lock_guard lock(mutex_);
    const auto found = alive_.find(key);
    return found == alive_.end() ? nullptr : found->second.lock();
  }
  void put(const Key& key, const Found& made) {
    std::lock_guard lock(mutex_);
    std::erase_if(alive_, [](const auto& entry) { return entry.second.expired(); });
    alive_[key] = made;
  }

 private:
  std::mutex mutex_;
  std::map<Key, std::weak_ptr<const Vocabulary::Impl>> alive_;
};

Opened& opened() {
  static auto* const instance = new Opened;
  return *instance;
}

constexpr int64_t kBatch = 16384;

// Ids [begin, begin + ids.size()) of the table's entries, looked up.
void look_up_own(const Vocabulary& table, int64_t begin, std::vector<int64_t>& ids) {
  const auto n = static_cast<int64_t>(ids.size());
  Tensor keys(DType::kInt64, {table.dtype() == DType::kString ? 0 : n});
  if (table.dtype() == DType::kString) {
    std::vector<std::string_view> texts;
    for (int64_t id = begin; id < begin + n; ++id) texts.push_back(table.string(id));
    keys = Tensor::strings({n}, Bytes::from(texts));
  } else {
    for (int64_t i = 0; i < n; ++i)
      keys.mutable_values<int64_t>()[static_cast<size_t>(i)] = table.integer(begin + i);
  }
  table.lookup(keys, ids.data());
}

// Throws CorruptData unless each entry is found under its id and counted at least once, which a
// checksum cannot tell.
void check_structure(const Vocabulary& table) {
  std::vector<int64_t> ids;
  for (int64_t begin = 0; begin < table.size(); begin += kBatch) {
    ids.resize(static_cast<size_t>(std::min(kBatch, table.size() - begin)));
    look_up_own(table, begin, ids);
    for (size_t i = 0; i < ids.size(); ++i) {
      const int64_t id = begin + static_cast<int64_t>(i);
      if (ids[i] == id) continue;
      throw CorruptData(
          "this vocabulary's table file is damaged: entry " + std::to_string(id) +
          (ids[i] < 0 ? " is not found in it" : " is found as entry " + std::to_string(ids[i])));
    }
  }
  const std::optional<Tensor> counts = table.counts();
  if (!counts) return;
  const auto counted = counts->values<int64_t>();
  const auto wrong = std::ranges::find_if(counted, [](int64_t count) { return count < 1; });
  if (wrong == counted.end()) return;
  throw CorruptData("this vocabulary's table file is damaged: entry " +
                    std::to_string(wrong - counted.begin()) + " was counted " +
                    std::to_string(*wrong) + " times");
}

// Lets a table file be what the options say.
void cut_table(Vocabulary::Impl& table, const VocabularyFileOptions& options,
               const std::string& path) {
  if (options.dtype && table.dtype != vocabulary::entry_dtype(*options.dtype)) {
    throw InvalidArgument(std::string("the vocabulary's entries are of dtype ") +
                              dtype_name(table.dtype) + ", not " + dtype_name(*options.dtype),
                          {.file = path});
  }
  if (options.size && *options.size > table.size) {
    throw InvalidArgument("the vocabulary has " + std::to_string(table.size) +
                              " entries, fewer than the " + std::to_string(*options.size) +
                              " asked for",
                          {.file = path});
  }
  table.size = options.size.value_or(table.size);
}

}  // namespace

Vocabulary Vocabulary::open(const std::string& path, const FileOptions& options) {
  const DType dtype = vocabulary::entry_dtype(options.dtype.value_or(DType::kString));
  if (options.size && *options.size < 1) {
    throw InvalidArgument("the size of a vocabulary must be at least 1, got " +
                          std::to_string(*options.size));
  }
  OpenFile file(path);
  const Opened::Key key = Opened::key(file.found, options);
  if (!options.verify) {
    if (auto alive = opened().find(key)) return Vocabulary(std::move(alive));
  }
  std::shared_ptr<Impl> made = vocabulary::open_table(file.fd(), path, options.verify);
  if (made != nullptr) {
    if (options.verify) {
      try {
        check_structure(Vocabulary(made));
      } catch (Error& error) {
        error.locate({.file = path});
        throw;
      }
    }
    cut_table(*made, options, path);
  } else {
    made =
        std::make_shared<Impl>(vocabulary::read_entries(file.release(), path, dtype, options.size));
  }
  opened().put(key, made);
  return Vocabulary(std::move(made));
}

int64_t Vocabulary::count_entries(const std::string& path) {
  OpenFile file(path);
  const int64_t count = vocabulary::count_table(file.fd(), path);
  return count >= 0 ? count : vocabulary::count_entries(file.release(), path);
}

}  // namespace weft
