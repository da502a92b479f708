// Dropout of recurrent layers against the reference with the masks that rnn.h describes.
#include <gtest/gtest.h>

#include "tests/expect_error.h"
#include "tests/random_columns.h"
#include "tests/rnn_case.h"
#include "weft/config.h"

namespace weft {
namespace {

using reference::Kind;
using testing::same_bits;
using testing_rnn::Case;
using testing_rnn::expect_close;
using testing_rnn::on_every_isa;
using testing_rnn::random_case;
using testing_rnn::random_tensor;

constexpr Kind kKinds[] = {Kind::kSimple, Kind::kGruAfter, Kind::kGruBefore, Kind::kLstm};

void expect_same(const States& one, const States& other) {
  EXPECT_TRUE(same_bits(one.outputs, other.outputs));
  for (size_t i = 0; i < one.state.size(); ++i)
    EXPECT_TRUE(same_bits(one.state[i], other.state[i])) << i;
}

TEST(RnnDropout, IsWhatTheReferenceSays) {
  on_every_isa([] {
    for (uint32_t seed = 0; seed < 160; ++seed) {
      SCOPED_TRACE(seed);
      const Case c = random_case(seed, kKinds[seed % 4], {.max_batch = 60, .dropout = true});
      expect_close(c, c.rnn()(c.inputs, c.arguments), 2e-5);
    }
  });
}

TEST(RnnDropout, InFloat64IsWhatTheReferenceSays) {
  for (uint32_t seed = 0; seed < 120; ++seed) {
    SCOPED_TRACE(seed);
    const Case c = random_case(seed, kKinds[seed % 4], {.dtype = DType::kFloat64, .dropout = true});
    expect_close(c, c.rnn()(c.inputs, c.arguments), 1e-12);
  }
}

// A call that is cut into many chunks.
TEST(RnnDropout, HoldsOverAllSteps) {
  for (Kind kind : kKinds) {
    const Case c = random_case(3, kind, {.batch = 70, .steps = 150, .dropout = true});
    expect_close(c, c.rnn()(c.inputs, c.arguments), 1e-4);
  }
}

TEST(RnnDropout, IsThereInTrainingOnly) {
  for (uint32_t seed = 0; seed < 8; ++seed) {
    Case c = random_case(seed, kKinds[seed % 4], {.dropout = true});
    c.arguments.training = false;
    Case without = c;
    for (auto& cell : without.cells) {
      cell.dropout = cell.recurrent_dropout = 0;
      cell.implementation = 2;
    }
    const States expected = without.rnn()(c.inputs, c.arguments);
    expect_same(c.rnn()(c.inputs, c.arguments), expected);
    without.arguments.training = true;
    expect_same(without.rnn()(c.inputs, without.arguments), expected);
  }
}

TEST(RnnDropout, ThreadsChangeNothing) {
  const int before = num_threads();
  for (uint32_t seed = 0; seed < 8; ++seed) {
    const Case c = random_case(seed, kKinds[seed % 4],
                               {.batch = 300, .steps = 20, .max_units = 60, .dropout = true});
    const RNN rnn = c.rnn();
    set_num_threads(1);
    const States one = rnn(c.inputs, c.arguments);
    set_num_threads(4);
    expect_same(rnn(c.inputs, c.arguments), one);
    expect_same(rnn.vjp(c.inputs, c.arguments).result, one);
  }
  set_num_threads(before);
}

// What each row's inputs of ones become: a SimpleRNN that adds up what its mask leaves.
std::vector<double> kept(int64_t rows, int64_t width, double rate, uint64_t step, std::string name,
                         int64_t seed) {
  SimpleRNNCell cell(width, {.activation = Activation::kLinear,
                             .use_bias = false,
                             .kernel_initializer = initializers::Identity{},
                             .recurrent_initializer = initializers::Zeros{},
                             .dropout = rate,
                             .name = std::move(name),
                             .dtype = DType::kFloat64,
                             .seed = seed});
  const Tensor ones = Initializer(initializers::Ones{})({rows, 1, width}, DType::kFloat64, "");
  const States states = RNN(cell)(ones, {.training = true, .step = step});
  const auto values = states.outputs.values<double>();
  return {values.begin(), values.end()};
}

double share_of_equals(const std::vector<double>& a, const std::vector<double>& b) {
  double equal = 0;
  for (size_t i = 0; i < a.size(); ++i) equal += a[i] == b[i];
  return equal / static_cast<double>(a.size());
}

TEST(RnnDropout, DropsAtItsRateAndAnewForEachRowStepNameAndSeed) {
  constexpr int64_t kRows = 400, kWidth = 101;
  constexpr double kCount = kRows * kWidth;
  for (double rate : {0.01, 0.3, 0.5, 0.9}) {
    const auto mask = kept(kRows, kWidth, rate, 7, "a", 1);
    double dropped = 0;
    for (double x : mask) {
      dropped += x == 0;
      ASSERT_TRUE(x == 0 || x == 1 / (1 - rate)) << x;
    }
    EXPECT_NEAR(dropped / kCount, rate, 4 * std::sqrt(rate * (1 - rate) / kCount));
    EXPECT_EQ(mask, kept(kRows, kWidth, rate, 7, "a", 1));
    const double equal = rate * rate + (1 - rate) * (1 - rate);  // of two that know nothing
    const double bound = 4 * std::sqrt(equal * (1 - equal) / kCount);
    const std::vector<double> rows(mask.begin() + kWidth, mask.end());
    EXPECT_NEAR(share_of_equals(rows, mask), equal, bound + 0.01);
    EXPECT_NEAR(share_of_equals(kept(kRows, kWidth, rate, 8, "a", 1), mask), equal, bound);
    EXPECT_NEAR(share_of_equals(kept(kRows, kWidth, rate, 7, "b", 1), mask), equal, bound);
    EXPECT_NEAR(share_of_equals(kept(kRows, kWidth, rate, 7, "a", 2), mask), equal, bound);
  }
}

TEST(RnnDropout, OfACellAtTwoPlacesIsTheSame) {
  const GRUCell cell(4, {.dropout = 0.5, .recurrent_dropout = 0.5});
  const RNN stack(std::vector<Cell>{cell, cell}, {.return_sequences = true});
  const RNN first(std::vector<Cell>{cell}, {.return_sequences = true});
  const Tensor x = random_tensor(DType::kFloat32, {3, 5, 4}, 1, 1);
  const RNNArguments arguments = {.training = true, .step = 3};
  expect_same({first(first(x, arguments).outputs, arguments).outputs, {}},
              {stack(x, arguments).outputs, {}});
}

TEST(RnnDropout, GoesBackThroughABatchWithoutSteps) {
  const LSTMCell below(4, {.dropout = 0.5, .recurrent_dropout = 0.5});
  const RNN rnn({below, GRUCell(3, {.dropout = 0.5, .implementation = 1})}, {});
  const Tensor x = random_tensor(DType::kFloat32, {3, 2, 5}, 1, 1);
  const RNNVjp vjp = rnn.vjp(x, {.mask = Tensor::zeros(DType::kBool, {3, 2}), .training = true});
  const RNNGradients found = vjp.pullback({.outputs = vjp.result.outputs, .state = {}});
  for (float g : found.inputs.values<float>()) EXPECT_EQ(g, 0);
  for (const Gradient& grad : found.parameters) {
    for (float g : std::get<Tensor>(grad).values<float>()) EXPECT_EQ(g, 0);
  }
}

TEST(RnnDropout, OfOneOrLessThanZeroIsRefused) {
  EXPECT_ERROR(InvalidArgument, "`dropout` must be between 0 and 1, got -0.1",
               GRUCell(3, {.dropout = -0.1}));
  EXPECT_ERROR(InvalidArgument, "`recurrent_dropout` must be between 0 and 1, got nan",
               LSTMCell(3, {.recurrent_dropout = std::nan("")}));
  const Tensor x = Tensor::zeros(DType::kFloat32, {1, 2, 3});
  const GRU gru(3, {.recurrent_dropout = 1});
  EXPECT_NO_THROW(gru(x));
  EXPECT_ERROR(InvalidArgument, "`recurrent_dropout` of 'gru_cell' is 1: to train it must be less",
               gru(x, {.training = true}));
}

}  // namespace
}  // namespace weft
