// What a dataset is, so that a state can be told from those of others.
#include <sys/stat.h>

#include <utility>

#include "base/fingerprint.h"
#include "dataset/description.h"

namespace weft {
namespace {

std::string numbers(const std::vector<int64_t>& values) {
  std::string text = "[";
  for (int64_t value : values) text += (text.size() > 1 ? ", " : "") + std::to_string(value);
  return text + "]";
}

std::string hex(uint64_t value) {
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4) text += "0123456789abcdef"[value >> shift & 15];
  return text;
}

std::string fingerprint(const std::string& text) { return hex(base::fingerprint64(text)); }

const char* reshuffles(bool reshuffle) { return reshuffle ? "" : ", reshuffle=false"; }

std::string text_of(const Dataset::Description::FileStep& step) {
  if (step.kind == Dataset::Description::FileStep::Kind::kShuffle)
    return std::string("shuffle_files(") + (step.reshuffle ? "" : "reshuffle=false") + ")";
  return "shard_files" + ("(" + std::to_string(step.num_shards)) + ", " +
         std::to_string(step.index) + ")";
}

std::string text_of(const Dataset::Description::Step& step) {
  using Kind = Dataset::Description::Step::Kind;
  const std::string count = "(" + std::to_string(step.count);
  const std::string end = step.drop_remainder ? ", drop_remainder)" : ")";
  switch (step.kind) {
    case Kind::kShard:
      return "shard" + count + ", " + std::to_string(step.index) + ")";
    case Kind::kSkip:
      return "skip" + count + ")";
    case Kind::kTake:
      return "take" + count + ")";
    case Kind::kShuffle:
      return "shuffle" + count + reshuffles(step.reshuffle) + ")";
    case Kind::kRepeat:
      return "repeat" + count + ")";
    case Kind::kBatch:
      return "batch" + count + end;
    case Kind::kBucket:
      break;
  }
  std::string keys;
  for (const std::string& key : step.keys) keys += "'" + escape_bytes(key, key.size()) + "', ";
  return "bucket_by_length(" + keys + numbers(step.boundaries) + ", " + numbers(step.batch_sizes) +
         end;
}

}  // namespace

std::string Dataset::Description::text() const {
  std::string text;
  const auto add = [&](const std::string& step) { text += (text.empty() ? "" : ".") + step; };
  for (const FileStep& step : file_steps) add(text_of(step));
  if (interleaved) {
    add("interleave(" + std::to_string(cycle_length) + ", " + std::to_string(block_length) + ")");
  }
  for (const Step& step : steps) add(text_of(step));
  if (!batches && spec) add("parse()");  // in batches of kDefaultBatch
  return text;
}

std::vector<int64_t> Dataset::Description::seeds() const {
  std::vector<int64_t> seeds;
  for (const FileStep& step : file_steps) {
    if (step.kind == FileStep::Kind::kShuffle) seeds.push_back(step.seed);
  }
  for (const Step& step : steps) {
    if (step.kind == Step::Kind::kShuffle) seeds.push_back(step.seed);
  }
  return seeds;
}

void Dataset::Description::set_seeds(const std::vector<int64_t>& seeds) {
  if (seeds.size() != this->seeds().size()) {
    throw InvalidArgument("this state has seeds for " + std::to_string(seeds.size()) +
                          " shuffles, the dataset has " + std::to_string(this->seeds().size()));
  }
  auto seed = seeds.begin();
  for (FileStep& step : file_steps) {
    if (step.kind == FileStep::Kind::kShuffle) step.seed = *seed++;
  }
  for (Step& step : steps) {
    if (step.kind == Step::Kind::kShuffle) step.seed = *seed++;
  }
}

namespace dataset {

DatasetState identity(const Dataset::Description& description, int64_t iteration) {
  std::string names, sizes;
  for (const std::string& path : description.paths) {
    names += path.substr(path.rfind('/') + 1) + '\0';
    struct stat found;
    sizes += std::to_string(::stat(path.c_str(), &found) == 0 ? found.st_size : -1) + ' ';
  }
  return {.steps = description.text(),
          .num_files = static_cast<int64_t>(description.paths.size()),
          .file_names = fingerprint(names),
          .file_sizes = fingerprint(sizes),
          .iteration = iteration,
          .seeds = description.seeds(),
          .position = {}};
}

void check_identity(const DatasetState& state, const DatasetState& identity) {
  const std::string other = "this state is of another dataset: ";
  if (state.steps != identity.steps) {
    throw InvalidArgument(other + "its steps are \"" + state.steps + "\", those here \"" +
                          identity.steps + "\"");
  }
  if (state.num_files != identity.num_files) {
    throw InvalidArgument(other + "of " + std::to_string(state.num_files) + " files, here are " +
                          std::to_string(identity.num_files));
  }
  if (state.file_names != identity.file_names)
    throw InvalidArgument(other + "its files have other names, or another order");
  if (state.file_sizes != identity.file_sizes)
    throw InvalidArgument(other + "its files have other sizes: they were written anew since");
}

}  // namespace dataset
}  // namespace weft
