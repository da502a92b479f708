// One parser, many threads; any number of threads, one result; a forked child.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "base/thread_pool.h"
#include "tests/example_random.h"
#include "tests/example_spec.h"
#include "weft/example.h"

namespace weft {
namespace {

using testing::text_of;

class ExampleThreadsTest : public ::testing::Test {
 protected:
  ExampleThreadsTest() {
    testing::RandomExample random(7, 1);
    while (records_.size() < 300) {
      const std::string record = random.record(testing::random_keys());
      const std::string_view one[] = {record};
      const std::string found = testing::outcome([&] { return parser_.parse(one); });
      if (found != "malformed" && found != "unfit") records_.push_back(record);
    }
    views_.assign(records_.begin(), records_.end());
  }
  void TearDown() override { base::set_num_threads(threads_); }

  ExampleParser parser_{testing::random_spec(false)};
  std::vector<std::string> records_;
  std::vector<std::string_view> views_;

 private:
  int threads_ = base::num_threads();
};

TEST_F(ExampleThreadsTest, AnyNumberOfThreadsGivesTheSame) {
  base::set_num_threads(1);
  const std::string expected = text_of(parser_.parse(views_));
  for (int threads : {2, 3, 8}) {
    base::set_num_threads(threads);
    for (int i = 0; i < 5; ++i) ASSERT_EQ(text_of(parser_.parse(views_)), expected) << threads;
  }
}

TEST_F(ExampleThreadsTest, OneParserServesManyThreads) {
  base::set_num_threads(2);
  std::vector<std::string> expected;
  for (size_t k = 0; k < 6; ++k)
    expected.push_back(text_of(parser_.parse(std::span(views_).subspan(k * 50, 50))));
  std::vector<std::thread> threads;
  std::vector<int> wrong(6, 0);
  for (size_t k = 0; k < 6; ++k) {
    threads.emplace_back([&, k] {
      for (int i = 0; i < 20; ++i) {
        wrong[k] += text_of(parser_.parse(std::span(views_).subspan(k * 50, 50))) != expected[k];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(6, 0));
}

TEST_F(ExampleThreadsTest, ARowIsTheSameAloneAndInABatch) {
  const auto whole = parser_.parse(views_);
  const auto& i0 = *std::get<SparseTensor>(whole.at("i0")).rows();
  for (size_t row = 0; row < 50; ++row) {
    const auto alone = parser_.parse(std::span(views_).subspan(row, 1));
    const auto& values = std::get<SparseTensor>(alone.at("i0")).values();
    const auto begin = static_cast<size_t>(i0.row_splits()[row]);
    ASSERT_EQ(static_cast<size_t>(values.size()),
              static_cast<size_t>(i0.row_splits()[row + 1]) - begin);
    for (size_t k = 0; k < static_cast<size_t>(values.size()); ++k) {
      ASSERT_EQ(values.values<int64_t>()[k], i0.values<int64_t>()[begin + k]);
    }
  }
}

#if !defined(__SANITIZE_THREAD__)
TEST_F(ExampleThreadsTest, AForkedChildParses) {
  base::set_num_threads(2);
  const std::string expected = text_of(parser_.parse(views_));
  const pid_t child = fork();
  if (child == 0) _exit(text_of(parser_.parse(views_)) == expected ? 0 : 1);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}
#endif

}  // namespace
}  // namespace weft
