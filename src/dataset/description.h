// What a Dataset describes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "weft/dataset.h"

namespace weft {

struct Dataset::Description {
  // What is done to the sequence of elements: each element is a run of `unit` records (a batch, for
  // steps after batch(); the last may be shorter).
  struct Step {
    enum class Kind { kShard, kSkip, kTake };
    Kind kind;
    int64_t count;  // num_shards, or elements; -1: all
    int64_t index;  // of the shard
    int64_t unit;   // records of an element
  };

  std::vector<std::string> paths;
  RecordOptions options;
  int64_t cycle_length = 1;
  int64_t block_length = 1;
  bool interleaved = false;
  std::vector<Step> steps;
  int64_t batch = 0;
  bool drop_remainder = false;
  std::optional<ParseSpec> spec;
  ParseOptions parse_options;
};

}  // namespace weft
