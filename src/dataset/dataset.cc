#include "weft/dataset.h"

#include <utility>

#include "dataset/description.h"
#include "dataset/order.h"

namespace weft {
namespace {

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
  if (d.steps.empty() && d.batch == 0 && !d.spec) return;
  throw InvalidArgument(std::string(method) +
                        " is about files: it must come before shard, skip, take, batch and parse");
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

Dataset Dataset::shuffle_files(int64_t seed) const {
  check_before_elements(*description_, "shuffle_files");
  Description made = *description_;
  made.paths = dataset::shuffled(std::move(made.paths), seed);
  return Dataset(std::move(made));
}

Dataset Dataset::shard_files(int64_t num_shards, int64_t index) const {
  check_before_elements(*description_, "shard_files");
  check_shard(num_shards, index);
  Description made = *description_;
  made.paths = dataset::sharded(made.paths, num_shards, index);
  return Dataset(std::move(made));
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

Dataset Dataset::with_step(int kind, int64_t count, int64_t index) const {
  Description made = *description_;
  made.steps.push_back({.kind = static_cast<Step::Kind>(kind),
                        .count = count,
                        .index = index,
                        .unit = made.batch > 0 ? made.batch : 1});
  return Dataset(std::move(made));
}

Dataset Dataset::shard(int64_t num_shards, int64_t index) const {
  check_shard(num_shards, index);
  return with_step(static_cast<int>(Step::Kind::kShard), num_shards, index);
}

Dataset Dataset::skip(int64_t count) const {
  if (count < -1) throw InvalidArgument("cannot skip " + std::to_string(count) + " elements");
  return with_step(static_cast<int>(Step::Kind::kSkip), count, 0);
}

Dataset Dataset::take(int64_t count) const {
  if (count < -1) throw InvalidArgument("cannot take " + std::to_string(count) + " elements");
  return with_step(static_cast<int>(Step::Kind::kTake), count, 0);
}

Dataset Dataset::batch(int64_t n, bool drop_remainder) const {
  if (n < 1) throw InvalidArgument("a batch must have at least 1 record, got " + std::to_string(n));
  if (description_->batch > 0)
    throw InvalidArgument("batch was called before: batches of batches are not supported");
  Description made = *description_;
  made.batch = n;
  made.drop_remainder = drop_remainder;
  return Dataset(std::move(made));
}

Dataset Dataset::parse(ParseSpec spec, ParseOptions options) const {
  if (description_->spec) throw InvalidArgument("parse was called before");
  const ExampleParser checked(spec, options);
  Description made = *description_;
  made.spec = std::move(spec);
  made.parse_options = options;
  return Dataset(std::move(made));
}

const std::vector<std::string>& Dataset::files() const { return description_->paths; }
int64_t Dataset::batch_size() const { return description_->batch; }
bool Dataset::parses() const { return description_->spec.has_value(); }

}  // namespace weft
