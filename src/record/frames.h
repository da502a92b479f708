// Chunks cut into records.
#pragma once

#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <string>

#include "record/chunks.h"

namespace weft {

// Adds the records of one file to a batch.
class RecordAppender {
 public:
  RecordAppender(RecordBatch& batch, const std::shared_ptr<const std::string>& file)
      : batch_(batch), file_(batch.file_index(file)) {
    batch.places_.resize(batch.records_.size());  // should memory have run short in between
  }
  void keep(const Buffer& block) { batch_.keep(block); }
  void add(const uint8_t* data, int64_t size, int64_t number, int64_t offset) {
    batch_.records_.emplace_back(reinterpret_cast<const char*>(data), static_cast<size_t>(size));
    batch_.places_.push_back({.number = number, .offset = offset, .file = file_});
  }

 private:
  RecordBatch& batch_;
  const size_t file_;
};

namespace record {

class FrameReader {
 public:
  FrameReader(std::string path, RecordOptions options, RecordPosition start);

  // As RecordReader::append.
  int64_t append(RecordBatch& batch, int64_t most);

  // A damaged place that is being left out is before it.
  RecordPosition position() const {
    return {.number = number_, .offset = loss_.error ? loss_.begin : offset_};
  }
  const std::string& path() const { return *path_; }
  Compression compression() const { return chunks_.compression(); }
  const RecordCounters& counters() const { return counters_; }

 private:
  // Bytes that stand together in one block, not yet read.
  struct Piece {
    Buffer block;
    const uint8_t* at = nullptr;
    const uint8_t* end = nullptr;
    int64_t size() const { return end - at; }
  };
  enum class Step { kAdded, kSkipped, kEnd };

  // A damaged place that is being left out. It survives what `poll` throws in the middle of it.
  struct Loss {
    std::shared_ptr<const Error> error;
    int64_t begin = 0;     // in the stream
    uint64_t size = 0;     // bytes to leave out
    bool resync = false;   // as many as it takes to find a header, instead
    int64_t in_file = -1;  // what the counters get, where it is not that
  };

  int64_t gather(int64_t wanted);
  bool more();
  void join(int64_t size);
  void advance(int64_t size);

  int64_t add_whole(RecordAppender& to, int64_t most);
  Step step(RecordAppender& to);
  Step cut_short(int64_t available);
  Step damaged_length();
  Step too_long(uint64_t length);
  Step source_failed(int64_t available);
  template <class E>
  Step fault(const E& error, Loss loss);
  Step leave_out();
  void discard(uint64_t size);
  void resync();
  uint64_t max_length() const;
  Where here() const { return {.file = *path_, .record = number_, .offset = offset_}; }

  const std::shared_ptr<const std::string> path_;
  const RecordOptions options_;
  ChunkReader chunks_;
  Piece now_;
  std::deque<Piece> later_;  // what follows now_
  int64_t later_bytes_ = 0;
  std::exception_ptr failure_;  // of the source, after those
  std::exception_ptr error_;    // thrown by every further call
  Loss loss_;                   // under way if it has an error
  int64_t number_;
  int64_t offset_;  // of now_.at
  RecordCounters counters_;
};

}  // namespace record
}  // namespace weft
