// Random access to records, and the index.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/record_files.h"

namespace weft {
namespace {

using namespace testing_files;

class RecordFileTest : public testing::Test {
 protected:
  RecordFileTest() : records_(random_records(700, 4000)), path_(folder_ / "r") {
    records_[5].clear();
    records_[6] = std::string(1 << 21, 'x');
    put(path_, frames(records_));
  }
  // DALI's lines.
  std::string text() const {
    std::string text;
    size_t at = 0;
    for (const auto& record : records_) {
      text += std::to_string(at) + " " + std::to_string(record.size() + 16) + "\n";
      at += record.size() + 16;
    }
    return text;
  }
  void check(const RecordFile& file) const {
    ASSERT_EQ(file.size(), static_cast<int64_t>(records_.size()));
    std::vector<int64_t> which(records_.size());
    std::iota(which.begin(), which.end(), 0);
    RecordBatch batch;
    file.read(which, batch);
    ASSERT_EQ(strings(batch), records_);
    std::mt19937 random(2);
    for (auto& i : which) i = random() % records_.size();
    file.read(which, batch);
    for (size_t i = 0; i < which.size(); ++i) {
      const auto at = static_cast<int64_t>(i);
      ASSERT_EQ(batch[at], records_[static_cast<size_t>(which[i])]);
      ASSERT_EQ(batch.number(at), which[i]);
      ASSERT_EQ(batch.file(at), path_);
    }
  }
  // Another size, the same bytes.
  std::string index_of(const std::string& bytes) { return put(folder_ / "other.idx", bytes); }

  const Folder folder_;
  std::vector<std::string> records_;
  const std::string path_;
};

TEST_F(RecordFileTest, WithEveryKindOfIndex) {
  check(RecordFile(path_));  // none
  EXPECT_EQ(build_index(path_), 700);
  check(RecordFile(path_));
  EXPECT_LE(get(path_ + ".idx").size(), 36u + 3 * 700);
  std::filesystem::rename(path_ + ".idx", folder_ / "moved");
  check(RecordFile(path_, {.index = folder_ / "moved"}));
  check(RecordFile(path_, {.index = index_of(text())}));
  EXPECT_THROW(RecordFile(path_, {.index = folder_ / "nothing"}), NotFound);
  EXPECT_THROW(RecordFile(folder_ / "nothing"), NotFound);
  put(folder_ / "empty", "");
  EXPECT_EQ(build_index(folder_ / "empty"), 0);
  EXPECT_EQ(RecordFile(folder_ / "empty").size(), 0);
}

TEST_F(RecordFileTest, StaleIndexesAreFound) {
  const std::string dali = text();
  build_index(path_);
  const timespec times[2] = {{.tv_sec = 1, .tv_nsec = 5}, {.tv_sec = 1, .tv_nsec = 5}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path_.c_str(), times, 0), 0);
  EXPECT_THROW(RecordFile{path_}, InvalidArgument);
  check(RecordFile(path_, {.index = index_of(dali)}));  // says nothing of times
  put(path_, get(path_) + frame("more"));
  EXPECT_THROW(RecordFile{path_}, InvalidArgument);
  EXPECT_THROW(RecordFile(path_, {.index = index_of(dali)}), InvalidArgument);
  EXPECT_EQ(build_index(path_), 701);
  EXPECT_EQ(RecordFile(path_).size(), 701);
}

TEST_F(RecordFileTest, RefusesWhatIsNoIndex) {
  build_index(path_);
  const std::string good = get(path_ + ".idx");
  const auto refused = [&](const std::string& bytes) {
    EXPECT_THROW(RecordFile(path_, {.index = index_of(bytes)}), Error) << bytes.size();
  };
  for (size_t size = 0; size < good.size(); size += size < 40 ? 1 : 37)
    refused(good.substr(0, size));
  for (size_t at = 0; at < good.size(); at += at < 40 ? 1 : 41) {
    std::string changed = good;
    changed[at] ^= 4;
    refused(changed);
  }
  refused("0 x\n");
  refused("17 30\n");
  refused("0 15\n");
  refused("0 99999999999999999999\n");
  refused("0 9223372036854775807\n");
  refused(text() + "1");
  // Right in itself, and wrong about the file.
  const std::string lies = "0 " + std::to_string(get(path_).size()) + "\n";
  const RecordFile file(path_, {.index = index_of(lies)});
  RecordBatch batch;
  const int64_t first[] = {0};
  EXPECT_THROW(file.read(first, batch), CorruptData);
}

TEST_F(RecordFileTest, RefusesWhatHasNoRandomAccess) {
  const std::string gz = put(folder_ / "gz", deflated(frames(records_)));
  EXPECT_THROW(build_index(gz), InvalidArgument);
  EXPECT_THROW(RecordFile{gz}, InvalidArgument);
  EXPECT_THROW(build_index(folder_ / "x"), NotFound);
  EXPECT_THROW(build_index(folder_ / ""), InvalidArgument);
  std::string bytes = get(path_);
  bytes[12] ^= 1;
  put(path_, bytes);
  EXPECT_THROW(build_index(path_), CorruptData);
  EXPECT_FALSE(std::filesystem::exists(path_ + ".idx"));
}

TEST_F(RecordFileTest, ChecksWhatItReads) {
  const RecordFile file(path_);
  const RecordFile unchecked(path_, {.record = {.verify_crc = false}});
  build_index(path_);  // reading without an index would meet the limit at once
  const RecordFile small(path_, {.record = {.limits = {.max_record_bytes = (1 << 21) - 1}}});
  std::string bytes = get(path_);
  bytes[12] ^= 1;
  put(path_, bytes);
  RecordBatch batch;
  const int64_t first[] = {0}, beyond[] = {3, 700}, negative[] = {-1}, large[] = {5, 6};
  EXPECT_THROW(file.read(first, batch), CorruptData);
  unchecked.read(first, batch);
  EXPECT_EQ(batch.size(), 1);
  EXPECT_THROW(small.read(large, batch), LimitExceeded);
  EXPECT_THROW(file.read(beyond, batch), OutOfRange);
  EXPECT_THROW(file.read(negative, batch), OutOfRange);
  put(path_, bytes.substr(0, 10));
  EXPECT_THROW(file.read(first, batch), CorruptData);
}

TEST_F(RecordFileTest, ManyThreads) {
  const RecordFile file(path_);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { check(file); });
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace weft
