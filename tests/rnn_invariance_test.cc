// A row's result depends on the row and the weights alone: not on the batch, the place in it, the
// pattern of the masked steps, or the threads. And the pool survives a fork.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "tests/rnn_case.h"
#include "weft/config.h"

namespace weft {
namespace {

using reference::Kind;
using testing_rnn::Case;
using testing_rnn::on_every_isa;
using testing_rnn::random_case;
using testing_rnn::random_tensor;

constexpr Kind kKinds[] = {Kind::kSimple, Kind::kGruAfter, Kind::kGruBefore, Kind::kLstm};

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() &&
         std::memcmp(a.buffer().data(), b.buffer().data(),
                     static_cast<size_t>(a.size() * dtype_size(a.dtype()))) == 0;
}

Tensor row_of(const Tensor& tensor, int64_t row) {
  Shape shape = tensor.shape();
  const int64_t bytes = tensor.size() / shape[0] * dtype_size(tensor.dtype());
  shape[0] = 1;
  return Tensor::from_buffer(tensor.dtype(), shape,
                             Buffer::copy_of(tensor.buffer().data() + row * bytes, bytes));
}

Case row_case(const Case& c, int64_t row) {
  Case one = c;
  one.inputs = row_of(c.inputs, row);
  if (c.arguments.mask) one.arguments.mask = row_of(*c.arguments.mask, row);
  for (Tensor& state : one.arguments.initial_state) state = row_of(state, row);
  return one;
}

TEST(RnnInvariance, ARowAloneEqualsTheRowInAnyBatch) {
  on_every_isa([] {
    for (uint32_t seed = 0; seed < 24; ++seed) {
      for (DType dtype : {DType::kFloat32, DType::kFloat64}) {
        SCOPED_TRACE(seed);
        const Case c = random_case(seed, kKinds[seed % 4], {.dtype = dtype, .batch = 1 + seed * 3});
        const RNN rnn = c.rnn();
        const States all = rnn(c.inputs, c.arguments);
        for (int64_t row = 0; row < c.inputs.dim(0); ++row) {
          const Case one = row_case(c, row);
          const States alone = rnn(one.inputs, one.arguments);
          ASSERT_TRUE(same_bits(alone.outputs, row_of(all.outputs, row))) << row;
          for (size_t i = 0; i < all.state.size(); ++i) {
            ASSERT_TRUE(same_bits(alone.state[i], row_of(all.state[i], row))) << row;
          }
        }
      }
    }
  });
}

TEST(RnnInvariance, ThreadsChangeNothing) {
  const int before = num_threads();
  for (Kind kind : kKinds) {
    const Case c = random_case(11, kind, {.batch = 300, .steps = 20, .max_units = 60});
    const RNN rnn = c.rnn();
    set_num_threads(1);
    const States one = rnn(c.inputs, c.arguments);
    for (int threads : {2, 3}) {
      set_num_threads(threads);
      const States many = rnn(c.inputs, c.arguments);
      EXPECT_TRUE(same_bits(one.outputs, many.outputs));
      for (size_t i = 0; i < one.state.size(); ++i)
        EXPECT_TRUE(same_bits(one.state[i], many.state[i]));
    }
  }
  set_num_threads(before);
}

TEST(RnnInvariance, MaskedStepsAreAsIfTheyWereNotThere) {
  for (Kind kind : kKinds) {
    Case c = random_case(5, kind, {.batch = 1, .steps = 6});
    c.options = {.return_sequences = false};
    const int64_t depth = c.inputs.dim(2);
    c.inputs = random_tensor(DType::kFloat32, {1, 6, depth}, 3, 1);
    c.arguments.mask = Tensor::of<bool>({1, 6}, {false, true, false, true, true, false});
    const RNN rnn = c.rnn();
    const States holes = rnn(c.inputs, c.arguments);
    Tensor packed(DType::kFloat32, {1, 3, depth});
    int64_t at = 0;
    for (int64_t step : {1, 3, 4}) {
      std::memcpy(packed.mutable_values<float>().data() + depth * at++,
                  c.inputs.values<float>().data() + depth * step,
                  static_cast<size_t>(depth) * sizeof(float));
    }
    c.arguments.mask.reset();
    const States compact = rnn(packed, c.arguments);
    EXPECT_TRUE(same_bits(holes.outputs, compact.outputs));
    EXPECT_TRUE(same_bits(holes.state.back(), compact.state.back()));
  }
}

TEST(RnnInvariance, SeveralThreadsMayCallOneRnn) {
  const Case c = random_case(9, Kind::kLstm, {.batch = 200, .steps = 10, .max_units = 60});
  const RNN fresh(GRUCell(8), {.return_sequences = true});
  const Tensor x = random_tensor(DType::kFloat32, {50, 6, 4}, 1, 1);
  const RNN rnn = c.rnn();
  const States want = rnn(c.inputs, c.arguments);
  std::vector<std::thread> threads;
  std::vector<int> equal(4, 0);
  for (size_t i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      fresh(x);  // builds: only one of them
      equal[i] = same_bits(rnn(c.inputs, c.arguments).outputs, want.outputs) ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(equal, std::vector<int>(4, 1));
}

// ThreadSanitizer does not follow threads that a forked child starts.
#if !defined(__SANITIZE_THREAD__)
TEST(RnnInvariance, AForkedChildRunsInParallelToo) {
  const int before = num_threads();
  set_num_threads(3);
  const Case c = random_case(2, Kind::kGruAfter, {.batch = 300, .steps = 20, .max_units = 60});
  const RNN rnn = c.rnn();
  const States want = rnn(c.inputs, c.arguments);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(same_bits(rnn(c.inputs, c.arguments).outputs, want.outputs) ? 0 : 1);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_TRUE(same_bits(rnn(c.inputs, c.arguments).outputs, want.outputs));
  set_num_threads(before);
}
#endif

}  // namespace
}  // namespace weft
