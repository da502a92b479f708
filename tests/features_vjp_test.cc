// Gradients of feature layers against differences: a layer is linear in its tables, but for
// max_norm.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/random_columns.h"
#include "tests/rnn_case.h"

namespace weft {
namespace {

using testing_rnn::random_tensor;

double dot(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (int64_t i = 0; i < a.size(); ++i) sum += reference::element(a, i) * reference::element(b, i);
  return sum;
}

// The slope of f along `direction`, both of a table that f reads.
template <class F>
double slope(Tensor table, const Tensor& direction, const F& f) {
  constexpr double kStep = 1e-6;
  const auto x = table.mutable_values<double>();
  const std::vector<double> before(x.begin(), x.end());
  const auto at = [&](double by) {
    for (size_t i = 0; i < x.size(); ++i) x[i] = before[i] + by * direction.values<double>()[i];
    return f();
  };
  const double above = at(kStep), below = at(-kStep);
  at(0);
  return (above - below) / (2 * kStep);
}

template <class Layer, class Vjp, class F>
void expect_differences(const Layer& layer, const Vjp& vjp, const Tensor& data, uint32_t seed,
                        const F& output) {
  const Tensor grad = random_tensor(DType::kFloat64, data.shape(), seed, 1);
  const std::vector<Gradient> found = vjp.pullback(grad);
  ASSERT_EQ(found.size(), layer.parameters().size());
  for (size_t i = 0; i < found.size(); ++i) {
    const Tensor& table = layer.parameters()[i].value;
    SCOPED_TRACE(layer.parameters()[i].name);
    const auto& slices = std::get<IndexedSlices>(found[i]);
    EXPECT_EQ(slices.dense_shape, table.shape());
    const Tensor direction = random_tensor(DType::kFloat64, table.shape(), seed + 1, 1);
    const double expected = slope(table, direction, [&] { return dot(output(), grad); });
    EXPECT_NEAR(dot(slices.to_dense(), direction), expected, 1e-6 * (1 + std::abs(expected)));
  }
}

TEST(FeaturesVjp, OfSequencesIsWhatDifferencesSay) {
  size_t tables = 0;
  for (uint32_t seed = 0; seed < 80; ++seed) {
    SCOPED_TRACE(seed);
    const auto c = testing::random_sequences(seed, DType::kFloat64);
    const auto vjp = c.layer.vjp(c.features);
    EXPECT_TRUE(testing::same_bits(vjp.result.data, c.layer(c.features).data));
    EXPECT_TRUE(testing::same_bits(vjp.result.lengths, c.layer(c.features).lengths));
    tables += c.layer.parameters().size();
    expect_differences(c.layer, vjp, vjp.result.data, seed,
                       [&] { return c.layer(c.features).data; });
  }
  EXPECT_GT(tables, 40u);
}

TEST(FeaturesVjp, OfRowsIsWhatDifferencesSay) {
  for (uint32_t seed = 0; seed < 80; ++seed) {
    SCOPED_TRACE(seed);
    const auto c = testing::random_rows(seed, DType::kFloat64);
    const auto vjp = c.layer.vjp(c.features);
    EXPECT_TRUE(testing::same_bits(vjp.result, c.layer(c.features)));
    expect_differences(c.layer, vjp, vjp.result, seed, [&] { return c.layer(c.features); });
  }
}

// The columns of dense blocks of `grad`, a gradient of the whole output.
Tensor of_dense_blocks(const Tensor& grad, const Blocks& blocks) {
  const int64_t width = grad.shape().back(), cells = width == 0 ? 0 : grad.size() / width;
  std::vector<double> kept;
  int64_t left = 0;
  for (int64_t cell = 0; cell < cells; ++cell) {
    int64_t column = 0;
    for (const Blocks::Block& block : blocks.blocks()) {
      const auto* counts = std::get_if<IdCounts>(&block);
      const int64_t n = counts ? counts->width : std::get<Tensor>(block).shape().back();
      for (int64_t j = 0; j < n && !counts; ++j)
        kept.push_back(reference::element(grad, cell * width + column + j));
      column += n;
    }
  }
  for (const Blocks::Block& block : blocks.blocks()) {
    if (const auto* dense = std::get_if<Tensor>(&block)) left += dense->shape().back();
  }
  Shape shape = grad.shape();
  shape.back() = left;
  return Tensor::of<double>(std::move(shape), std::span<const double>(kept));
}

TEST(FeaturesVjp, OfBlocksIsThatOfTheirDenseOnes) {
  for (uint32_t seed = 0; seed < 80; ++seed) {
    SCOPED_TRACE(seed);
    const auto c = testing::random_sequences(seed, DType::kFloat64);
    const auto whole = c.layer.vjp(c.features);
    const auto blocks = c.layer.blocks_vjp(c.features);
    const Tensor grad = random_tensor(DType::kFloat64, whole.result.data.shape(), seed, 1);
    const auto expected = whole.pullback(grad);
    const auto found = blocks.pullback(of_dense_blocks(grad, blocks.result.data));
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_TRUE(testing::same_bits(std::get<IndexedSlices>(found[i]).values,
                                     std::get<IndexedSlices>(expected[i]).values));
    }
  }
}

// Features with their numbers in double precision, which differences need; weights, "..._w", are
// float32.
Features widened(const Features& features) {
  Features wide;
  for (const auto& [key, feature] : features) {
    const Tensor& values = feature_values(feature);
    wide.emplace(key, values.dtype() == DType::kFloat32 && !key.ends_with("_w")
                          ? with_values(feature, as_floating(values, DType::kFloat64, "numbers"))
                          : feature);
  }
  return wide;
}

// `gradients` of `features` are the slopes of what `output(features)` is, times `grad`.
template <class F>
void expect_feature_differences(const Features& features, const Features& gradients,
                                const Tensor& grad, uint32_t seed, const F& output) {
  for (const auto& [key, gradient] : gradients) {
    SCOPED_TRACE(key);
    const Feature& feature = features.at(key);
    EXPECT_EQ(gradient.index(), feature.index());
    const Tensor& values = feature_values(feature);
    EXPECT_EQ(feature_values(gradient).shape(), values.shape());
    const Tensor direction = random_tensor(DType::kFloat64, values.shape(), seed + 1, 1);
    const auto at = [&](double by) {
      Tensor moved(DType::kFloat64, values.shape());
      for (size_t i = 0; i < moved.mutable_values<double>().size(); ++i) {
        moved.mutable_values<double>()[i] =
            values.values<double>()[i] + by * direction.values<double>()[i];
      }
      Features there = features;
      there.insert_or_assign(key, with_values(feature, moved));
      return dot(output(there), grad);
    };
    const double expected = (at(1e-5) - at(-1e-5)) / 2e-5;
    EXPECT_NEAR(dot(feature_values(gradient), direction), expected,
                1e-6 * (1 + std::abs(expected)));
  }
}

template <class Layer>
void expect_gradients_of_numbers(const Layer& layer, const Features& gradients) {
  for (const Column& column : layer.columns()) {
    const bool numeric = dynamic_cast<const NumericColumn*>(column.get()) != nullptr ||
                         dynamic_cast<const SequenceNumericColumn*>(column.get()) != nullptr;
    EXPECT_EQ(gradients.contains(column->name()), numeric) << column->name();
  }
}

TEST(FeaturesVjp, OfNumbersIsWhatDifferencesSay) {
  for (uint32_t seed = 0; seed < 80; ++seed) {
    SCOPED_TRACE(seed);
    const auto c = testing::random_sequences(seed, DType::kFloat64);
    const Features features = widened(c.features);
    const auto vjp = c.layer.vjp(features);
    const Tensor grad = random_tensor(DType::kFloat64, vjp.result.data.shape(), seed, 1);
    const Features found = vjp.feature_pullback(grad);
    expect_gradients_of_numbers(c.layer, found);
    expect_feature_differences(features, found, grad, seed,
                               [&](const Features& f) { return c.layer(f).data; });
    const auto blocks = c.layer.blocks_vjp(features);
    const Features same = blocks.feature_pullback(of_dense_blocks(grad, blocks.result.data));
    for (const auto& [key, gradient] : found)
      EXPECT_TRUE(testing::same_bits(feature_values(same.at(key)), feature_values(gradient)));
    const auto r = testing::random_rows(seed, DType::kFloat64);
    const Features rows = widened(r.features);
    const auto dense = r.layer.vjp(rows);
    const Tensor grad_rows = random_tensor(DType::kFloat64, dense.result.shape(), seed, 1);
    expect_gradients_of_numbers(r.layer, dense.feature_pullback(grad_rows));
    expect_feature_differences(rows, dense.feature_pullback(grad_rows), grad_rows, seed,
                               [&](const Features& f) { return r.layer(f); });
  }
}

// What the lottery does not draw: kinds of features, normalizers, a cutoff.
TEST(FeaturesVjp, OfNumbersOfEveryKind) {
  const Tensor values = Tensor::of<double>({9}, {0.5, 1.5, 2.5, 0.25, 9.0, 0.125, 3.0, 0.75, 1.0});
  const Ragged ragged = Ragged::from_row_splits(values, Tensor::of<int64_t>({4}, {0, 3, 3, 9}));
  const Tensor steps = Tensor::of<int64_t>({3}, {0, 3, 4}),
               inner = Tensor::of<int64_t>({5}, {0, 2, 3, 6, 9});
  const Tensor holes =
      Tensor::of<int64_t>({9, 2}, {0, 0, 0, 2, 0, 3, 0, 4, 1, 5, 2, 1, 2, 2, 2, 4, 2, 5});
  const Tensor cube = Tensor::of<int64_t>(
      {9, 3}, {0, 0, 1, 0, 1, 0, 1, 2, 1, 1, 2, 2, 2, 0, 0, 2, 0, 2, 2, 1, 2, 2, 2, 1, 2, 2, 2});
  const Feature kinds[] = {ragged, to_sparse(ragged), SparseTensor(holes, values, {3, 6}),
                           SparseTensor(cube, values, {3, 3, 3}),
                           Ragged::from_row_splits(values, std::vector<Tensor>{steps, inner})};
  const std::optional<Normalizer> normalizers[] = {
      std::nullopt,
      Normalizer({normalizers::Log1p{}, normalizers::ZScore{1, 0.5}, normalizers::Clip{-1, 2}}),
      Normalizer(normalizers::MinMax{-1, 3})};
  for (size_t kind = 0; kind < std::size(kinds); ++kind) {
    for (const auto& normalizer : normalizers) {
      for (const int64_t each : {1, 3}) {
        SCOPED_TRACE(std::to_string(kind) + "/" + std::to_string(each));
        const SequenceFeatures layer(
            {sequence_numeric_column("x", {each}, 0.25, DType::kFloat32, normalizer)},
            SequenceFeaturesOptions{{.dtype = DType::kFloat64}});
        const Features features{{"x", kinds[kind]}};
        const auto vjp = layer.vjp(features);
        const Tensor grad = random_tensor(DType::kFloat64, vjp.result.data.shape(), 1, 1);
        const Features found = vjp.feature_pullback(grad);
        EXPECT_EQ(found.size(), 1u);
        expect_feature_differences(features, found, grad, 2,
                                   [&](const Features& f) { return layer(f).data; });
      }
    }
  }
}

TEST(FeaturesVjp, OfNumbersThatAreCutOffIsZero) {
  const SequenceFeatures layer(
      {sequence_numeric_column("x"), sequence_time_delta_column("when", "now")},
      SequenceFeaturesOptions{{}, 2, Keep::kLast, Pad::kLeft, {}, Cutoff{"when", "now"}});
  const auto row = [](std::vector<float> x) { return Ragged::from_lists<float>({x, {}}); };
  const Features features{{"x", row({1, 2, 3, 4})},
                          {"when", row({1, 2, 3, 9})},
                          {"now", Tensor::of<float>({2}, {5.f, 5.f})}};
  const auto vjp = layer.vjp(features);
  ASSERT_EQ(vjp.result.data.shape(), (Shape{2, 2, 2}));
  const Tensor grad = Tensor::of<float>({2, 2, 2}, {1.f, 2.f, 3.f, 4.f, 5.f, 6.f, 7.f, 8.f});
  const Features found = vjp.feature_pullback(grad);
  EXPECT_EQ(found.size(), 1u);
  const auto x = feature_values(found.at("x")).values<float>();
  EXPECT_EQ(std::vector<float>(x.begin(), x.end()), (std::vector<float>{0, 2, 4, 0}));
}

TEST(FeaturesVjp, HasNoneOfIntegersAndFunctions) {
  const normalizers::Custom twice{[](const Tensor& x) { return x; }, nullptr, "same"};
  const DenseFeatures layer({numeric_column("floats"), numeric_column("integers"),
                             numeric_column("through", {1}, {}, DType::kFloat32, twice)});
  const Tensor x = Tensor::of<float>({2, 1}, {1.f, 2.f});
  const Features found =
      layer.vjp({{"floats", x}, {"integers", Tensor::of<int64_t>({2}, {1, 2})}, {"through", x}})
          .feature_pullback(Tensor::zeros(DType::kFloat32, {2, 3}));
  EXPECT_EQ(found.size(), 1u);
  EXPECT_TRUE(found.contains("floats"));
}

}  // namespace
}  // namespace weft
