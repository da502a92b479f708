#include "dataset/pipeline.h"

#include <utility>

namespace weft::dataset {
namespace {

constexpr int64_t kMostNumber = int64_t{1} << 62;  // to which something can be added

StagePtr make_stage(StagePtr from, const Step& step, const Dataset::Description& description,
                    int64_t iteration, bool of_batches, const std::function<void()>& poll) {
  switch (step.kind) {
    case Step::Kind::kShard:
      return make_shard(std::move(from), step.count, step.index);
    case Step::Kind::kSkip:
      return make_skip(std::move(from), step.count);
    case Step::Kind::kTake:
      return make_take(std::move(from), step.count);
    case Step::Kind::kRepeat:
      return make_repeat(std::move(from), step.count);
    case Step::Kind::kShuffle:
      return make_shuffle(std::move(from), step, iteration, of_batches, poll);
    case Step::Kind::kBatch:
      return make_batch(std::move(from), step.count, step.drop_remainder, true);
    case Step::Kind::kBucket:
      return make_bucket(std::move(from), step, description);
  }
  return from;
}

}  // namespace

void fail_position(const char* name) {
  throw InvalidArgument(std::string("this state does not fit the dataset: its step ") + name);
}

const std::vector<int64_t>& PositionReader::next(const char* name, size_t count, bool more) {
  if (at_ == position_.size() || position_[at_].name != name) fail_position(name);
  const auto& numbers = position_[at_++].numbers;
  if (numbers.size() < count || (!more && numbers.size() > count)) fail_position(name);
  for (int64_t number : numbers) {
    if (number < -1 || number > kMostNumber) fail_position(name);
  }
  return numbers;
}

Pipeline::Pipeline(const std::shared_ptr<const Dataset::Description>& description,
                   RecordOptions options, int64_t iteration, const Position& position) {
  const std::function<void()> poll = options.poll;
  auto files = std::make_unique<Files>(description, std::move(options), iteration);
  files_ = files.get();
  last_ = std::move(files);
  bool of_batches = false;
  for (const Step& step : description->steps) {
    last_ = make_stage(std::move(last_), step, *description, iteration, of_batches, poll);
    of_batches |= step.kind == Step::Kind::kBatch || step.kind == Step::Kind::kBucket;
  }
  if (!of_batches) {
    last_ =
        make_batch(std::move(last_), Dataset::kDefaultBatch, false, description->spec.has_value());
  }
  if (position.empty()) return;
  PositionReader from(position);
  last_->load(from);
}

Position Pipeline::position() const {
  Position made;
  last_->save(made);
  return made;
}

}  // namespace weft::dataset
