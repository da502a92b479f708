#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tests/example_bytes.h"
#include "tests/expect_error.h"
#include "tests/same_features.h"
#include "weft/example.h"

namespace weft {
namespace {

using namespace testing;  // the wire writer
using Map = std::map<std::string, Tensor, std::less<>>;

Tensor strings_of(const std::vector<std::string_view>& texts) {
  return Tensor::strings({static_cast<int64_t>(texts.size())}, Bytes::from(texts));
}

TEST(ExampleEncodeTest, BytesOfEveryKind) {
  const Map features{{"f", Tensor::of<float>({2}, {1.5f, -0.0f})},
                     {"s", strings_of({"a", "", std::string_view("\0", 1)})},
                     {"i", Tensor::of<int64_t>({3}, {1, 300, -1})},
                     {"", Tensor::of<int64_t>({0}, {})},
                     {"none", strings_of({})}};
  const std::string expected = example({entry("", ints({})), entry("f", floats({1.5f, -0.0f})),
                                        entry("i", ints({1, 300, -1})), entry("none", strings({})),
                                        entry("s", strings({"a", "", std::string(1, '\0')}))});
  EXPECT_EQ(encode_example(features), expected);
  EXPECT_EQ(encode_example({}), std::string("\x0a\x00", 2));
}

TEST(ExampleEncodeTest, LongLengths) {
  for (size_t n : {41u, 42u, 43u, 120u, 5400u, 5460u}) {
    std::vector<int64_t> values(n, 1 << 20);
    const Map features{
        {"k" + std::string(n % 300, 'k'),
         Tensor::of<int64_t>({static_cast<int64_t>(n)}, std::span<const int64_t>(values))}};
    EXPECT_EQ(encode_example(features), example({entry(features.begin()->first, ints(values))}));
  }
}

template <class T>
void expect_ints(std::initializer_list<T> values, const std::vector<int64_t>& expected) {
  const Map features{{"k", Tensor::of<T>({static_cast<int64_t>(values.size())}, values)}};
  EXPECT_EQ(encode_example(features), example({entry("k", ints(expected))}));
}

TEST(ExampleEncodeTest, OtherDTypes) {
  expect_ints<bool>({true, false}, {1, 0});
  expect_ints<int8_t>({-1, 127}, {-1, 127});
  expect_ints<uint8_t>({255}, {255});
  expect_ints<int16_t>({-300}, {-300});
  expect_ints<uint16_t>({65535}, {65535});
  expect_ints<int32_t>({-5}, {-5});
  expect_ints<uint32_t>({4294967295u}, {4294967295});
  expect_ints<uint64_t>({INT64_MAX}, {INT64_MAX});
  EXPECT_ERROR(OutOfRange,
               "9223372036854775808 is above 2^63 - 1, the largest integer of an Example (key 'k')",
               encode_example({{"k", Tensor::of<uint64_t>({1}, {uint64_t{1} << 63})}}));
  EXPECT_EQ(encode_example({{"k", Tensor::of<double>({2}, {0.1, -2})}}),
            example({entry("k", floats({0.1f, -2.0f}))}));
  const uint16_t halves[] = {0x3c00, 0xc000, 0x0001, 0x7c00, 0x3555, 0x8000};
  const Tensor half =
      Tensor::from_buffer(DType::kFloat16, {6}, Buffer::copy_of(halves, sizeof halves));
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(encode_example({{"k", half}}),
            example({entry("k", floats({1.0f, -2.0f, std::ldexp(1.0f, -24), infinity,
                                        0.333251953125f, -0.0f}))}));
}

TEST(ExampleEncodeTest, RowsOfEveryFeature) {
  const Ragged ragged = Ragged::from_lists<int64_t>({{1, 2}, {}, {3}});
  const SparseTensor sparse(Tensor::of<int64_t>({2, 2}, {1, 0, 1, 1}), strings_of({"x", "y"}),
                            {3, 4});
  const Features features{{"r", ragged},
                          {"v", SparseTensor::from_ragged(ragged)},
                          {"s", sparse},
                          {"d", Tensor::of<float>({3, 1, 2}, {1, 2, 3, 4, 5, 6})},
                          {"one", Tensor::of<int64_t>({3}, {7, 8, 9})}};
  const Bytes records = encode_examples(features);
  ASSERT_EQ(records.size(), 3);
  const auto record = [](const std::vector<float>& d, int64_t one, const std::vector<int64_t>& r,
                         const std::vector<std::string>& s) {
    return example({entry("d", floats(d)), entry("one", ints({one})), entry("r", ints(r)),
                    entry("s", strings(s)), entry("v", ints(r))});
  };
  EXPECT_EQ(records[0], record({1, 2}, 7, {1, 2}, {}));
  EXPECT_EQ(records[1], record({3, 4}, 8, {}, {"x", "y"}));
  EXPECT_EQ(records[2], record({5, 6}, 9, {3}, {}));
}

TEST(ExampleEncodeTest, NoRows) {
  EXPECT_EQ(encode_examples({}).size(), 0);
  EXPECT_EQ(encode_examples({{"k", Tensor::zeros(DType::kInt64, {0, 3})}}).size(), 0);
}

TEST(ExampleEncodeTest, Refuses) {
  const Tensor two = Tensor::of<int64_t>({2}, {1, 2});
  EXPECT_ERROR(InvalidArgument, "UTF-8", encode_example({{"\xff", two}}));
  EXPECT_ERROR(InvalidArgument, "1 rows where 'a' has 2 (key 'b')",
               encode_examples({{"a", two}, {"b", Tensor::of<int64_t>({1}, {1})}}));
  EXPECT_ERROR(InvalidArgument, "scalar", encode_examples({{"a", Tensor::of<int64_t>({}, {1})}}));
  const SparseTensor holes(Tensor::of<int64_t>({1, 2}, {0, 1}), Tensor::of<int64_t>({1}, {5}),
                           {1, 3});
  EXPECT_ERROR(InvalidArgument, "holes (key 'a', row 0)", encode_examples({{"a", holes}}));
  const Ragged nested = Ragged::from_row_splits(
      two, std::vector<Tensor>{Tensor::of<int64_t>({2}, {0, 1}), Tensor::of<int64_t>({2}, {0, 2})});
  EXPECT_ERROR(InvalidArgument, "one level", encode_examples({{"a", nested}}));
}

TEST(ExampleEncodeTest, ReadsBack) {
  const Features features{
      {"i", Ragged::from_lists<int64_t>({{INT64_MIN, 0, 127, 128}, {}, {-1}})},
      {"s", Ragged::from_lists<std::string_view>({{"", "abc"}, {std::string_view("\0", 1)}, {}})}};
  const Bytes records = encode_examples(features);
  const std::vector<std::string_view> views{records[0], records[1], records[2]};
  const ParseSpec spec{{"i", RaggedFeature{.dtype = DType::kInt64}},
                       {"s", RaggedFeature{.dtype = DType::kString}}};
  EXPECT_EQ(text_of(parse_example(views, spec)), text_of(features));
}

}  // namespace
}  // namespace weft
