// The first stage: records of files, one file after another or interleaved.
#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <vector>

#include "dataset/stage.h"

namespace weft::dataset {

class Files : public Stage {
 public:
  Files(std::shared_ptr<const Dataset::Description> description, RecordOptions options,
        int64_t iteration);

  int64_t pull(RecordBatch* to, int64_t most) override;
  void restart() override;
  void save(Position& to) const override;
  void load(PositionReader& from) override;

  RecordCounters counters() const;

 private:
  static constexpr size_t kNone = SIZE_MAX;

  // A place of the cycle, and the file that has it until it ends.
  struct Slot {
    size_t file = kNone;   // index of its path
    RecordPosition start;  // where the reader begins, once there is one
    std::unique_ptr<RecordReader> reader;
    RecordBatch ready;
    int64_t used = 0;  // records of `ready`
  };

  void begin_pass();
  bool find_file();
  void next_in_cycle();
  void poll_now_and_then();
  int64_t read(Slot& slot, RecordBatch* to, int64_t most);
  void close(Slot& slot);
  static RecordPosition position(const Slot& slot);

  const std::shared_ptr<const Dataset::Description> description_;
  const RecordOptions options_;
  const int64_t iteration_;
  int64_t block_length_;
  int64_t pass_ = 0;
  std::vector<size_t> order_;  // of the files of this pass
  size_t next_file_ = 0;       // in order_
  std::vector<Slot> cycle_;
  size_t slot_ = 0;
  int64_t in_block_ = 0;  // records taken of the current block
  RecordCounters closed_;
  std::chrono::steady_clock::time_point polled_ = std::chrono::steady_clock::now();
  std::exception_ptr error_;  // thrown by every further pull
};

}  // namespace weft::dataset
