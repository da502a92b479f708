// bucket_by_length: a batch is as many records of similar length as its bucket takes.
//
// A position is how many records came in, and a mark before the oldest of those that wait in a
// bucket. The mark knows how many waited then; all of those have left since. So the records from
// the mark on are read again, those that waited are counted without being there, and what is left
// in the buckets at the end is what was in them.
#include <algorithm>
#include <utility>

#include "dataset/input.h"
#include "dataset/lengths.h"

namespace weft::dataset {
namespace {

constexpr char kName[] = "bucket_by_length";

class Bucketed : public Stage {
 public:
  Bucketed(StagePtr from, const Step& step, const Dataset::Description& description)
      : input_(std::move(from), Dataset::kDefaultBatch),
        step_(step),
        lengths_of_(step.keys, description),
        buckets_(step.batch_sizes.size()) {}

  int64_t pull(RecordBatch* to, int64_t most) override;
  void restart() override;
  void save(Position& to) const override;
  void load(PositionReader& from) override;

 private:
  struct Bucket {
    RecordBatch records;  // copies: a bucket may fill slowly
    std::vector<int64_t> marks;
    int64_t absent = 0;  // records that came before the mark that was resumed from
    int64_t size() const { return records.size() + absent; }
  };

  bool ready();
  int64_t add();
  void clear(Bucket& bucket);
  void refill();
  int64_t give(size_t bucket, RecordBatch* to);
  std::vector<int64_t> sizes() const;

  Input input_;
  const Step step_;
  const Lengths lengths_of_;
  std::vector<Bucket> buckets_;
  std::vector<int64_t> lengths_;  // of the records of input_.batch(), once they are known
  OwnRecord copy_;
  size_t flushed_ = 0;      // buckets given at the end
  int64_t resume_at_ = -1;  // records consumed at the position that is being loaded
};

// Has input_ and lengths_ tell of the next record; false at the end.
bool Bucketed::ready() {
  const bool used_up = input_.index() == input_.count();
  if (used_up) lengths_.clear();
  if (!input_.ready(used_up ? sizes() : std::vector<int64_t>())) return false;
  if (lengths_.empty()) lengths_ = lengths_of_.of(input_.batch());
  return true;
}

// Puts the next record into its bucket and returns which, or -1 for one that does not parse.
int64_t Bucketed::add() {
  const int64_t length = lengths_[static_cast<size_t>(input_.index())];
  if (length < 0) return -1;
  const auto& bounds = step_.boundaries;
  const int64_t which = std::upper_bound(bounds.begin(), bounds.end(), length) - bounds.begin();
  Bucket& bucket = buckets_[static_cast<size_t>(which)];
  input_.batch().copy_to(input_.index(), copy_);
  bucket.records.append(copy_);
  bucket.marks.push_back(input_.hold());
  return which;
}

void Bucketed::clear(Bucket& bucket) {
  for (int64_t mark : std::exchange(bucket.marks, {})) input_.release(mark);
  bucket.records.clear();
  bucket.absent = 0;
}

int64_t Bucketed::give(size_t which, RecordBatch* to) {
  Bucket& bucket = buckets_[which];
  if (to != nullptr) std::swap(*to, bucket.records);
  clear(bucket);
  return 1;
}

int64_t Bucketed::pull(RecordBatch* to, int64_t) {
  if (resume_at_ >= 0) refill();
  while (flushed_ == 0 && ready()) {
    const int64_t which = add();
    const int64_t index = input_.index();
    input_.consume();
    if (which < 0) lengths_of_.fail(input_.batch(), index);
    const auto i = static_cast<size_t>(which);
    if (buckets_[i].size() == step_.batch_sizes[i]) return give(i, to);
  }
  while (flushed_ < buckets_.size()) {
    const size_t which = flushed_++;
    if (buckets_[which].size() == 0) continue;
    if (!step_.drop_remainder) return give(which, to);
    clear(buckets_[which]);
  }
  return 0;
}

void Bucketed::restart() {
  for (Bucket& bucket : buckets_) bucket = Bucket();
  flushed_ = 0;
  resume_at_ = -1;
  input_.restart();
}

std::vector<int64_t> Bucketed::sizes() const {
  std::vector<int64_t> sizes;
  for (const Bucket& bucket : buckets_) sizes.push_back(bucket.size());
  return sizes;
}

void Bucketed::save(Position& to) const {
  const auto [ordinal, mark] = input_.oldest();
  const int64_t taken = resume_at_ >= 0 ? resume_at_ : input_.ordinal();
  std::vector<int64_t> numbers = {taken, static_cast<int64_t>(flushed_), ordinal};
  numbers.insert(numbers.end(), mark.own.begin(), mark.own.end());
  numbers.resize(3 + buckets_.size(), 0);  // nothing was read so far
  to.push_back({.name = kName, .numbers = std::move(numbers)});
  to.insert(to.end(), mark.upstream.begin(), mark.upstream.end());
}

void Bucketed::load(PositionReader& from) {
  const auto& numbers = from.next(kName, 3 + buckets_.size());
  resume_at_ = numbers[0];
  flushed_ = static_cast<size_t>(numbers[1]);
  const int64_t ordinal = numbers[2];
  if (ordinal < 0 || resume_at_ < ordinal || flushed_ > buckets_.size()) fail_position(kName);
  std::vector<int64_t> sizes(numbers.begin() + 3, numbers.end());
  for (size_t i = 0; i < buckets_.size(); ++i) {
    buckets_[i].absent = sizes[i];
    if (sizes[i] < 0 || sizes[i] >= step_.batch_sizes[i]) fail_position(kName);
  }
  input_.load(ordinal, std::move(sizes), from);
}

// Reads the records that wait in the buckets again; those that do not parse were told of before.
void Bucketed::refill() {
  while (input_.ordinal() < resume_at_) {
    if (!ready()) fail_position(kName);
    const int64_t which = add();
    input_.consume();
    if (which < 0) continue;
    Bucket& bucket = buckets_[static_cast<size_t>(which)];
    if (bucket.size() == step_.batch_sizes[static_cast<size_t>(which)]) clear(bucket);
  }
  for (size_t i = 0; i < flushed_; ++i) clear(buckets_[i]);
  resume_at_ = -1;
}

}  // namespace

StagePtr make_bucket(StagePtr from, const Step& step, const Dataset::Description& description) {
  return std::make_unique<Bucketed>(std::move(from), step, description);
}

}  // namespace weft::dataset
