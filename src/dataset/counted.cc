// Stages that only count: skip, take, shard, repeat.
#include <algorithm>
#include <limits>
#include <utility>

#include "dataset/stage.h"

namespace weft::dataset {
namespace {

constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max();

int64_t limit(int64_t count) { return count < 0 ? kUnlimited : count; }

// A stage whose position is one number.
class Counted : public Stage {
 public:
  Counted(const char* name, StagePtr from) : from_(std::move(from)), name_(name) {}

  void restart() override {
    seen_ = 0;
    from_->restart();
  }
  void save(Position& to) const override {
    to.push_back({.name = name_, .numbers = {seen_}});
    from_->save(to);
  }
  void load(PositionReader& from) override {
    seen_ = from.next(name_, 1)[0];
    if (seen_ < 0) fail_position(name_);
    from_->load(from);
  }

 protected:
  const StagePtr from_;
  int64_t seen_ = 0;

 private:
  const char* const name_;
};

class Skip : public Counted {
 public:
  Skip(StagePtr from, int64_t count) : Counted("skip", std::move(from)), count_(limit(count)) {}

  int64_t pull(RecordBatch* to, int64_t most) override {
    while (seen_ < count_) {
      const int64_t n = from_->pull(nullptr, count_ - seen_);
      if (n == 0) return 0;
      seen_ += n;
    }
    return from_->pull(to, most);
  }

 private:
  const int64_t count_;
};

class Take : public Counted {
 public:
  Take(StagePtr from, int64_t count) : Counted("take", std::move(from)), count_(limit(count)) {}

  int64_t pull(RecordBatch* to, int64_t most) override {
    if (seen_ >= count_) return 0;
    const int64_t n = from_->pull(to, std::min(most, count_ - seen_));
    seen_ += n;
    return n;
  }

 private:
  const int64_t count_;
};

class Shard : public Counted {
 public:
  Shard(StagePtr from, int64_t num_shards, int64_t index)
      : Counted("shard", std::move(from)), num_shards_(num_shards), index_(index) {}

  int64_t pull(RecordBatch* to, int64_t most) override {
    if (num_shards_ == 1) return from_->pull(to, most);
    while (seen_ % num_shards_ != index_) {
      const int64_t others = (index_ - seen_ % num_shards_ + num_shards_) % num_shards_;
      const int64_t n = from_->pull(nullptr, others);
      if (n == 0) return 0;
      seen_ += n;
    }
    const int64_t n = from_->pull(to, 1);
    seen_ += n;
    return n;
  }

 private:
  const int64_t num_shards_;
  const int64_t index_;
};

class Repeat : public Stage {
 public:
  Repeat(StagePtr from, int64_t count) : from_(std::move(from)), count_(limit(count)) {}

  int64_t pull(RecordBatch* to, int64_t most) override {
    while (done_ < count_) {
      if (const int64_t n = from_->pull(to, most)) {
        empty_ = 0;
        return n;
      }
      // A pass without elements: there would be none in the next one.
      done_ = empty_ != 0 ? count_ : done_ + 1;
      empty_ = 1;
      if (done_ < count_) from_->restart();
    }
    return 0;
  }
  void restart() override {
    done_ = 0;
    empty_ = 1;
    from_->restart();
  }
  void save(Position& to) const override {
    to.push_back({.name = "repeat", .numbers = {done_, empty_}});
    from_->save(to);
  }
  void load(PositionReader& from) override {
    const auto& numbers = from.next("repeat", 2);
    done_ = numbers[0];
    empty_ = numbers[1];
    if (done_ < 0) fail_position("repeat");
    from_->load(from);
  }

 private:
  const StagePtr from_;
  const int64_t count_;
  int64_t done_ = 0;   // passes
  int64_t empty_ = 1;  // whether the current pass had no element so far
};

}  // namespace

StagePtr make_skip(StagePtr from, int64_t count) {
  return std::make_unique<Skip>(std::move(from), count);
}
StagePtr make_take(StagePtr from, int64_t count) {
  return std::make_unique<Take>(std::move(from), count);
}
StagePtr make_shard(StagePtr from, int64_t num_shards, int64_t index) {
  return std::make_unique<Shard>(std::move(from), num_shards, index);
}
StagePtr make_repeat(StagePtr from, int64_t count) {
  return std::make_unique<Repeat>(std::move(from), count);
}

}  // namespace weft::dataset
