#include "weft/rnn.h"

#include <gtest/gtest.h>

#include <random>
#include <type_traits>

#include "tests/expect_error.h"
#include "tests/rnn_case.h"
#include "weft/config.h"

namespace weft {
namespace {

using reference::Kind;
using testing_rnn::Case;
using testing_rnn::expect_close;
using testing_rnn::on_every_isa;
using testing_rnn::random_case;
using testing_rnn::random_tensor;

constexpr Kind kKinds[] = {Kind::kSimple, Kind::kGruAfter, Kind::kGruBefore, Kind::kLstm};

TEST(Rnn, EqualsTheReferenceOnRandomCases) {
  on_every_isa([] {
    for (uint32_t seed = 0; seed < 150; ++seed) {
      SCOPED_TRACE(seed);
      const Case c = random_case(seed, kKinds[seed % 4]);
      expect_close(c, c.rnn()(c.inputs, c.arguments), 1e-5);
    }
  });
}

TEST(Rnn, EqualsTheReferenceInFloat64) {
  for (uint32_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    const Case c = random_case(seed, kKinds[seed % 4], {.dtype = DType::kFloat64});
    expect_close(c, c.rnn()(c.inputs, c.arguments), 1e-13);
  }
}

TEST(Rnn, TakesEveryActivation) {
  for (int i = 0; i <= static_cast<int>(Activation::kSoftmax); ++i) {
    const auto activation = static_cast<Activation>(i);
    SCOPED_TRACE(activation_name(activation));
    for (Kind kind : kKinds) {
      for (DType dtype : {DType::kFloat32, DType::kFloat64}) {
        // exp of exp of exp: small weights and few steps keep it from running away.
        Case c =
            random_case(7, kind, {.dtype = dtype, .max_steps = 3, .max_units = 20, .scale = 0.03});
        const bool recurrent_too = activation != Activation::kExponential;
        for (auto& cell : c.cells) {
          cell.activation = activation;
          if (recurrent_too) cell.recurrent_activation = activation;
        }
        expect_close(c, c.rnn()(c.inputs, c.arguments), dtype == DType::kFloat32 ? 1e-5 : 1e-13);
      }
    }
  }
}

// A gate that is wide open keeps the state to the last bit, however long.
TEST(Rnn, OpenGatesDoNotDrift) {
  const int64_t units = 20, steps = 1000;
  const Tensor x = random_tensor(DType::kFloat32, {3, steps, 4}, 1, 0.1);
  Tensor state(DType::kFloat32, {3, units});
  for (size_t i = 0; i < state.values<float>().size(); ++i) {
    state.mutable_values<float>()[i] = 0.3f + 0.01f * static_cast<float>(i);
  }
  on_every_isa([&] {
    for (Kind kind : {Kind::kLstm, Kind::kGruAfter, Kind::kGruBefore}) {
      Case c = random_case(1, kind, {.steps = 1, .scale = 0.1});
      std::mt19937 random(static_cast<uint32_t>(kind));
      c.inputs = x;
      c.arguments = {};
      c.options = {};
      c.cells = {testing_rnn::random_cell(kind, 4, units, random, {.scale = 0.1})};
      c.cells[0].recurrent_activation = Activation::kSigmoid;
      const int64_t width = units * (kind == Kind::kLstm ? 4 : 3);
      c.cells[0].weights.resize(2);
      c.cells[0].weights.push_back(
          Tensor::zeros(DType::kFloat32, kind == Kind::kGruAfter ? Shape{2, width} : Shape{width}));
      float* bias = c.cells[0].weights[2].mutable_values<float>().data();
      const int64_t open = kind == Kind::kLstm ? units : 0;  // f, or z
      for (int64_t j = 0; j < units; ++j) bias[open + j] = 60;
      for (int64_t j = 0; kind == Kind::kLstm && j < units; ++j) bias[j] = -60;  // i
      c.arguments.initial_state = {state};
      if (kind == Kind::kLstm)
        c.arguments.initial_state = {Tensor::zeros(DType::kFloat32, {3, units}), state};
      const States states = c.rnn()(c.inputs, c.arguments);
      EXPECT_TRUE(std::ranges::equal(states.state.back().values<float>(), state.values<float>()));
    }
  });
}

TEST(Rnn, LengthsEqualTheirMask) {
  for (bool backwards : {false, true}) {
    Case c = random_case(3, Kind::kLstm, {.batch = 6, .steps = 9});
    c.options.go_backwards = backwards;
    c.inputs = random_tensor(DType::kFloat32, c.inputs.shape(), 1, 1);
    const std::vector<int32_t> lengths = {9, 0, 1, 4, 9, 8};
    Tensor mask(DType::kBool, {6, 9});
    for (size_t b = 0; b < 6; ++b) {
      for (size_t t = 0; t < 9; ++t)
        mask.mutable_values<bool>()[b * 9 + t] = static_cast<int32_t>(t) < lengths[b];
    }
    c.arguments.mask = mask;
    const RNN rnn = c.rnn();
    const States by_mask = rnn(c.inputs, c.arguments);
    c.arguments.mask.reset();
    c.arguments.lengths = Tensor::of<int32_t>({6}, lengths);
    const States by_lengths = rnn(c.inputs, c.arguments);
    EXPECT_TRUE(
        std::ranges::equal(by_mask.outputs.values<float>(), by_lengths.outputs.values<float>()));
    EXPECT_TRUE(
        std::ranges::equal(by_mask.state[1].values<float>(), by_lengths.state[1].values<float>()));
  }
}

TEST(Rnn, TakesBatchesOfNothing) {
  for (const Shape& shape : {Shape{0, 5, 3}, Shape{4, 0, 3}, Shape{0, 0, 3}, Shape{2, 3, 0}}) {
    SCOPED_TRACE(shape_string(shape));
    const RNN rnn(LSTMCell(2), {.return_sequences = true});
    const Tensor h0 = random_tensor(DType::kFloat32, {shape[0], 2}, 1, 1);
    const auto [outputs, state] =
        rnn(Tensor::zeros(DType::kFloat32, shape), {.initial_state = {h0, h0}});
    EXPECT_EQ(outputs.shape(), (Shape{shape[0], shape[1], 2}));
    ASSERT_EQ(state.size(), 2u);
    EXPECT_TRUE(shape[1] > 0 || std::ranges::equal(state[1].values<float>(), h0.values<float>()));
    const auto [last, final] = RNN(GRUCell(2))(Tensor::zeros(DType::kFloat32, shape));
    EXPECT_EQ(last.shape(), (Shape{shape[0], 2}));
    if (shape[1] == 0) {
      for (float x : last.values<float>()) EXPECT_EQ(x, 0);
    }
  }
}

TEST(Rnn, DefaultsAreKeras) {
  RNN rnn = LSTM(3, {.seed = 5});
  const Tensor x = random_tensor(DType::kFloat32, {2, 4, 5}, 1, 1);
  const States states = rnn(x);
  EXPECT_EQ(states.outputs.shape(), (Shape{2, 3}));
  EXPECT_TRUE(states.state.empty());
  const auto parameters = rnn.cell().parameters();
  ASSERT_EQ(parameters.size(), 3u);
  EXPECT_EQ(parameters[0].name, "kernel");
  EXPECT_EQ(parameters[0].value.shape(), (Shape{5, 12}));
  EXPECT_EQ(parameters[1].value.shape(), (Shape{3, 12}));
  const auto bias = parameters[2].value.values<float>();
  EXPECT_EQ(std::vector<float>(bias.begin(), bias.end()),
            (std::vector<float>{0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0}));
  // Recurrent kernels begin orthogonal: h U keeps the length of h.
  const auto u = parameters[1].value.values<float>();
  double length = 0;
  for (size_t j = 0; j < 12; ++j) length += double{u[j]} * u[j];
  EXPECT_NEAR(length, 1, 1e-5);
  GRUCell gru(2);
  gru.build(3);
  EXPECT_EQ(gru.parameters()[2].value.shape(), (Shape{2, 6}));
  GRUCell before(2, {.reset_after = false});
  before.build(3);
  EXPECT_EQ(before.parameters()[2].value.shape(), (Shape{6}));
  SimpleRNNCell bare(2, {.use_bias = false});
  bare.build(3);
  EXPECT_EQ(bare.parameters().size(), 2u);
}

TEST(Rnn, CellsShareTheirWeights) {
  SimpleRNNCell cell(4);
  const RNN rnn(cell);
  const Tensor x = random_tensor(DType::kFloat32, {2, 3, 5}, 1, 1);
  const States before = rnn(x);
  EXPECT_TRUE(cell.built());
  EXPECT_EQ(cell.input_size(), 5);
  const Tensor zeros[] = {Tensor::zeros(DType::kFloat32, {5, 4}),
                          Tensor::zeros(DType::kFloat32, {4, 4}),
                          Tensor::zeros(DType::kFloat32, {4})};
  cell.set_weights(zeros);
  EXPECT_EQ(rnn(x).outputs.values<float>()[0], 0);
  EXPECT_NE(before.outputs.values<float>()[0], 0);
}

// Nothing can be put in a weight's place; what is copied into it counts everywhere.
TEST(Rnn, WeightsAreCopiedIntoAndNeverReplaced) {
  using Value = decltype((std::declval<Cell&>().parameters()[0].value));
  static_assert(!std::is_assignable_v<Value, Tensor>);
  const GRUCell first(2), second(2);
  const RNN stack(std::vector<Cell>{first, second}), alone(second);
  const Tensor x = random_tensor(DType::kFloat32, {1, 2, 2}, 1, 1);
  EXPECT_NE(stack(x).outputs.values<float>()[0], 0);
  for (const Parameter& parameter : stack.cell().parameters()) {
    Tensor weight = parameter.value;
    std::ranges::fill(weight.mutable_values<float>(), 0.0f);
  }
  EXPECT_EQ(stack(x).outputs.values<float>()[0], 0);
  EXPECT_EQ(alone(x).outputs.values<float>()[0], 0);
}

TEST(Rnn, RunsOverWeightsThatAreElsewhere) {
  const LSTMCell lstm(3);
  const GRUCell gru(3);
  const RNN rnn(std::vector<Cell>{gru, lstm, gru});
  const Tensor x = random_tensor(DType::kFloat32, {2, 4, 3}, 1, 1);
  const States before = rnn(x);
  std::vector<Tensor> weights;
  for (const Parameter& parameter : rnn.cell().parameters())
    weights.push_back(random_tensor(DType::kFloat32, parameter.value.shape(), 2, 1));
  const RNN other(rnn.cell().over(weights));
  const RNNVjp vjp = other.vjp(x);
  EXPECT_FALSE(
      std::ranges::equal(vjp.result.outputs.values<float>(), before.outputs.values<float>()));
  EXPECT_TRUE(std::ranges::equal(rnn(x).outputs.values<float>(), before.outputs.values<float>()));
  for (size_t i = 0; i < weights.size(); ++i)
    EXPECT_EQ(other.cell().parameters()[i].value.buffer().data(), weights[i].buffer().data());
  Cell(rnn.cell()).set_weights(weights);
  EXPECT_TRUE(
      std::ranges::equal(vjp.result.outputs.values<float>(), rnn(x).outputs.values<float>()));
  weights.pop_back();
  EXPECT_ERROR(InvalidArgument, "has 6 weights, got 5", rnn.cell().over(weights));
  EXPECT_ERROR(InvalidArgument, "build it first", GRUCell(3).over(weights));
}

TEST(Rnn, OnlyWhatIsBuiltRunsOverOtherWeights) {
  GRUCell inner(4);
  inner.build(3);
  EXPECT_ERROR(InvalidArgument, "build it first", StackedRNNCells({inner}).over({}));
  EXPECT_ERROR(InvalidArgument, "build it first", Dense(3).over({}));
}

TEST(Rnn, ACellThatStandsTwiceSharesItsWeights) {
  const GRUCell cell(3);
  const RNN rnn(std::vector<Cell>{cell, GRUCell(3), cell});
  const Tensor x = random_tensor(DType::kFloat32, {2, 4, 3}, 1, 1);
  rnn(x);
  const auto parameters = rnn.cell().parameters();
  ASSERT_EQ(parameters.size(), 6u);
  EXPECT_EQ(parameters[0].name, "cell_0/kernel");
  EXPECT_EQ(parameters[3].name, "cell_1/kernel");
  const RNN copies(std::vector<Cell>{cell, GRUCell(3), GRUCell(3)});
  copies(x);
  std::vector<Tensor> weights;
  for (size_t i : {0, 1, 2, 3, 4, 5, 0, 1, 2}) weights.push_back(parameters[i].value);
  Cell(copies.cell()).set_weights(weights);
  EXPECT_TRUE(
      std::ranges::equal(rnn(x).outputs.values<float>(), copies(x).outputs.values<float>()));
  const GRUCell fresh(3);
  try {
    RNN(std::vector<Cell>{fresh, fresh})(Tensor::zeros(DType::kFloat32, {1, 1, 4}));
    ADD_FAILURE();
  } catch (const InvalidArgument& error) {
    EXPECT_NE(std::string(error.what()).find("places 0 and 1 of a stack, where inputs have size 4"),
              std::string::npos)
        << error.what();
  }
  EXPECT_FALSE(fresh.built());
}

TEST(Rnn, AnyOptionLeavesTheOthersAtTheirDefaults) {
  const Tensor x = Tensor::zeros(DType::kFloat32, {1, 2, 3});
  const RNNOptions sequences = {.return_sequences = true};
  EXPECT_TRUE(LSTM(2, {}, sequences)(x).state.empty());
  EXPECT_TRUE(GRU(2, {}, sequences)(x).state.empty());
  EXPECT_TRUE(SimpleRNN(2, {}, sequences)(x).state.empty());
  EXPECT_EQ(LSTM(2, {}, {.return_state = true})(x).state.size(), 2u);
  EXPECT_EQ(RNN(LSTMCell(2), sequences)(x).state.size(), 2u);
  EXPECT_TRUE(RNN(LSTMCell(2), {.return_state = false})(x).state.empty());
  EXPECT_EQ(RNN(GRUCell(2)).options().return_state, true);
}

TEST(Rnn, StackedCellsNameAndNestTheirWeights) {
  StackedRNNCells cells({LSTMCell(4), LSTMCell(4), SimpleRNNCell(2)});
  EXPECT_EQ(cells.state_sizes(), (std::vector<int64_t>{4, 4, 4, 4, 2}));
  EXPECT_EQ(cells.units(), 2);
  cells.build(4);
  ASSERT_EQ(cells.parameters().size(), 9u);
  EXPECT_EQ(cells.parameters()[3].name, "cell_1/kernel");
  const auto first = cells.parameters()[1].value.values<float>();
  const auto second = cells.parameters()[4].value.values<float>();
  EXPECT_FALSE(std::ranges::equal(first, second));  // two cells of one name begin differently
  EXPECT_THROW(StackedRNNCells({}), InvalidArgument);
  EXPECT_THROW(StackedRNNCells(std::vector<Cell>{cells}), InvalidArgument);
  EXPECT_THROW(StackedRNNCells({GRUCell(1), GRUCell(1, {.dtype = DType::kFloat64})}),
               InvalidArgument);
}

template <class E, class F>
void expect_error(F f, const std::string& part) {
  try {
    f();
    ADD_FAILURE() << "no error: " << part;
  } catch (const E& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(Rnn, RefusesWhatCannotWork) {
  const RNN rnn(SimpleRNNCell(2));
  const Tensor x = Tensor::zeros(DType::kFloat32, {2, 5, 3});
  rnn(x);
  expect_error<InvalidArgument>([] { GRUCell(0); }, "`units`: expected a positive integer, got 0");
  for (int64_t units : {int64_t{1} << 62, (int64_t{1} << 28) + 1}) {
    const std::string words = "`units`: expected a positive integer of at most 2^28, got ";
    expect_error<InvalidArgument>([&] { LSTMCell{units}; }, words + std::to_string(units));
    expect_error<InvalidArgument>([&] { SimpleRNNCell{units}; }, words + std::to_string(units));
  }
  GRUCell wide(1 << 20);
  expect_error<InvalidArgument>([&] { wide.build(int64_t{1} << 62); }, "2^63 elements");
  expect_error<WrongType>([] { GRUCell(1, {.dtype = DType::kInt64}); }, "int64");
  expect_error<InvalidArgument>([&] { rnn(Tensor::zeros(DType::kFloat32, {2, 3})); },
                                "[B, T, D], got [2, 3]");
  expect_error<WrongType>([&] { rnn(Tensor::zeros(DType::kFloat64, {2, 5, 3})); },
                          "must be float32, got float64");
  expect_error<InvalidArgument>([&] { rnn(Tensor::zeros(DType::kFloat32, {2, 5, 4})); },
                                "size 3, got 4");
  expect_error<InvalidArgument>([&] { rnn(x, {.mask = Tensor::zeros(DType::kBool, {2, 4})}); },
                                "4 steps wide");
  expect_error<InvalidArgument>([&] { rnn(x, {.mask = Tensor::zeros(DType::kBool, {2, 4})}); },
                                ".mask");
  expect_error<InvalidArgument>([&] { rnn(x, {.mask = Tensor::zeros(DType::kBool, {3, 5})}); },
                                "3 rows");
  expect_error<InvalidArgument>([&] { rnn(x, {.mask = Tensor::zeros(DType::kBool, {5})}); },
                                "[B, T]");
  expect_error<WrongType>([&] { rnn(x, {.mask = Tensor::zeros(DType::kFloat32, {2, 5})}); },
                          "bool, got float32");
  expect_error<OutOfRange>([&] { rnn(x, {.lengths = Tensor::of<int64_t>({2}, {1, 6})}); }, "row 1");
  expect_error<OutOfRange>([&] { rnn(x, {.lengths = Tensor::of<int64_t>({2}, {-1, 5})}); }, "-1");
  expect_error<OutOfRange>(
      [&] { rnn(x, {.lengths = Tensor::of<uint64_t>({2}, {~uint64_t{0}, 5})}); }, "row 0");
  expect_error<WrongType>([&] { rnn(x, {.lengths = Tensor::zeros(DType::kFloat32, {2})}); },
                          "integers");
  expect_error<InvalidArgument>([&] { rnn(x, {.lengths = Tensor::zeros(DType::kInt64, {3})}); },
                                "[2], got [3]");
  expect_error<InvalidArgument>(
      [&] {
        rnn(x, {.mask = Tensor::zeros(DType::kBool, {2, 5}),
                .lengths = Tensor::zeros(DType::kInt64, {2})});
      },
      "not both");
  expect_error<InvalidArgument>([&] { rnn(x, {.initial_state = {x, x}}); }, "2 tensors");
  expect_error<InvalidArgument>([&] { rnn(x, {.initial_state = {x}}); }, "[2, 2], got [2, 5, 3]");
  expect_error<LimitExceeded>(
      [&] { rnn(Tensor::zeros(DType::kFloat32, {1, int64_t{1} << 31, 0})); }, "below 2^31");
  const Tensor one[] = {x};
  expect_error<InvalidArgument>([&] { Cell(rnn.cell()).set_weights(one); }, "3 weights, got 1");
  expect_error<InvalidArgument>([&] { SimpleRNNCell(2).set_weights(one); }, "build");
}

}  // namespace
}  // namespace weft
