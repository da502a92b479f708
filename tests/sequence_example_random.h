// Random SequenceExamples, a spec that reads most of them, and what became of a batch, as text.
#pragma once

#include <string>
#include <vector>

#include "tests/example_random.h"
#include "tests/example_spec.h"
#include "tests/reference_sequence_example.h"

namespace weft::testing {

class RandomSequenceExample : public RandomExample {
 public:
  using RandomExample::RandomExample;

  std::string record(const std::vector<std::string>& keys,
                     const std::vector<std::string>& list_keys) {
    std::string context = RandomExample::record(keys);
    std::string lists = record_of(2, entries(list_keys, [this](const std::string& key) {
                                    return entry_of(key, [&] { return steps(key); });
                                  }));
    return odd() ? lists + context : context + lists;
  }

 private:
  // The Features of a FeatureList; ids of one size, as a rule.
  std::string steps(const std::string& key) {
    const uint64_t sizes[] = {0, 1, 2, 3, 8, 9, 30, 80};
    shift_.reset();
    if (below(3) != 0) shift_ = 44 + static_cast<unsigned>(below(18));
    std::string list;
    for (uint64_t n = sizes[below(8)]; n > 0; --n) {
      list += block(1, below(200) == 0 ? "" : feature(key), pad());
      if (odd()) list += unknown();
    }
    shift_.reset();
    return list;
  }
};

inline const std::vector<std::string>& random_list_keys() {
  static const std::vector<std::string> keys = {"i_scalar",
                                                "f_scalar",
                                                "s_scalar",
                                                "i_ids_scalar",
                                                "s_words_scalar",
                                                "i_pairs",
                                                "s_pairs",
                                                "i0",
                                                "f0",
                                                "s0",
                                                "i_ragged",
                                                "i_unread_scalar",
                                                "f_unread",
                                                "s_unread",
                                                "i_only_list_" + std::string(40, 'b')};
  return keys;
}

// `fixed`: also lists whose steps must have the right number of values.
inline ParseSpec random_list_spec(bool fixed) {
  ParseSpec spec;
  spec["i_ids_scalar"] = VarLenFeature{DType::kInt64};
  spec["s_words_scalar"] = VarLenFeature{DType::kString};
  spec["i0"] = VarLenFeature{DType::kInt64};
  spec["f0"] = RaggedFeature{.dtype = DType::kFloat32};
  spec["s0"] = RaggedFeature{.dtype = DType::kString};
  spec["i_ragged"] = RaggedFeature{.dtype = DType::kInt64};
  spec["another"] = RaggedFeature{.dtype = DType::kInt64, .value_key = "i_ragged"};
  spec[random_list_keys().back()] = VarLenFeature{DType::kInt64};
  if (fixed) {
    spec["i_scalar"] = FixedLenSequenceFeature{{}, DType::kInt64, true, {}};
    spec["f_scalar"] = FixedLenSequenceFeature{{1}, DType::kFloat32, true, {}};
    spec["s_scalar"] = FixedLenSequenceFeature{{}, DType::kString, true, {}};
    spec["i_pairs"] = FixedLenSequenceFeature{{2, 1}, DType::kInt64, true, {}};
    spec["s_pairs"] = FixedLenSequenceFeature{{2}, DType::kString, true, {}};
  }
  return spec;
}

}  // namespace weft::testing
