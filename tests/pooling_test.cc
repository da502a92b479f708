#include <gtest/gtest.h>

#include "tests/differences.h"
#include "tests/expect_error.h"
#include "tests/pooling_case.h"
#include "weft/config.h"

namespace weft {
namespace {

using reference::element;
using testing::dot;
using testing::expect_differences;
using testing_pooling::attended;
using testing_pooling::Histories;
using testing_pooling::kPoolings;
using testing_pooling::pooled;
using testing_pooling::random_histories;
using testing_pooling::same_bits;
using testing_rnn::on_every_isa;
using testing_rnn::random_tensor;

constexpr DType kDTypes[] = {DType::kFloat32, DType::kFloat64};

TEST(Pooling, IsWhatTheReferenceSays) {
  on_every_isa([] {
    for (uint32_t seed = 0; seed < 100; ++seed) {
      for (DType dtype : kDTypes) {
        SCOPED_TRACE(seed);
        const Histories h = random_histories(seed, dtype);
        const int64_t width = h.inputs.dim(2);
        const double tolerance = dtype == DType::kFloat32 ? 2e-6 : 1e-14;
        for (Pooling pooling : kPoolings) {
          const Tensor result = pool(pooling, h.inputs, h.steps());
          ASSERT_EQ(result.shape(), (Shape{h.inputs.dim(0), width}));
          for (int64_t i = 0; i < result.size(); ++i) {
            const double expected = pooled(h, pooling, i / width, i % width);
            ASSERT_NEAR(element(result, i), expected, tolerance * (1 + std::abs(expected)));
          }
        }
      }
    }
  });
}

TEST(AttentionPooling, IsWhatTheReferenceSays) {
  on_every_isa([] {
    for (uint32_t seed = 0; seed < 200; ++seed) {
      for (DType dtype : kDTypes) {
        SCOPED_TRACE(seed);
        const Histories h = random_histories(seed, dtype);
        const AttentionPooling layer = h.layer();
        const Tensor result = layer(h.inputs, h.arguments);
        const double tolerance = dtype == DType::kFloat32 ? 2e-5 : 1e-12;
        for (int64_t row = 0; row < h.inputs.dim(0); ++row) {
          const reference::Vector expected = attended(h, layer, row);
          for (int64_t j = 0; j < h.inputs.dim(2); ++j) {
            ASSERT_NEAR(element(result, row * h.inputs.dim(2) + j),
                        expected[static_cast<size_t>(j)], tolerance);
          }
        }
      }
    }
  });
}

TEST(AttentionPooling, ReadsWeightsThatAreElsewhere) {
  const AttentionPooling layer({.learned_query = true});
  const Tensor inputs = random_tensor(DType::kFloat32, {2, 5, 3}, 1, 1);
  layer(inputs);
  Tensor query = random_tensor(DType::kFloat32, {3}, 2, 1);
  const AttentionPooling over = layer.over(std::vector<Tensor>{query});
  query.mutable_values<float>()[0] = 9;
  AttentionPooling other({.learned_query = true});
  other.build(3);
  other.set_weights(std::vector<Tensor>{query});
  EXPECT_TRUE(same_bits(over(inputs), other(inputs)));
}

// Any size of score: the largest alone counts here.
TEST(AttentionPooling, IsStable) {
  const Tensor inputs = Tensor::of<float>({1, 3, 1}, {1e4f, -1e4f, 1e4f});
  const Tensor query = Tensor::of<float>({1, 1}, {1e4f});
  const Tensor mask = Tensor::of<bool>({1, 3}, {true, true, false});
  AttentionArguments arguments;
  arguments.query = query;
  arguments.mask = mask;
  EXPECT_EQ(AttentionPooling()(inputs, arguments).values<float>()[0], 1e4f);
}

TEST(PoolingVjp, IsWhatDifferencesSay) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    const Histories h = random_histories(seed, DType::kFloat64);
    std::mt19937 random(seed);
    for (Pooling pooling : kPoolings) {
      const PoolingVjp vjp = pool_vjp(pooling, h.inputs, h.steps());
      EXPECT_TRUE(same_bits(vjp.result, pool(pooling, h.inputs, h.steps())));
      const Tensor grad = random_tensor(DType::kFloat64, vjp.result.shape(), seed, 1);
      expect_differences(h.inputs, vjp.pullback(grad), random,
                         [&] { return dot(pool(pooling, h.inputs, h.steps()), grad); });
    }
  }
}

