// shuffle: a buffer from which elements are drawn.
//
// What is in the buffer depends on the draws alone, not on the elements. So a position is how many
// elements came in and went out: the draws are made again over their ordinals, and the elements
// whose ordinals are left are read again, from the mark of the oldest of them on.
#include <algorithm>
#include <functional>
#include <utility>

#include "base/philox.h"
#include "dataset/input.h"

namespace weft::dataset {
namespace {

constexpr char kName[] = "shuffle";
constexpr int64_t kRun = 256;                       // records pulled at a time
constexpr int64_t kPollEvery = 65536;               // draws
constexpr int64_t kMostResumed = int64_t{1} << 30;  // elements of a buffer: none has more records

// A place of the buffer. Records are copied, so that the buffer does not keep the blocks alive that
// they were read in.
struct RecordPlace {
  static constexpr int64_t kMost = kRun;
  void take(RecordBatch& from, int64_t i) { from.copy_to(i, record); }
  void give(RecordBatch& to) const { to.append(record); }
  OwnRecord record;
  int64_t mark = 0;
};

struct BatchPlace {
  static constexpr int64_t kMost = 1;
  void take(RecordBatch& from, int64_t) { std::swap(batch, from); }
  void give(RecordBatch& to) { to = std::move(batch); }
  RecordBatch batch;
  int64_t mark = 0;
};

template <class Place>
class Shuffle : public Stage {
 public:
  Shuffle(StagePtr from, const Step& step, int64_t iteration, std::function<void()> poll)
      : input_(std::move(from), Place::kMost),
        step_(step),
        iteration_(iteration),
        poll_(std::move(poll)),
        random_(key()) {}

  int64_t pull(RecordBatch* to, int64_t most) override;
  void restart() override;
  void save(Position& to) const override;
  void load(PositionReader& from) override;

 private:
  base::Philox key() const {
    return {step_.seed, kName, random_step(step_.reshuffle, iteration_, pass_)};
  }
  size_t draw(int64_t k, size_t size) const {
    return static_cast<size_t>(random_.bits(k) % static_cast<uint64_t>(size));
  }
  void fill(Place& place);
  std::vector<int64_t> left() const;
  void refill();

  Input input_;
  const Step step_;
  const int64_t iteration_;
  const std::function<void()> poll_;
  int64_t pass_ = 0;
  base::Philox random_;
  std::vector<Place>
      places_;  // the buffer is the first size_ of them; the others keep their memory
  size_t size_ = 0;
  int64_t given_ = 0;
  int64_t resume_at_ = -1;  // elements consumed at the position that is being loaded
  std::vector<std::pair<int64_t, size_t>> awaited_;  // then: ordinals and places, the next one last
};

template <class Place>
void Shuffle<Place>::fill(Place& place) {
  place.take(input_.batch(), input_.index());
  place.mark = input_.hold();
  input_.consume();
}

template <class Place>
int64_t Shuffle<Place>::pull(RecordBatch* to, int64_t) {
  if (resume_at_ >= 0) refill();
  while (size_ < static_cast<size_t>(step_.count) && input_.ready()) {
    if (size_ == places_.size()) places_.emplace_back();
    fill(places_[size_]);
    ++size_;
  }
  if (size_ == 0) return 0;
  Place& drawn = places_[draw(given_, size_)];
  std::swap(drawn, places_[size_ - 1]);
  if (to != nullptr) places_[size_ - 1].give(*to);
  input_.release(places_[size_ - 1].mark);
  --size_;
  ++given_;
  return 1;
}

template <class Place>
void Shuffle<Place>::restart() {
  ++pass_;
  random_ = key();
  size_ = 0;
  given_ = 0;
  resume_at_ = -1;
  input_.restart();
}

template <class Place>
void Shuffle<Place>::save(Position& to) const {
  const auto [ordinal, mark] = input_.oldest();
  const int64_t taken = resume_at_ >= 0 ? resume_at_ : input_.ordinal();
  to.push_back({.name = kName, .numbers = {pass_, given_, taken, ordinal}});
  to.insert(to.end(), mark.upstream.begin(), mark.upstream.end());
}

template <class Place>
void Shuffle<Place>::load(PositionReader& from) {
  const auto& numbers = from.next(kName, 4);
  pass_ = numbers[0];
  given_ = numbers[1];
  resume_at_ = numbers[2];
  const int64_t ordinal = numbers[3];
  if (pass_ < 0 || given_ < 0 || resume_at_ < given_ || resume_at_ - given_ > step_.count ||
      std::min(step_.count, resume_at_) > kMostResumed || ordinal < 0 || ordinal > resume_at_) {
    fail_position(kName);
  }
  random_ = key();
  input_.load(ordinal, {}, from);
}

// The ordinals in the buffer after given_ draws.
template <class Place>
std::vector<int64_t> Shuffle<Place>::left() const {
  std::vector<int64_t> buffer;
  int64_t next = 0;
  const auto fill_up = [&] {
    while (static_cast<int64_t>(buffer.size()) < step_.count && next < resume_at_)
      buffer.push_back(next++);
  };
  for (int64_t k = 0; k < given_; ++k) {
    if (poll_ && k % kPollEvery == 0) poll_();
    fill_up();
    std::swap(buffer[draw(k, buffer.size())], buffer.back());
    buffer.pop_back();
  }
  fill_up();
  return buffer;
}

template <class Place>
void Shuffle<Place>::refill() {
  if (places_.empty()) {
    const std::vector<int64_t> buffer = left();
    awaited_.clear();
    for (size_t i = 0; i < buffer.size(); ++i) awaited_.emplace_back(buffer[i], i);
    std::ranges::sort(awaited_, std::greater());
    if (!awaited_.empty() && awaited_.back().first < input_.ordinal()) fail_position(kName);
    places_.resize(buffer.size());
  }
  while (input_.ordinal() < resume_at_) {
    if (!input_.ready()) fail_position(kName);
    if (awaited_.empty() || awaited_.back().first != input_.ordinal()) {
      input_.consume();
      continue;
    }
    fill(places_[awaited_.back().second]);
    awaited_.pop_back();
  }
  size_ = places_.size();
  resume_at_ = -1;
}

}  // namespace

StagePtr make_shuffle(StagePtr from, const Step& step, int64_t iteration, bool of_batches,
                      std::function<void()> poll) {
  if (of_batches)
    return std::make_unique<Shuffle<BatchPlace>>(std::move(from), step, iteration, std::move(poll));
  return std::make_unique<Shuffle<RecordPlace>>(std::move(from), step, iteration, std::move(poll));
}

}  // namespace weft::dataset
