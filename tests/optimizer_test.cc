#include "weft/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <set>

#include "tests/expect_error.h"
#include "tests/rnn_case.h"
#include "weft/config.h"

namespace weft {
namespace {

using namespace optimizers;  // NOLINT: five short names
using testing_rnn::on_every_isa;
using testing_rnn::random_tensor;

// One element, as Keras's update_step has it, in double precision.
struct Reference {
  OptimizerRule rule;
  OptimizerOptions options;
  double w, a = 0, b = 0, c = 0;

  Reference(OptimizerRule r, OptimizerOptions o, double weight) : rule(r), options(o), w(weight) {
    if (const auto* adagrad = std::get_if<Adagrad>(&rule)) a = adagrad->initial_accumulator_value;
    if (const auto* ftrl = std::get_if<Ftrl>(&rule)) a = ftrl->initial_accumulator_value;
  }

  void step(double g, double lr, int64_t iteration) {
    if (options.weight_decay) w -= w * *options.weight_decay * lr;
    if (options.clipvalue) g = std::clamp(g, -*options.clipvalue, *options.clipvalue);
    if (const auto* sgd = std::get_if<SGD>(&rule)) {
      a = -g * lr + a * sgd->momentum;
      w += sgd->nesterov && sgd->momentum > 0 ? -g * lr + a * sgd->momentum : a;
    } else if (const auto* rms = std::get_if<RMSprop>(&rule)) {
      a = rms->rho * a + (1 - rms->rho) * g * g;
      c = rms->rho * c + (1 - rms->rho) * g;
      const double denominator = rms->centered ? a - c * c + rms->epsilon : a + rms->epsilon;
      b = rms->momentum * b + lr * g / std::sqrt(denominator);
      w -= b;
    } else if (const auto* adagrad = std::get_if<Adagrad>(&rule)) {
      a += g * g;
      w -= lr * g / std::sqrt(a + adagrad->epsilon);
    } else if (const auto* adam = std::get_if<Adam>(&rule)) {
      const auto t = static_cast<double>(iteration + 1);
      const double alpha =
          lr * std::sqrt(1 - std::pow(adam->beta_2, t)) / (1 - std::pow(adam->beta_1, t));
      a += (g - a) * (1 - adam->beta_1);
      b += (g * g - b) * (1 - adam->beta_2);
      c = std::max(c, b);
      w -= a * alpha / (std::sqrt(adam->amsgrad ? c : b) + adam->epsilon);
    } else {
      const Ftrl& ftrl = std::get<Ftrl>(rule);
      const double power = -ftrl.learning_rate_power, now = a + g * g;
      const double l2 = ftrl.l2_regularization_strength + ftrl.beta / (2 * lr);
      b += g + 2 * ftrl.l2_shrinkage_regularization_strength * w -
           (std::pow(now, power) - std::pow(a, power)) / lr * w;
      const double l1 = ftrl.l1_regularization_strength;
      w = (std::clamp(b, -l1, l1) - b) / (std::pow(now, power) / lr + 2 * l2);
      a = now;
    }
  }
};

const std::vector<OptimizerRule>& rules() {
  static const std::vector<OptimizerRule> all = {
      SGD{},
      SGD{.momentum = 0.9},
      SGD{.momentum = 0.9, .nesterov = true},
      RMSprop{},
      RMSprop{.momentum = 0.5},
      RMSprop{.centered = true},
      RMSprop{.momentum = 0.5, .centered = true},
      Adagrad{},
      Adam{},
      Adam{.amsgrad = true},
      Ftrl{},
      Ftrl{.l1_regularization_strength = 0.01,
           .l2_regularization_strength = 0.1,
           .l2_shrinkage_regularization_strength = 0.05,
           .beta = 0.2},
      Ftrl{.learning_rate_power = -0.7},
  };
  return all;
}

Tensor copy(const Tensor& x) {
  return Tensor::from_buffer(x.dtype(), x.shape(),
                             Buffer::copy_of(x.buffer().data(), x.buffer().size()));
}

void expect_near(const Tensor& found, const Tensor& expected, double tolerance) {
  ASSERT_EQ(found.shape(), expected.shape());
  for (int64_t i = 0; i < expected.size(); ++i) {
    ASSERT_NEAR(reference::element(found, i), reference::element(expected, i), tolerance)
        << "element " << i;
  }
}

TEST(Optimizer, StepsAsTheReference) {
  on_every_isa([] {
    for (size_t r = 0; r < rules().size(); ++r) {
      SCOPED_TRACE(r);
      for (DType dtype : {DType::kFloat32, DType::kFloat64}) {
        OptimizerOptions options;
        if (r % 2 == 0) options.weight_decay = 0.1;
        if (r % 3 == 0) options.clipvalue = 0.7;
        Optimizer optimizer(rules()[r], options);
        Tensor weight = random_tensor(dtype, {7, 9}, 1, 1);
        std::vector<Reference> expected;
        for (int64_t i = 0; i < weight.size(); ++i)
          expected.emplace_back(rules()[r], options, reference::element(weight, i));
        for (int64_t step = 0; step < 5; ++step) {
          const double lr = 0.05 / static_cast<double>(step + 1);
          const Gradient grad = random_tensor(dtype, {7, 9}, static_cast<uint32_t>(step) + 10, 1);
          const WeightUpdate updates[] = {{"w", weight, &grad}};
          optimizer.apply(updates, lr);
          for (int64_t i = 0; i < weight.size(); ++i) {
            Reference& one = expected[static_cast<size_t>(i)];
            one.step(reference::element(std::get<Tensor>(grad), i), lr, step);
            ASSERT_NEAR(reference::element(weight, i), one.w,
                        dtype == DType::kFloat32 ? 1e-5 : 1e-12);
          }
        }
        EXPECT_EQ(optimizer.iterations(), 5);
      }
    }
  });
}

IndexedSlices random_slices(int64_t rows, int64_t width, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<int64_t> ids;
  for (int64_t id = 0; id < rows; ++id) {
    if (random() % 3 == 0) ids.push_back(id);
  }
  const int64_t n = std::ssize(ids);
  return {Tensor::of<int64_t>({n}, std::span<const int64_t>(ids)),
          random_tensor(DType::kFloat32, {n, width}, seed, 1),
          {rows, width}};
}

TEST(Optimizer, TakesSlicesAsTheDenseGradientOrLeavesTheOtherRowsAlone) {
  const int64_t rows = 5000, width = 16;  // enough for several threads
  for (size_t r = 0; r < rules().size(); ++r) {
    SCOPED_TRACE(r);
    for (bool lazy : {false, true}) {
      OptimizerOptions options{.lazy = lazy};
      if (r % 2 == 0) options.weight_decay = 0.1;
      if (r % 3 == 1) options.global_clipnorm = 2;
      Optimizer sparse(rules()[r], options), dense(rules()[r], options);
      Tensor one = random_tensor(DType::kFloat32, {rows, width}, 1, 1), other = copy(one);
      for (uint32_t step = 0; step < 4; ++step) {
        const IndexedSlices slices = random_slices(rows, width, step);
        const Gradient grad = slices, same = slices.to_dense();
        const Tensor before = copy(one);
        const WeightUpdate updates[] = {{"w", one, &grad}}, dense_updates[] = {{"w", other, &same}};
        sparse.apply(updates, 0.05);
        dense.apply(dense_updates, 0.05);
        if (!lazy) {
          expect_near(one, other, 0);
          continue;
        }
        std::set<int64_t> touched;
        for (int64_t id : slices.ids.values<int64_t>()) touched.insert(id);
        for (int64_t i = 0; i < one.size(); ++i) {
          if (touched.contains(i / width)) continue;
          ASSERT_EQ(reference::element(one, i), reference::element(before, i));
        }
      }
    }
  }
}

TEST(Optimizer, ClipsNorms) {
  const Gradient small = Tensor::of<float>({2}, {0.3f, 0.4f}),
                 large = Tensor::of<float>({1}, {12.f});
  const auto moved = [&](OptimizerOptions options) {
    Tensor a = Tensor::zeros(DType::kFloat32, {2}), b = Tensor::zeros(DType::kFloat32, {1});
    const WeightUpdate updates[] = {{"a", a, &small}, {"b", b, &large}};
    Optimizer(SGD{}, options).apply(updates, 1);
    return std::array{-a.values<float>()[0], -b.values<float>()[0]};
  };
  EXPECT_EQ(moved({}), (std::array{0.3f, 12.f}));
  EXPECT_EQ(moved({.clipnorm = 1})[0], 0.3f);
  EXPECT_NEAR(moved({.clipnorm = 1})[1], 1, 1e-6);
  const double norm = std::sqrt(0.25 + 144);
  EXPECT_NEAR(moved({.global_clipnorm = 1})[0], 0.3 / norm, 1e-6);
  EXPECT_NEAR(moved({.global_clipnorm = 1})[1], 12 / norm, 1e-6);
  EXPECT_EQ(moved({.global_clipnorm = 20}), (std::array{0.3f, 12.f}));
}

TEST(Optimizer, GoesOnWhereAnotherStood) {
  for (const OptimizerRule& rule : rules()) {
    Optimizer whole(rule), first(rule);
    Tensor a = random_tensor(DType::kFloat32, {4, 3}, 1, 1), b = copy(a);
    const auto step = [](Optimizer& optimizer, Tensor& weight, uint32_t seed) {
      const Gradient grad = random_tensor(DType::kFloat32, {4, 3}, seed, 1);
      const WeightUpdate updates[] = {{"layer/w", weight, &grad}};
      optimizer.apply(updates, 0.1);
    };
    for (uint32_t i = 0; i < 6; ++i) step(whole, a, i);
    for (uint32_t i = 0; i < 3; ++i) step(first, b, i);
    Optimizer second(rule);
    second.load_state(first.state());
    for (uint32_t i = 3; i < 6; ++i) step(second, b, i);
    expect_near(b, a, 0);
    EXPECT_EQ(second.iterations(), 6);
  }
}

TEST(Optimizer, RefusesWhatCannotWork) {
  EXPECT_ERROR(InvalidArgument, "momentum", Optimizer(SGD{.momentum = 2}));
  EXPECT_ERROR(InvalidArgument, "beta_1", Optimizer(Adam{.beta_1 = 1}));
  EXPECT_ERROR(InvalidArgument, "clipnorm", Optimizer(SGD{}, {.clipnorm = 0}));
  EXPECT_ERROR(InvalidArgument, "only one", Optimizer(SGD{}, {.clipnorm = 1, .clipvalue = 1}));
  Optimizer adam(Adam{});
  Tensor w = Tensor::zeros(DType::kFloat32, {3, 2});
  const Gradient good = Tensor::zeros(DType::kFloat32, {3, 2}),
                 shape = Tensor::zeros(DType::kFloat32, {2, 3}),
                 dtype = Tensor::zeros(DType::kFloat64, {3, 2}),
                 ids = IndexedSlices{
                     Tensor::of<int64_t>({1}, {3}), Tensor::zeros(DType::kFloat32, {1, 2}), {3, 2}};
  const auto apply = [&](const Gradient& gradient) {
    const WeightUpdate updates[] = {{"w", w, &gradient}};
    adam.apply(updates, 0.1);
  };
  EXPECT_ERROR(InvalidArgument, "shape [2, 3]", apply(shape));
  EXPECT_ERROR(WrongType, "float64", apply(dtype));
  EXPECT_ERROR(InvalidArgument, "ids", apply(ids));
  const WeightUpdate twice[] = {{"w", w, &good}, {"w", w, &good}};
  EXPECT_ERROR(InvalidArgument, "two weights", adam.apply(twice, 0.1));
  EXPECT_EQ(adam.iterations(), 0);
  const std::pair<std::string, Tensor> bad[] = {{"iterations", Tensor::of<int64_t>({}, {1})},
                                                {"w/nothing", w}};
  EXPECT_ERROR(InvalidArgument, "no state", adam.load_state(bad));
  const auto load = [&](const Tensor& m, const Tensor& v) {
    const std::pair<std::string, Tensor> state[] = {
        {"iterations", Tensor::of<int64_t>({}, {1})}, {"w/m", m}, {"w/v", v}};
    adam.load_state(state);
  };
  load(Tensor::zeros(DType::kFloat32, {3, 2}), Tensor::zeros(DType::kFloat32, {1}));
  EXPECT_ERROR(InvalidArgument, "shape [1]", apply(good));
  load(Tensor::zeros(DType::kFloat32, {3, 2}), Tensor::zeros(DType::kFloat64, {3, 2}));
  EXPECT_ERROR(WrongType, "float64 states", apply(good));
  EXPECT_EQ(adam.iterations(), 1);
}

}  // namespace
}  // namespace weft
