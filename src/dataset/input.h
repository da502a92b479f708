// Where a stage that holds elements back has to begin reading again to have them once more.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "dataset/stage.h"

namespace weft::dataset {

// What a stage pulls, one element after another, with a mark before each run of them. A mark is
// kept for as long as an element of its run is held, and the newest always: so there are never more
// than elements that are held, and one.
class Input {
 public:
  struct Mark {
    Position upstream;         // before the run
    std::vector<int64_t> own;  // what the stage adds
    int64_t held = 0;
  };

  // `most`: the longest run.
  Input(StagePtr from, int64_t most) : from_(std::move(from)), most_(most) {}

  // Has batch() hold the next element at index(); false at the end. `own` goes into a new mark.
  bool ready(const std::vector<int64_t>& own = {}) {
    if (index_ < count_) return true;
    if (marks_.empty() || marks_.rbegin()->first != ordinal_) {
      Mark mark{.own = own};
      from_->save(mark.upstream);
      if (!marks_.empty()) drop_unless_held(std::prev(marks_.end()));
      marks_.emplace_hint(marks_.end(), ordinal_, std::move(mark));
    }
    batch_.clear();
    index_ = count_ = 0;
    pull();
    return count_ > 0;
  }
  RecordBatch& batch() { return batch_; }
  int64_t index() const { return index_; }
  int64_t count() const { return count_; }
  int64_t ordinal() const { return ordinal_; }  // of the next element; how many were consumed
  void consume() {
    ++index_;
    ++ordinal_;
  }

  // The element at index() is held, until release() of what this returns.
  int64_t hold() {
    const auto newest = std::prev(marks_.end());
    ++newest->second.held;
    return newest->first;
  }
  void release(int64_t ordinal) {
    const auto mark = marks_.find(ordinal);
    --mark->second.held;
    if (std::next(mark) != marks_.end()) drop_unless_held(mark);
  }

  size_t marks() const { return marks_.size(); }
  // Of the oldest element that is held, or of the next one: the ordinal of its run, and the mark.
  std::pair<int64_t, Mark> oldest() const {
    if (!marks_.empty()) return *marks_.begin();
    Mark mark;
    from_->save(mark.upstream);
    return {ordinal_, std::move(mark)};
  }

  void restart() {
    forget();
    ordinal_ = 0;
    from_->restart();
  }
  // Begins at a mark: the elements from its ordinal on are those from its upstream position on.
  void load(int64_t ordinal, std::vector<int64_t> own, PositionReader& from) {
    forget();
    ordinal_ = ordinal;
    marks_[ordinal] = {.upstream = from.rest(), .own = std::move(own)};
    from_->load(from);
  }

 private:
  void pull() {
    try {
      while (count_ < most_) {
        const int64_t n = from_->pull(&batch_, most_ - count_);
        if (n == 0) return;
        count_ += n;
      }
    } catch (const Error&) {
      if (count_ == 0) throw;  // and otherwise again at the next call
    }
  }
  void drop_unless_held(std::map<int64_t, Mark>::iterator mark) {
    if (mark->second.held == 0) marks_.erase(mark);
  }
  void forget() {
    marks_.clear();
    batch_.clear();
    index_ = count_ = 0;
  }

  const StagePtr from_;
  const int64_t most_;
  RecordBatch batch_;
  int64_t index_ = 0;
  int64_t count_ = 0;  // elements of batch_
  int64_t ordinal_ = 0;
  std::map<int64_t, Mark> marks_;  // by the ordinal of the first element of the run in its pass
};

}  // namespace weft::dataset
