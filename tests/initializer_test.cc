#include "weft/initializer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "base/cpu.h"
#include "base/philox.h"
#include "initializer/distribution.h"
#include "initializer/orthogonal.h"
#include "weft/config.h"

namespace weft {
namespace {

namespace in = initializers;

struct Moments {
  double mean = 0, stddev = 0, min = 0, max = 0;
};

Moments moments(const Tensor& tensor) {
  Moments m;
  double sum = 0, squares = 0;
  for (float x : tensor.values<float>()) {
    sum += x;
    squares += double{x} * x;
    m.min = std::min(m.min, double{x});
    m.max = std::max(m.max, double{x});
  }
  const auto n = static_cast<double>(tensor.size());
  m.mean = sum / n;
  m.stddev = std::sqrt(squares / n - m.mean * m.mean);
  return m;
}

TEST(Philox, GivesThePublishedVectors) {
  using Block = base::Philox::Block;
  EXPECT_EQ(base::Philox(0, 0)(0), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(base::Philox(~uint64_t{0}, ~uint64_t{0})(~uint64_t{0}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(base::Philox(0x299f31d0a4093822, 0x0370734413198a2e)(0x85a308d3243f6a88),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Distribution, NormalQuantileInvertsTheDistribution) {
  for (double x = -8; x <= 5; x += 0.01) {
    const double p = 0.5 * std::erfc(-x / std::sqrt(2.0));
    // Near 1, p itself holds x only to so many digits.
    const double slack = 4e-16 * p / (std::exp(-x * x / 2) / std::sqrt(2 * M_PI));
    EXPECT_NEAR(normal_quantile(p), x, 4e-15 * std::max(1.0, std::fabs(x)) + slack) << x;
  }
}

TEST(Initializer, DrawsWhatItSays) {
  const Shape shape = {200, 300};
  const double glorot = std::sqrt(6.0 / 500), fan_in = 200;
  const auto of = [&](const Initializer& initializer) {
    return moments(initializer(shape, DType::kFloat32, "kernel"));
  };
  Moments m = of(in::GlorotUniform{});
  EXPECT_NEAR(m.max, glorot, 1e-4);
  EXPECT_NEAR(m.min, -glorot, 1e-4);
  EXPECT_NEAR(m.stddev, glorot / std::sqrt(3), 1e-3);
  EXPECT_NEAR(of(in::GlorotNormal{}).stddev, std::sqrt(1 / 250.0), 1e-3);
  EXPECT_NEAR(of(in::HeUniform{}).max, std::sqrt(6 / fan_in), 1e-4);
  EXPECT_NEAR(of(in::HeNormal{}).stddev, std::sqrt(2 / fan_in), 1e-3);
  EXPECT_NEAR(of(in::LecunUniform{}).max, std::sqrt(3 / fan_in), 1e-4);
  EXPECT_NEAR(of(in::LecunNormal{}).stddev, std::sqrt(1 / fan_in), 1e-3);
  m = of(in::TruncatedNormal{.mean = 0, .stddev = 0.5});
  EXPECT_NEAR(m.max, 1, 1e-3);
  EXPECT_NEAR(m.min, -1, 1e-3);
  EXPECT_NEAR(m.stddev, 0.5 * 0.8796, 5e-3);
  m = of(in::RandomNormal{.mean = 2, .stddev = 0.5});
  EXPECT_NEAR(m.mean, 2, 1e-2);
  EXPECT_NEAR(m.stddev, 0.5, 1e-2);
  m = of(in::RandomUniform{.minval = -1, .maxval = 3});
  EXPECT_NEAR(m.mean, 1, 2e-2);
  EXPECT_NEAR(m.stddev, 4 / std::sqrt(12.0), 1e-2);
  m = of(in::VarianceScaling{.scale = 3, .mode = "fan_out", .distribution = "untruncated_normal"});
  EXPECT_NEAR(m.stddev, 0.1, 1e-3);
  EXPECT_GT(m.max, 0.3);
  EXPECT_EQ(of(in::Zeros{}).stddev, 0);
  EXPECT_EQ(of(in::Ones{}).mean, 1);
  EXPECT_EQ(of(in::Constant{.value = 0.25}).mean, 0.25);
}

TEST(Initializer, FansFollowTheShape) {
  const auto max = [](const Shape& shape) {
    return moments(Initializer(in::LecunUniform{})(shape, DType::kFloat32, "w")).max;
  };
  EXPECT_NEAR(max({4000}), std::sqrt(3.0 / 4000), 1e-4);
  EXPECT_NEAR(max({5, 10, 300}), std::sqrt(3.0 / 50), 1e-3);
  EXPECT_LE(max({}), std::sqrt(3.0));
  EXPECT_EQ(Initializer()({0, 4}, DType::kFloat32, "w").size(), 0);
}

TEST(Initializer, OrthogonalIsOrthonormal) {
  for (const Shape& shape :
       {Shape{7, 7}, Shape{3, 12}, Shape{12, 3}, Shape{2, 5, 3}, Shape{1, 1}}) {
    const Tensor q =
        Initializer(in::Orthogonal{.gain = 2})(shape, DType::kFloat64, "recurrent_kernel");
    const int64_t cols = shape.back(), rows = q.size() / cols;
    const auto at = [&](int64_t r, int64_t c) {
      return q.values<double>()[static_cast<size_t>(r * cols + c)];
    };
    const bool tall = rows >= cols;
    for (int64_t i = 0; i < std::min(rows, cols); ++i) {
      for (int64_t j = 0; j < std::min(rows, cols); ++j) {
        double sum = 0;
        for (int64_t k = 0; k < std::max(rows, cols); ++k) {
          sum += tall ? at(k, i) * at(k, j) : at(i, k) * at(j, k);
        }
        EXPECT_NEAR(sum, i == j ? 4 : 0, 1e-13);
      }
    }
  }
  EXPECT_THROW(Initializer(in::Orthogonal{})({3}, DType::kFloat32, "w"), InvalidArgument);
}

// Householder's QR as a textbook has it, one column after the other.
std::vector<std::vector<double>> slow_orthonormal(const base::Philox& stream, int64_t m,
                                                  int64_t n) {
  const auto rows = static_cast<size_t>(m), columns = static_cast<size_t>(n);
  std::vector<std::vector<double>> q(columns, std::vector<double>(rows)), reflections;
  const auto reflect = [&](const std::vector<double>& v, std::vector<double>& x) {
    double sum = 0;
    for (size_t i = 0; i < rows; ++i) sum += v[i] * x[i];
    for (size_t i = 0; i < rows; ++i) x[i] -= 2 * sum * v[i];
  };
  std::vector<double> signs;
  for (size_t j = 0; j < columns; ++j) {
    std::vector<double> v(rows);
    for (size_t i = 0; i < rows; ++i)
      v[i] = normal_at(stream, static_cast<int64_t>(i * columns + j));
    for (const auto& earlier : reflections) reflect(earlier, v);
    double rest = 0;
    for (size_t i = j; i < rows; ++i) rest += v[i] * v[i];
    signs.push_back(v[j] > 0 ? -1 : 1);
    std::fill_n(v.begin(), j, 0.0);
    v[j] -= signs.back() * std::sqrt(rest);
    double length = 0;
    for (double x : v) length += x * x;
    for (double& x : v) x /= std::sqrt(length);
    reflections.push_back(v);
  }
  for (size_t j = 0; j < columns; ++j) {
    q[j][j] = signs[j];
    for (size_t k = columns; k-- > 0;) reflect(reflections[k], q[j]);
  }
  return q;
}

TEST(Orthonormal, EqualsTheTextbook) {
  for (const auto& [m, n] : {std::pair{1, 1}, {2, 2}, {32, 32}, {33, 31}, {70, 33}, {100, 100}}) {
    SCOPED_TRACE(n);
    const base::Philox stream(3, "w");
    const OrthonormalColumns fast(stream, m, n);
    const auto slow = slow_orthonormal(stream, m, n);
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        ASSERT_NEAR(fast(i, j), slow[static_cast<size_t>(j)][static_cast<size_t>(i)], 1e-12);
      }
    }
  }
}

TEST(Orthonormal, HasTheSameBitsEverywhere) {
  const base::Philox stream(1, "w");
  const int threads = num_threads();
  const base::Isa isa = base::isa();
  const auto draw = [&] {
    const OrthonormalColumns q(stream, 301, 200);
    std::vector<double> values;
    for (int64_t i = 0; i < 301; ++i) {
      for (int64_t j = 0; j < 200; ++j) values.push_back(q(i, j));
    }
    return values;
  };
  const auto expected = draw();
  for (base::Isa one : {base::Isa::kPlain, base::Isa::kV2, base::Isa::kV3, base::Isa::kV4}) {
    if (one > base::best_isa()) continue;
    base::set_isa(one);
    for (int n : {1, 3}) {
      set_num_threads(n);
      EXPECT_EQ(draw(), expected) << base::isa_name(one) << " with " << n << " threads";
    }
  }
  base::set_isa(isa);
  set_num_threads(threads);
}

TEST(Initializer, IdentityHasItsGainOnTheDiagonal) {
  const Tensor eye = Initializer(in::Identity{.gain = 3})({2, 3}, DType::kFloat32, "w");
  EXPECT_EQ(std::vector<float>(eye.values<float>().begin(), eye.values<float>().end()),
            (std::vector<float>{3, 0, 0, 0, 3, 0}));
  EXPECT_THROW(Initializer(in::Identity{})({2, 3, 4}, DType::kFloat32, "w"), InvalidArgument);
}

TEST(Initializer, NumbersDependOnSeedAndNameOnly) {
  const Initializer initializer = in::GlorotUniform{};
  const auto draw = [&](std::string_view name, int64_t seed) {
    const Tensor t = initializer({100, 100}, DType::kFloat32, name, seed);
    return std::vector<float>(t.values<float>().begin(), t.values<float>().end());
  };
  const int threads = num_threads();
  set_num_threads(1);
  const auto alone = draw("kernel", 1);
  set_num_threads(3);
  EXPECT_EQ(draw("kernel", 1), alone);
  set_num_threads(threads);
  EXPECT_NE(draw("kernel", 2), alone);
  EXPECT_NE(draw("other/kernel", 1), alone);
  // float32 is float64 rounded; the own seed goes first; a longer tensor begins alike.
  const Initializer seeded = in::RandomUniform{.seed = 7};
  const Tensor f64 = seeded({50}, DType::kFloat64, "w", 1),
               f32 = seeded({70}, DType::kFloat32, "w", 2);
  for (size_t i = 0; i < 50; ++i) {
    EXPECT_EQ(static_cast<float>(f64.values<double>()[i]), f32.values<float>()[i]);
  }
}

TEST(Initializer, IsAValueWithAConfig) {
  const Initializer a = in::TruncatedNormal{.stddev = 0.1, .seed = 3};
  EXPECT_EQ(a, Initializer(in::TruncatedNormal{.stddev = 0.1, .seed = 3}));
  EXPECT_NE(a, Initializer(in::TruncatedNormal{.stddev = 0.1}));
  EXPECT_STREQ(a.name(), "TruncatedNormal");
  EXPECT_EQ(a.config(),
            (Initializer::Fields{{"mean", 0.0}, {"stddev", 0.1}, {"seed", int64_t{3}}}));
  EXPECT_EQ(Initializer::from_config(a.name(), a.config()), a);
  EXPECT_EQ(Initializer::from_config("glorot_uniform"), Initializer());
  for (const char* name : {"normal", "RandomNormalV2", "random_normal", "RandomNormal"}) {
    EXPECT_STREQ(Initializer::class_name(name), "RandomNormal");
    EXPECT_EQ(Initializer::from_config(name), Initializer(in::RandomNormal{}));
  }
  EXPECT_STREQ(Initializer::class_name("glorot_uniformV2"), "GlorotUniform");
  EXPECT_EQ(Initializer::from_config("zero"), Initializer(in::Zeros{}));
  EXPECT_EQ(Initializer::from_config("VarianceScaling",
                                     {{"scale", int64_t{2}}, {"distribution", "Normal"}}),
            Initializer(in::VarianceScaling{.scale = 2}));
  const Initializer custom =
      Initializer::from([](const Shape& s, DType d) { return Tensor::zeros(d, s); });
  EXPECT_EQ(custom, Initializer(custom));
  EXPECT_STREQ(custom.name(), "Custom");
  EXPECT_EQ(custom({2}, DType::kFloat64, "w").dtype(), DType::kFloat64);
}

TEST(Initializer, RefusesWhatCannotWork) {
  EXPECT_THROW(Initializer::from_config("glorot"), InvalidArgument);
  EXPECT_THROW(Initializer::from_config("V2"), InvalidArgument);
  EXPECT_THROW(Initializer::class_name(""), InvalidArgument);
  EXPECT_THROW(Initializer::from_config("Zeros", {{"value", 1.0}}), InvalidArgument);
  EXPECT_THROW(Initializer::from_config("Constant", {{"value", "x"}}), WrongType);
  EXPECT_THROW(Initializer(in::VarianceScaling{.scale = 0}), InvalidArgument);
  EXPECT_THROW(Initializer(in::VarianceScaling{.mode = "fan"}), InvalidArgument);
  EXPECT_THROW(Initializer(in::VarianceScaling{.distribution = "cauchy"}), InvalidArgument);
  EXPECT_THROW(Initializer(in::RandomUniform{.minval = 1, .maxval = 0}), InvalidArgument);
  EXPECT_THROW(Initializer(in::TruncatedNormal{.stddev = -1}), InvalidArgument);
  EXPECT_THROW(Initializer::from({}), InvalidArgument);
  EXPECT_THROW(Initializer()({2, 2}, DType::kInt64, "w"), WrongType);
  EXPECT_THROW(Initializer()({2, -2}, DType::kFloat32, "w"), InvalidArgument);
  const auto wrong = Initializer::from([](const Shape&, DType d) { return Tensor::zeros(d, {1}); });
  EXPECT_THROW(wrong({2}, DType::kFloat32, "w"), InvalidArgument);
}

}  // namespace
}  // namespace weft
