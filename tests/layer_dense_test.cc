#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>

#include "random_columns.h"
#include "tests/reference_rnn.h"
#include "weft/config.h"
#include "weft/layer.h"

namespace weft {
namespace {

using testing::on_every_isa;
using testing::random_rows;
using testing::random_sequences;
using testing::random_table;
using testing::same_bits;

constexpr Activation kActivations[] = {Activation::kLinear, Activation::kRelu,
                                       Activation::kSoftmax};

template <class T>
Dense random_dense(uint32_t seed, int64_t depth, int64_t units) {
  Dense dense(
      units,
      {.activation = kActivations[seed % 3], .use_bias = seed % 4 != 0, .dtype = kDTypeOf<T>});
  dense.build(depth);
  std::vector<Tensor> weights{random_table<T>(depth, units, seed)};
  if (seed % 4 != 0) weights.push_back(random_table<T>(units, 1, seed + 1).reshaped({units}));
  dense.set_weights(weights);
  return dense;
}

// Slow and obvious, in double.
template <class T>
std::vector<double> expected_row(const Dense& dense, const T* x, int64_t depth) {
  const auto parameters = dense.parameters();
  const auto kernel = parameters[0].value.values<T>();
  const auto units = static_cast<size_t>(dense.units());
  std::vector<double> y(units, 0);
  for (size_t u = 0; u < units; ++u) {
    if (parameters.size() == 2) y[u] = static_cast<double>(parameters[1].value.values<T>()[u]);
    for (size_t k = 0; k < static_cast<size_t>(depth); ++k)
      y[u] += static_cast<double>(x[k]) * static_cast<double>(kernel[k * units + u]);
  }
  return reference::apply(dense.options().activation, y);
}

template <class T>
void expect_reference(const Dense& dense, const Tensor& x, double tolerance) {
  const Tensor got = dense(x);
  const int64_t depth = x.shape().back(), rows = x.size() / depth;
  ASSERT_EQ(got.size(), rows * dense.units());
  for (int64_t row = 0; row < rows; ++row) {
    const auto want = expected_row<T>(dense, x.values<T>().data() + row * depth, depth);
    for (size_t u = 0; u < want.size(); ++u) {
      ASSERT_NEAR(static_cast<double>(got.values<T>()[static_cast<size_t>(row) * want.size() + u]),
                  want[u], tolerance * (1 + std::fabs(want[u])))
          << "row " << row << " unit " << u;
    }
  }
}

TEST(Dense, EqualsTheReferenceOnEveryCodePath) {
  on_every_isa([] {
    for (uint32_t seed = 0; seed < 24; ++seed) {
      SCOPED_TRACE(seed);
      const int64_t rows = 1 + seed * 13 % 211, depth = 1 + seed * 7 % 70, units = 1 + seed % 37;
      expect_reference<float>(random_dense<float>(seed, depth, units),
                              random_table<float>(rows, depth, seed), 2e-5);
      expect_reference<double>(random_dense<double>(seed, depth, units),
                               random_table<double>(rows, depth, seed), 1e-13);
    }
  });
}

TEST(Dense, TakesAnyRankAndNoRows) {
  const Dense dense = random_dense<float>(5, 6, 3);
  const Tensor x = random_table<float>(20, 6, 1);
  const Tensor flat = dense(x);
  EXPECT_TRUE(same_bits(dense(x.reshaped({2, 5, 2, 6})), flat.reshaped({2, 5, 2, 3})));
  EXPECT_EQ(dense(Tensor(DType::kFloat32, {0, 4, 6})).shape(), (Shape{0, 4, 3}));
  Dense empty(2);
  EXPECT_EQ(testing::to_vector<float>(empty(Tensor(DType::kFloat32, {1, 0}))),
            (std::vector<float>{0, 0}));
  EXPECT_ERROR(InvalidArgument, "[B, ..., D], got [120]", dense(x.reshaped({120})));
  EXPECT_ERROR(InvalidArgument, "[B, ..., D], got []",
               dense(Tensor(DType::kFloat32, {1}).reshaped({})));
}

TEST(Dense, ARowDoesNotDependOnItsBatchOrThreads) {
  const Dense dense = random_dense<float>(7, 50, 33);
  const Tensor x = random_table<float>(3000, 50, 2);
  const int before = num_threads();
  set_num_threads(1);
  const Tensor all = dense(x);
  set_num_threads(3);
  EXPECT_TRUE(same_bits(dense(x), all));
  set_num_threads(before);
  for (int64_t row = 0; row < 3000; row += 111) {
    const auto bytes = [&](const Tensor& t, int64_t width) {
      return Tensor::from_buffer(
          DType::kFloat32, {1, width},
          Buffer::copy_of(t.values<float>().data() + row * width, width * 4));
    };
    EXPECT_TRUE(same_bits(dense(bytes(x, 50)), bytes(all, 33))) << row;
  }
}

template <class T>
void expect_blocks_same(uint32_t seed) {
  const auto units = static_cast<int64_t>(1 + seed % 37);
  const auto rows = random_rows(seed, kDTypeOf<T>);
  const Dense head = random_dense<T>(seed, rows.layer.width(), units);
  ASSERT_TRUE(same_bits(head(rows.layer.blocks(rows.features)), head(rows.layer(rows.features))));
  const auto sequences = random_sequences(seed, kDTypeOf<T>);
  const Dense steps = random_dense<T>(seed, sequences.layer.width(), units);
  ASSERT_TRUE(same_bits(steps(sequences.layer.blocks(sequences.features).data),
                        steps(sequences.layer(sequences.features).data)));
}

TEST(Dense, BlocksHaveTheBitsOfTheTensor) {
  on_every_isa([] {
    for (uint32_t seed = 0; seed < 100; ++seed) {
      SCOPED_TRACE(seed);
      expect_blocks_same<float>(seed);
      expect_blocks_same<double>(seed);
    }
  });
}

TEST(Dense, ReadsNoRowOfTheKernelThatDoesNotOccur) {
  const DenseFeatures layer({indicator_column(testing::bag_ids("a", 50))});
  Dense dense(5);
  dense.build(50);
  Tensor kernel = dense.parameters()[0].value;
  const auto weights = kernel.mutable_values<float>();
  for (size_t i = 0; i < 49 * 5; ++i) weights[i] = std::numeric_limits<float>::quiet_NaN();
  const Tensor out = dense(layer.blocks({{"a", Ragged::from_lists<int64_t>({{49, 49}, {}})}}));
  for (float x : out.values<float>()) EXPECT_TRUE(std::isfinite(x));
}

TEST(Dense, WeightsAreKerasAndShared) {
  Dense dense(3, {.kernel_initializer = initializers::Ones{},
                  .bias_initializer = initializers::Constant{0.5}});
  EXPECT_TRUE(dense.parameters().empty());
  EXPECT_ERROR(InvalidArgument, "no weights yet", dense.set_weights({}));
  EXPECT_EQ(dense.input_size(), -1);
  dense.build(2);
  ASSERT_EQ(dense.parameters().size(), 2u);
  EXPECT_EQ(dense.parameters()[0].name, "kernel");
  EXPECT_EQ(dense.parameters()[0].value.shape(), (Shape{2, 3}));
  EXPECT_EQ(dense.parameters()[1].name, "bias");
  EXPECT_EQ(testing::to_vector<float>(dense(Tensor::of<float>({1, 2}, {1, 2}))),
            (std::vector<float>{3.5, 3.5, 3.5}));
  const Dense copy = dense;
  EXPECT_EQ(copy.parameters()[0].value.buffer().data(),
            dense.parameters()[0].value.buffer().data());
  const std::vector<Tensor> elsewhere{Tensor::of<float>({2, 3}, {1, 1, 1, 1, 1, 1}),
                                      Tensor::of<float>({3}, {1, 2, 3})};
  const Dense other = dense.over(elsewhere);
  EXPECT_EQ(testing::to_vector<float>(other(Tensor::of<float>({1, 2}, {1, 2}))),
            (std::vector<float>{4, 5, 6}));
  EXPECT_EQ(other.parameters()[1].value.buffer().data(), elsewhere[1].buffer().data());
  EXPECT_ERROR(InvalidArgument, "layer 'dense' has 2 weights, got 1",
               dense.set_weights(std::vector<Tensor>{random_table<float>(2, 3, 1)}));
  EXPECT_ERROR(InvalidArgument, "built for inputs of size 2, got 4", dense.build(4));
  EXPECT_ERROR(InvalidArgument, "must not be negative", Dense(1).build(-1));
}

TEST(Dense, RefusesWhatItCannotBe) {
  EXPECT_ERROR(InvalidArgument, "positive integer", Dense(0));
  EXPECT_ERROR(InvalidArgument, "2^28", Dense(int64_t{1} << 40));
  EXPECT_ERROR(WrongType, "float32 or float64", Dense(1, {.dtype = DType::kInt64}));
  EXPECT_ERROR(WrongType, "must be float32, got float64",
               Dense(1)(Tensor::zeros(DType::kFloat64, {2, 3})));
}

TEST(Dense, SeveralThreadsMayCallAndBuildOne) {
  const Dense dense(8);
  const Tensor x = random_table<float>(50, 6, 3);
  std::vector<Tensor> got(4);
  std::vector<std::thread> threads;
  for (Tensor& out : got) threads.emplace_back([&] { out = dense(x); });
  for (std::thread& thread : threads) thread.join();
  for (const Tensor& out : got) EXPECT_TRUE(same_bits(out, got[0]));
}

}  // namespace
}  // namespace weft
