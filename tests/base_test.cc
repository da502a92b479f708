// The process-wide pieces under every room: buffer pool, thread pool, instruction sets.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/buffer_pool.h"
#include "base/cpu.h"
#include "base/thread_pool.h"
#include "weft/config.h"
#include "weft/error.h"

namespace weft::base {
namespace {

class Threads : public testing::Test {
 protected:
  void SetUp() override { before_ = num_threads(); }
  void TearDown() override { set_num_threads(before_); }

 private:
  int before_ = 1;
};

TEST(BufferPool, BlocksAreAlignedPaddedAndUsable) {
  for (int64_t size : {0, 1, 255, 256, 257, 320, 321, 1000, 4096, 1 << 20, (1 << 21) + 1}) {
    auto block = allocate_block(size);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block.get()) % kAlignment, 0u) << size;
    std::memset(block.get(), 7, static_cast<size_t>(size + kTailPadding));
  }
}

TEST(BufferPool, ReusesABlockOfTheSameClass) {
  trim_pool();
  uint8_t* first = allocate_block(100000).get();
  EXPECT_GT(pool_stats().pooled_bytes, 0);
  EXPECT_EQ(allocate_block(100001).get(), first);
  EXPECT_GT(trim_pool(), 100000);
  EXPECT_EQ(pool_stats().pooled_bytes, 0);
}

TEST(BufferPool, SlackIsAtMostAQuarter) {
  for (int64_t size = 256; size < 100000; size = size * 9 / 8 + 1) {
    const int64_t before = pool_stats().used_bytes;
    auto block = allocate_block(size);
    const int64_t taken = pool_stats().used_bytes - before;
    EXPECT_GE(taken, size);
    EXPECT_LE(taken, size + size / 4) << size;
  }
}

TEST(BufferPool, BlocksMayBeDroppedOnAnyThread) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([block = allocate_block(5000)]() mutable {
      for (int round = 0; round < 200; ++round) block = allocate_block(1000 + round * 50);
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST(BufferPool, ImpossibleSizesThrow) {
  EXPECT_THROW(allocate_block(int64_t{1} << 62), std::bad_alloc);
}

TEST_F(Threads, EveryItemIsVisitedOnce) {
  for (int threads : {1, 2, 3, 8}) {
    set_num_threads(threads);
    for (int64_t n : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> visits(static_cast<size_t>(n));
      parallel_for(n, 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) ++visits[static_cast<size_t>(i)];
      });
      for (const auto& count : visits) EXPECT_EQ(count, 1);
    }
  }
}

TEST_F(Threads, GrainBoundsTheNumberOfChunks) {
  set_num_threads(4);
  std::atomic<int> chunks{0};
  parallel_for(100, 50, [&](int64_t, int64_t) { ++chunks; });
  EXPECT_LE(chunks, 2);
}

TEST_F(Threads, ExceptionsReachTheCaller) {
  for (int threads : {1, 4}) {
    set_num_threads(threads);
    EXPECT_THROW(parallel_for(100, 1, [](int64_t, int64_t) { throw std::runtime_error("x"); }),
                 std::runtime_error);
    std::atomic<int64_t> sum{0};
    parallel_for(100, 1, [&](int64_t begin, int64_t end) { sum += end - begin; });
    EXPECT_EQ(sum, 100);
  }
}

TEST_F(Threads, NestedCallsRunInline) {
  set_num_threads(4);
  std::atomic<int64_t> sum{0};
  parallel_for(8, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      parallel_for(10, 1, [&](int64_t b, int64_t e) { sum += e - b; });
    }
  });
  EXPECT_EQ(sum, 80);
}

TEST_F(Threads, SeveralCallersShareThePool) {
  set_num_threads(3);
  std::vector<std::thread> callers;
  std::atomic<int64_t> sum{0};
  for (int c = 0; c < 4; ++c) {
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        parallel_for(64, 1, [&](int64_t begin, int64_t end) { sum += end - begin; });
      }
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(sum, 4 * 50 * 64);
}

// ThreadSanitizer does not follow threads that a forked child starts.
#if !defined(__SANITIZE_THREAD__)
TEST_F(Threads, AForkedChildStartsItsOwnPool) {
  set_num_threads(3);
  const auto total = [] {
    std::atomic<int64_t> sum{0};
    parallel_for(1000, 1, [&](int64_t begin, int64_t end) { sum += end - begin; });
    return sum.load();
  };
  ASSERT_EQ(total(), 1000);
  const pid_t child = fork();
  if (child == 0) _exit(total() == 1000 && allocate_block(1 << 16) != nullptr ? 0 : 1);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(total(), 1000);
}
#endif

TEST(Cpu, IsaNeverExceedsTheProcessor) {
  const Isa before = isa();
  set_isa(Isa::kV4);
  EXPECT_LE(isa(), best_isa());
  set_isa(Isa::kPlain);
  EXPECT_EQ(isa(), Isa::kPlain);
  EXPECT_FALSE(cpu_extensions().pclmul);
  set_isa(before);
}

TEST(Config, TellsWhatRuns) {
  const Config found = config();
  EXPECT_FALSE(found.version.empty());
  EXPECT_EQ(found.instruction_set, isa_name(isa()));
  EXPECT_THROW(weft::set_num_threads(0), InvalidArgument);
}

}  // namespace
}  // namespace weft::base
