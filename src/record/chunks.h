// The chunks of a source, read ahead on a thread.
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <memory>

#include "record/content.h"

namespace weft::record {

class ChunkReader {
 public:
  // The contents from `start` on. options.poll is called on the caller's thread about every 100 ms
  // of calls to next().
  ChunkReader(std::string path, int64_t start, const RecordOptions& options);
  ~ChunkReader();

  // The next chunk; size 0 at the end, with `failure` set if it is the source that failed, and then
  // for good. Throws what `poll` throws, before a chunk is taken, and IoError in a forked child if
  // the thread is its parent's.
  Chunk next(std::exception_ptr& failure);

  const std::string& path() const;
  Compression compression() const;
  int64_t file_bytes() const;  // -1 where not known

 private:
  struct Ahead;  // what the thread works on
  void poll_now_and_then();
  void start();
  Chunk take(std::exception_ptr& failure);
  Chunk read(std::exception_ptr& failure);

  std::unique_ptr<Ahead> ahead_;
  std::function<void()> poll_;
  std::chrono::steady_clock::time_point polled_;
  bool read_ahead_;
  bool ended_ = false;
  int started_by_ = 0;  // the process that read first
};

}  // namespace weft::record