TEST(PoolingVjp, SharesAMaximumAmongItsSteps) {
  const Tensor inputs = Tensor::of<float>({1, 4, 2}, {3, 1, 2, 5, 3, 5, 3, 0});
  const Tensor mask = Tensor::of<bool>({1, 4}, {true, true, true, false});
  const PoolingVjp vjp = pool_vjp(Pooling::kMax, inputs, {.mask = mask});
  const Tensor found = vjp.pullback(Tensor::of<float>({1, 2}, {1, 4}));
  EXPECT_TRUE(same_bits(found, Tensor::of<float>({1, 4, 2}, {0.5, 0, 0, 2, 0.5, 2, 0, 0})));
}

TEST(AttentionPoolingVjp, IsWhatDifferencesSay) {
  for (uint32_t seed = 0; seed < 120; ++seed) {
    SCOPED_TRACE(seed);
    const Histories h = random_histories(seed, DType::kFloat64);
    std::mt19937 random(seed);
    const AttentionPooling layer = h.layer();
    const AttentionVjp vjp = layer.vjp(h.inputs, h.arguments);
    EXPECT_TRUE(same_bits(vjp.result, layer(h.inputs, h.arguments)));
    const Tensor grad = random_tensor(DType::kFloat64, vjp.result.shape(), seed, 1);
    const AttentionGradients found = vjp.pullback(grad);
    const auto f = [&] { return dot(layer(h.inputs, h.arguments), grad); };
    expect_differences(h.inputs, found.inputs, random, f);
    ASSERT_EQ(found.keys.has_value(), h.arguments.keys.has_value());
    ASSERT_EQ(found.query.has_value(), h.arguments.query.has_value());
    if (found.keys) expect_differences(*h.arguments.keys, *found.keys, random, f);
    if (found.query) expect_differences(*h.arguments.query, *found.query, random, f);
    ASSERT_EQ(found.parameters.size(), layer.parameters().size());
    for (size_t i = 0; i < found.parameters.size(); ++i) {
      SCOPED_TRACE(layer.parameters()[i].name);
      expect_differences(layer.parameters()[i].value, std::get<Tensor>(found.parameters[i]), random,
                         f);
    }
  }
}

Tensor widened(const Tensor& x) { return as_floating(x, DType::kFloat64, "x"); }

void expect_near(const Tensor& found, const Tensor& expected) {
  ASSERT_EQ(found.shape(), expected.shape());
  for (int64_t i = 0; i < expected.size(); ++i)
    ASSERT_NEAR(element(found, i), element(expected, i), 1e-4) << "element " << i;
}

TEST(PoolingVjp, InFloat32IsThatInFloat64) {
  on_every_isa([] {
    for (uint32_t seed = 0; seed < 100; ++seed) {
      SCOPED_TRACE(seed);
      const Histories h = random_histories(seed, DType::kFloat32);
      Histories wide = h;
      wide.inputs = widened(h.inputs);
      wide.options.dtype = DType::kFloat64;
      if (h.arguments.query) wide.arguments.query = widened(*h.arguments.query);
      if (h.arguments.keys) wide.arguments.keys = widened(*h.arguments.keys);
      AttentionPooling exact = wide.layer();
      std::vector<Tensor> weights;
      const AttentionPooling layer = h.layer();
      for (const Parameter& parameter : layer.parameters())
        weights.push_back(widened(parameter.value));
      exact.set_weights(weights);
      const Tensor grad =
          random_tensor(DType::kFloat32, {h.inputs.dim(0), h.inputs.dim(2)}, seed, 1);
      for (Pooling pooling : kPoolings) {
        expect_near(pool_vjp(pooling, h.inputs, h.steps()).pullback(grad),
                    pool_vjp(pooling, wide.inputs, wide.steps()).pullback(widened(grad)));
      }
      const AttentionGradients found = layer.vjp(h.inputs, h.arguments).pullback(grad);
      const AttentionGradients expected =
          exact.vjp(wide.inputs, wide.arguments).pullback(widened(grad));
      expect_near(found.inputs, expected.inputs);
      if (found.query) expect_near(*found.query, *expected.query);
      if (found.keys) expect_near(*found.keys, *expected.keys);
      for (size_t i = 0; i < found.parameters.size(); ++i) {
        expect_near(std::get<Tensor>(found.parameters[i]),
                    std::get<Tensor>(expected.parameters[i]));
      }
    }
  });
}

