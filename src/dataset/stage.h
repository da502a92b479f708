// The steps of a dataset at work: each pulls elements from the one before it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dataset/description.h"

namespace weft::dataset {

using Position = std::vector<DatasetState::Step>;

// Reads a position, the last step first.
class PositionReader {
 public:
  explicit PositionReader(const Position& position) : position_(position) {}
  // The numbers of the next step. Throws InvalidArgument unless it has this name, and `count`
  // numbers, or at least that many if `more`, each in [-1, 2^62].
  const std::vector<int64_t>& next(const char* name, size_t count, bool more = false);
  // The steps that have not been read.
  Position rest() const { return {position_.begin() + static_cast<int64_t>(at_), position_.end()}; }

 private:
  const Position& position_;
  size_t at_ = 0;
};

[[noreturn]] void fail_position(const char* name);

// An exception other than weft::Error leaves a stage such that the next call goes on.
class Stage {
 public:
  Stage() = default;
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  virtual ~Stage() = default;

  // The next elements: at least one and at most `most`, or 0 at the end of the pass. Records are
  // appended to `to`, a batch replaces it; with nullptr they are passed over.
  virtual int64_t pull(RecordBatch* to, int64_t most) = 0;
  // Begins the next pass.
  virtual void restart() = 0;
  // Where the stage stands after a pull that returned, and after it all those before it.
  virtual void save(Position& to) const = 0;
  // Goes on from there; only before the first pull.
  virtual void load(PositionReader& from) = 0;
};

using StagePtr = std::unique_ptr<Stage>;
using Step = Dataset::Description::Step;

StagePtr make_skip(StagePtr from, int64_t count);
StagePtr make_take(StagePtr from, int64_t count);
StagePtr make_shard(StagePtr from, int64_t num_shards, int64_t index);
StagePtr make_repeat(StagePtr from, int64_t count);
// `exact`: a batch that an error interrupts is lost, instead of being shorter.
StagePtr make_batch(StagePtr from, int64_t size, bool drop_remainder, bool exact);
StagePtr make_bucket(StagePtr from, const Step& step, const Dataset::Description& description);
// `of_batches`: elements are batches.
StagePtr make_shuffle(StagePtr from, const Step& step, int64_t iteration, bool of_batches,
                      std::function<void()> poll);

// Pass `pass` of an iteration, as the step of a random stream; always 0 without `reshuffle`.
inline uint64_t random_step(bool reshuffle, int64_t iteration, int64_t pass) {
  return reshuffle ? static_cast<uint64_t>(iteration) << 32 | static_cast<uint64_t>(pass) : 0;
}

}  // namespace weft::dataset
