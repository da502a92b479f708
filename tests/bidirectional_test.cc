// Against what its two layers give, which tests of their own check.
#include <gtest/gtest.h>

#include "tests/differences.h"
#include "tests/expect_error.h"
#include "tests/pooling_case.h"
#include "tests/random_columns.h"
#include "weft/bidirectional.h"
#include "weft/config.h"

namespace weft {
namespace {

using reference::element;
using reference::Kind;
using testing::dot;
using testing::expect_differences;
using testing_pooling::same_bits;
using testing_rnn::Case;
using testing_rnn::on_every_isa;
using testing_rnn::random_case;
using testing_rnn::random_tensor;

constexpr Kind kKinds[] = {Kind::kSimple, Kind::kGruAfter, Kind::kGruBefore, Kind::kLstm};
constexpr Merge kMerges[] = {Merge::kConcat, Merge::kSum, Merge::kMul, Merge::kAve, Merge::kNone};

struct Both {
  Case c;  // the inputs; its RNN goes forwards
  RNN forward, backward;
  Merge merge;

  Bidirectional layer() const { return {forward, backward, merge}; }
};

RNN directed(const RNN& rnn, bool backwards) {
  RNNOptions options = rnn.options();
  options.go_backwards = backwards;
  options.zero_output_for_mask = options.return_sequences;
  return RNN(rnn.cell(), options);
}

Both random_both(uint32_t seed, DType dtype) {
  Case c = random_case(seed, kKinds[seed % 4], {.dtype = dtype, .max_batch = 6, .max_units = 9});
  Case other = c;
  const Merge merge = kMerges[seed % 5];
  std::mt19937 random(seed);
  for (auto& cell : other.cells) {
    for (Tensor& weight : cell.weights)
      weight = random_tensor(dtype, weight.shape(), static_cast<uint32_t>(random()), 0.2);
  }
  for (Case* one : {&c, &other}) {
    for (auto& cell : one->cells) {
      cell.activation = Activation::kTanh;  // relu has no slope at 0
      cell.recurrent_activation = Activation::kSigmoid;
    }
  }
  const std::vector<Tensor> own = c.arguments.initial_state;
  for (const Tensor& state : own) {
    c.arguments.initial_state.push_back(
        random_tensor(dtype, state.shape(), static_cast<uint32_t>(random()), 1));
  }
  RNN forward = directed(c.rnn(), false), backward = directed(other.rnn(), true);
  return {std::move(c), std::move(forward), std::move(backward), merge};
}

// What the class says, from the outputs of two layers.
double merged(Merge merge, double forward, double backward) {
  if (merge == Merge::kMul) return forward * backward;
  return (forward + backward) / (merge == Merge::kAve ? 2 : 1);
}

void expect_merged(const Both& both, const BidirectionalStates& found) {
  RNNArguments ahead = both.c.arguments, back = both.c.arguments;
  const size_t own = ahead.initial_state.size() / 2;
  ahead.initial_state.resize(own);
  back.initial_state.erase(back.initial_state.begin(),
                           back.initial_state.begin() + static_cast<int64_t>(own));
  const States one = both.forward(both.c.inputs, ahead), two = both.backward(both.c.inputs, back);
  const bool major = both.c.options.time_major;
  const int64_t units = one.outputs.shape().back(), cells = one.outputs.size() / units;
  const int64_t batch = both.c.inputs.dim(major ? 1 : 0), steps = both.c.inputs.dim(major ? 0 : 1);
  const auto mirrored = [&](int64_t cell) {
    if (!both.c.options.return_sequences) return cell;
    const int64_t row = major ? cell % batch : cell / steps;
    const int64_t step = steps - 1 - (major ? cell / batch : cell % steps);
    return major ? step * batch + row : row * steps + step;
  };
  ASSERT_EQ(found.outputs.size(), both.merge == Merge::kNone ? 2U : 1U);
  for (int64_t cell = 0; cell < cells; ++cell) {
    for (int64_t j = 0; j < units; ++j) {
      const double a = element(one.outputs, cell * units + j),
                   b = element(two.outputs, mirrored(cell) * units + j);
      if (both.merge == Merge::kNone) {
        ASSERT_EQ(element(found.outputs[0], cell * units + j), a);
        ASSERT_EQ(element(found.outputs[1], cell * units + j), b);
      } else if (both.merge == Merge::kConcat) {
        ASSERT_EQ(element(found.outputs[0], cell * 2 * units + j), a);
        ASSERT_EQ(element(found.outputs[0], cell * 2 * units + units + j), b);
      } else {
        ASSERT_NEAR(element(found.outputs[0], cell * units + j), merged(both.merge, a, b), 1e-6);
      }
    }
  }
  ASSERT_EQ(found.state.size(), one.state.size() + two.state.size());
  for (size_t i = 0; i < one.state.size(); ++i) {
    EXPECT_TRUE(same_bits(found.state[i], one.state[i]));
    EXPECT_TRUE(same_bits(found.state[one.state.size() + i], two.state[i]));
  }
}

TEST(Bidirectional, MergesTheOutputsOfTwoLayers) {
  on_every_isa([] {
    for (uint32_t seed = 0; seed < 80; ++seed) {
      SCOPED_TRACE(seed);
      const Both both = random_both(seed, seed % 2 == 0 ? DType::kFloat32 : DType::kFloat64);
      expect_merged(both, both.layer()(both.c.inputs, both.c.arguments));
    }
  });
}

double scalar(const BidirectionalStates& result, const BidirectionalGradient& gradient) {
  double sum = 0;
  for (size_t i = 0; i < gradient.outputs.size(); ++i)
    if (gradient.outputs[i]) sum += dot(result.outputs[i], *gradient.outputs[i]);
  for (size_t i = 0; i < gradient.state.size(); ++i)
    if (gradient.state[i]) sum += dot(result.state[i], *gradient.state[i]);
  return sum;
}

BidirectionalGradient random_gradient(const BidirectionalStates& result, uint32_t seed) {
  std::mt19937 random(seed);
  BidirectionalGradient gradient;
  const auto add = [&](const std::vector<Tensor>& all, auto& to) {
    if (random() % 6 == 0) return;
    for (const Tensor& one : all) {
      to.emplace_back();
      if (random() % 4 != 0)
        to.back() = random_tensor(one.dtype(), one.shape(), static_cast<uint32_t>(random()), 1);
    }
  };
  add(result.outputs, gradient.outputs);
  add(result.state, gradient.state);
  return gradient;
}

TEST(BidirectionalVjp, IsWhatDifferencesSay) {
  for (uint32_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    const Both both = random_both(seed, DType::kFloat64);
    const Bidirectional layer = both.layer();
    const RNNArguments& arguments = both.c.arguments;
    const BidirectionalVjp vjp = layer.vjp(both.c.inputs, arguments);
    const BidirectionalStates called = layer(both.c.inputs, arguments);
    for (size_t i = 0; i < called.outputs.size(); ++i)
      EXPECT_TRUE(same_bits(called.outputs[i], vjp.result.outputs[i]));
    const BidirectionalGradient gradient = random_gradient(vjp.result, seed);
    const RNNGradients found = vjp.pullback(gradient);
    std::mt19937 random(seed);
    const auto f = [&] { return scalar(layer(both.c.inputs, arguments), gradient); };
    expect_differences(both.c.inputs, found.inputs, random, f);
    for (size_t i = 0; i < arguments.initial_state.size(); ++i)
      expect_differences(arguments.initial_state[i], found.initial_state[i], random, f);
    size_t at = 0;
    for (const RNN* rnn : {&layer.forward(), &layer.backward()}) {
      for (const Parameter& parameter : rnn->cell().parameters())
        expect_differences(parameter.value, std::get<Tensor>(found.parameters[at++]), random, f);
    }
    EXPECT_EQ(at, found.parameters.size());
  }
}

TEST(Bidirectional, OfBlocksIsThatOfTheTensor) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    const auto c = testing::random_sequences(seed, DType::kFloat64);
    const Sequence dense = c.layer(c.features);
    const SequenceBlocks blocks = c.layer.blocks(c.features);
    const Bidirectional layer(GRU(3, {.dtype = DType::kFloat64}, {.return_sequences = true}),
                              GRU(3, {.name = "back", .dtype = DType::kFloat64},
                                  {.return_sequences = true, .go_backwards = true}));
    const RNNArguments arguments = {.mask = dense.mask()};
    const BidirectionalVjp vjp = layer.vjp(blocks.data, arguments);
    const Tensor expected = layer(dense.data, arguments).outputs[0];
    ASSERT_EQ(vjp.result.outputs[0].shape(), expected.shape());
    for (int64_t i = 0; i < expected.size(); ++i)
      ASSERT_NEAR(element(vjp.result.outputs[0], i), element(expected, i), 1e-12);
    const RNNGradients found = vjp.pullback({{expected}, {}});
    EXPECT_EQ(std::holds_alternative<IndexedSlices>(found.parameters[0]),
              testing::id_blocks(blocks.data) > 0);
  }
}

