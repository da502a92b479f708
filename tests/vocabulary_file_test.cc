// Vocabulary files: the table file, whole and damaged, and files of lines and records.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/crc32c.h"
#include "expect_error.h"
#include "record_files.h"
#include "vocabularies.h"
#include "weft/record.h"
#include "weft/vocabulary.h"

namespace weft {
namespace {

using testing::Ids;
using testing::int64_tensor;
using testing::look_up;
using testing::numbers;
using testing::string_tensor;
using testing::texts;
using testing_files::deflated;
using testing_files::Folder;
using testing_files::get;
using testing_files::put;

std::vector<std::string> words(int n) {
  std::vector<std::string> made;
  for (int i = 0; i < n; ++i) made.push_back("word " + std::to_string(i * 7919 % 100003));
  return made;
}

TEST(VocabularyFile, KeepsAllThereIs) {
  Folder folder;
  const auto saved = Vocabulary::from_entries(string_tensor(words(1000)));
  saved.save(folder / "words");
  const auto opened = Vocabulary::open(folder / "words", {.verify = true});
  EXPECT_EQ(texts(opened), words(1000));
  EXPECT_EQ(look_up(opened, string_tensor(words(1500))),
            look_up(saved, string_tensor(words(1500))));
  EXPECT_EQ(Vocabulary::count_entries(folder / "words"), 1000);
  opened.save(folder / "again");
  EXPECT_EQ(get(folder / "again"), get(folder / "words"));

  Vocabulary::from_entries(int64_tensor({5, -7, INT64_MAX})).save(folder / "integers");
  const auto numbers_file = Vocabulary::open(folder / "integers", {.dtype = DType::kInt32});
  EXPECT_EQ(numbers(numbers_file.entries()), (Ids{5, -7, INT64_MAX}));
}

TEST(VocabularyFile, IsCutToItsFirstEntries) {
  Folder folder;
  Vocabulary::from_entries(string_tensor(words(1000))).save(folder / "words");
  const auto cut = Vocabulary::open(folder / "words", {.size = 10});
  EXPECT_EQ(cut.size(), 10);
  EXPECT_EQ(look_up(cut, string_tensor({words(1000)[9], words(1000)[10]})), (Ids{9, -1}));
  cut.save(folder / "cut");
  EXPECT_EQ(texts(Vocabulary::open(folder / "cut", {.verify = true})), words(10));
  EXPECT_ERROR(InvalidArgument, "has 1000 entries, fewer than the 1001",
               Vocabulary::open(folder / "words", {.size = 1001}));
  EXPECT_ERROR(InvalidArgument, "at least 1", Vocabulary::open(folder / "words", {.size = 0}));
  EXPECT_ERROR(InvalidArgument, "dtype string, not int64",
               Vocabulary::open(folder / "words", {.dtype = DType::kInt64}));
}

TEST(VocabularyFile, IsOpenedOnce) {
  Folder folder;
  const std::string path = folder / "words";
  Vocabulary::from_entries(string_tensor({"a", "b"})).save(path);
  const auto first = Vocabulary::open(path), same = Vocabulary::open(path);
  EXPECT_EQ(first.string(0).data(), same.string(0).data());
  EXPECT_EQ(Vocabulary::open(path, {.size = 1}).size(), 1);
  Vocabulary::from_entries(string_tensor({"c", "d"})).save(path);
  EXPECT_EQ(Vocabulary::open(path).string(0), "c");
  EXPECT_EQ(first.string(0), "a");
  const std::string text = put(folder / "text", "a\nb\n");
  const auto read = Vocabulary::open(text);
  EXPECT_EQ(read.string(0).data(), Vocabulary::open(text).string(0).data());
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int j = 0; j < 50; ++j) EXPECT_EQ(Vocabulary::open(text).size(), 2);
    });
  for (auto& thread : threads) thread.join();
}

// What a damaged file may do: be refused, or give wrong ids and entries.
void use(const std::string& path) {
  try {
    const auto vocabulary = Vocabulary::open(path);
    if (vocabulary.dtype() == DType::kString) {
      look_up(vocabulary, string_tensor(words(70)));
      vocabulary.entries();
    } else {
      look_up(vocabulary,
              int64_tensor({1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17,
                            18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33}));
      vocabulary.entries();
    }
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch)
  }
}

TEST(VocabularyFile, DamageIsNoHarm) {
  Folder folder;
  Vocabulary::from_entries(string_tensor(words(60))).save(folder / "words");
  VocabularyBuilder builder(DType::kInt64);
  builder.add(int64_tensor({1, 1, 2, 30, 30, 30, -4}));
  builder.build().save(folder / "counted");
  for (const char* name : {"words", "counted"}) {
    const std::string whole = get(folder / name);
    for (size_t size = 0; size < whole.size(); ++size) {
      const std::string path = put(folder / "cut", whole.substr(0, size));
      use(path);
      if (size >= 8) {
        EXPECT_THROW(Vocabulary::open(path), CorruptData) << size;
      }
      std::filesystem::remove(path);
    }
    for (size_t at = 0; at < whole.size(); ++at) {
      for (uint8_t change : {0x01, 0x80, 0xff}) {
        std::string damaged = whole;
        damaged[at] = static_cast<char>(static_cast<uint8_t>(damaged[at]) ^ change);
        const std::string path = put(folder / "damaged", damaged);
        use(path);
        if (at >= 8) {
          EXPECT_THROW(Vocabulary::open(path, {.verify = true}), CorruptData) << at;
        }
        std::filesystem::remove(path);
      }
    }
  }
}

