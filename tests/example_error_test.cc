// What is refused, as which error, and where it says that it is.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/example_bytes.h"
#include "tests/expect_error.h"
#include "weft/config.h"
#include "weft/example.h"

namespace weft {
namespace {

using namespace testing;  // the wire writer
using Records = std::vector<std::string>;
using Kind = RowPartition::Kind;

Features parse(const Records& records, const ParseSpec& spec, const ParseOptions& options = {}) {
  const std::vector<std::string_view> views(records.begin(), records.end());
  return parse_example(views, spec, options);
}

Tensor one_string(std::string_view text) {
  return Tensor::strings({}, Bytes::from(std::vector<std::string_view>{text}));
}

const ParseSpec kInts{{"k", VarLenFeature{DType::kInt64}}};
const std::string kGood = example({entry("k", ints({1, 2}))});

template <class Feature>
void expect_no_parser(const Feature& feature, const std::string& words) {
  EXPECT_ERROR(Error, words, ExampleParser({{"key", feature}}));
  EXPECT_ERROR(Error, "key 'key'", ExampleParser({{"key", feature}}));
}

TEST(ExampleErrorTest, SpecsThatCannotWork) {
  EXPECT_ERROR(InvalidArgument, "no feature", ExampleParser(ParseSpec{}));
  expect_no_parser(VarLenFeature{DType::kInt32}, "int32");
  expect_no_parser(FixedLenFeature{{}, DType::kFloat64, {}}, "float64");
  expect_no_parser(FixedLenFeature{{-1}, DType::kInt64, {}}, "negative dimension");
  expect_no_parser(FixedLenFeature{{2}, DType::kInt64, Tensor::of<int64_t>({3}, {1, 2, 3})},
                   "shape [3]");
  expect_no_parser(FixedLenFeature{{}, DType::kInt64, Tensor::of<float>({}, {1})}, "float32");
  expect_no_parser(FixedLenSequenceFeature{{}, DType::kInt64, false, {}}, "allow_missing");
  expect_no_parser(FixedLenSequenceFeature{{0}, DType::kInt64, true, {}}, "no elements");
  expect_no_parser(
      FixedLenSequenceFeature{{}, DType::kInt64, true, Tensor::of<int64_t>({2}, {1, 2})},
      "1 element");
  expect_no_parser(RaggedFeature{.dtype = DType::kInt64, .row_splits_dtype = DType::kFloat32},
                   "row_splits_dtype");
  expect_no_parser(
      RaggedFeature{.dtype = DType::kInt64, .partitions = {{Kind::kUniformRowLength, "", 0}}},
      "at least 1");
  expect_no_parser(SparseFeature{.index_key = {}, .value_key = "v", .size = {}},
                   "Missing index_key");
  expect_no_parser(SparseFeature{.index_key = {"i"}, .value_key = "", .size = {1}},
                   "Missing value_key");
  expect_no_parser(SparseFeature{.index_key = {"i"}, .value_key = "v", .size = {1, 2}}, "2 sizes");
  EXPECT_ERROR(InvalidArgument, "not UTF-8, as every key of an Example is (key '\\xff')",
               ExampleParser({{"\xff", VarLenFeature{DType::kInt64}}}));
}

TEST(ExampleErrorTest, OneKeyReadInTwoWays) {
  const SparseFeature sparse{
      .index_key = {"i"}, .value_key = "v", .dtype = DType::kFloat32, .size = {5}};
  EXPECT_ERROR(InvalidArgument, "float32 and as int64 (key 'i')",
               ExampleParser({{"i", VarLenFeature{DType::kFloat32}}, {"s", sparse}}));
  EXPECT_ERROR(InvalidArgument, "as sparse and as ragged",
               ExampleParser({{"k", VarLenFeature{DType::kInt64}},
                              {"r", RaggedFeature{.dtype = DType::kInt64, .value_key = "k"}}}));
}

TEST(ExampleErrorTest, WrongKindNamesBoth) {
  EXPECT_ERROR(InvalidArgument,
               "a list of string where the spec reads int64 (key 'k', row 1, byte 2)",
               parse({kGood, example({entry("k", strings({"x"}))}), kGood}, kInts));
  EXPECT_ERROR(InvalidArgument, "float32 where the spec reads int64",
               parse({example({entry("k", floats({}))})}, kInts));
}

TEST(ExampleErrorTest, FixedLen) {
  const ParseSpec spec{{"k", FixedLenFeature{{2}, DType::kInt64, {}}}};
  EXPECT_ERROR(InvalidArgument, "the feature 'k' (int64) is required", parse({kGood, ""}, spec));
  EXPECT_ERROR(InvalidArgument, "3 values where shape [2] takes 2 (key 'k', row 0, byte 8)",
               parse({example({entry("", ""), entry("k", ints({1, 2, 3}))})}, spec));
  const ParseSpec scalar{{"k", FixedLenFeature{{}, DType::kString, {}}}};
  EXPECT_ERROR(InvalidArgument, "0 values where shape [] takes 1",
               parse({example({entry("k", strings({}))})}, scalar));
  EXPECT_ERROR(InvalidArgument, "2 values where shape [] takes 1",
               parse({example({entry("k", strings({"", ""}))})}, scalar));
  const ParseSpec padded{{"k", FixedLenSequenceFeature{{2}, DType::kInt64, true, {}}}};
  EXPECT_ERROR(InvalidArgument, "3 values where shape [2] takes a multiple of 2 (key 'k', row 0",
               parse({example({entry("k", ints({1, 2, 3}))})}, padded));
}

TEST(ExampleErrorTest, MalformedSaysWhere) {
  const std::string cut = example({entry("k", block(kInt64List, block(1, "\x80")))});
  EXPECT_ERROR(CorruptData, "varint", parse({kGood, cut}, kInts));
  EXPECT_ERROR(CorruptData, "(key 'k', row 1, byte ", parse({kGood, cut}, kInts));
  const std::string unread = example({entry("other", block(kFloatList, block(1, "abc")))});
  EXPECT_ERROR(CorruptData, "no multiple of 4 (key 'other', row 0", parse({unread}, kInts));
  EXPECT_ERROR(CorruptData, "'\\xff' is not UTF-8",
               parse({example({entry("\xff", ints({1}))})}, kInts));
  EXPECT_ERROR(CorruptData, "no tf.Example", parse({"This is a line of text.\n"}, kInts));
  const std::string eleven =
      example({entry("k", block(kInt64List, block(1, std::string(10, '\x81') + "\x01")))});
  EXPECT_ERROR(CorruptData, "longer than 10 bytes (key 'k', row 0", parse({eleven}, kInts));
}

TEST(ExampleErrorTest, TheFirstBadRowIsToldOf) {
  const ParseSpec spec{{"a", FixedLenFeature{{}, DType::kInt64, Tensor::of<int64_t>({}, {0})}},
                       {"b", FixedLenFeature{{}, DType::kString, one_string("")}},
                       {"k", VarLenFeature{DType::kInt64}}};
  Records records(3000, kGood);
  records[2900] = "\x07";
  records[1503] = example({entry("k", strings({"x"}))});
  records[1502] = example({entry("a", ints({1, 2}))});
  records[1501] = example({entry("b", strings({}))});
  records[1500] = example({entry("k", block(kInt64List, block(1, "\x80")))});
  const int threads = num_threads();
  for (int n : {1, 2, 8}) {
    set_num_threads(n);
    for (int i = 0; i < 10; ++i) EXPECT_ERROR(CorruptData, "row 1500", parse(records, spec));
  }
  records[1500] = kGood;
  EXPECT_ERROR(InvalidArgument, "0 values where shape [] takes 1 (key 'b', row 1501",
               parse(records, spec));
  set_num_threads(threads);
}

TEST(ExampleErrorTest, OtherMessageTypes) {
  const std::string lists = block(2, block(1, block(1, "h") + block(2, block(1, ints({7})))));
  EXPECT_ERROR(InvalidArgument, "SequenceExample, not a tf.Example",
               parse({kGood, kGood + lists}, kInts));
  EXPECT_ERROR(InvalidArgument, "SequenceExample", parse({lists}, kInts));
  const std::string elwc = block(1, kGood) + block(1, kGood) + block(2, kGood);
  EXPECT_ERROR(Error, "ExampleListWithContext, not a tf.Example", parse({elwc}, kInts));
  EXPECT_ERROR(Error, "ExampleListWithContext", parse({block(1, kGood)}, kInts));

  std::vector<std::string> warnings;
  set_warning_handler([&](const std::string& text) { warnings.push_back(text); });
  const ExampleParser lenient(kInts, {.strict = false});
  const std::string sequence = kGood + lists;
  const std::string_view records[] = {kGood, sequence};
  const Features features = lenient.parse(records);
  lenient.parse(records);
  set_warning_handler({});
  EXPECT_EQ(std::get<SparseTensor>(features.at("k")).values().size(), 4);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("record 1 of a batch is a SequenceExample"), std::string::npos);
}

TEST(ExampleErrorTest, UnknownFieldTwoIsNoOtherMessage) {
  for (const std::string& field : {tag(2, 0) + "\x05", block(2, "abc"), block(2, "")}) {
    EXPECT_EQ(std::get<SparseTensor>(parse({kGood + field}, kInts).at("k")).values().size(), 2);
  }
}

TEST(ExampleErrorTest, Partitions) {
  const auto refuse = [](Kind kind, const std::vector<int64_t>& partition,
                         const std::string& words) {
    const Records records{example({entry("v", ints({1, 2, 3})), entry("p", ints({3}))}),
                          example({entry("v", ints({1, 2, 3})), entry("p", ints(partition))})};
    const ParseSpec spec{
        {"v",
         RaggedFeature{.dtype = DType::kInt64, .value_key = "", .partitions = {{kind, "p", 0}}}}};
    EXPECT_ERROR(InvalidArgument, words, parse_single_example(records[1], spec));
  };
  refuse(
      Kind::kRowSplits, {1, 3},
      "ragged feature 'v': row_splits must start at 0, not at 1 (key 'p', row 0, step 0, byte 16)");
  refuse(Kind::kRowSplits, {0, 2, 1, 3}, "decreases from 2 to 1");
  refuse(Kind::kRowSplits, {0, 2}, "covers 2 of 3 values");
  refuse(Kind::kRowSplits, {0, 4}, "past the 3 values");
  refuse(Kind::kRowSplits, {}, "at least one entry");
  refuse(Kind::kRowLengths, {4, -1}, "past the 3 values");
  refuse(Kind::kRowLengths, {-1, 4}, "a row length of -1");
  refuse(Kind::kRowLengths, {1, INT64_MAX}, "past the 3 values");
  refuse(Kind::kRowStarts, {1, 2}, "must start at 0");
  refuse(Kind::kRowStarts, {0, 5}, "past the 3 values");
  refuse(Kind::kRowLimits, {2, 1}, "decreases from 2 to 1");
  refuse(Kind::kRowLimits, {1, 2}, "covers 2 of 3");
  refuse(Kind::kValueRowIds, {0, 1, 0}, "row ids decrease from 1 to 0");
  refuse(Kind::kValueRowIds, {-1, 0, 0}, "a row id of -1");
  refuse(Kind::kValueRowIds, {0, 1}, "2 row ids for 3 values");
  const ParseSpec ids{{"v", RaggedFeature{.dtype = DType::kInt64,
                                          .value_key = "",
                                          .partitions = {{Kind::kValueRowIds, "p", 0}}}}};
  EXPECT_ERROR(
      LimitExceeded, "a row id of 1099511627776",
      parse({example({entry("v", ints({1})), entry("p", ints({int64_t{1} << 40}))})}, ids));
}

TEST(ExampleErrorTest, SparseIndices) {
  const ParseSpec spec{
      {"s", SparseFeature{
                .index_key = {"i"}, .value_key = "v", .dtype = DType::kFloat32, .size = {100}}}};
  const auto record = [](const std::vector<int64_t>& indices, const std::vector<float>& values) {
    return example({entry("i", ints(indices)), entry("v", floats(values))});
  };
  EXPECT_ERROR(OutOfRange, "index -1 outside [0, 100) (key 'i', row 1, step 1, byte 2)",
               parse({record({1}, {1}), record({2, -1}, {1, 2})}, spec));
  EXPECT_ERROR(OutOfRange, "index 100 outside", parse({record({100}, {1})}, spec));
  EXPECT_ERROR(InvalidArgument, "2 indices for the 1 values of 'v' (key 'i', row 0",
               parse({record({1, 2}, {1})}, spec));
  // Counts that fit over the batch alone.
  EXPECT_ERROR(InvalidArgument, "2 indices for the 1 values",
               parse({record({1, 2}, {1}), record({3}, {2, 3})}, spec));
}

TEST(ExampleErrorTest, LimitsBeforeMemory) {
  const std::string record = example({entry("k", ints({1, 2})), entry("l", ints({1}))});
  EXPECT_ERROR(LimitExceeded, "max_record_bytes = 10",
               parse({record}, kInts, {.limits = {.max_record_bytes = 10}}));
  EXPECT_ERROR(LimitExceeded, "max_keys = 1", parse({record}, kInts, {.limits = {.max_keys = 1}}));
  EXPECT_ERROR(LimitExceeded, "max_batch_values = 3 (key 'k')",
               parse({record, record}, kInts, {.limits = {.max_batch_values = 3}}));
  EXPECT_ERROR(
      LimitExceeded, "max_batch_values = 9",
      parse({record},
            {{"f", FixedLenFeature{{10}, DType::kInt64, Tensor::zeros(DType::kInt64, {10})}}},
            {.limits = {.max_batch_values = 9}}));
  // Padding counts.
  const ParseSpec padded{{"k", FixedLenSequenceFeature{{}, DType::kInt64, true, {}}}};
  EXPECT_ERROR(LimitExceeded, "5 rows of 2 values",
               parse({record, "", "", "", ""}, padded, {.limits = {.max_batch_values = 9}}));
  const ParseSpec rows{
      {"k", RaggedFeature{.dtype = DType::kInt64,
                          .partitions = {{RowPartition::Kind::kValueRowIds, "p"}}}}};
  const std::string gap = example({entry("k", ints({1})), entry("p", ints({70'000}))});
  EXPECT_ERROR(LimitExceeded, "a row id of 70000 for 1 values leaves more than max_empty_rows",
               parse({gap}, rows));
  EXPECT_NO_THROW(parse({gap}, rows, {.limits = {.max_empty_rows = 70'000}}));
}

}  // namespace
}  // namespace weft
