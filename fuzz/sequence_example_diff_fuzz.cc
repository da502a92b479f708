// What weft reads of any bytes as a SequenceExample against what the protobuf library reads: the
// same records are malformed, and of the others every step of every feature list has the same
// values. The context is read as an Example's features are (example_diff_fuzz.cc).
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <string_view>

#include "example.pb.h"
#include "fuzz/read_or_draw.h"
#include "tests/sequence_example_random.h"
#include "weft/example.h"

namespace weft {
namespace {

void require(bool good) {
  if (!good) std::abort();
}

// The values of one step, one after the other in `found` from `at` on.
void compare(const oracle::Feature& expected, const Tensor& found, int64_t at, int64_t size) {
  const auto equal = [&](const auto& list, auto same) {
    require(size == list.value_size());
    for (int i = 0; i < list.value_size(); ++i) require(same(at + i, list.value(i)));
  };
  switch (expected.kind_case()) {
    case oracle::Feature::kInt64List:
      return equal(expected.int64_list(), [&](int64_t i, int64_t value) {
        return found.values<int64_t>()[static_cast<size_t>(i)] == value;
      });
    case oracle::Feature::kBytesList:
      return equal(expected.bytes_list(),
                   [&](int64_t i, const std::string& value) { return found.bytes()[i] == value; });
    case oracle::Feature::kFloatList:
      return equal(expected.float_list(), [&](int64_t i, float value) {
        return std::memcmp(&found.values<float>()[static_cast<size_t>(i)], &value, 4) == 0;
      });
    case oracle::Feature::KIND_NOT_SET:
      return require(size == 0);
  }
}

// The dtypes of a list's steps.
std::set<DType> dtypes_of(const oracle::FeatureList& list) {
  std::set<DType> dtypes;
  for (const oracle::Feature& step : list.feature()) {
    if (step.kind_case() == oracle::Feature::kInt64List) dtypes.insert(DType::kInt64);
    if (step.kind_case() == oracle::Feature::kFloatList) dtypes.insert(DType::kFloat32);
    if (step.kind_case() == oracle::Feature::kBytesList) dtypes.insert(DType::kString);
  }
  return dtypes;
}

void check(std::string_view record) {
  oracle::SequenceExample message;
  const bool good = message.ParseFromArray(record.data(), static_cast<int>(record.size()));
  ParseSpec lists{{"nothing", RaggedFeature{.dtype = DType::kFloat32}}};
  for (const auto& [key, list] : message.feature_lists().feature_list()) {
    const std::set<DType> dtypes = dtypes_of(list);
    // A list of two kinds of steps has no spec that reads it.
    if (dtypes.size() <= 1) {
      lists[key] = RaggedFeature{.dtype = dtypes.empty() ? DType::kInt64 : *dtypes.begin()};
    }
  }
  ParsedSequenceExamples parsed;
  try {
    parsed = parse_single_sequence_example(record, {}, lists, {.strict = false});
    require(good);
  } catch (const CorruptData& error) {
    // The C++ library drops the bits of a tag above the 32nd; protobuf's other implementations and
    // weft refuse them.
    require(!good ||
            std::string_view(error.what()).find("above 2^29 - 1") != std::string_view::npos);
    return;
  }
  for (const auto& [key, list] : message.feature_lists().feature_list()) {
    if (dtypes_of(list).size() > 1) continue;
    const auto& found = std::get<Ragged>(parsed.lists.at(key));
    require(found.rows() == list.feature_size());
    const auto splits = found.row_splits();
    for (int i = 0; i < list.feature_size(); ++i) {
      const auto step = static_cast<size_t>(i);
      compare(list.feature(i), found.values(), splits[step], splits[step + 1] - splits[step]);
    }
  }
}

}  // namespace
}  // namespace weft

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weft;
  using Random = testing::RandomSequenceExample;
  return fuzz::read_or_draw(
      data, size, [](auto next, int choice) { return Random(next, choice % 20); },
      [](Random& random) {
        return random.record({"i0", "s_scalar"},
                             {"i0", "f0", "s0", "i_scalar", "", "s_words_scalar"});
      },
      check);
}
