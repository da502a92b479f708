#include "weft/dataset.h"

#include <algorithm>
#include <utility>

#include "dataset/description.h"
#include "dataset/lengths.h"
#include "dataset/order.h"

namespace weft {
namespace {

using FileStep = Dataset::Description::FileStep;
using Step = Dataset::Description::Step;

void check_shard(int64_t num_shards, int64_t index) {
  if (num_shards < 1) {
    throw InvalidArgument("num_shards must be at least 1, got " + std::to_string(num_shards));
  }
  if (index < 0 || index >= num_shards) {
    throw InvalidArgument("the index of a shard must be in [0, " + std::to_string(num_shards) +
                          "), got " + std::to_string(index));
  }
}

void check_before_elements(const Dataset::Description& d, const char* method) {
  if (d.steps.empty() && !d.spec) return;
  throw InvalidArgument(std::string(method) +
                        " is about files: it must come before all that is about elements");
}

void check_count(int64_t count, const char* method) {
  if (count >= -1) return;
  throw InvalidArgument(std::string(method) + ": the count must be at least -1, got " +
                        std::to_string(count));
}

Dataset::Description with(Dataset::Description made, const FileStep& step) {
  made.file_steps.push_back(step);
  return made;
}

Dataset::Description with(Dataset::Description made, Step step) {
  made.batches |= step.kind == Step::Kind::kBatch || step.kind == Step::Kind::kBucket;
  made.steps.push_back(std::move(step));
  return made;
}

void check_no_batches(const Dataset::Description& d) {
  if (d.batches) {
    throw InvalidArgument(
        "batch or bucket_by_length was called before: batches of batches are not supported");
  }
}

void check_buckets(const Step& step) {
  const auto& bounds = step.boundaries;
  if (step.keys.empty()) throw InvalidArgument("bucket_by_length needs a key");
  if (bounds.empty() ||
      std::adjacent_find(bounds.begin(), bounds.end(), std::greater_equal()) != bounds.end()) {
    throw InvalidArgument("the boundaries of buckets must increase, and be at least one");
  }
  if (step.batch_sizes.size() != bounds.size() + 1) {
    throw InvalidArgument(
        "there must be one batch size more than boundaries: " + std::to_string(bounds.size() + 1) +
        ", got " + std::to_string(step.batch_sizes.size()));
  }
  for (int64_t size : step.batch_sizes) {
    if (size < 1)
      throw InvalidArgument("a batch must have at least 1 record, got " + std::to_string(size));
  }
}

}  // namespace

Dataset::Dataset(Description description)
    : description_(std::make_shared<const Description>(std::move(description))) {}

Dataset Dataset::records(std::vector<std::string> paths, RecordOptions options) {
  Description made;
  made.paths = std::move(paths);
  made.options = std::move(options);
  return Dataset(std::move(made));
}

Dataset Dataset::shuffle_files(int64_t seed, bool reshuffle_each_iteration) const {
  check_before_elements(*description_, "shuffle_files");
  return Dataset(with(*description_, FileStep{.kind = FileStep::Kind::kShuffle,
                                              .seed = seed,
                                              .reshuffle = reshuffle_each_iteration}));
}

Dataset Dataset::shard_files(int64_t num_shards, int64_t index) const {
  check_before_elements(*description_, "shard_files");
  check_shard(num_shards, index);
  return Dataset(
      with(*description_,
           FileStep{.kind = FileStep::Kind::kShard, .num_shards = num_shards, .index = index}));
}

Dataset Dataset::interleave(int64_t cycle_length, int64_t block_length) const {
  check_before_elements(*description_, "interleave");
  if (description_->interleaved) throw InvalidArgument("interleave was called before");
  if (cycle_length < 1 || block_length < 1) {
    throw InvalidArgument("cycle_length and block_length must be at least 1, got " +
                          std::to_string(cycle_length) + " and " + std::to_string(block_length));
  }
  Description made = *description_;
  made.interleaved = true;
  made.cycle_length = cycle_length;
  made.block_length = block_length;
  return Dataset(std::move(made));
}

Dataset Dataset::shard(int64_t num_shards, int64_t index) const {
  check_shard(num_shards, index);
  return Dataset(
      with(*description_, Step{.kind = Step::Kind::kShard, .count = num_shards, .index = index}));
}

Dataset Dataset::skip(int64_t count) const {
  check_count(count, "skip");
  return Dataset(with(*description_, Step{.kind = Step::Kind::kSkip, .count = count}));
}

Dataset Dataset::take(int64_t count) const {
  check_count(count, "take");
  return Dataset(with(*description_, Step{.kind = Step::Kind::kTake, .count = count}));
}

Dataset Dataset::repeat(int64_t count) const {
  check_count(count, "repeat");
  return Dataset(with(*description_, Step{.kind = Step::Kind::kRepeat, .count = count}));
}

Dataset Dataset::shuffle(int64_t buffer_size, int64_t seed, bool reshuffle_each_iteration) const {
  if (buffer_size < 1) {
    throw InvalidArgument("the buffer of a shuffle must have at least 1 element, got " +
                          std::to_string(buffer_size));
  }
  return Dataset(with(*description_, Step{.kind = Step::Kind::kShuffle,
                                          .count = buffer_size,
                                          .seed = seed,
                                          .reshuffle = reshuffle_each_iteration}));
}

Dataset Dataset::batch(int64_t n, bool drop_remainder) const {
  if (n < 1) throw InvalidArgument("a batch must have at least 1 record, got " + std::to_string(n));
  check_no_batches(*description_);
  return Dataset(
      with(*description_,
           Step{.kind = Step::Kind::kBatch, .count = n, .drop_remainder = drop_remainder}));
}

Dataset Dataset::bucket_by_length(std::vector<std::string> keys, std::vector<int64_t> boundaries,
                                  std::vector<int64_t> batch_sizes, bool drop_remainder) const {
  check_no_batches(*description_);
  Step step{.kind = Step::Kind::kBucket,
            .drop_remainder = drop_remainder,
            .keys = std::move(keys),
            .boundaries = std::move(boundaries),
            .batch_sizes = std::move(batch_sizes)};
  check_buckets(step);
  if (!description_->spec) {
    throw InvalidArgument("bucket_by_length needs to know the features: call parse() before it");
  }
  const dataset::Lengths checked(step.keys, *description_);
  return Dataset(with(*description_, std::move(step)));
}

Dataset Dataset::parse(ParseSpec spec, ParseOptions options) const {
  if (description_->spec) throw InvalidArgument("parse was called before");
  const ExampleParser checked(spec, options);
  Description made = *description_;
  made.spec = std::move(spec);
  made.parse_options = options;
  return Dataset(std::move(made));
}

Dataset Dataset::parse_sequence(ParseSpec context, ParseSpec lists, ParseOptions options) const {
  if (description_->spec) throw InvalidArgument("parse was called before");
  const SequenceExampleParser checked(context, lists, options);
  Description made = *description_;
  made.spec = std::move(context);
  made.lists = std::move(lists);
  made.parse_options = options;
  return Dataset(std::move(made));
}

Dataset Dataset::prefetch(int64_t batches) const {
  if (batches < 1) {
    throw InvalidArgument("prefetch needs at least 1 batch, got " + std::to_string(batches));
  }
  Description made = *description_;
  made.prefetch = batches;
  return Dataset(std::move(made));
}

std::vector<std::string> Dataset::files() const {
  std::vector<std::string> files;
  for (size_t i : dataset::file_order(*description_, 0, 0)) files.push_back(description_->paths[i]);
  return files;
}

bool Dataset::batches() const { return description_->batches; }
bool Dataset::parses() const { return description_->spec.has_value(); }
bool Dataset::parses_sequences() const { return description_->lists.has_value(); }
std::string Dataset::steps() const { return description_->text(); }

}  // namespace weft
