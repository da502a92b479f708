// Lookup and building, against std::unordered_map and std::map, on every instruction set.
#include "weft/vocabulary.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/cpu.h"
#include "expect_error.h"
#include "guarded.h"
#include "record_files.h"
#include "vocabularies.h"
#include "vocabulary/lookup_kernel.h"

namespace weft {
namespace {

using testing::Guarded;
using testing::Ids;
using testing::int64_tensor;
using testing::look_up;
using testing::numbers;
using testing::string_tensor;
using testing::texts;

class VocabularyLookup : public ::testing::TestWithParam<base::Isa> {
 protected:
  void SetUp() override {
    if (GetParam() > base::best_isa()) GTEST_SKIP() << "not on this processor";
    before_ = base::isa();
    base::set_isa(GetParam());
  }
  void TearDown() override { base::set_isa(before_); }

 private:
  base::Isa before_ = base::isa();
};

INSTANTIATE_TEST_SUITE_P(AllIsas, VocabularyLookup,
                         ::testing::Values(base::Isa::kPlain, base::Isa::kV2, base::Isa::kV3,
                                           base::Isa::kV4),
                         [](const auto& test) { return base::isa_name(test.param); });

// Distinct values of `draw`, in the order in which they came.
template <class T, class Draw>
std::vector<T> distinct(size_t n, const Draw& draw) {
  std::vector<T> entries;
  std::unordered_map<T, bool> seen;
  for (size_t i = 0; i < 20 * n && entries.size() < n; ++i) {
    T value = draw();
    if (seen.emplace(value, true).second) entries.push_back(std::move(value));
  }
  return entries;
}

template <class T>
Ids expected(const std::vector<T>& entries, const std::vector<T>& keys) {
  std::unordered_map<T, int64_t> ids;
  for (const T& entry : entries) ids.emplace(entry, ids.size());
  Ids found;
  for (const T& key : keys) found.push_back(ids.contains(key) ? ids[key] : -1);
  return found;
}

TEST_P(VocabularyLookup, AgreesOnIntegers) {
  std::mt19937_64 random(1);
  const std::vector<std::function<int64_t()>> draws = {
      [&] { return static_cast<int64_t>(random()); },
      [&] { return static_cast<int64_t>(random() % 5000) - 2500; },
      [&] { return static_cast<int64_t>(random() % 5000) << 40; },
      [&] { return static_cast<int64_t>(random() % 5000 * 0x100000001); },
      [&] { return std::numeric_limits<int64_t>::min() + static_cast<int64_t>(random() % 9000); }};
  for (const auto& draw : draws) {
    for (size_t size : {0, 1, 2, 5, 6, 33, 700, 3000}) {
      const auto entries = distinct<int64_t>(size, draw);
      const auto vocabulary = Vocabulary::from_entries(int64_tensor(entries));
      for (size_t n : {0, 1, 31, 32, 33, 95, 96, 97, 500}) {
        std::vector<int64_t> keys;
        for (size_t i = 0; i < n; ++i)
          keys.push_back(size > 0 && random() % 3 > 0 ? entries[random() % entries.size()]
                                                      : draw());
        ASSERT_EQ(look_up(vocabulary, int64_tensor(keys)), expected(entries, keys))
            << size << ' ' << n;
      }
    }
  }
}

TEST_P(VocabularyLookup, AgreesOnStrings) {
  std::mt19937_64 random(2);
  const auto text = [&](size_t longest, int letters, std::string prefix) {
    prefix.resize(prefix.size() + random() % (longest + 1));
    for (char& c : prefix) {
      if (c == '\0') c = static_cast<char>(random() % static_cast<uint64_t>(letters));
    }
    return prefix;
  };
  const std::vector<std::function<std::string()>> draws = {
      [&] { return text(20, 256, ""); }, [&] { return text(7, 3, ""); },
      [&] { return text(4, 10, "a prefix of some length: "); }, [&] { return text(100, 2, ""); }};
  for (const auto& draw : draws) {
    for (size_t size : {0, 1, 10, 11, 300, 2000}) {
      const auto entries = distinct<std::string>(size, draw);
      const auto vocabulary = Vocabulary::from_entries(string_tensor(entries));
      for (size_t n : {0, 1, 31, 32, 33, 64, 200}) {
        std::vector<std::string> keys;
        for (size_t i = 0; i < n; ++i) {
          keys.push_back(size > 0 && random() % 3 > 0 ? entries[random() % entries.size()]
                                                      : draw());
          if (random() % 10 == 0) keys.back() += '\0';
        }
        ASSERT_EQ(look_up(vocabulary, string_tensor(keys)), expected(entries, keys))
            << size << ' ' << n;
      }
    }
  }
}

TEST_P(VocabularyLookup, ReadsNothingBesideItsKeys) {
  std::string bytes;
  std::vector<int64_t> offsets = {0};
  std::vector<std::string> keys;
  for (size_t i = 0; i < 200; ++i) {
    keys.emplace_back(i % 40, static_cast<char>('a' + i % 26));
    bytes += keys.back();
    offsets.push_back(static_cast<int64_t>(bytes.size()));
  }
  const auto vocabulary = Vocabulary::from_entries(string_tensor({"aaa", "", "bbbbb"}));
  for (bool at_end : {true, false}) {
    Guarded data(bytes, at_end);
    const Bytes guarded =
        Bytes::trusted(Buffer::borrow(data.data(), static_cast<int64_t>(bytes.size()), nullptr),
                       Buffer::copy_of(offsets.data(), static_cast<int64_t>(8 * offsets.size())));
    for (int64_t n = 0; n <= 200; ++n) {
      Ids ids(static_cast<size_t>(n));
      vocabulary.lookup(guarded, 200 - n, 200, ids.data());
      const std::vector<std::string> last(keys.end() - n, keys.end());
      ASSERT_EQ(ids, expected<std::string>({"aaa", "", "bbbbb"}, last));
    }
  }
}

// Integers that all belong to the first line of whatever table has the first seed.
std::vector<int64_t> colliding(size_t n) {
  const uint64_t multiplier = multiplier_of(0);
  uint64_t inverse = multiplier;
  for (int i = 0; i < 6; ++i) inverse *= 2 - multiplier * inverse;
  std::vector<int64_t> keys;
  for (uint64_t hash = 0; hash < n; ++hash) {
    const uint64_t y = hash * inverse;
    keys.push_back(static_cast<int64_t>(y ^ y >> 32));
    EXPECT_EQ(hash_integer(keys.back(), multiplier), hash);
  }
  return keys;
}

TEST_P(VocabularyLookup, SurvivesKeysThatCollide) {
  const auto few = colliding(200), many = colliding(20000);
  for (const auto& entries : {few, many}) {
    const auto vocabulary = Vocabulary::from_entries(int64_tensor(entries));
    EXPECT_EQ(look_up(vocabulary, int64_tensor(entries)), expected(entries, entries));
    EXPECT_EQ(look_up(vocabulary, int64_tensor({-5, 77})), (Ids{-1, -1}));
  }
}

TEST(Vocabulary, TakesAnyIntegerDType) {
  const auto vocabulary =
      Vocabulary::from_entries(Tensor::of<int16_t>({3}, {int16_t{-1}, int16_t{5}, int16_t{7}}));
  EXPECT_EQ(vocabulary.dtype(), DType::kInt64);
  EXPECT_EQ(look_up(vocabulary, Tensor::of<int8_t>({2}, {int8_t{7}, int8_t{-1}})), (Ids{2, 0}));
  const auto limits = Vocabulary::from_entries(int64_tensor({INT64_MAX, -1}));
  EXPECT_EQ(look_up(limits, Tensor::of<uint64_t>(
                                {3}, {uint64_t{INT64_MAX}, uint64_t{1} << 63, ~uint64_t{0}})),
            (Ids{0, -1, -1}));
}

TEST(Vocabulary, RefusesWhatIsNone) {
  EXPECT_ERROR(InvalidArgument, "entry 2 of the vocabulary, \"a\", is there already: entry 0",
               Vocabulary::from_entries(string_tensor({"a", "b", "a"})));
  EXPECT_ERROR(InvalidArgument, "entry 3 of the vocabulary, 5, is there already: entry 1",
               Vocabulary::from_entries(int64_tensor({4, 5, 6, 5})));
  EXPECT_ERROR(InvalidArgument, "[2, 1]",
               Vocabulary::from_entries(int64_tensor({1, 2}).reshaped({2, 1})));
  EXPECT_ERROR(WrongType, "float32", Vocabulary::from_entries(Tensor(DType::kFloat32, {2})));
  const auto words = Vocabulary::from_entries(string_tensor({"a"}));
  EXPECT_ERROR(WrongType, "int64", look_up(words, int64_tensor({1})));
  EXPECT_ERROR(OutOfRange, "no id 1, only [0, 1)", words.string(1));
  EXPECT_ERROR(WrongType, "string", words.integer(0));
}

TEST(Vocabulary, GivesItsEntries) {
  const auto words = Vocabulary::from_entries(string_tensor({"a", "", std::string(50, 'x')}));
  EXPECT_EQ(texts(words), (std::vector<std::string>{"a", "", std::string(50, 'x')}));
  EXPECT_EQ(words.entries().bytes()[2], std::string(50, 'x'));
  EXPECT_FALSE(words.counts());
  EXPECT_EQ(numbers(Vocabulary::from_entries(int64_tensor({3, 1})).entries()), (Ids{3, 1}));
}

TEST(Vocabulary, IsSharedByThreads) {
  std::vector<int64_t> entries(100000);
  for (size_t i = 0; i < entries.size(); ++i) entries[i] = static_cast<int64_t>(i * 7919);
  const auto vocabulary = Vocabulary::from_entries(int64_tensor(entries));
  const Ids want = expected(entries, entries);
  std::vector<Ids> got(4);
  std::vector<std::thread> threads;
  for (Ids& ids : got)
    threads.emplace_back([&] { ids = look_up(vocabulary, int64_tensor(entries)); });
  for (auto& thread : threads) thread.join();
  for (const Ids& ids : got) EXPECT_EQ(ids, want);
}

// --- counting -----------------------------------------------------------------------------------

TEST(VocabularyBuilder, CountsAsAMapDoes) {
  std::mt19937_64 random(3);
  std::map<std::string, int64_t> counts;
  VocabularyBuilder all, first, second;
  for (int batch = 0; batch < 20; ++batch) {
    std::vector<std::string> words(1000);
    for (std::string& word : words) {
      word = "w" + std::to_string(random() % (1 + random() % 3000));
      ++counts[word];
    }
    all.add(string_tensor(words));
    (batch % 2 == 0 ? first : second).add(string_tensor(words));
  }
  std::vector<std::pair<int64_t, std::string>> order;
  for (const auto& [word, count] : counts) order.emplace_back(-count, word);
  std::ranges::sort(order);
  const auto check = [&](const Vocabulary& vocabulary, size_t n) {
    ASSERT_EQ(vocabulary.size(), static_cast<int64_t>(n));
    for (size_t i = 0; i < n; ++i) {
      EXPECT_EQ(vocabulary.string(static_cast<int64_t>(i)), order[i].second);
      EXPECT_EQ(vocabulary.counts()->values<int64_t>()[i], -order[i].first);
    }
  };
  EXPECT_EQ(all.size(), static_cast<int64_t>(counts.size()));
  EXPECT_EQ(all.total(), 20000);
  check(all.build(), order.size());
  check(all.build({.top_k = 100}), 100);
  const auto often = std::ranges::count_if(order, [](const auto& e) { return -e.first >= 5; });
  check(all.build({.min_count = 5}), static_cast<size_t>(often));

  testing_files::Folder folder;
  second.build().save(folder / "second");
  first.add_counted(Vocabulary::open(folder / "second"));
  check(first.build({.min_count = 2, .top_k = 500}), 500);
  EXPECT_EQ(first.total(), 20000);
}

TEST(VocabularyBuilder, OrdersIntegersByNumber) {
  VocabularyBuilder builder(DType::kInt32);
  builder.add(Tensor::of<int32_t>({6}, {5, -5, 7, 7, 0, INT32_MIN}));
  const auto vocabulary = builder.build();
  EXPECT_EQ(numbers(vocabulary.entries()), (Ids{7, INT32_MIN, -5, 0, 5}));
  EXPECT_EQ(numbers(*vocabulary.counts()), (Ids{2, 1, 1, 1, 1}));
}

TEST(VocabularyBuilder, OrdersStringsByBytes) {
  VocabularyBuilder builder;
  builder.add(
      string_tensor({"b", std::string("a\0", 2), "a", "abcdefgh2", "abcdefgh1", "\xff", ""}));
  EXPECT_EQ(texts(builder.build()),
            (std::vector<std::string>{"", "a", std::string("a\0", 2), "abcdefgh1", "abcdefgh2", "b",
                                      "\xff"}));
}

TEST(VocabularyBuilder, HasNothingToSay) {
  testing_files::Folder folder;
  VocabularyBuilder nothing, other;
  nothing.build().save(folder / "nothing");
  const auto empty = Vocabulary::open(folder / "nothing", {.verify = true});
  EXPECT_EQ(empty.size(), 0);
  EXPECT_EQ(look_up(empty, string_tensor({"", "a"})), (Ids{-1, -1}));
  other.add_counted(empty);
  EXPECT_EQ(other.size(), 0);
}

TEST(VocabularyBuilder, RefusesWhatItCannotCount) {
  EXPECT_ERROR(WrongType, "float32", VocabularyBuilder{DType::kFloat32});
  VocabularyBuilder words, few(DType::kInt64, 100000);
  EXPECT_ERROR(WrongType, "int64", words.add(int64_tensor({1})));
  EXPECT_ERROR(InvalidArgument, "min_count must be at least 1, got 0",
               words.build({.min_count = 0}));
  EXPECT_ERROR(InvalidArgument, "top_k", words.build({.top_k = 0}));
  EXPECT_ERROR(InvalidArgument, "no counts",
               words.add_counted(Vocabulary::from_entries(string_tensor({"a"}))));
  std::vector<int64_t> many(20000);
  for (size_t i = 0; i < many.size(); ++i) many[i] = static_cast<int64_t>(i);
  EXPECT_ERROR(LimitExceeded, "max_bytes of 100000", few.add(int64_tensor(many)));
  EXPECT_ERROR(OutOfRange, "18446744073709551615",
               VocabularyBuilder(DType::kInt64).add(Tensor::of<uint64_t>({1}, {~uint64_t{0}})));
}

}  // namespace
}  // namespace weft