Tensor row_of(const Tensor& tensor, int64_t row) {
  Shape shape = tensor.shape();
  const int64_t bytes = tensor.size() / shape[0] * dtype_size(tensor.dtype());
  shape[0] = 1;
  return Tensor::from_buffer(tensor.dtype(), shape,
                             Buffer::copy_of(tensor.buffer().data() + row * bytes, bytes));
}

TEST(Pooling, OfARowAloneIsThatOfTheRowInAnyBatch) {
  on_every_isa([] {
    for (uint32_t seed = 0; seed < 40; ++seed) {
      const Histories h = random_histories(seed, DType::kFloat32);
      const AttentionPooling layer = h.layer();
      const Tensor all = layer(h.inputs, h.arguments);
      for (int64_t row = 0; row < h.inputs.dim(0); ++row) {
        AttentionArguments one;
        const auto take = [&](const std::optional<Tensor>& from, std::optional<Tensor>& to) {
          if (from) to = row_of(*from, row);
        };
        take(h.arguments.mask, one.mask);
        take(h.arguments.lengths, one.lengths);
        take(h.arguments.query, one.query);
        take(h.arguments.keys, one.keys);
        const Tensor inputs = row_of(h.inputs, row);
        EXPECT_TRUE(same_bits(layer(inputs, one), row_of(all, row)));
        for (Pooling pooling : kPoolings) {
          EXPECT_TRUE(same_bits(pool(pooling, inputs, one),
                                row_of(pool(pooling, h.inputs, h.steps()), row)));
        }
      }
    }
  });
}

TEST(Pooling, HasTheSameBitsWithAnyNumberOfThreads) {
  const int before = num_threads();
  AttentionPooling layer({.learned_query = true, .use_scale = true});
  const Tensor inputs = random_tensor(DType::kFloat32, {400, 30, 64}, 1, 1);
  const Tensor grad = random_tensor(DType::kFloat32, {400, 64}, 2, 1);
  std::mt19937 random(3);
  const Tensor mask = testing_rnn::random_mask(400, 30, random);
  const auto run = [&](int threads) {
    set_num_threads(threads);
    AttentionArguments arguments;
    arguments.mask = mask;
    const AttentionVjp vjp = layer.vjp(inputs, arguments);
    AttentionGradients back = vjp.pullback(grad);
    std::vector<Tensor> all = {vjp.result, back.inputs, std::get<Tensor>(back.parameters[0]),
                               std::get<Tensor>(back.parameters[1])};
    for (Pooling pooling : kPoolings) {
      const PoolingVjp pooled = pool_vjp(pooling, inputs, {.mask = mask});
      all.push_back(pooled.result);
      all.push_back(pooled.pullback(grad));
    }
    return all;
  };
  const std::vector<Tensor> one = run(1), four = run(4);
  for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(same_bits(one[i], four[i])) << i;
  set_num_threads(before);
}

