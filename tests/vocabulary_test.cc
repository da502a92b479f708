#include "weft/vocabulary.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

namespace weft {
namespace {

std::string folder() { return ::testing::TempDir(); }

std::string write(const std::string& name, const std::string& content) {
  const std::string path = folder() + "/" + name;
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

Tensor strings(const std::vector<std::string>& texts) {
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  return Tensor::strings({static_cast<int64_t>(texts.size())}, Bytes::from(views));
}

std::vector<int64_t> ids(const Vocabulary& vocabulary, const Tensor& values) {
  std::vector<int64_t> found(static_cast<size_t>(values.size()));
  vocabulary.lookup(values, found.data());
  return found;
}

TEST(Vocabulary, FindsStrings) {
  const auto v = Vocabulary::from_entries(strings({"a", "", "long enough not to fit a word", "b"}));
  EXPECT_EQ(v.size(), 4);
  EXPECT_EQ(ids(v, strings({"b", "c", "", "a", "long enough not to fit a word"})),
            (std::vector<int64_t>{3, -1, 1, 0, 2}));
}

TEST(Vocabulary, SavesAndMaps) {
  std::mt19937_64 random(1);
  std::vector<int64_t> keys(10000);
  for (auto& key : keys) key = static_cast<int64_t>(random());
  const auto v =
      Vocabulary::from_entries(Tensor::of<int64_t>({10000}, std::span<const int64_t>(keys)));
  const std::string path = folder() + "/integers.vocab";
  v.save(path);
  const auto mapped = Vocabulary::open(path, {.verify = true});
  EXPECT_EQ(Vocabulary::count_entries(path), 10000);
  for (int64_t i = 0; i < 10000; ++i) {
    int64_t id;
    mapped.lookup(std::span(&keys[static_cast<size_t>(i)], 1), &id);
    ASSERT_EQ(id, i);
    ASSERT_EQ(mapped.integer(i), keys[static_cast<size_t>(i)]);
  }
}

TEST(Vocabulary, ReadsText) {
  const std::string path = write("three.txt", "a\r\nb b\nc");
  EXPECT_EQ(Vocabulary::count_entries(path), 3);
  EXPECT_EQ(ids(Vocabulary::open(path), strings({"c", "b b", "a", "b"})),
            (std::vector<int64_t>{2, 1, 0, -1}));
  EXPECT_EQ(Vocabulary::open(path, {.size = 2}).size(), 2);
  EXPECT_THROW(Vocabulary::open(path, {.size = 4}), InvalidArgument);
  EXPECT_THROW(Vocabulary::open(write("empty.txt", "a\n\nb\n")), InvalidArgument);
  EXPECT_THROW(Vocabulary::open(write("twice.txt", "a\nb\na\n")), InvalidArgument);
}

}  // namespace
}  // namespace weft