// The table file with another byte at `at`, counted from its end if negative, and right checksums.
std::string forged(std::string bytes, int64_t at, char byte) {
  constexpr size_t kHeader = 128, kContentsCrc = 56, kHeaderCrc = kHeader - 4;
  bytes[at < 0 ? bytes.size() - static_cast<size_t>(-at) : static_cast<size_t>(at)] = byte;
  const uint32_t contents =
      base::masked_crc32c(bytes.data() + kHeader, static_cast<int64_t>(bytes.size() - kHeader));
  std::memcpy(bytes.data() + kContentsCrc, &contents, 4);
  const uint32_t header = base::masked_crc32c(bytes.data(), kHeaderCrc);
  std::memcpy(bytes.data() + kHeaderCrc, &header, 4);
  return bytes;
}

TEST(VocabularyFile, WhatNoChecksumTellsIsVerified) {
  Folder folder;
  VocabularyBuilder builder(DType::kInt64);
  builder.add(int64_tensor({1, 1, 2, 3}));
  builder.build().save(folder / "counted");
  Vocabulary::from_entries(string_tensor({"a", "b"})).save(folder / "words");
  const std::string counted = get(folder / "counted"), words = get(folder / "words");
  // The file of integers ends in entries and counts, i64[3] each, that of strings in places,
  // u32[2].
  const auto open = [&](const std::string& bytes) {
    const std::string path = put(folder / "forged", bytes);
    Vocabulary::open(path);
    Vocabulary::open(path, {.size = 1, .verify = true});
  };
  EXPECT_NO_THROW(open(forged(counted, -8, 1)));
  EXPECT_ERROR(CorruptData, "entry 2 is not found in it", open(forged(counted, -32, 7)));
  EXPECT_ERROR(CorruptData, "entry 2 is found as entry 0", open(forged(counted, -32, 1)));
  EXPECT_ERROR(CorruptData, "entry 1 was counted 0 times", open(forged(counted, -16, 0)));
  EXPECT_ERROR(CorruptData, "entry 1 is found as entry 0",
               open(forged(words, -4, words[words.size() - 8])));
  EXPECT_ERROR(CorruptData, "entry 0 is not in it", open(forged(words, -7, 1)));
}

TEST(VocabularyFile, ReadsLinesPlainAndGzip) {
  Folder folder;
  std::string text;
  for (const std::string& word : words(100000)) text += word + "\r\n";
  for (const std::string& path :
       {put(folder / "plain", text), put(folder / "text.gz", deflated(text))}) {
    EXPECT_EQ(Vocabulary::count_entries(path), 100000);
    EXPECT_EQ(texts(Vocabulary::open(path)), words(100000));
    EXPECT_EQ(texts(Vocabulary::open(path, {.size = 5})), words(5));
  }
  const std::string zipped = get(folder / "text.gz");
  EXPECT_THROW(Vocabulary::open(put(folder / "cut.gz", zipped.substr(0, zipped.size() / 2))),
               CorruptData);
}

TEST(VocabularyFile, NamesTheLine) {
  Folder folder;
  EXPECT_ERROR(InvalidArgument, "line 2 of the vocabulary is empty",
               Vocabulary::open(put(folder / "a", "a\n\nb\n")));
  EXPECT_ERROR(InvalidArgument, "line 5 of the vocabulary repeats line 1: \"a\"",
               Vocabulary::open(put(folder / "b", "a\nb\nc\nd\na\n")));
  EXPECT_ERROR(InvalidArgument, "line 2 of the vocabulary is no integer: \"x\"",
               Vocabulary::open(put(folder / "c", "1\nx\n"), {.dtype = DType::kInt64}));
  EXPECT_ERROR(InvalidArgument, "line 2 of the vocabulary repeats line 1: 7",
               Vocabulary::open(put(folder / "d", "7\n007\n"), {.dtype = DType::kInt64}));
  EXPECT_ERROR(InvalidArgument, "has 2 entries, fewer than the 3 asked for",
               Vocabulary::open(put(folder / "e", "a\nb\n"), {.size = 3}));
  EXPECT_ERROR(InvalidArgument, "/e", Vocabulary::open(folder / "e", {.size = 3}));
  EXPECT_THROW(Vocabulary::open(folder / "none"), NotFound);
  EXPECT_THROW(Vocabulary::open(folder / ""), IoError);
  EXPECT_THROW(Vocabulary::open(folder / "e", {.dtype = DType::kFloat32}), WrongType);
}

