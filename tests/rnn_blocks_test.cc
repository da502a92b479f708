// An RNN over blocks against the same RNN over the tensor that they stand for: every bit.
#include <gtest/gtest.h>

#include "tests/random_columns.h"
#include "tests/rnn_case.h"
#include "weft/config.h"

namespace weft {
namespace {

using reference::Kind;
using testing::id_blocks;
using testing::random_sequences;
using testing::same_bits;
using testing_rnn::Case;
using testing_rnn::on_every_isa;
using testing_rnn::random_mask;
using testing_rnn::random_tensor;

constexpr Kind kKinds[] = {Kind::kSimple, Kind::kGruAfter, Kind::kGruBefore, Kind::kLstm};

// One or two cells of any kind with random weights, biases and dropout too.
RNN random_rnn(uint32_t seed, DType dtype, int64_t depth) {
  std::mt19937 random(seed);
  const auto units = [&] { return 1 + static_cast<int64_t>(random() % 40); };
  Case c;
  c.dtype = dtype;
  c.options = {.return_sequences = random() % 2 == 0,
               .go_backwards = random() % 3 == 0,
               .zero_output_for_mask = random() % 3 == 0};
  c.inputs = Tensor(dtype, {0, 0, depth});
  c.cells.push_back(
      testing_rnn::random_cell(kKinds[seed % 4], depth, units(), random, {.dtype = dtype}));
  if (random() % 2 == 0) {
    c.cells.push_back(testing_rnn::random_cell(kKinds[random() % 4], c.cells[0].units(), units(),
                                               random, {.dtype = dtype}));
  }
  testing_rnn::add_dropout(c, random);
  return c.rnn();
}

void expect_same(const RNN& rnn, const Blocks& blocks, const Tensor& dense,
                 const RNNArguments& arguments) {
  const States one = rnn(blocks, arguments), other = rnn(dense, arguments);
  ASSERT_TRUE(same_bits(one.outputs, other.outputs));
  ASSERT_EQ(one.state.size(), other.state.size());
  for (size_t i = 0; i < one.state.size(); ++i)
    ASSERT_TRUE(same_bits(one.state[i], other.state[i])) << i;
}

TEST(RnnBlocks, HaveTheBitsOfTheTensor) {
  on_every_isa([] {
    int64_t sparse = 0;
    for (uint32_t seed = 0; seed < 160; ++seed) {
      SCOPED_TRACE(seed);
      const DType dtype = seed % 5 == 0 ? DType::kFloat64 : DType::kFloat32;
      const auto c = random_sequences(seed, dtype);
      const Sequence dense = c.layer(c.features);
      const SequenceBlocks blocks = c.layer.blocks(c.features);
      sparse += id_blocks(blocks.data);
      const RNN rnn = random_rnn(seed, dtype, c.layer.width());
      const int64_t batch = dense.data.dim(0), steps = dense.data.dim(1);
      std::mt19937 random(seed);
      RNNArguments arguments = {.training = seed % 2 == 0, .step = seed};
      if (seed % 3 == 0) arguments.mask = blocks.mask();
      if (seed % 3 == 1) arguments.mask = random_mask(batch, steps, random);
      if (random() % 2 == 0) {
        for (int64_t size : rnn.cell().state_sizes())
          arguments.initial_state.push_back(random_tensor(dtype, {batch, size}, seed, 1));
      }
      expect_same(rnn, blocks.data, dense.data, arguments);
    }
    EXPECT_GT(sparse, 160);
  });
}

// The columns of `dense` that stand in dense blocks.
Tensor dense_columns(const Tensor& of, const Blocks& blocks) {
  const int64_t width = of.dim(2), cells = of.dim(0) * of.dim(1);
  std::vector<double> kept;
  for (int64_t cell = 0; cell < cells; ++cell) {
    int64_t column = 0;
    for (const Blocks::Block& block : blocks.blocks()) {
      const auto* counts = std::get_if<IdCounts>(&block);
      const int64_t n = counts ? counts->width : std::get<Tensor>(block).shape().back();
      for (int64_t j = 0; j < n && !counts; ++j)
        kept.push_back(reference::element(of, cell * width + column + j));
      column += n;
    }
  }
  const int64_t left = cells == 0 ? 0 : static_cast<int64_t>(kept.size()) / cells;
  return Tensor::of<double>({of.dim(0), of.dim(1), left}, std::span<const double>(kept));
}

void expect_near(const Tensor& found, const Tensor& expected, double tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  for (int64_t i = 0; i < expected.size(); ++i) {
    const double x = reference::element(expected, i);
    ASSERT_NEAR(reference::element(found, i), x, tolerance * (1 + std::abs(x))) << "element " << i;
  }
}

TEST(RnnBlocks, HaveTheGradientOfTheTensor) {
  for (uint32_t seed = 0; seed < 240; ++seed) {
    SCOPED_TRACE(seed);
    const DType dtype = seed % 2 == 0 ? DType::kFloat64 : DType::kFloat32;
    const auto c = random_sequences(seed, dtype);
    const Sequence dense = c.layer(c.features);
    const SequenceBlocks blocks = c.layer.blocks(c.features);
    const RNN rnn = random_rnn(seed, dtype, c.layer.width());
    const RNNArguments arguments = {.mask = blocks.mask(), .training = seed >= 120, .step = seed};
    const RNNVjp one = rnn.vjp(blocks.data, arguments), other = rnn.vjp(dense.data, arguments);
    const StatesGradient gradient = {
        .outputs = random_tensor(dtype, one.result.outputs.shape(), seed, 1), .state = {}};
    const RNNGradients found = one.pullback(gradient), expected = other.pullback(gradient);
    const double tolerance = dtype == DType::kFloat64 ? 1e-12 : 1e-4;
    if (found.inputs.dim(2) > 0)
      expect_near(found.inputs, dense_columns(expected.inputs, blocks.data), tolerance);
    for (size_t i = 0; i < found.parameters.size(); ++i) {
      const auto* rows = std::get_if<IndexedSlices>(&found.parameters[i]);
      EXPECT_EQ(rows != nullptr, i == 0 && id_blocks(blocks.data) > 0);
      expect_near(rows ? rows->to_dense() : std::get<Tensor>(found.parameters[i]),
                  std::get<Tensor>(expected.parameters[i]), tolerance);
    }
  }
}

// The second place of the cell has all rows of the kernel below dense inputs.
TEST(RnnBlocks, HaveTheGradientOfACellThatStandsTwice) {
  const IdCounts ids{4, Tensor::of<int64_t>({7}, {0, 1, 1, 3, 4, 4, 5}),
                     Tensor::of<int64_t>({5}, {2, 0, 3, 1, 3}),
                     Tensor::of<double>({5}, {1, 2, .5, 1, 3})};
  const Blocks blocks({2, 3}, {random_tensor(DType::kFloat64, {2, 3, 3}, 1, 1), ids});
  const GRUCell cell(7, {.dtype = DType::kFloat64});
  const RNN rnn(std::vector<Cell>{cell, LSTMCell(7, {.dtype = DType::kFloat64}), cell});
  const RNNVjp one = rnn.vjp(blocks), other = rnn.vjp(testing::written(blocks));
  const StatesGradient gradient = {.outputs = random_tensor(DType::kFloat64, {2, 7}, 2, 1),
                                   .state = {}};
  const RNNGradients found = one.pullback(gradient), expected = other.pullback(gradient);
  ASSERT_EQ(found.parameters.size(), 6);
  for (size_t i = 0; i < found.parameters.size(); ++i)
    expect_near(std::get<Tensor>(found.parameters[i]), std::get<Tensor>(expected.parameters[i]),
                1e-12);
}

TEST(RnnBlocks, ThreadsChangeNothing) {
  const int before = num_threads();
  std::vector<std::vector<int64_t>> ids(400);
  for (size_t row = 0; row < ids.size(); ++row) {
    for (size_t step = 0; step < row % 37; ++step)
      ids[row].push_back(static_cast<int64_t>(row * 31 + step * 17) % 1000);
  }
  const SequenceFeatures layer(
      {indicator_column(sequence_categorical_column_with_identity("a", 1000))});
  const Features features{{"a", Ragged::from_lists<int64_t>(ids)}};
  const RNN rnn = random_rnn(1, DType::kFloat32, 1000);
  for (int threads : {1, 3}) {
    set_num_threads(threads);
    const SequenceBlocks blocks = layer.blocks(features);
    expect_same(rnn, blocks.data, layer(features).data, {.mask = blocks.mask()});
  }
  set_num_threads(before);
}

TEST(RnnBlocks, ReadNoRowOfTheKernelThatDoesNotOccur) {
  const SequenceFeatures layer(
      {indicator_column(sequence_categorical_column_with_identity("a", 50))});
  RNN rnn(GRUCell(5), {});
  rnn.cell().build(50);
  Tensor kernel = rnn.cell().parameters()[0].value;
  const auto weights = kernel.mutable_values<float>();
  for (int64_t row = 0; row < 50; ++row) {
    if (row == 7 || row == 49) continue;
    for (int64_t i = 0; i < 15; ++i)
      weights[static_cast<size_t>(row * 15 + i)] = std::numeric_limits<float>::quiet_NaN();
  }
  const States states =
      rnn(layer.blocks({{"a", Ragged::from_lists<int64_t>({{7, 49}, {49}})}}).data);
  for (float x : states.outputs.values<float>()) EXPECT_TRUE(std::isfinite(x));
}

TEST(RnnBlocks, MayBeTimeMajorToo) {
  const IdCounts ids{4, Tensor::of<int64_t>({7}, {0, 1, 1, 3, 4, 4, 5}),
                     Tensor::of<int64_t>({5}, {2, 0, 3, 1, 3}),
                     Tensor::of<float>({5}, {1, 2, .5f, 1, 3})};
  const Blocks blocks({3, 2}, {random_tensor(DType::kFloat32, {3, 2, 5}, 1, 1), ids});
  for (bool backwards : {false, true}) {
    const RNN rnn(GRUCell(7, {.dropout = 0.5, .implementation = 1}),
                  {.return_sequences = true, .go_backwards = backwards, .time_major = true});
    expect_same(rnn, blocks, testing::written(blocks), {});
    expect_same(rnn, blocks, testing::written(blocks), {.training = true});
  }
}

TEST(RnnBlocks, OfAnotherDtypeOrRankAreRefused) {
  const IdCounts ids{4, Tensor::of<int64_t>({3}, {0, 1, 1}), Tensor::of<int64_t>({1}, {2}),
                     Tensor::of<double>({1}, {1})};
  const RNN rnn(GRUCell(3), {});
  EXPECT_ERROR(WrongType, "must be float32, got float64", rnn(Blocks({1, 2}, {ids})));
  const RNN wide(GRUCell(3, {.dtype = DType::kFloat64}), {});
  EXPECT_ERROR(InvalidArgument, "[B, T, D], got [2, 4]", wide(Blocks({2}, {ids})));
  EXPECT_NO_THROW(wide(Blocks({1, 2}, {ids})));
  EXPECT_ERROR(InvalidArgument, "built for inputs of size 4",
               wide(Tensor::zeros(DType::kFloat64, {1, 2, 5})));
}

}  // namespace
}  // namespace weft
