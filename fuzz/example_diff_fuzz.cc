// What weft reads of any bytes against what the protobuf library reads: the same records are
// malformed, and of the others every feature has the same values. Then every feature is written,
// and must be what protobuf writes.
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "example.pb.h"
#include "fuzz/read_or_draw.h"
#include "tests/example_random.h"
#include "tests/example_spec.h"
#include "weft/example.h"

namespace weft {
namespace {

void require(bool good) {
  if (!good) std::abort();
}

void compare(const oracle::Feature& expected, const Tensor& found) {
  const auto equal = [&](const auto& list, auto value_of) {
    require(found.size() == list.value_size());
    for (int i = 0; i < list.value_size(); ++i) require(value_of(i) == list.value(i));
  };
  const auto bits = [](float value) {
    uint32_t result;
    std::memcpy(&result, &value, 4);
    return result;
  };
  switch (expected.kind_case()) {
    case oracle::Feature::kInt64List:
      return equal(expected.int64_list(),
                   [&](int i) { return found.values<int64_t>()[static_cast<size_t>(i)]; });
    case oracle::Feature::kBytesList:
      return equal(expected.bytes_list(), [&](int i) { return found.bytes()[i]; });
    case oracle::Feature::kFloatList:
      require(found.size() == expected.float_list().value_size());
      for (int i = 0; i < expected.float_list().value_size(); ++i) {
        require(bits(found.values<float>()[static_cast<size_t>(i)]) ==
                bits(expected.float_list().value(i)));
      }
      return;
    case oracle::Feature::KIND_NOT_SET:
      return require(found.size() == 0);
  }
}

DType dtype_of(const oracle::Feature& feature) {
  switch (feature.kind_case()) {
    case oracle::Feature::kFloatList:
      return DType::kFloat32;
    case oracle::Feature::kBytesList:
      return DType::kString;
    default:
      return DType::kInt64;
  }
}

// Each feature of the message, and one that is not there.
ParseSpec spec_of(const oracle::Example& message) {
  ParseSpec spec{{"nothing", RaggedFeature{.dtype = DType::kFloat32}}};
  for (const auto& [key, feature] : message.features().feature()) {
    spec[key] = RaggedFeature{.dtype = dtype_of(feature)};
  }
  return spec;
}

std::string deterministic(const oracle::Example& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  require(message.SerializeToCodedStream(&coded));
  coded.Trim();
  return bytes;
}

void check(std::string_view record) {
  oracle::Example message;
  const bool good = message.ParseFromArray(record.data(), static_cast<int>(record.size()));
  const ExampleParser parser(spec_of(message), {.strict = false});
  std::map<std::string, Tensor, std::less<>> all;
  try {
    for (auto& [key, feature] : parser.parse_single(record)) all[key] = std::get<Tensor>(feature);
    require(good);
  } catch (const CorruptData& error) {
    // The C++ library drops the bits of a tag above the 32nd; protobuf's other implementations and
    // weft refuse them.
    require(!good ||
            std::string_view(error.what()).find("above 2^29 - 1") != std::string_view::npos);
    return;
  }
  all.erase("nothing");
  oracle::Example clean;
  clean.mutable_features();
  for (const auto& [key, feature] : message.features().feature()) {
    compare(feature, all.at(key));
    if (feature.kind_case() == oracle::Feature::KIND_NOT_SET) all.erase(key);
    if (feature.kind_case() != oracle::Feature::KIND_NOT_SET)
      (*clean.mutable_features()->mutable_feature())[key] = feature;
  }
  for (auto& [key, feature] : *clean.mutable_features()->mutable_feature())
    feature.DiscardUnknownFields();
  require(encode_example(all) == deterministic(clean));
}

}  // namespace
}  // namespace weft

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weft;
  using Random = testing::RandomExample;
  return fuzz::read_or_draw(
      data, size, [](auto next, int choice) { return Random(next, 1 + choice % 40); },
      [](Random& random) { return random.record({"i0", "f0", "s0", "i_scalar", "", "s\xc3\xa9"}); },
      check);
}
