// The one place that decides which record of which file comes when. It opens and reads nothing: it
// says whose records are wanted next, and is told how many there were.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataset/description.h"

namespace weft::dataset {

// Fisher and Yates's shuffle over Philox: the same for the same seed and number of paths.
std::vector<std::string> shuffled(std::vector<std::string> paths, int64_t seed);
std::vector<std::string> sharded(const std::vector<std::string>& paths, int64_t num_shards,
                                 int64_t index);

class Order {
 public:
  // The next records of one file, up to `most` of them, share a fate.
  struct Run {
    size_t slot = 0;  // which of the cycle's open files
    size_t file = 0;  // its index in paths; a file stays in its slot until it ends
    int64_t most = 0;
    bool wanted = true;  // or read and dropped
  };

  explicit Order(const Dataset::Description& description);

  // What to read now; nothing at the end. Asked again without an answer, it says the same.
  std::optional<Run> next();
  // The answer: the run had `n` >= 1 records (at most its `most`) ...
  void took(int64_t n);
  // ... or the file has no more.
  void ended();

  size_t slots() const { return cycle_.size(); }

 private:
  bool find_file();
  void next_in_cycle();

  static constexpr size_t kNone = SIZE_MAX;

  const size_t files_;
  const int64_t block_length_;
  std::vector<size_t> cycle_;  // the file open in each slot, or kNone
  size_t slot_ = 0;
  int64_t in_block_ = 0;  // records taken of the current block
  size_t next_file_ = 0;

  std::vector<Dataset::Description::Step> steps_;
  std::vector<int64_t> seen_;  // records that reached each step
  size_t dropped_by_ = 0;      // the step that drops the current run; steps_.size() if none
};

}  // namespace weft::dataset
