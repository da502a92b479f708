// weft's parser of SequenceExamples against the slow one of reference_sequence_example.h, on every
// instruction set and any number of threads, with records that end at a page that may not be read.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "tests/parser_check.h"
#include "tests/sequence_example_random.h"
#include "weft/example.h"

namespace weft {
namespace {

using testing::outcome;
using testing::RandomSequenceExample;

class SequenceExampleRandomTest : public testing::ParserTest {
 protected:
  std::string record(RandomSequenceExample& random) {
    return random.record({"i0", "f0", "s0", "i_scalar", "i_unread"}, testing::random_list_keys());
  }

  void check(const std::vector<std::string>& records) {
    check_against(
        records,
        [&](const auto& views) {
          return reference::parse_sequence_example(views, parser_.context_spec(),
                                                   parser_.list_spec());
        },
        [&](const auto& views) { return parser_.parse(views); });
  }

  void read(bool fixed) {
    ParseSpec context{{"i0", VarLenFeature{DType::kInt64}},
                      {"f0", RaggedFeature{.dtype = DType::kFloat32}},
                      {"s0", VarLenFeature{DType::kString}}};
    if (fixed)
      context["i_scalar"] =
          FixedLenFeature{{}, DType::kInt64, Tensor::of<int64_t>({}, {int64_t{-5}})};
    parser_ = SequenceExampleParser(context, testing::random_list_spec(fixed), {.strict = false});
  }

  SequenceExampleParser parser_{{}, testing::random_list_spec(false), {.strict = false}};
};

TEST_F(SequenceExampleRandomTest, OneRecord) {
  for (int odd : {0, 1, 5, 20}) {
    for (bool fixed : {false, true}) {
      read(fixed);
      RandomSequenceExample random(static_cast<uint64_t>(odd) + 1, odd);
      for (int i = 0; i < 150; ++i) check({record(random)});
    }
  }
  EXPECT_GT(good_, 300);
  EXPECT_GT(unfit_, 50);
}

TEST_F(SequenceExampleRandomTest, OneDamagedRecord) {
  for (int odd : {0, 2}) {
    read(false);
    RandomSequenceExample random(static_cast<uint64_t>(odd) + 100, odd);
    for (int i = 0; i < 700; ++i) check({random.damaged(record(random))});
  }
  EXPECT_GT(good_, 100);
  EXPECT_GT(malformed_, 200);
}

TEST_F(SequenceExampleRandomTest, Batches) {
  for (int odd : {0, 1}) {
    RandomSequenceExample random(static_cast<uint64_t>(odd) + 200, odd);
    for (size_t rows : {0u, 2u, 9u, 60u}) {
      for (int threads : {1, 2, 5}) {
        base::set_num_threads(threads);
        std::vector<std::string> records;
        while (records.size() < rows) {
          const std::string one = record(random);
          const std::string_view view = one;
          const std::string alone = outcome([&] { return parser_.parse({&view, 1}); });
          if (alone != "unfit" && alone != "malformed") records.push_back(one);
        }
        check(records);
      }
    }
  }
  EXPECT_EQ(good_, 24);
}

}  // namespace
}  // namespace weft
