// Files of Examples for the tests of datasets.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/record_files.h"
#include "weft/dataset.h"

namespace weft::testing_files {

// File k holds Examples with the int64 features "id", 1000 k + i, and "h" of a length between 0 and
// 20. Every third file is gzip.
class ExampleFiles : public testing::Test {
 protected:
  std::vector<std::string> examples(const std::vector<int>& sizes) {
    std::vector<std::string> paths;
    for (size_t k = 0; k < sizes.size(); ++k) {
      std::string bytes;
      for (int i = 0; i < sizes[k]; ++i) {
        const int64_t id = static_cast<int64_t>(k) * 1000 + i;
        const std::vector<int64_t> history(static_cast<size_t>(id * id % 21), id);
        bytes +=
            frame(encode_example({{"id", Tensor::of<int64_t>({1}, {id})},
                                  {"h", Tensor::of<int64_t>({static_cast<int64_t>(history.size())},
                                                            std::span<const int64_t>(history))}}));
      }
      paths.push_back(
          put(folder_ / ("e" + std::to_string(k)), k % 3 == 2 ? deflated(bytes) : bytes));
    }
    return paths;
  }

  const ParseSpec spec_ = {{"id", FixedLenFeature{.shape = {}, .dtype = DType::kInt64}},
                           {"h", VarLenFeature{.dtype = DType::kInt64}}};
  const Folder folder_;
};

// The ids of a batch.
inline std::vector<int64_t> ids(const Features& features) {
  const auto values = std::get<Tensor>(features.at("id")).values<int64_t>();
  return {values.begin(), values.end()};
}

using Batches = std::vector<std::vector<int64_t>>;

// Up to `most` of the batches that follow.
inline Batches rest(BatchStream& stream, size_t most = SIZE_MAX) {
  Batches found;
  Features features;
  while (found.size() < most && stream.next(features)) found.push_back(ids(features));
  return found;
}

}  // namespace weft::testing_files