TEST(Pooling, TakesEmptyBatchesAndHistories) {
  for (const Shape& shape : {Shape{0, 3, 4}, Shape{2, 0, 4}, Shape{2, 3, 0}, Shape{0, 0, 0}}) {
    const Tensor inputs = Tensor::zeros(DType::kFloat32, shape);
    const Shape expected = {shape[0], shape[2]};
    for (Pooling pooling : kPoolings) {
      const PoolingVjp vjp = pool_vjp(pooling, inputs);
      EXPECT_TRUE(same_bits(vjp.result, Tensor::zeros(DType::kFloat32, expected)));
      EXPECT_EQ(vjp.pullback(vjp.result).shape(), shape);
    }
    const AttentionPooling layer({.learned_query = true, .use_scale = true});
    const AttentionVjp vjp = layer.vjp(inputs);
    EXPECT_TRUE(same_bits(vjp.result, Tensor::zeros(DType::kFloat32, expected)));
    EXPECT_EQ(vjp.pullback(vjp.result).inputs.shape(), shape);
  }
}

TEST(Pooling, RefusesWhatDoesNotFit) {
  const Tensor x = Tensor::zeros(DType::kFloat32, {2, 3, 4});
  const auto with_mask = [&](Tensor mask) {
    return pool(Pooling::kMean, x, {.mask = std::move(mask)});
  };
  EXPECT_ERROR(InvalidArgument, "inputs must have shape [B, T, D], got [2, 3]",
               pool(Pooling::kMean, Tensor::zeros(DType::kFloat32, {2, 3})));
  EXPECT_ERROR(WrongType, "must be float32 or float64, got int64",
               pool(Pooling::kMean, Tensor::zeros(DType::kInt64, {2, 3, 4})));
  EXPECT_ERROR(WrongType, "mask must be bool", with_mask(Tensor::zeros(DType::kInt64, {2, 3})));
  EXPECT_ERROR(InvalidArgument, "2 steps wide", with_mask(Tensor::zeros(DType::kBool, {2, 2})));
  EXPECT_ERROR(OutOfRange, "a length of 4",
               pool(Pooling::kMean, x, {.lengths = Tensor::of<int64_t>({2}, {1, 4})}));
  EXPECT_ERROR(InvalidArgument, "not both",
               pool(Pooling::kMean, x,
                    {.mask = Tensor::zeros(DType::kBool, {2, 3}),
                     .lengths = Tensor::of<int64_t>({2}, {1, 1})}));
  EXPECT_ERROR(LimitExceeded, "rows",
               pool(Pooling::kMean, Tensor::zeros(DType::kFloat32, {1, int64_t{1} << 50, 0})));
  EXPECT_ERROR(InvalidArgument, "result must have shape [2, 4], got [2, 3]",
               pool_vjp(Pooling::kMean, x).pullback(Tensor::zeros(DType::kFloat32, {2, 3})));
  EXPECT_ERROR(InvalidArgument, "known are mean, sum, max, last", pooling_from_name("min"));
}

TEST(AttentionPooling, RefusesWhatDoesNotFit) {
  const Tensor x = Tensor::zeros(DType::kFloat32, {2, 3, 4});
  const auto call = [&](const AttentionPooling& layer, std::optional<Tensor> query,
                        std::optional<Tensor> keys = {}) {
    AttentionArguments arguments;
    arguments.query = std::move(query);
    arguments.keys = std::move(keys);
    return layer(x, arguments);
  };
  const AttentionPooling asked, learned({.learned_query = true});
  const Tensor query = Tensor::zeros(DType::kFloat32, {2, 4});
  EXPECT_ERROR(InvalidArgument, "needs a query [B, D]", call(asked, {}));
  EXPECT_ERROR(InvalidArgument, "takes none", call(learned, query));
  EXPECT_ERROR(InvalidArgument, "the query must have shape [2, 4], got [2, 5]",
               call(asked, Tensor::zeros(DType::kFloat32, {2, 5})));
  EXPECT_ERROR(WrongType, "must be float32, got float64",
               call(asked, Tensor::zeros(DType::kFloat64, {2, 4})));
  EXPECT_ERROR(InvalidArgument, "keys must have a row and a step",
               call(asked, query, Tensor::zeros(DType::kFloat32, {2, 2, 4})));
  call(learned, {});
  EXPECT_ERROR(InvalidArgument, "was built for keys of size 4, got 5",
               call(learned, {}, Tensor::zeros(DType::kFloat32, {2, 3, 5})));
}

}  // namespace
}  // namespace weft
