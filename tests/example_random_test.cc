// weft's parser against the slow one of reference_example.h, on every instruction set, with records
// that end at a page that may not be read.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "tests/example_random.h"
#include "tests/example_spec.h"
#include "tests/parser_check.h"
#include "weft/example.h"

namespace weft {
namespace {

using testing::RandomExample;

const std::vector<std::string>& kKeys = testing::random_keys();

class ExampleRandomTest : public testing::ParserTest {
 protected:
  void check(const std::vector<std::string>& records) {
    check_against(
        records, [&](const auto& views) { return reference::parse_example(views, spec_); },
        [&](const auto& views) { return parser_.parse(views); });
  }

  ParseSpec spec_ = testing::random_spec(true);
  ExampleParser parser_{spec_};
};

TEST_F(ExampleRandomTest, OneRecord) {
  for (int odd : {0, 2, 10, 30}) {
    RandomExample random(static_cast<uint64_t>(odd) + 1, odd);
    for (int i = 0; i < 300; ++i) check({random.record(kKeys)});
  }
  EXPECT_GT(good_, 500);
  EXPECT_GT(unfit_, 50);
}

// decode_example says of each key what parse_example says when asked for it.
void check_decoded(const std::string& record) {
  std::map<std::string, Tensor, std::less<>> decoded;
  try {
    decoded = decode_example(record, {.strict = false});
  } catch (const CorruptData&) {
    const std::string_view one[] = {record};
    EXPECT_THROW(parse_example(one, {{"k", VarLenFeature{DType::kInt64}}}, {.strict = false}),
                 CorruptData);
    return;
  }
  for (const std::string& key : kKeys) {
    const auto found = decoded.find(key);
    const DType dtype = found == decoded.end() ? DType::kInt64 : found->second.dtype();
    const Features parsed =
        parse_single_example(record, {{key, RaggedFeature{.dtype = dtype}}}, {.strict = false});
    const Tensor& values = std::get<Tensor>(parsed.at(key));
    if (found == decoded.end()) {
      EXPECT_EQ(values.size(), 0) << key;
    } else {
      EXPECT_EQ(testing::text_of(found->second), testing::text_of(values)) << key;
    }
  }
}

TEST_F(ExampleRandomTest, DecodedWithoutASpec) {
  for (int odd : {0, 10}) {
    RandomExample random(static_cast<uint64_t>(odd) + 50, odd);
    for (int i = 0; i < 300; ++i) {
      const std::string record = random.record(kKeys);
      check_decoded(record);
      check_decoded(random.damaged(record));
    }
  }
}

TEST_F(ExampleRandomTest, OneDamagedRecord) {
  for (int odd : {0, 5}) {
    RandomExample random(static_cast<uint64_t>(odd) + 100, odd);
    for (int i = 0; i < 1500; ++i) check({random.damaged(random.record(kKeys))});
  }
  EXPECT_GT(good_, 300);
  EXPECT_GT(malformed_, 300);
}

// Without oddities nearly every list is fit for the spec that reads any length.
TEST_F(ExampleRandomTest, Batches) {
  spec_ = testing::random_spec(false);
  parser_ = ExampleParser(spec_);
  for (int odd : {0, 1, 5}) {
    RandomExample random(static_cast<uint64_t>(odd) + 200, odd);
    for (size_t rows : {0u, 2u, 9u, 40u, 200u}) {
      for (int threads : {1, 4}) {
        base::set_num_threads(threads);
        std::vector<std::string> records;
        for (size_t i = 0; i < rows; ++i) records.push_back(random.record(kKeys));
        check(records);
      }
    }
  }
  EXPECT_GT(good_, 12);
}

}  // namespace
}  // namespace weft