TEST(VocabularyFile, ReadsRecords) {
  Folder folder;
  for (Compression compression : {Compression::kNone, Compression::kGzip}) {
    const std::string path = folder / "records";
    RecordWriter writer(path, {.compression = compression});
    for (const char* entry : {"a", "", "b\n"}) writer.write(entry);
    writer.close();
    EXPECT_EQ(Vocabulary::count_entries(path), 3);
    EXPECT_EQ(texts(Vocabulary::open(path)), (std::vector<std::string>{"a", "", "b\n"}));
    EXPECT_EQ(texts(Vocabulary::open(path, {.size = 1})), (std::vector<std::string>{"a"}));
  }
}

TEST(VocabularyFile, WritesText) {
  Folder folder;
  const std::string path = folder / "text";
  Vocabulary::from_entries(string_tensor({"a", " b\rc", "d"})).save_text(path);
  EXPECT_EQ(get(path), "a\n b\rc\nd\n");
  Vocabulary::from_entries(int64_tensor({1, -2})).save_text(path);
  EXPECT_EQ(get(path), "1\n-2\n");
  EXPECT_ERROR(InvalidArgument, "entry 0 of the vocabulary is empty",
               Vocabulary::from_entries(string_tensor({""})).save_text(path));
  EXPECT_ERROR(InvalidArgument, "line end",
               Vocabulary::from_entries(string_tensor({"a\nb"})).save_text(path));
  EXPECT_ERROR(InvalidArgument, "carriage return",
               Vocabulary::from_entries(string_tensor({"a\r"})).save_text(path));
  EXPECT_EQ(get(path), "1\n-2\n");
  EXPECT_THROW(Vocabulary::from_entries(int64_tensor({1})).save(folder / "no/folder"), NotFound);
}

// Kilobytes of a line of /proc/self/smaps_rollup.
int64_t kilobytes(const std::string& name) {
  std::ifstream in("/proc/self/smaps_rollup");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(name)) return std::stoll(line.substr(name.size() + 1));
  }
  return -1;
}

#if !defined(__SANITIZE_THREAD__)  // whose own memory is anonymous too
TEST(VocabularyFile, CostsNoMemoryOfItsOwn) {
  if (kilobytes("Anonymous") < 0) GTEST_SKIP() << "no smaps_rollup here";
  Folder folder;
  std::vector<int64_t> entries(1000000), keys(1000), ids(1000);
  for (size_t i = 0; i < entries.size(); ++i) entries[i] = static_cast<int64_t>(i) * 31;
  for (size_t i = 0; i < keys.size(); ++i) keys[i] = entries[i * 1000];
  Vocabulary::from_entries(int64_tensor(entries)).save(folder / "million");
  const int64_t anonymous = kilobytes("Anonymous"), dirty = kilobytes("Private_Dirty");
  const auto opened = Vocabulary::open(folder / "million");
  opened.lookup(keys, ids.data());
  EXPECT_EQ(ids[999], 999000);
  EXPECT_LT(kilobytes("Anonymous") - anonymous, 500);  // the file has 27 MB
  EXPECT_LT(kilobytes("Private_Dirty") - dirty, 500);
}
#endif

TEST(VocabularyFile, IsSharedByProcesses) {
  Folder folder;
  Vocabulary::from_entries(string_tensor(words(1000))).save(folder / "words");
  const auto opened = Vocabulary::open(folder / "words");
  const Ids want = look_up(opened, string_tensor(words(1000)));
  const pid_t child = fork();
  if (child == 0) {
    const auto again = Vocabulary::open(folder / "words", {.size = 999});
    const bool same =
        look_up(opened, string_tensor(words(10))) == look_up(again, string_tensor(words(10)));
    _exit(same && again.size() == 999 ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(look_up(opened, string_tensor(words(1000))), want);
}

TEST(VocabularyFile, CountsThatCannotBe) {
  Folder folder;
  VocabularyBuilder builder(DType::kInt64);
  builder.add(int64_tensor({7, 7, 9}));
  const std::string path = folder / "counted";
  builder.build().save(path);
  const std::string bytes = get(path);
  const auto with_last_count = [&](int64_t count) {
    std::string changed = bytes;
    std::memcpy(changed.data() + changed.size() - sizeof count, &count, sizeof count);
    const std::string name = folder / std::to_string(count);
    put(name, changed);
    return Vocabulary::open(name);
  };
  EXPECT_ERROR(CorruptData, "entry 1 was counted -1 times (file", with_last_count(-1).counts());
  EXPECT_ERROR(CorruptData, "entry 1 was counted", builder.add_counted(with_last_count(INT64_MAX)));
  builder.add_counted(with_last_count(INT64_MAX - 5));
  EXPECT_EQ(builder.total(), INT64_MAX);
  EXPECT_ERROR(OutOfRange, "2^63", builder.add_counted(with_last_count(1)));
}

}  // namespace
}  // namespace weft
