// The keys of random Examples, a spec that reads most of them, and what became of a batch, as text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/reference_example.h"
#include "tests/same_features.h"
#include "weft/example.h"

namespace weft::testing {

inline const std::vector<std::string>& random_keys() {
  static const std::vector<std::string> keys = {
      "i0",
      "f0",
      "s0",
      "i_scalar",
      "f_scalar",
      "s_scalar",
      "i_pairs",
      "s_pairs",
      "f_padded",
      "s_padded",
      "i_unread",
      "f_unread",
      "s_unread",
      "i_ragged",
      "s" + std::string(28, 'a'),
      "s" + std::string(29, 'a'),
      "i" + std::string(60, 'b'),
      "f" + std::string(130, 'c'),
      "s" + std::string(200, 'd'),
      "i\xd0\xba\xd0\xbb\xd1\x8e\xd1\x87",
  };
  return keys;
}

// `fixed`: also features of which a record must have the right number of values.
inline ParseSpec random_spec(bool fixed) {
  const auto text = Tensor::strings({}, Bytes::from(std::vector<std::string_view>{"none"}));
  ParseSpec spec;
  spec["i0"] = VarLenFeature{DType::kInt64};
  spec["f0"] = VarLenFeature{DType::kFloat32};
  spec["s0"] = VarLenFeature{DType::kString};
  spec["f_padded"] =
      FixedLenSequenceFeature{{}, DType::kFloat32, true, Tensor::of<float>({}, {-1.0f})};
  spec["s_padded"] = FixedLenSequenceFeature{{}, DType::kString, true, text};
  spec["i_ragged"] = RaggedFeature{.dtype = DType::kInt64};
  spec["another"] = RaggedFeature{.dtype = DType::kInt64, .value_key = "i_ragged"};
  if (fixed) {
    spec["i_scalar"] = FixedLenFeature{{}, DType::kInt64, Tensor::of<int64_t>({}, {-5})};
    spec["f_scalar"] = FixedLenFeature{{1}, DType::kFloat32, Tensor::of<float>({1}, {0.5f})};
    spec["s_scalar"] = FixedLenFeature{{}, DType::kString, text};
    spec["i_pairs"] = FixedLenFeature{{2, 1}, DType::kInt64, Tensor::of<int64_t>({2, 1}, {8, 9})};
    const std::vector<std::string_view> pair{"", "padding"};
    spec["s_pairs"] = FixedLenFeature{{2}, DType::kString, Tensor::strings({2}, Bytes::from(pair))};
  }
  for (const std::string& key : random_keys()) {
    if (key.size() < 9 || key.find("unread") != std::string::npos || spec.contains(key)) continue;
    spec[key] = VarLenFeature{key[0] == 's'   ? DType::kString
                              : key[0] == 'f' ? DType::kFloat32
                                              : DType::kInt64};
  }
  return spec;
}

inline std::string text_of(const ParsedSequenceExamples& parsed) {
  return "context\n" + text_of(parsed.context) + "lists\n" + text_of(parsed.lists) + "lengths\n" +
         text_of(parsed.lengths);
}

// The batch as text, or why it was refused.
template <class Parse>
std::string outcome(const Parse& parse) {
  try {
    return text_of(parse());
  } catch (const CorruptData&) {
    return "malformed";
  } catch (const InvalidArgument&) {
    return "unfit";
  } catch (const reference::Malformed&) {
    return "malformed";
  } catch (const reference::Unfit&) {
    return "unfit";
  }
}

// Whether two outcomes of one batch agree: of several bad records, either may be told of first.
inline bool agree(const std::string& a, const std::string& b) {
  const auto bad = [](const std::string& s) { return s == "malformed" || s == "unfit"; };
  return a == b || (bad(a) && bad(b));
}

}  // namespace weft::testing
