// What the vocabulary tests share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "weft/vocabulary.h"

namespace weft::testing {

inline Tensor string_tensor(const std::vector<std::string>& texts) {
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  return Tensor::strings({static_cast<int64_t>(texts.size())}, Bytes::from(views));
}

inline Tensor int64_tensor(const std::vector<int64_t>& values) {
  return Tensor::of<int64_t>({static_cast<int64_t>(values.size())},
                             std::span<const int64_t>(values));
}

using Ids = std::vector<int64_t>;

inline Ids look_up(const Vocabulary& vocabulary, const Tensor& values) {
  Ids ids(static_cast<size_t>(values.size()), -7);
  vocabulary.lookup(values, ids.data());
  return ids;
}

inline std::vector<std::string> texts(const Vocabulary& vocabulary) {
  std::vector<std::string> found;
  for (int64_t id = 0; id < vocabulary.size(); ++id) found.emplace_back(vocabulary.string(id));
  return found;
}

inline std::vector<int64_t> numbers(const Tensor& values) {
  return {values.values<int64_t>().begin(), values.values<int64_t>().end()};
}

}  // namespace weft::testing
