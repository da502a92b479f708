#include "weft/example.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/example_bytes.h"
#include "tests/expect_error.h"
#include "tests/same_features.h"

namespace weft {
namespace {

using namespace testing;  // the wire writer
using Records = std::vector<std::string>;
using Kind = RowPartition::Kind;

Features parse(const Records& records, const ParseSpec& spec, const ParseOptions& options = {}) {
  const std::vector<std::string_view> views(records.begin(), records.end());
  return parse_example(views, spec, options);
}

template <class T>
std::vector<T> vec(std::span<const T> values) {
  return {values.begin(), values.end()};
}

template <class T>
std::vector<T> values(const Tensor& tensor) {
  return vec(tensor.values<T>());
}

std::vector<std::string> texts(const Tensor& tensor) {
  std::vector<std::string> all;
  for (int64_t i = 0; i < tensor.size(); ++i) all.emplace_back(tensor.bytes()[i]);
  return all;
}

Tensor one_string(std::string_view text) {
  return Tensor::strings({}, Bytes::from(std::vector<std::string_view>{text}));
}

using Ints = std::vector<int64_t>;
using Floats = std::vector<float>;

TEST(ExampleTest, VarLenHoldsRows) {
  const Features features =
      parse({example({entry("k", ints({3, 1, 4}))}), example({entry("k", ints({}))}), "",
             example({entry("k", "")}),
             example({entry("other", ints({9})), entry("k", ints({INT64_MIN, -1}))})},
            {{"k", VarLenFeature{DType::kInt64}}});
  const auto& sparse = std::get<SparseTensor>(features.at("k"));
  EXPECT_EQ(sparse.dense_shape(), (Shape{5, 3}));
  ASSERT_NE(sparse.rows(), nullptr);
  EXPECT_EQ(vec(sparse.rows()->row_splits()), (Ints{0, 3, 3, 3, 3, 5}));
  EXPECT_EQ(values<int64_t>(sparse.values()), (Ints{3, 1, 4, INT64_MIN, -1}));
  EXPECT_EQ(values<int64_t>(sparse.indices()), (Ints{0, 0, 0, 1, 0, 2, 4, 0, 4, 1}));
}

TEST(ExampleTest, StringsKeepEveryByte) {
  const std::string nul("a\0", 2), wide(300, 'w');
  const Features features = parse(
      {example({entry("k", strings({nul, "", wide}))}), example({entry("k", strings({"\xff"}))})},
      {{"k", RaggedFeature{.dtype = DType::kString}}});
  EXPECT_EQ(texts(std::get<Ragged>(features.at("k")).values()),
            (std::vector<std::string>{nul, "", wide, "\xff"}));
}

TEST(ExampleTest, FixedLenTakesDefaults) {
  const Records records{example({entry("k", ints({1, 2, 3, 4})), entry("s", strings({"x"}))}), "",
                        example({entry("k", ""), entry("f", floats({2.5f}))})};
  const Features features =
      parse(records,
            {{"k", FixedLenFeature{{2, 2}, DType::kInt64, Tensor::of<int64_t>({4}, {9, 8, 7, 6})}},
             {"f", FixedLenFeature{{}, DType::kFloat32, Tensor::of<float>({}, {-1.0f})}},
             {"s", FixedLenFeature{{1}, DType::kString, one_string("none")}}});
  const auto& k = std::get<Tensor>(features.at("k"));
  EXPECT_EQ(k.shape(), (Shape{3, 2, 2}));
  EXPECT_EQ(values<int64_t>(k), (Ints{1, 2, 3, 4, 9, 8, 7, 6, 9, 8, 7, 6}));
  EXPECT_EQ(values<float>(std::get<Tensor>(features.at("f"))), (Floats{-1.0f, -1.0f, 2.5f}));
  EXPECT_EQ(std::get<Tensor>(features.at("s")).shape(), (Shape{3, 1}));
  EXPECT_EQ(texts(std::get<Tensor>(features.at("s"))),
            (std::vector<std::string>{"x", "none", "none"}));
}

TEST(ExampleTest, FixedLenOfNoElements) {
  const ParseSpec spec{{"k", FixedLenFeature{{0}, DType::kInt64, {}}}};
  EXPECT_EQ(std::get<Tensor>(parse({example({entry("k", ints({}))})}, spec).at("k")).shape(),
            (Shape{1, 0}));
  EXPECT_ERROR(InvalidArgument, "required", parse({""}, spec));
}

TEST(ExampleTest, SequencesArePadded) {
  const Records records{example({entry("k", ints({1, 2, 3, 4}))}),
                        example({entry("k", ints({5, 6}))}), "", example({entry("k", ints({}))})};
  const ParseSpec spec{
      {"k", FixedLenSequenceFeature{{2}, DType::kInt64, true, Tensor::of<int64_t>({1}, {9})}}};
  const Features features = parse(records, spec);
  const auto& k = std::get<Tensor>(features.at("k"));
  EXPECT_EQ(k.shape(), (Shape{4, 2, 2}));
  EXPECT_EQ(values<int64_t>(k), (Ints{1, 2, 3, 4, 5, 6, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9}));
  EXPECT_EQ(std::get<Tensor>(parse({"", ""}, spec).at("k")).shape(), (Shape{2, 0, 2}));
  EXPECT_EQ(std::get<Tensor>(parse({}, spec).at("k")).shape(), (Shape{0, 0, 2}));
}

TEST(ExampleTest, SequencesOfStringsArePadded) {
  const Records records{example({entry("k", strings({"a", "bc"}))}), "",
                        example({entry("k", strings({"d"}))})};
  const Features features =
      parse(records, {{"k", FixedLenSequenceFeature{{}, DType::kString, true, one_string("pad")}}});
  EXPECT_EQ(texts(std::get<Tensor>(features.at("k"))),
            (std::vector<std::string>{"a", "bc", "pad", "pad", "d", "pad"}));
}

TEST(ExampleTest, EmptyBatch) {
  const Features features = parse({}, {{"a", VarLenFeature{DType::kString}},
                                       {"b", FixedLenFeature{{2}, DType::kString, {}}},
                                       {"c", FixedLenFeature{{}, DType::kInt64, {}}},
                                       {"d", RaggedFeature{.dtype = DType::kFloat32}}});
  EXPECT_EQ(std::get<SparseTensor>(features.at("a")).dense_shape(), (Shape{0, 0}));
  EXPECT_EQ(std::get<Tensor>(features.at("b")).shape(), (Shape{0, 2}));
  EXPECT_EQ(std::get<Tensor>(features.at("c")).shape(), (Shape{0}));
  EXPECT_EQ(std::get<Ragged>(features.at("d")).rows(), 0);
}

TEST(ExampleTest, ManyRowsOnManyRanges) {
  Records records;
  for (int i = 0; i < 5000; ++i) {
    records.push_back(example(
        {entry("n", ints({i})), entry("h", ints(Ints(static_cast<size_t>(i % 7), i * 1000))),
         entry("s", strings(Records(static_cast<size_t>(i % 3), std::to_string(i))))}));
  }
  const Features features = parse(records, {{"n", FixedLenFeature{{}, DType::kInt64, {}}},
                                            {"h", VarLenFeature{DType::kInt64}},
                                            {"s", RaggedFeature{.dtype = DType::kString}}});
  const auto& h = *std::get<SparseTensor>(features.at("h")).rows();
  const auto& s = std::get<Ragged>(features.at("s"));
  for (int64_t i = 0; i < 5000; ++i) {
    const auto at = static_cast<size_t>(i);
    ASSERT_EQ(std::get<Tensor>(features.at("n")).values<int64_t>()[at], i);
    ASSERT_EQ(h.row_splits()[at + 1] - h.row_splits()[at], i % 7);
    for (int64_t k = h.row_splits()[at]; k < h.row_splits()[at + 1]; ++k) {
      ASSERT_EQ(h.values<int64_t>()[static_cast<size_t>(k)], i * 1000);
    }
    for (int64_t k = s.row_splits()[at]; k < s.row_splits()[at + 1]; ++k) {
      ASSERT_EQ(s.values().bytes()[k], std::to_string(i));
    }
  }
}

TEST(ExampleTest, Single) {
  const std::string record = example({entry("v", ints({7, 8})), entry("f", floats({1, 2})),
                                      entry("t", strings({"x"})), entry("p", ints({1, 1}))});
  const ParseSpec spec{{"v", VarLenFeature{DType::kInt64}},
                       {"f", FixedLenFeature{{2, 1}, DType::kFloat32, {}}},
                       {"t", FixedLenSequenceFeature{{}, DType::kString, true, {}}},
                       {"p", RaggedFeature{.dtype = DType::kInt64}}};
  const Features features = parse_single_example(record, spec);
  const auto& v = std::get<SparseTensor>(features.at("v"));
  EXPECT_EQ(v.dense_shape(), Shape{2});
  EXPECT_EQ(v.indices().shape(), (Shape{2, 1}));
  EXPECT_EQ(values<int64_t>(v.indices()), (Ints{0, 1}));
  EXPECT_EQ(std::get<Tensor>(features.at("f")).shape(), (Shape{2, 1}));
  EXPECT_EQ(std::get<Tensor>(features.at("t")).shape(), Shape{1});
  EXPECT_EQ(values<int64_t>(std::get<Tensor>(features.at("p"))), (Ints{1, 1}));
}

TEST(ExampleTest, PartitionsOfEveryKind) {
  // 3 1 | 4 | | 1 5 9 and 2 | 6
  const std::vector<std::pair<Kind, std::pair<Ints, Ints>>> kinds{
      {Kind::kRowSplits, {{0, 2, 3, 3, 6}, {0, 1, 2}}},
      {Kind::kRowLengths, {{2, 1, 0, 3}, {1, 1}}},
      {Kind::kRowStarts, {{0, 2, 3, 3}, {0, 1}}},
      {Kind::kRowLimits, {{2, 3, 3, 6}, {1, 2}}},
      {Kind::kValueRowIds, {{0, 0, 1, 3, 3, 3}, {0, 1}}},
  };
  for (const auto& [kind, parts] : kinds) {
    const Records records{
        example({entry("v", ints({3, 1, 4, 1, 5, 9})), entry("p", ints(parts.first))}), "",
        example({entry("p", ints(parts.second)), entry("v", ints({2, 6}))})};
    const ParseSpec spec{
        {"r",
         RaggedFeature{.dtype = DType::kInt64, .value_key = "v", .partitions = {{kind, "p", 0}}}}};
    const auto r = std::get<Ragged>(parse(records, spec).at("r"));
    ASSERT_EQ(r.levels(), 2);
    EXPECT_EQ(vec(r.row_splits(0)), (Ints{0, 4, 4, 6}));
    EXPECT_EQ(vec(r.row_splits(1)), (Ints{0, 2, 3, 3, 6, 7, 8}));
    EXPECT_EQ(values<int64_t>(r.values()), (Ints{3, 1, 4, 1, 5, 9, 2, 6}));
    const auto one = std::get<Ragged>(parse_single_example(records[0], spec).at("r"));
    ASSERT_EQ(one.levels(), 1);
    EXPECT_EQ(vec(one.row_splits(0)), (Ints{0, 2, 3, 3, 6}));
  }
}

TEST(ExampleTest, NestedAndUniformPartitions) {
  const Records records{
      example({entry("v", ints({1, 2, 3, 4, 5})), entry("s", ints({0, 2, 3, 5, 5}))}),
      example({entry("v", ints({6})), entry("s", ints({0, 0, 1}))})};
  const RowPartition uniform{Kind::kUniformRowLength, "", 2}, splits{Kind::kRowSplits, "s", 0};
  const auto spec = [](std::vector<RowPartition> partitions) {
    return ParseSpec{
        {"v", RaggedFeature{
                  .dtype = DType::kInt64, .value_key = "", .partitions = std::move(partitions)}}};
  };
  const auto outside = std::get<Ragged>(parse(records, spec({uniform, splits})).at("v"));
  ASSERT_EQ(outside.levels(), 3);
  EXPECT_EQ(vec(outside.row_splits(0)), (Ints{0, 2, 3}));
  EXPECT_EQ(vec(outside.row_splits(1)), (Ints{0, 2, 4, 6}));
  EXPECT_EQ(vec(outside.row_splits(2)), (Ints{0, 2, 3, 5, 5, 5, 6}));

  const Records six{example({entry("v", ints({1, 2, 3, 4, 5, 6})), entry("s", ints({0, 1, 3}))})};
  const auto inside = std::get<Ragged>(parse(six, spec({splits, uniform})).at("v"));
  ASSERT_EQ(inside.levels(), 2);
  EXPECT_EQ(inside.values().shape(), (Shape{3, 2}));
  EXPECT_EQ(vec(inside.row_splits(1)), (Ints{0, 1, 3}));
  const auto only = std::get<Tensor>(parse_single_example(six[0], spec({uniform})).at("v"));
  EXPECT_EQ(only.shape(), (Shape{3, 2}));
  EXPECT_ERROR(InvalidArgument, "5 values in rows of UniformRowLength 2 (key 'v', row 0",
               parse(records, spec({uniform})));
}

TEST(ExampleTest, SparseFeatureIsSortedAndKeepsRepeats) {
  const Records records{
      example({entry("x", ints({3, 20, 3, 3})), entry("y", ints({1, 0, 0, 1})),
               entry("v", floats({1, 2, 3, 4}))}),
      "", example({entry("x", ints({0})), entry("y", ints({2})), entry("v", floats({5}))})};
  SparseFeature feature{
      .index_key = {"x", "y"}, .value_key = "v", .dtype = DType::kFloat32, .size = {100, 3}};
  const auto sparse = std::get<SparseTensor>(parse(records, {{"s", feature}}).at("s"));
  EXPECT_EQ(sparse.dense_shape(), (Shape{3, 100, 3}));
  EXPECT_EQ(values<int64_t>(sparse.indices()),
            (Ints{0, 3, 0, 0, 3, 1, 0, 3, 1, 0, 20, 0, 2, 0, 2}));
  EXPECT_EQ(values<float>(sparse.values()), (Floats{3, 1, 4, 2, 5}));
  feature.already_sorted = true;
  const auto as_is = std::get<SparseTensor>(parse(records, {{"s", feature}}).at("s"));
  EXPECT_EQ(values<float>(as_is.values()), (Floats{1, 2, 3, 4, 5}));
  const auto single =
      std::get<SparseTensor>(parse_single_example(records[2], {{"s", feature}}).at("s"));
  EXPECT_EQ(single.dense_shape(), (Shape{100, 3}));
  EXPECT_EQ(values<int64_t>(single.indices()), (Ints{0, 2}));
}

TEST(ExampleTest, SparseFeatureOfStrings) {
  const Records records{example({entry("x", ints({4, 2})), entry("v", strings({"four", "two"}))})};
  const SparseFeature feature{
      .index_key = {"x"}, .value_key = "v", .dtype = DType::kString, .size = {5}};
  const Features features = parse(records, {{"s", feature}, {"v", VarLenFeature{DType::kString}}});
  EXPECT_EQ(texts(std::get<SparseTensor>(features.at("s")).values()),
            (std::vector<std::string>{"two", "four"}));
  EXPECT_EQ(texts(std::get<SparseTensor>(features.at("v")).values()),
            (std::vector<std::string>{"four", "two"}));
}

TEST(ExampleTest, NamesWhatNoRecordHas) {
  std::vector<std::string> warnings;
  set_warning_handler([&](const std::string& text) { warnings.push_back(text); });
  const ExampleParser parser(
      {{"a", VarLenFeature{DType::kInt64}}, {"b", VarLenFeature{DType::kInt64}}});
  const std::string record = example({entry("a", ints({1}))});
  const std::vector<std::string_view> batch(500, record);
  parser.parse(batch);
  EXPECT_EQ(parser.absent_keys(), std::vector<std::string>{"b"});
  EXPECT_EQ(parser.rows_parsed(), 500);
  EXPECT_TRUE(warnings.empty());
  for (int i = 0; i < 5; ++i) parser.parse(batch);
  set_warning_handler({});
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("the feature 'b'"), std::string::npos);
}

}  // namespace
}  // namespace weft
