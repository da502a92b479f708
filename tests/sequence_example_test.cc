// Parsing and writing SequenceExamples: errors and where they are, other message types, threads.
// Values are in sequence_example_random_test.cc and in the golden tests.
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "base/cpu.h"
#include "base/thread_pool.h"
#include "tests/expect_error.h"
#include "tests/sequence_example_random.h"
#include "weft/example.h"

#if WEFT_HAVE_PROTOBUF
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "example.pb.h"
#endif

namespace weft {
namespace {

using testing::block;
using testing::entry;
using testing::floats;
using testing::ints;

std::string steps(const std::vector<std::string>& features) {
  std::string list;
  for (const std::string& feature : features) list += block(1, feature);
  return list;
}

std::string record(const std::string& context, const std::string& lists) {
  return block(1, context) + block(2, lists);
}

ParsedSequenceExamples parse(const std::vector<std::string>& records, const ParseSpec& lists,
                             const ParseOptions& options = {}) {
  const std::vector<std::string_view> views(records.begin(), records.end());
  return parse_sequence_example(views, {}, lists, options);
}

const ParseSpec kIds{{"ids", VarLenFeature{DType::kInt64}}};
const ParseSpec kOneId{{"ids", FixedLenSequenceFeature{{}, DType::kInt64, false, {}}}};

Where where_of(const std::vector<std::string>& records, const ParseSpec& lists) {
  try {
    parse(records, lists);
  } catch (const Error& error) {
    return error.where();
  }
  return {};
}

TEST(SequenceExample, ErrorsSayWhere) {
  const std::string good = record("", entry("ids", steps({ints({1})})));
  const std::string two = record("", entry("ids", steps({ints({1}), ints({2, 3})})));
  Where where = where_of({good, two}, kOneId);
  EXPECT_EQ(where.key, "ids");
  EXPECT_EQ(where.row, 1);
  EXPECT_EQ(where.step, 1);
  EXPECT_EQ(where.offset, static_cast<int64_t>(two.size()) - 8);
  where = where_of({good, record("", entry("ids", steps({ints({1}), floats({2})})))}, kIds);
  EXPECT_EQ(where.step, 1);
  EXPECT_EQ(where.row, 1);
  const std::string cut = block(3, block(1, "\x80"));
  where =
      where_of({good, good, record("", entry("ids", steps({ints({1}), ints({4}), cut})))}, kIds);
  EXPECT_EQ(where.key, "ids");
  EXPECT_EQ(where.row, 2);
  EXPECT_EQ(where.step, 2);
  EXPECT_GT(where.offset, 20);
  EXPECT_ERROR(CorruptData, "no tf.SequenceExample", parse({"\x12\x05"}, kIds));
  EXPECT_ERROR(InvalidArgument, "required", parse({good, ""}, kOneId));
  EXPECT_ERROR(InvalidArgument, "where the spec reads float32",
               parse({good}, {{"ids", RaggedFeature{.dtype = DType::kFloat32}}}));
}

TEST(SequenceExample, RefusesSpecsThatCannotWork) {
  EXPECT_ERROR(InvalidArgument, "no feature", parse({}, {}));
  EXPECT_ERROR(InvalidArgument, "Unsupported FixedLenFeature",
               parse({}, {{"a", FixedLenFeature{{}, DType::kInt64, {}}}}));
  EXPECT_ERROR(InvalidArgument, "Unsupported SparseFeature",
               parse({}, {{"a", SparseFeature{{"i"}, "v", DType::kInt64, {3}}}}));
  EXPECT_ERROR(InvalidArgument, "no elements",
               parse({}, {{"a", FixedLenSequenceFeature{{0}, DType::kInt64, true, {}}}}));
  EXPECT_ERROR(WrongType, "int32", parse({}, {{"a", VarLenFeature{DType::kInt32}}}));
}

TEST(SequenceExample, NamesOtherMessages) {
  const std::string example = testing::example({entry("ids", ints({1, 2}))});
  EXPECT_ERROR(InvalidArgument, "a tf.Example, not a tf.SequenceExample", parse({example}, kIds));
  EXPECT_EQ(std::get<SparseTensor>(parse({example}, kIds, {.strict = false}).lists.at("ids"))
                .dense_shape(),
            (Shape{1, 0, 0}));
  const std::string with_context = block(1, example) + block(2, example);
  EXPECT_ERROR(Error, "ExampleListWithContext", parse({with_context}, kIds));
  EXPECT_NO_THROW(parse({testing::example({entry("other", ints({1}))}), "", block(1, "")}, kIds));
}

TEST(SequenceExample, KeepsToLimits) {
  const std::string many = record("", entry("ids", steps(std::vector<std::string>(50, ""))));
  ParseOptions options;
  options.limits.max_batch_values = 49;
  EXPECT_ERROR(LimitExceeded, "max_batch_values", parse({many}, kIds, options));
  options.limits.max_keys = 1;
  EXPECT_ERROR(LimitExceeded, "max_keys",
               parse({record(entry("a", ints({1})), entry("ids", ""))}, kIds, options));
  options = {};
  options.limits.max_empty_rows = 10;
  const ParseSpec rows{
      {"v", RaggedFeature{.dtype = DType::kInt64,
                          .partitions = {{RowPartition::Kind::kValueRowIds, "n"}}}}};
  const std::string seven = steps({ints({1}), ints({1})}), ids = steps({ints({7}), ints({7})});
  EXPECT_ERROR(LimitExceeded, "max_empty_rows",
               parse({record("", entry("v", seven) + entry("n", ids))}, rows, options));
}

TEST(SequenceExample, OneParserServesManyThreads) {
  testing::RandomSequenceExample random(9, 1);
  const SequenceExampleParser parser({}, testing::random_list_spec(false), {.strict = false});
  std::vector<std::string> records;
  while (records.size() < 60) {
    const std::string one = random.record({"i0"}, testing::random_list_keys());
    const std::string_view view = one;
    const std::string found = testing::outcome([&] { return parser.parse({&view, 1}); });
    if (found != "malformed" && found != "unfit") records.push_back(one);
  }
  const std::vector<std::string_view> views(records.begin(), records.end());
  const int threads_before = base::num_threads();
  base::set_num_threads(2);
  const std::string expected = testing::text_of(parser.parse(views));
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (size_t k = 0; k < wrong.size(); ++k) {
    threads.emplace_back([&, k] {
      for (int i = 0; i < 5; ++i) wrong[k] += testing::text_of(parser.parse(views)) != expected;
    });
  }
  for (std::thread& thread : threads) thread.join();
  base::set_num_threads(threads_before);
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

// Frames that say one thing and bytes that say another: what the fast path must not take for ids.
TEST(SequenceExample, ReadsFramesThatLookLikeIds) {
  const base::Isa isa = base::isa();
  std::vector<std::string> odd{
      std::string("\x0a\x86\x00\x1a\x04\x0a\x02\x85\x01", 9),  // a longer length of the step
      std::string("\x0a\x05\x1a\x03\x0a\x01\x85", 7),          // a varint that does not end
      std::string("\x0a\x07\x1a\x05\x0a\x03\x81\x02\x03", 9),  // two values
      std::string("\x0a\x06\x1a\x05\x0a\x03\x81\x82\x03", 9),  // a step too short
      std::string("\x0a\x07\x12\x05\x0a\x03\x81\x82\x03", 9),  // another kind
      std::string("\x0a\x07\x1a\x05\x12\x03\x81\x82\x03", 9),  // an unknown field
      std::string("\x0a\x0e\x1a\x0c\x0a\x0a", 6) + std::string(9, '\x81') + '\1',
      std::string("\x0a\x0f\x1a\x0d\x0a\x0b", 6) + std::string(10, '\x81') + '\1',
      std::string("\x0a\x07\x00\x05\x0a\x03\x81\x82\x03", 9),  // a field of number 0
      // Of the size that the frame says, but for a high bit in the frame.
      std::string("\x0a\x86\x06\x1a\x04\x0a\x02\x05", 8),
      std::string("\x0a\x06\x1a\x84\x04\x0a\x02\x05", 8),
      std::string("\x0a\x06\x1a\x04\x8a\x0a\x02\x05", 8),
      std::string("\x0a\x06\x1a\x04\x0a\x82\x02\x05", 8),
      std::string("\x8a\x0a\x06\x1a\x04\x0a\x02\x05", 8),
      std::string("\x0a\x02\x1a\x00", 4),
      std::string("\x0a\x00", 2),
  };
  for (const std::string& step : odd) {
    for (int before = 0; before < 36; ++before) {
      std::string list;
      for (int i = 0; i < before / 3; ++i) list += block(1, ints({int64_t{1} << 7 * (before % 3)}));
      list += step;
      for (int i = 0; i < 12; ++i) list += block(1, ints({i}));
      const std::string one = record("", entry("ids", list));
      const std::string_view view = one;
      const std::string expected =
          testing::outcome([&] { return reference::parse_sequence_example({&view, 1}, {}, kIds); });
      for (base::Isa each : {base::Isa::kPlain, base::Isa::kV2, base::Isa::kV3, base::Isa::kV4}) {
        if (each > base::best_isa()) continue;
        base::set_isa(each);
        EXPECT_EQ(testing::outcome([&] { return parse({one}, kIds); }), expected)
            << base::isa_name(each) << " " << escape_bytes(step) << " after " << before;
      }
    }
  }
  base::set_isa(isa);
}

#if WEFT_HAVE_PROTOBUF
TEST(SequenceExample, IsWrittenAsProtobufWritesIt) {
  const auto text = Tensor::strings({2}, Bytes::from(std::vector<std::string_view>{"a", ""}));
  const std::string written = encode_sequence_example(
      {{"n", Tensor::of<int64_t>({2}, {int64_t{1}, int64_t{-1}})}, {"s", text}},
      {{"ids", Ragged::from_lists<int64_t>({{1}, {}, {300, 7}})},
       {"x", Tensor::of<float>({2, 2}, {1.f, 2.f, 3.f, 4.f})}});
  oracle::SequenceExample message;
  ASSERT_TRUE(message.ParseFromString(written));
  EXPECT_EQ(message.feature_lists().feature_list().at("ids").feature(2).int64_list().value(0), 300);
  EXPECT_EQ(message.feature_lists().feature_list().at("x").feature(1).float_list().value(1), 4.f);
  std::string again;
  {
    google::protobuf::io::StringOutputStream stream(&again);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    ASSERT_TRUE(message.SerializeToCodedStream(&coded));
  }
  EXPECT_EQ(again, written);
  const DecodedSequenceExample decoded = decode_sequence_example(written);
  EXPECT_EQ(encode_sequence_example(decoded.context,
                                    {decoded.feature_lists.begin(), decoded.feature_lists.end()}),
            written);
}
#endif

}  // namespace
}  // namespace weft
