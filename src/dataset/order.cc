#include "dataset/order.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/philox.h"

namespace weft::dataset {
namespace {

using Step = Dataset::Description::Step;
constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max();

int64_t records_of(const Step& step) {
  if (step.count < 0 || step.count > kUnlimited / step.unit) return kUnlimited;
  return step.count * step.unit;
}

struct Fate {
  bool passes;
  int64_t lasts;  // for so many records
};

// What becomes of a record that reaches the step after `seen` others.
Fate fate(const Step& step, int64_t seen) {
  if (step.kind == Step::Kind::kShard) {
    if (step.count == 1) return {true, kUnlimited};
    return {seen / step.unit % step.count == step.index, step.unit - seen % step.unit};
  }
  const int64_t left = records_of(step) - seen;
  if (step.kind == Step::Kind::kTake) return {left > 0, left};
  return left > 0 ? Fate{false, left} : Fate{true, kUnlimited};
}

}  // namespace

std::vector<std::string> shuffled(std::vector<std::string> paths, int64_t seed) {
  const base::Philox random(seed, "shuffle_files");
  for (size_t i = paths.size(); i > 1; --i) {
    // 64 bits over at most as many files as fit in memory: the bias is below 2^-32.
    std::swap(paths[i - 1], paths[random.bits(static_cast<int64_t>(i)) % i]);
  }
  return paths;
}

std::vector<std::string> sharded(const std::vector<std::string>& paths, int64_t num_shards,
                                 int64_t index) {
  std::vector<std::string> mine;
  for (size_t i = static_cast<size_t>(index); i < paths.size();
       i += static_cast<size_t>(num_shards)) {
    mine.push_back(paths[i]);
  }
  return mine;
}

Order::Order(const Dataset::Description& description)
    : files_(description.paths.size()),
      block_length_(description.cycle_length == 1 ? kUnlimited : description.block_length),
      // More slots than files would stay empty.
      cycle_(static_cast<size_t>(std::clamp<int64_t>(
                 description.cycle_length, 1, std::max<int64_t>(1, static_cast<int64_t>(files_)))),
             kNone),
      steps_(description.steps),
      seen_(steps_.size(), 0) {}

// tf.data's interleave: the slots have their turns one after another, a block each. A file that
// ends leaves its slot empty until the slot's next turn, when the next file takes it.
bool Order::find_file() {
  for (size_t tried = 0; tried < cycle_.size(); ++tried) {
    if (cycle_[slot_] == kNone && next_file_ < files_) cycle_[slot_] = next_file_++;
    if (cycle_[slot_] != kNone) return true;
    next_in_cycle();
  }
  return false;
}

void Order::next_in_cycle() {
  slot_ = (slot_ + 1) % cycle_.size();
  in_block_ = 0;
}

std::optional<Order::Run> Order::next() {
  // A take that is used up ends the stream, whatever stands before it in the chain.
  for (size_t i = 0; i < steps_.size(); ++i) {
    if (steps_[i].kind == Step::Kind::kTake && !fate(steps_[i], seen_[i]).passes)
      return std::nullopt;
  }
  if (!find_file()) return std::nullopt;
  Run run = {.slot = slot_, .file = cycle_[slot_], .most = block_length_ - in_block_};
  for (dropped_by_ = 0; dropped_by_ < steps_.size(); ++dropped_by_) {
    const Fate step = fate(steps_[dropped_by_], seen_[dropped_by_]);
    run.most = std::min(run.most, step.lasts);
    run.wanted = step.passes;
    if (!run.wanted) break;
  }
  return run;
}

void Order::took(int64_t n) {
  for (size_t i = 0; i <= dropped_by_ && i < steps_.size(); ++i) seen_[i] += n;
  in_block_ += n;
  if (in_block_ == block_length_) next_in_cycle();
}

void Order::ended() {
  cycle_[slot_] = kNone;
  next_in_cycle();
}

}  // namespace weft::dataset
