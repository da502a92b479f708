// A file that is seen under its name complete or not at all.
#pragma once

#include <cstdint>
#include <string>

namespace weft::base {

// Written without a name where the file system can do that, so that nothing is left behind when the
// process dies, and under a hidden name in the same folder elsewhere. Functions return 0 or an
// errno value; after a failure only discard() is of use.
class AtomicFile {
 public:
  AtomicFile() = default;
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile() { discard(); }

  // A link is followed, so that the file it names is replaced; its permissions are kept. EISDIR for
  // a folder, EINVAL for anything else that is no regular file.
  int open(const std::string& path);
  int write(const void* data, int64_t size);
  // Makes the contents durable and gives them the name, replacing what had it.
  int commit();
  void discard() noexcept;

 private:
  int create();
  int link_anonymous();

  int fd_ = -1;
  int opened_by_ = 0;  // the process: a forked child has no say over the file
  std::string path_;
  std::string folder_;
  std::string temporary_;   // the hidden name
  bool anonymous_ = false;  // no name yet
};

}  // namespace weft::base
