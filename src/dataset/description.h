// What a Dataset describes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "weft/dataset.h"

namespace weft {

struct Dataset::Description {
  // What is done to the list of files.
  struct FileStep {
    enum class Kind { kShuffle, kShard };
    Kind kind;
    int64_t num_shards = 0;
    int64_t index = 0;  // of the shard
    int64_t seed = 0;
    bool reshuffle = false;
  };
  // What is done to the sequence of elements; kBatch and kBucket make batches of records.
  struct Step {
    enum class Kind { kShard, kSkip, kTake, kShuffle, kRepeat, kBatch, kBucket };
    Kind kind;
    int64_t count = 0;  // num_shards, elements (-1: all), buffer_size, passes, records of a batch
    int64_t index = 0;  // of the shard
    int64_t seed = 0;
    bool reshuffle = false;
    bool drop_remainder = false;
    std::vector<std::string> keys = {};  // of kBucket, like those that follow
    std::vector<int64_t> boundaries = {};
    std::vector<int64_t> batch_sizes = {};
  };

  std::vector<std::string> paths;
  RecordOptions options;
  std::vector<FileStep> file_steps;
  int64_t cycle_length = 1;
  int64_t block_length = 1;
  bool interleaved = false;
  std::vector<Step> steps;
  bool batches = false;
  std::optional<ParseSpec> spec;   // of Examples, or of the context of SequenceExamples
  std::optional<ParseSpec> lists;  // of SequenceExamples
  ParseOptions parse_options;
  int64_t prefetch = 0;

  std::vector<int64_t> seeds() const;
  // Throws InvalidArgument unless there is one for each shuffle.
  void set_seeds(const std::vector<int64_t>& seeds);
  std::string text() const;  // Dataset::steps()
};

namespace dataset {

// A state without its position. Looks up the size of every file.
DatasetState identity(const Dataset::Description& description, int64_t iteration);
// Throws InvalidArgument unless `state` is of the dataset that has this identity.
void check_identity(const DatasetState& state, const DatasetState& identity);

}  // namespace dataset
}  // namespace weft
