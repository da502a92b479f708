#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/expect_error.h"
#include "tests/rnn_case.h"
#include "weft/config.h"
#include "weft/rnn.h"

namespace weft {
namespace {

using reference::Kind;
using testing_rnn::Case;
using testing_rnn::CaseOptions;
using testing_rnn::is_real;
using testing_rnn::on_every_isa;
using testing_rnn::random_case;
using testing_rnn::random_tensor;

constexpr Kind kKinds[] = {Kind::kSimple, Kind::kGruAfter, Kind::kGruBefore, Kind::kLstm};

// A random gradient for what the case's RNN returns; some of it unset.
StatesGradient random_gradient(const States& result, uint32_t seed) {
  std::mt19937 random(seed);
  StatesGradient gradient;
  const auto one = [&](const Tensor& of) {
    return random_tensor(of.dtype(), of.shape(), static_cast<uint32_t>(random()), 1);
  };
  if (random() % 8 != 0) gradient.outputs = one(result.outputs);
  if (random() % 4 == 0) return gradient;
  for (const Tensor& state : result.state) {
    gradient.state.emplace_back();
    if (random() % 4 != 0) gradient.state.back() = one(state);
  }
  return gradient;
}

// The scalar whose gradient is `gradient` with regard to `result`.
double scalar(const States& result, const StatesGradient& gradient) {
  double sum = 0;
  const auto add = [&](const Tensor& value, const std::optional<Tensor>& grad) {
    if (!grad) return;
    for (int64_t i = 0; i < value.size(); ++i)
      sum += reference::element(value, i) * reference::element(*grad, i);
  };
  add(result.outputs, gradient.outputs);
  for (size_t i = 0; i < gradient.state.size(); ++i) add(result.state[i], gradient.state[i]);
  return sum;
}

// Compares `found`, the gradient with regard to `value`, with differences of `f` at a few elements.
template <class F>
void expect_differences(Tensor& value, const Tensor& found, std::mt19937& random, const F& f) {
  ASSERT_EQ(value.shape(), found.shape());
  for (int trial = 0; trial < 6 && value.size() > 0; ++trial) {
    const auto i = static_cast<size_t>(random() % static_cast<uint64_t>(value.size()));
    double& x = value.mutable_values<double>()[i];
    if (std::isnan(x)) {
      EXPECT_EQ(found.values<double>()[i], 0);
      continue;
    }
    const double before = x, step = 1e-5;
    x = before + step;
    const double above = f();
    x = before - step;
    const double below = f();
    x = before;
    EXPECT_NEAR(found.values<double>()[i], (above - below) / (2 * step),
                1e-7 * (1 + std::abs(found.values<double>()[i])))
        << "element " << i;
  }
}

void expect_gradients_are_differences(Case& c, uint32_t seed) {
  std::mt19937 random(seed);
  const RNN rnn = c.rnn();
  const RNNVjp vjp = rnn.vjp(c.inputs, c.arguments);
  const StatesGradient gradient = random_gradient(vjp.result, seed);
  const RNNGradients found = vjp.pullback(gradient);
  const auto f = [&] { return scalar(rnn(c.inputs, c.arguments), gradient); };
  expect_differences(c.inputs, found.inputs, random, f);
  for (size_t i = 0; i < c.arguments.initial_state.size(); ++i)
    expect_differences(c.arguments.initial_state[i], found.initial_state[i], random, f);
  ASSERT_EQ(found.parameters.size(), rnn.cell().parameters().size());
  for (size_t i = 0; i < found.parameters.size(); ++i) {
    SCOPED_TRACE(rnn.cell().parameters()[i].name);
    Tensor weight = rnn.cell().parameters()[i].value;
    expect_differences(weight, std::get<Tensor>(found.parameters[i]), random, f);
  }
}

TEST(RnnVjp, IsWhatDifferencesSay) {
  for (uint32_t seed = 0; seed < 240; ++seed) {
    SCOPED_TRACE(seed);
    Case c = random_case(
        seed, kKinds[seed % 4],
        {.dtype = DType::kFloat64, .max_batch = 6, .max_units = 7, .dropout = seed >= 120});
    // The slope of relu and hard_sigmoid jumps: differences across the jump say nothing.
    for (auto& cell : c.cells) {
      cell.activation = Activation::kTanh;
      cell.recurrent_activation = Activation::kSigmoid;
    }
    expect_gradients_are_differences(c, seed);
  }
}

TEST(RnnVjp, OfEveryActivationIsWhatDifferencesSay) {
  for (int i = 0; i <= static_cast<int>(Activation::kSoftmax); ++i) {
    const auto activation = static_cast<Activation>(i);
    SCOPED_TRACE(activation_name(activation));
    for (Kind kind : kKinds) {
      Case c = random_case(7, kind,
                           {.dtype = DType::kFloat64,
                            .max_batch = 6,
                            .max_steps = 3,
                            .max_units = 7,
                            .scale = 0.03});
      const bool recurrent_too = activation != Activation::kExponential;  // it would run away
      for (auto& cell : c.cells) {
        cell.activation = activation;
        if (recurrent_too) cell.recurrent_activation = activation;
      }
      expect_gradients_are_differences(c, 3);
    }
  }
}

void expect_near(const Tensor& found, const Tensor& expected, double tolerance) {
  ASSERT_EQ(found.shape(), expected.shape());
  double largest = 1e-3;
  for (int64_t i = 0; i < expected.size(); ++i)
    largest = std::max(largest, std::abs(reference::element(expected, i)));
  for (int64_t i = 0; i < expected.size(); ++i) {
    ASSERT_NEAR(reference::element(found, i), reference::element(expected, i), tolerance * largest)
        << "element " << i;
  }
}

Tensor widened(const Tensor& x) {
  Tensor wide(DType::kFloat64, x.shape());
  for (size_t i = 0; i < x.values<float>().size(); ++i)
    wide.mutable_values<double>()[i] = x.values<float>()[i];
  return wide;
}

Case widened(const Case& c) {
  Case wide = c;
  wide.dtype = DType::kFloat64;
  wide.inputs = widened(c.inputs);
  for (auto& cell : wide.cells) {
    for (Tensor& weight : cell.weights) weight = widened(weight);
  }
  for (Tensor& state : wide.arguments.initial_state) state = widened(state);
  return wide;
}

void expect_near(const RNNGradients& found, const RNNGradients& expected, double tolerance) {
  expect_near(found.inputs, expected.inputs, tolerance);
  for (size_t i = 0; i < expected.initial_state.size(); ++i)
    expect_near(found.initial_state[i], expected.initial_state[i], tolerance);
  for (size_t i = 0; i < expected.parameters.size(); ++i)
    expect_near(std::get<Tensor>(found.parameters[i]), std::get<Tensor>(expected.parameters[i]),
                tolerance);
}

TEST(RnnVjp, InFloat32IsThatInFloat64) {
  on_every_isa([] {
    for (uint32_t seed = 0; seed < 240; ++seed) {
      SCOPED_TRACE(seed);
      const Case c = random_case(seed, kKinds[seed % 4], {.max_batch = 60, .dropout = seed >= 120});
      const Case wide = widened(c);
      const RNNVjp vjp = c.rnn().vjp(c.inputs, c.arguments);
      const RNNVjp exact = wide.rnn().vjp(wide.inputs, wide.arguments);
      const StatesGradient gradient = random_gradient(vjp.result, seed);
      StatesGradient same;
      if (gradient.outputs) same.outputs = widened(*gradient.outputs);
      for (const auto& state : gradient.state) {
        same.state.emplace_back();
        if (state) same.state.back() = widened(*state);
      }
      expect_near(vjp.pullback(gradient), exact.pullback(same), 2e-5);
    }
  });
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() &&
         std::equal(a.buffer().data(), a.buffer().data() + a.buffer().size(), b.buffer().data());
}

TEST(RnnVjp, GoesForwardAsACallDoes) {
  on_every_isa([] {
    for (uint32_t seed = 0; seed < 120; ++seed) {
      SCOPED_TRACE(seed);
      const Case c = random_case(seed, kKinds[seed % 4], {.max_batch = 60, .dropout = seed >= 60});
      const RNN rnn = c.rnn();
      const States called = rnn(c.inputs, c.arguments);
      const States result = rnn.vjp(c.inputs, c.arguments).result;
      EXPECT_TRUE(same_bits(called.outputs, result.outputs));
      for (size_t i = 0; i < called.state.size(); ++i)
        EXPECT_TRUE(same_bits(called.state[i], result.state[i]));
    }
  });
}

TEST(RnnVjp, MayBeAskedAgain) {
  const Case c = random_case(5, Kind::kLstm, {.max_batch = 60});
  const RNNVjp vjp = c.rnn().vjp(c.inputs, c.arguments);
  const StatesGradient gradient = {
      .outputs = random_tensor(DType::kFloat32, vjp.result.outputs.shape(), 1, 1), .state = {}};
  const RNNGradients once = vjp.pullback(gradient), again = vjp.pullback(gradient);
  EXPECT_TRUE(same_bits(once.inputs, again.inputs));
  for (size_t i = 0; i < once.parameters.size(); ++i) {
    EXPECT_TRUE(
        same_bits(std::get<Tensor>(once.parameters[i]), std::get<Tensor>(again.parameters[i])));
  }
}

TEST(RnnVjp, RefusesGradientsOfSomethingElse) {
  const Tensor x = Tensor::zeros(DType::kFloat32, {2, 3, 4});
  const RNNVjp vjp = RNN(GRUCell(5)).vjp(x);
  const auto back = [&](const Tensor& grad) { vjp.pullback({.outputs = grad, .state = {}}); };
  EXPECT_ERROR(InvalidArgument, "outputs must have shape [2, 5], got [2, 4]",
               back(Tensor::zeros(DType::kFloat32, {2, 4})));
  EXPECT_ERROR(WrongType, "must be float32, got float64",
               back(Tensor::zeros(DType::kFloat64, {2, 5})));
  EXPECT_ERROR(InvalidArgument, "returns 1 states",
               vjp.pullback({.outputs = {}, .state = {std::nullopt, std::nullopt}}));
}

}  // namespace
}  // namespace weft
