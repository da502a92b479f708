#include "dataset/files.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "dataset/order.h"

namespace weft::dataset {
namespace {

constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max();

// Records that an interleaved file has ready: what is at hand, but not so many that they would be
// read long before their turn.
constexpr int64_t kReady = 256;

constexpr std::chrono::milliseconds kPollEvery{100};

constexpr char kName[] = "files";
constexpr size_t kOwnNumbers = 4;   // pass, next_file, slot, in_block
constexpr size_t kSlotNumbers = 3;  // file, number, offset

}  // namespace

Files::Files(std::shared_ptr<const Dataset::Description> description, RecordOptions options,
             int64_t iteration)
    : description_(std::move(description)),
      options_(std::move(options)),
      iteration_(iteration),
      block_length_(description_->cycle_length == 1 ? kUnlimited : description_->block_length) {
  begin_pass();
}

void Files::begin_pass() {
  order_ = file_order(*description_, iteration_, pass_);
  next_file_ = 0;
  slot_ = 0;
  in_block_ = 0;
  // More slots than files would stay empty.
  const auto files = std::max<int64_t>(1, static_cast<int64_t>(order_.size()));
  cycle_.clear();
  cycle_.resize(static_cast<size_t>(std::min(description_->cycle_length, files)));
}

void Files::restart() {
  for (Slot& slot : cycle_) close(slot);
  ++pass_;
  begin_pass();
}

// tf.data's interleave: the slots have their turns one after another, a block each. A file that
// ends leaves its slot empty until the slot's next turn, when the next file takes it.
bool Files::find_file() {
  for (size_t tried = 0; tried < cycle_.size(); ++tried) {
    Slot& slot = cycle_[slot_];
    if (slot.file == kNone && next_file_ < order_.size()) slot.file = order_[next_file_++];
    if (slot.file != kNone) return true;
    next_in_cycle();
  }
  return false;
}

void Files::next_in_cycle() {
  slot_ = (slot_ + 1) % cycle_.size();
  in_block_ = 0;
}

void Files::close(Slot& slot) {
  if (slot.reader) closed_ += slot.reader->counters();
  slot = Slot();
}

// A reader polls while its own file takes long, which files that are small never do.
void Files::poll_now_and_then() {
  if (!options_.poll) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - polled_ < kPollEvery) return;
  polled_ = now;
  options_.poll();
}

// 0 at the end of the file.
int64_t Files::read(Slot& slot, RecordBatch* to, int64_t most) {
  if (!slot.reader) {
    poll_now_and_then();
    slot.reader =
        std::make_unique<RecordReader>(description_->paths[slot.file], options_, slot.start);
  }
  if (slot.used == slot.ready.size()) {
    slot.ready.clear();
    slot.used = 0;
    if (to != nullptr && most >= kReady) return slot.reader->append(*to, most);
    if (slot.reader->append(slot.ready, kReady) == 0) return 0;
  }
  const int64_t n = std::min(most, slot.ready.size() - slot.used);
  if (to != nullptr) to->append(slot.ready, slot.used, n);
  slot.used += n;
  return n;
}

int64_t Files::pull(RecordBatch* to, int64_t most) {
  if (error_) std::rethrow_exception(error_);
  try {
    while (find_file()) {
      Slot& slot = cycle_[slot_];
      const int64_t n = read(slot, to, std::min(most, block_length_ - in_block_));
      if (n > 0) {
        in_block_ += n;
        if (in_block_ == block_length_) next_in_cycle();
        return n;
      }
      close(slot);
      next_in_cycle();
    }
    return 0;
  } catch (const Error&) {
    error_ = std::current_exception();
    throw;
  }
}

RecordPosition Files::position(const Slot& slot) {
  if (slot.used < slot.ready.size()) {
    return {.number = slot.ready.number(slot.used), .offset = slot.ready.offset(slot.used)};
  }
  return slot.reader ? slot.reader->position() : slot.start;
}

void Files::save(Position& to) const {
  std::vector<int64_t> numbers = {pass_, static_cast<int64_t>(next_file_),
                                  static_cast<int64_t>(slot_), in_block_};
  for (const Slot& slot : cycle_) {
    const RecordPosition place = position(slot);
    numbers.push_back(slot.file == kNone ? -1 : static_cast<int64_t>(slot.file));
    numbers.push_back(place.number);
    numbers.push_back(place.offset);
  }
  to.push_back({.name = kName, .numbers = std::move(numbers)});
}

void Files::load(PositionReader& from) {
  const auto& numbers = from.next(kName, kOwnNumbers, true);
  pass_ = numbers[0];
  begin_pass();
  if (numbers.size() != kOwnNumbers + kSlotNumbers * cycle_.size()) fail_position(kName);
  next_file_ = static_cast<size_t>(numbers[1]);
  slot_ = static_cast<size_t>(numbers[2]);
  in_block_ = numbers[3];
  if (pass_ < 0 || next_file_ > order_.size() || slot_ >= cycle_.size() || in_block_ < 0 ||
      in_block_ >= block_length_) {
    fail_position(kName);
  }
  const int64_t* at = numbers.data() + kOwnNumbers;
  for (Slot& slot : cycle_) {
    if (at[0] >= static_cast<int64_t>(description_->paths.size())) fail_position(kName);
    if (at[0] >= 0) slot.file = static_cast<size_t>(at[0]);
    slot.start = {.number = at[1], .offset = at[2]};
    at += kSlotNumbers;
  }
}

RecordCounters Files::counters() const {
  RecordCounters all = closed_;
  for (const Slot& slot : cycle_) {
    if (slot.reader) all += slot.reader->counters();
  }
  return all;
}

}  // namespace weft::dataset