TEST(Bidirectional, TakesEmptyBatchesAndHistories) {
  for (const Shape& shape : {Shape{0, 3, 2}, Shape{2, 0, 2}}) {
    const Bidirectional layer(GRU(3, {}, {.return_sequences = true}),
                              GRU(4, {}, {.return_sequences = true, .go_backwards = true}));
    const BidirectionalVjp vjp = layer.vjp(Tensor::zeros(DType::kFloat32, shape));
    EXPECT_EQ(vjp.result.outputs[0].shape(), (Shape{shape[0], shape[1], 7}));
    EXPECT_EQ(vjp.pullback({{vjp.result.outputs[0]}, {}}).inputs.shape(), shape);
  }
}

TEST(Bidirectional, RefusesLayersThatDoNotFit) {
  const auto make = [](RNNOptions a, RNNOptions b, Merge merge = Merge::kConcat) {
    return Bidirectional(GRU(3, {}, a), GRU(4, {}, b), merge);
  };
  EXPECT_ERROR(InvalidArgument, "neither does", make({}, {}));
  EXPECT_ERROR(InvalidArgument, "the same return_sequences",
               make({.return_sequences = true}, {.go_backwards = true}));
  EXPECT_ERROR(InvalidArgument, "number of units", make({}, {.go_backwards = true}, Merge::kSum));
  const Bidirectional layer = make({}, {.go_backwards = true});
  const Tensor x = Tensor::zeros(DType::kFloat32, {2, 3, 4});
  const Tensor state = Tensor::zeros(DType::kFloat32, {2, 3});
  EXPECT_ERROR(InvalidArgument, "together have 2 states", layer(x, {.initial_state = {state}}));
  const BidirectionalVjp vjp = layer.vjp(x);
  EXPECT_ERROR(InvalidArgument, "outputs must have shape [2, 7], got [2, 3]",
               vjp.pullback({{state}, {}}));
  EXPECT_ERROR(InvalidArgument, "returns 0 states", vjp.pullback({{}, {state}}));
}

}  // namespace
}  // namespace weft
