#include "weft/record.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/record_files.h"

namespace weft {
namespace {

using namespace testing_files;

std::vector<std::string> random_records(int n, size_t longest, uint32_t seed = 1) {
  std::mt19937 random(seed);
  std::vector<std::string> records(static_cast<size_t>(n));
  for (auto& record : records) {
    record.resize(random() % (longest + 1));
    for (auto& c : record) c = static_cast<char>(random() % 64);
  }
  return records;
}

void write_all(const std::string& path, const std::vector<std::string>& records,
               Compression compression, int level = -1) {
  RecordWriter writer(path, {.compression = compression, .level = level});
  for (const auto& record : records) writer.write(record);
  writer.close();
}

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

// --- Round trips ---------------------------------------------------------------------------------

TEST(RecordTest, WriterWritesTheFormat) {
  const Folder folder;
  const std::vector<std::string> records = {"", "abc", std::string(1000, '\0')};
  write_all(folder / "a", records, Compression::kNone);
  EXPECT_EQ(get(folder / "a"), frames(records));
}

TEST(RecordTest, ReadsWhatItWrote) {
  const Folder folder;
  const auto records = random_records(3000, 1500);
  for (auto compression : {Compression::kNone, Compression::kGzip, Compression::kZlib}) {
    for (bool ahead : {false, true}) {
      const std::string path = folder / "f";
      write_all(path, records, compression, 1);
      for (auto wanted : {Compression::kAuto, compression}) {
        RecordCounters counters;
        ASSERT_EQ(read_all(path, {.compression = wanted, .read_ahead = ahead}, &counters), records);
        EXPECT_EQ(counters.records, 3000);
        EXPECT_EQ(counters.skipped, 0);
      }
      RecordReader reader(path, {.read_ahead = ahead});
      EXPECT_EQ(reader.compression(), Compression::kAuto);
      RecordBatch batch;
      reader.next(batch, 1);
      EXPECT_EQ(reader.compression(), compression);
    }
  }
}

TEST(RecordTest, RecordsOfEverySizeAroundAChunk) {
  const Folder folder;
  std::vector<std::string> records;
  const size_t chunk = size_t{256} << 10;
  for (size_t size :
       {size_t{0}, chunk - 17, chunk - 16, chunk - 15, chunk - 12, chunk - 4, chunk - 1, chunk,
        chunk + 1, 3 * chunk, 5 * chunk + 11, size_t{1}, size_t{0}}) {
    records.push_back(std::string(size, static_cast<char>('a' + records.size())));
  }
  const std::string path = put(folder / "f", frames(records));
  EXPECT_EQ(read_all(path), records);
  for (size_t pad = 0; pad < 40; ++pad) {  // every way to cut a record in two
    const std::vector<std::string> two = {std::string(chunk - 60 + pad, 'x'), std::string(30, 'y'),
                                          "z"};
    ASSERT_EQ(read_all(put(folder / "g", frames(two))), two) << pad;
  }
}

TEST(RecordTest, KnowsPlaces) {
  const Folder folder;
  const std::string path = put(folder / "f", frames({"abc", "", "de"}));
  RecordReader reader(path);
  RecordBatch batch;
  ASSERT_TRUE(reader.next(batch, 10));
  ASSERT_EQ(batch.size(), 3);
  EXPECT_EQ(batch.file(2), path);
  EXPECT_EQ(batch.number(2), 2);
  EXPECT_EQ(batch.offset(0), 0);
  EXPECT_EQ(batch.offset(1), 19);
  EXPECT_EQ(batch.offset(2), 35);
  EXPECT_FALSE(reader.next(batch, 10));
  EXPECT_EQ(batch.size(), 0);
  EXPECT_FALSE(reader.next(batch, 10));
  EXPECT_THROW(reader.next(batch, 0), InvalidArgument);
}

TEST(RecordTest, BatchesOutliveTheReaderAndMix) {
  const Folder folder;
  const auto records = random_records(2000, 700);
  RecordBatch mixed;
  {
    RecordReader a(put(folder / "a", frames(records))), b(put(folder / "b", frames(records)));
    RecordBatch one;
    for (int i = 0; i < 20; ++i) {
      a.next(one, 100);
      mixed.append(one, 10, 5);
      b.next(one, 100);
      mixed.append(one, 99, 1);
    }
    one.clear();
  }
  ASSERT_EQ(mixed.size(), 120);
  for (int64_t i = 0; i < 120; ++i) {
    EXPECT_EQ(mixed[i], records[static_cast<size_t>(mixed.number(i))]);
    EXPECT_EQ(mixed.file(i), folder / (i % 6 == 5 ? "b" : "a"));
  }
  EXPECT_EQ(mixed.number(5), 99);
  EXPECT_THROW(mixed.append(mixed, 119, 2), InvalidArgument);
}

TEST(RecordTest, EmptyFilesHaveNoRecords) {
  const Folder folder;
  const std::string path = put(folder / "f", "");
  for (auto c : {Compression::kAuto, Compression::kNone, Compression::kGzip, Compression::kZlib}) {
    EXPECT_TRUE(read_all(path, {.compression = c}).empty());
  }
  EXPECT_TRUE(read_all(put(folder / "g", deflated(""))).empty());
  EXPECT_TRUE(read_all(put(folder / "z", deflated("", false))).empty());
}

TEST(RecordTest, MembersOfGzipAreReadOn) {
  const Folder folder;
  const auto records = random_records(50, 300);
  const std::string all = frames(records);
  std::string members = deflated("");
  for (size_t at = 0; at < all.size(); at += 1000) {
    members += deflated(all.substr(at, 1000)) + deflated("");
  }
  EXPECT_EQ(read_all(put(folder / "f", members)), records);
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

// --- Threads and processes -----------------------------------------------------------------------

TEST(RecordThreadTest, DroppedInTheMiddle) {
  const Folder folder;
  const std::string path = put(folder / "f", frames(random_records(20'000, 400)));
  for (int batches : {0, 1, 2, 30}) {
    RecordReader reader(path);
    RecordBatch batch;
    for (int i = 0; i < batches; ++i) reader.next(batch, 100);
  }
}

TEST(RecordThreadTest, ManyReadersAtOnce) {
  const Folder folder;
  const auto records = random_records(8000, 300);
  write_all(folder / "a", records, Compression::kNone);
  write_all(folder / "b", records, Compression::kGzip, 1);
  std::vector<std::thread> threads;
  std::vector<char> same(4);
  for (size_t i = 0; i < 4; ++i) {
    threads.emplace_back(
        [&, i] { same[i] = read_all(folder / (i % 2 != 0 ? "a" : "b")) == records; });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(same, std::vector<char>(4, 1));
}

TEST(RecordThreadTest, AForkedChild) {
  const Folder folder;
  const auto records = random_records(20'000, 400);
  const std::string path = put(folder / "f", frames(records));
  RecordReader used(path);
  RecordBatch batch;
  used.next(batch, 10);
#ifdef __SANITIZE_THREAD__  // which ends a forked child that starts a thread
  RecordReader fresh(path, {.read_ahead = false});
#else
  RecordReader fresh(path);
#endif
  const pid_t child = ::fork();
  if (child == 0) {
    int code = 1;
    try {
      for (RecordBatch mine; used.next(mine, 100'000);) {
      }
    } catch (const IoError&) {
      RecordBatch mine;
      code = fresh.next(mine, 100'000) && mine.size() == 20'000 ? 0 : 2;
    }
    {
      RecordReader dropped = std::move(used);
    }  // does not wait for a thread that is not there
    ::_exit(code);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  ASSERT_TRUE(used.next(batch, 100'000));
  EXPECT_EQ(batch.size(), 19'990);
}

// --- Writing -------------------------------------------------------------------------------------

TEST(RecordWriterTest, NothingIsSeenBeforeClose) {
  const Folder folder;
  put(folder / "f", "old");
  {
    RecordWriter writer(folder / "f");
    writer.write("abc");
    writer.flush();
    EXPECT_EQ(get(folder / "f"), "old");
  }
  EXPECT_EQ(get(folder / "f"), "old");
  EXPECT_EQ(folder.names().size(), 1u);
  RecordWriter writer(folder / "f");
  writer.write("abc");
  EXPECT_EQ(writer.counters().bytes, 3);
  writer.close();
  writer.close();
  EXPECT_EQ(get(folder / "f"), frame("abc"));
  EXPECT_EQ(folder.names().size(), 1u);
  EXPECT_THROW(writer.write("d"), InvalidArgument);
  EXPECT_THROW(writer.flush(), InvalidArgument);
}

TEST(RecordWriterTest, KilledBeforeClose) {
  const Folder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    RecordWriter writer(folder / "f");
    for (int i = 0; i < 10'000; ++i) writer.write(std::string(100, 'x'));
    writer.flush();
    ::kill(::getpid(), SIGKILL);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_FALSE(std::filesystem::exists(folder / "f"));
  for (const auto& name : folder.names()) EXPECT_EQ(name[0], '.');
}

TEST(RecordWriterTest, CompressedFilesFlushAndClose) {
  const Folder folder;
  const auto records = random_records(500, 5000);
  for (int level : {0, 1, 9}) {
    RecordWriter writer(folder / "f", {.compression = Compression::kGzip, .level = level});
    for (const auto& record : records) {
      writer.write(record);
      if (record.size() % 7 == 0) writer.flush();
    }
    writer.flush();
    writer.close();
    EXPECT_EQ(read_all(folder / "f"), records);
  }
  RecordWriter empty(folder / "e", {.compression = Compression::kGzip});
  empty.close();
  EXPECT_TRUE(read_all(folder / "e").empty());
}

TEST(RecordWriterTest, FollowsALink) {
  const Folder folder;
  put(folder / "real", "old");
  std::filesystem::create_symlink("real", folder / "link");
  write_all(folder / "link", {"a"}, Compression::kNone);
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(get(folder / "real"), frame("a"));
}

TEST(RecordWriterTest, Refuses) {
  const Folder folder;
  EXPECT_THROW(RecordWriter(folder / "f", {.compression = Compression::kAuto}), InvalidArgument);
  EXPECT_THROW(RecordWriter(folder / "f", {.level = 10}), InvalidArgument);
  EXPECT_THROW(RecordWriter(folder / "no/f"), NotFound);
  EXPECT_THROW(RecordWriter(folder / ""), InvalidArgument);
  EXPECT_THROW(RecordWriter("/dev/null"), InvalidArgument);
  EXPECT_THROW(RecordWriter(""), NotFound);
}

}  // namespace
}  // namespace weft
