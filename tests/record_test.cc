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

void write_all(const std::string& path, const std::vector<std::string>& records,
               Compression compression, int level = -1) {
  RecordWriter writer(path, {.compression = compression, .level = level});
  for (const auto& record : records) writer.write(record);
  writer.close();
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

TEST(RecordWriterTest, Discards) {
  const Folder folder;
  put(folder / "f", "old");
  RecordWriter writer(folder / "f");
  writer.write("new");
  writer.discard();
  writer.close();
  EXPECT_THROW(writer.write("more"), InvalidArgument);
  EXPECT_EQ(get(folder / "f"), "old");
  RecordWriter closed(folder / "g");
  closed.close();
  closed.discard();
  EXPECT_TRUE(std::filesystem::exists(folder / "g"));
}

TEST(RecordWriterTest, Refuses) {
  const Folder folder;
  EXPECT_THROW(RecordWriter(folder / "f", {.compression = Compression::kAuto}), InvalidArgument);
  EXPECT_THROW(RecordWriter(folder / "f", {.level = 10}), InvalidArgument);
  EXPECT_THROW(RecordWriter(folder / "no/f"), NotFound);
  EXPECT_THROW(RecordWriter(folder / ""), InvalidArgument);
  EXPECT_THROW(RecordWriter("/dev/null"), InvalidArgument);
  EXPECT_THROW(RecordWriter(""), NotFound);
  EXPECT_THROW(RecordWriter(folder / std::string("f\0g", 3)), InvalidArgument);
  EXPECT_THROW(RecordReader(folder / std::string("f\0g", 3)), InvalidArgument);
  EXPECT_THROW(RecordWriter(folder / std::string(256, 'f')), IoError);
}

}  // namespace
}  // namespace weft
