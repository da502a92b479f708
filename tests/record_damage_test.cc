// Damaged files, and files of other kinds.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "tests/record_files.h"
#include "weft/record.h"

namespace weft {
namespace {

using namespace testing_files;

template <class E>
E error_of(const std::string& path, const RecordOptions& options = {}) {
  try {
    read_all(path, options);
  } catch (const E& error) {
    return error;
  }
  ADD_FAILURE() << "no error of that type for " << path;
  return E("none");
}

// --- Damage --------------------------------------------------------------------------------------

TEST(RecordDamageTest, CutAtEveryByte) {
  const Folder folder;
  const std::vector<std::string> records = {"first record", "", "and a third"};
  const std::string all = frames(records);
  const std::vector<size_t> ends = {0, 28, 44, all.size()};
  for (size_t cut = 0; cut <= all.size(); ++cut) {
    const std::string path = put(folder / "f", all.substr(0, cut));
    const auto whole =
        static_cast<size_t>(std::upper_bound(ends.begin(), ends.end(), cut) - ends.begin()) - 1;
    const std::vector<std::string> expected(records.begin(),
                                            records.begin() + static_cast<int64_t>(whole));
    RecordCounters counters;
    EXPECT_EQ(read_all(path, {.on_error = OnError::kSkip}, &counters), expected);
    if (cut == ends[whole]) {
      EXPECT_EQ(read_all(path), expected);
      EXPECT_EQ(counters.skipped, 0);
      continue;
    }
    EXPECT_EQ(counters.skipped, 1);
    EXPECT_EQ(counters.skipped_bytes, static_cast<int64_t>(cut - ends[whole]));
    RecordReader reader(path);  // what is whole comes first, then the error, and then again
    RecordBatch batch;
    if (whole > 0) {
      ASSERT_TRUE(reader.next(batch, 10));
      EXPECT_EQ(strings(batch), expected);
    }
    for (int twice = 0; twice < 2; ++twice) {
      try {
        reader.next(batch, 10);
        FAIL() << cut;
      } catch (const CorruptData& error) {
        EXPECT_EQ(error.where().file, path);
        EXPECT_EQ(error.where().record, static_cast<int64_t>(whole));
        EXPECT_EQ(error.where().offset, static_cast<int64_t>(ends[whole]));
      }
    }
  }
}

// Never different data: every record that comes is one of the file's, and one at most is missing
// where its data were hit.
TEST(RecordDamageTest, EveryBitFlip) {
  const Folder folder;
  const std::vector<std::string> records = {"first record", "", "and a third", "fourth"};
  const std::string all = frames(records);
  for (size_t bit = 0; bit < 8 * all.size(); ++bit) {
    std::string flipped = all;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    const std::string path = put(folder / "f", flipped);
    EXPECT_THROW(read_all(path), CorruptData) << bit;
    RecordCounters counters;
    std::vector<Where> skipped;
    const RecordOptions options = {.on_error = OnError::kSkip, .on_skip = [&](const Error& e) {
                                     skipped.push_back(e.where());
                                   }};
    const auto left = read_all(path, options, &counters);
    const size_t hit = bit / 8 < 28 ? 0 : bit / 8 < 44 ? 1 : bit / 8 < 71 ? 2 : 3;
    std::vector<std::string> expected = records;
    expected.erase(expected.begin() + static_cast<int64_t>(hit));
    ASSERT_EQ(left, expected) << bit;
    ASSERT_EQ(skipped.size(), 1u);
    EXPECT_EQ(skipped[0].record, static_cast<int64_t>(hit));
    EXPECT_EQ(counters.skipped, 1);
    EXPECT_EQ(counters.skipped_bytes, static_cast<int64_t>(frame(records[hit]).size()));
  }
}

TEST(RecordDamageTest, GzipCutAndFlippedAtEveryByte) {
  const Folder folder;
  const auto records = random_records(20, 40);
  for (bool gzip : {true, false}) {
    const auto compression = gzip ? Compression::kGzip : Compression::kZlib;
    const std::string all = deflated(frames(records), gzip);
    const auto check = [&](const std::string& bytes, size_t at) {
      const std::string path = put(folder / "f", bytes);
      RecordCounters counters;
      const auto left =
          read_all(path, {.compression = compression, .on_error = OnError::kSkip}, &counters);
      try {  // a field of the header that means nothing may change
        EXPECT_EQ(read_all(path, {.compression = compression}), records) << at;
        EXPECT_EQ(left, records) << at;
      } catch (const CorruptData&) {
        EXPECT_GT(counters.skipped, 0) << at;
      }
      for (const auto& record : left) {
        EXPECT_NE(std::find(records.begin(), records.end(), record), records.end());
      }
    };
    for (size_t cut = 1; cut < all.size(); ++cut) {
      check(all.substr(0, cut), cut);
      EXPECT_THROW(read_all(put(folder / "g", all.substr(0, cut)), {.compression = compression}),
                   CorruptData);
    }
    for (size_t at = 0; at < all.size(); ++at) {
      std::string flipped = all;
      flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
      check(flipped, at);
    }
  }
}

TEST(RecordDamageTest, TruncatedGzipSaysWhere) {
  const Folder folder;
  const auto records = random_records(2000, 400);
  const std::string all = deflated(frames(records));
  const std::string path = put(folder / "f", all.substr(0, all.size() / 2));
  RecordReader reader(path);
  RecordBatch batch;
  int64_t good = 0;
  try {
    while (reader.next(batch, 64)) {
      for (int64_t i = 0; i < batch.size(); ++i, ++good) {
        ASSERT_EQ(batch[i], records[static_cast<size_t>(good)]);
      }
    }
    FAIL();
  } catch (const CorruptData& error) {
    EXPECT_GT(good, 500);
    EXPECT_EQ(error.where().record, good);
    EXPECT_EQ(error.where().offset, static_cast<int64_t>(all.size() / 2));
    EXPECT_NE(std::string(error.what()).find("ends inside the compressed data"), std::string::npos);
  }
}

TEST(RecordDamageTest, BytesAfterGzip) {
  const Folder folder;
  const std::string member = deflated(frames({"a", "b"}));
  for (const std::string& tail : {std::string("garbage"), std::string(512, '\0'),
                                  std::string("\x1f"), std::string("\x1f\x8b\x07")}) {
    const std::string path = put(folder / "f", member + tail);
    EXPECT_EQ(error_of<CorruptData>(path).where().record, 2);
    RecordCounters counters;
    EXPECT_EQ(read_all(path, {.on_error = OnError::kSkip}, &counters).size(), 2u);
    EXPECT_EQ(counters.skipped, 1);
  }
  EXPECT_THROW(read_all(put(folder / "z", deflated(frames({"a"}), false) + "x")), CorruptData);
}

TEST(RecordDamageTest, HugeLengths) {
  const Folder folder;
  const std::string good = frame("good");
  for (uint64_t length :
       {uint64_t{1} << 29, uint64_t{1} << 30}) {  // within the limit, but not there
    const std::string path = put(folder / "f", good + header(length) + "some bytes");
    const auto error = error_of<CorruptData>(path);
    EXPECT_EQ(error.where().record, 1);
    EXPECT_EQ(error.where().offset, 20);
  }
  for (uint64_t length :
       {(uint64_t{1} << 30) + 1, uint64_t{1} << 40, uint64_t{1} << 63, ~uint64_t{0}}) {
    const std::string path = put(folder / "f", good + header(length) + "some bytes");
    EXPECT_EQ(error_of<LimitExceeded>(path).where().record, 1);
    RecordCounters counters;
    EXPECT_EQ(read_all(path, {.on_error = OnError::kSkip}, &counters).size(), 1u);
    EXPECT_EQ(counters.skipped_bytes, 22);
  }
}

TEST(RecordDamageTest, LongRecordsAreSkippedUnderALimit) {
  const Folder folder;
  const std::vector<std::string> records = {"a", std::string(1'000'000, 'b'), "c"};
  const std::string path = put(folder / "f", frames(records));
  RecordOptions options = {.on_error = OnError::kSkip};
  options.limits.max_record_bytes = 999'999;
  RecordCounters counters;
  EXPECT_EQ(read_all(path, options, &counters), (std::vector<std::string>{"a", "c"}));
  EXPECT_EQ(counters.skipped_bytes, 1'000'016);
  options.limits.max_record_bytes = 1'000'000;
  EXPECT_EQ(read_all(path, options), records);
}

TEST(RecordDamageTest, LostRegionIsFoundAgain) {
  const Folder folder;
  const auto records = random_records(5000, 500);
  std::string all = frames(records);
  std::fill(all.begin() + 300'000, all.begin() + 304'096, '\0');  // a page, and over a chunk's end
  std::fill(all.begin() + 520'000, all.begin() + 530'000, '\xff');
  const std::string path = put(folder / "f", all);
  RecordCounters counters;
  int reports = 0;
  const auto left = read_all(
      path, {.on_error = OnError::kSkip, .on_skip = [&](const Error&) { ++reports; }}, &counters);
  EXPECT_GT(left.size(), 4900u);
  EXPECT_EQ(reports, counters.skipped);
  EXPECT_EQ(left.back(), records.back());
  size_t at = 0;  // a subsequence
  for (const auto& record : records) at += at < left.size() && left[at] == record ? 1 : 0;
  EXPECT_EQ(at, left.size());
  int64_t bytes = counters.skipped_bytes;
  for (const auto& record : left) bytes += static_cast<int64_t>(record.size()) + 16;
  EXPECT_EQ(bytes, static_cast<int64_t>(all.size()));  // nothing is lost without being counted
}

TEST(RecordDamageTest, VerifyCrcIsAboutData) {
  const Folder folder;
  std::string all = frames({"abc", "def"});
  all[13] = 'X';
  EXPECT_EQ(read_all(put(folder / "f", all), {.verify_crc = false}),
            (std::vector<std::string>{"aXc", "def"}));
  all[20] = '\x01';
  EXPECT_THROW(read_all(put(folder / "f", all), {.verify_crc = false}), CorruptData);
}

TEST(RecordDamageTest, WhatACallbackThrowsLosesNothing) {
  const Folder folder;
  std::string all = frames({"a", "b", "c", "d"});
  all[17 + 12] = 'X';
  RecordReader reader(put(folder / "f", all),
                      {.on_error = OnError::kSkip,
                       .on_skip = [](const Error&) { throw std::runtime_error("mine"); }});
  RecordBatch batch;
  ASSERT_TRUE(reader.next(batch, 10));
  EXPECT_EQ(strings(batch), std::vector<std::string>{"a"});
  EXPECT_THROW(reader.next(batch, 10), std::runtime_error);
  ASSERT_TRUE(reader.next(batch, 10));
  EXPECT_EQ(strings(batch), (std::vector<std::string>{"c", "d"}));
  EXPECT_EQ(reader.counters().skipped, 1);
}

// --- Other files ---------------------------------------------------------------------------------

TEST(RecordKindTest, OtherFilesAreNamed) {
  const Folder folder;
  const std::pair<std::string, std::string> cases[] = {
      {"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "Git LFS"},
      {"user_id,item_id,time\n1,2,3\n4,5,6\n", "a text file"},
      {"hello\n", "a text file"},
      {"xylophone", "a text file"},
      {std::string("PAR1\x15\x04\x15\x10\x15\x14\x4c\x15\x02\x15", 14), "Parquet"},
      {std::string("\x28\xb5\x2f\xfd\x04\x88\x41\x00\x00\x00\x00\x00\x00", 13), "zstd"},
      {deflated(deflated(frames({"a"}))), "gzip data"},
      {deflated("a,b,c\n1,2,3\n4,5,6\n"), "a text file"},
      {"<!DOCTYPE html><html><body>Not found</body></html>", "a web page"},
  };
  for (const auto& [bytes, kind] : cases) {
    const std::string path = put(folder / "f", bytes);
    EXPECT_NE(std::string(error_of<CorruptData>(path).what()).find(kind), std::string::npos)
        << kind;
    RecordCounters counters;
    EXPECT_TRUE(read_all(path, {.on_error = OnError::kSkip}, &counters).empty());
    EXPECT_EQ(counters.skipped, 1) << kind;
  }
  const std::string gz = put(folder / "f", deflated(frames({"some record", "another"})));
  EXPECT_NE(std::string(error_of<CorruptData>(gz, {.compression = Compression::kNone}).what())
                .find("gzip"),
            std::string::npos);
  const std::string plain = put(folder / "p", frames({"a"}));
  EXPECT_NE(std::string(error_of<CorruptData>(plain, {.compression = Compression::kGzip}).what())
                .find("plain"),
            std::string::npos);
}

TEST(RecordKindTest, MissingFilesAndFolders) {
  const Folder folder;
  try {
    RecordReader reader(folder / "nothing");
    FAIL();
  } catch (const NotFound& error) {
    EXPECT_EQ(error.where().file, folder / "nothing");
  }
  EXPECT_THROW(RecordReader(folder / ""), IoError);
}

TEST(RecordKindTest, PipesAreRead) {
  const Folder folder;
  const auto records = random_records(3000, 600);
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  std::thread writer([&] { put(folder / "pipe", frames(records)); });
  EXPECT_EQ(read_all(folder / "pipe"), records);
  writer.join();
  std::thread silent([&] {  // opens its end, and writes nothing until the reader is gone
    std::ofstream file(folder / "pipe");
    file << std::flush;
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
  });
  {
    struct Stop {};
    RecordReader reader(folder / "pipe", {.poll = [] { throw Stop(); }});
    RecordBatch batch;
    EXPECT_THROW(reader.next(batch, 1), Stop);
  }
  silent.join();
}

}  // namespace
}  // namespace weft
