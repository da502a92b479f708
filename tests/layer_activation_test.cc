#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "base/cpu.h"
#include "weft/layer.h"

namespace weft {
namespace {

constexpr Activation kElementwise[] = {
    Activation::kLinear, Activation::kTanh, Activation::kSigmoid,     Activation::kRelu,
    Activation::kElu,    Activation::kSelu, Activation::kSoftplus,    Activation::kSoftsign,
    Activation::kSwish,  Activation::kGelu, Activation::kHardSigmoid, Activation::kExponential,
};
constexpr base::Isa kIsas[] = {base::Isa::kPlain, base::Isa::kV2, base::Isa::kV3, base::Isa::kV4};

// Runs a test on each instruction set that this processor has.
template <class F>
void on_every_isa(F f) {
  const base::Isa before = base::isa();
  for (base::Isa isa : kIsas) {
    if (isa > base::best_isa()) continue;
    base::set_isa(isa);
    SCOPED_TRACE(base::isa_name(isa));
    f();
  }
  base::set_isa(before);
}

double exact(Activation activation, double x) {
  const double e = std::exp(x), scale = 1.0507009873554805, alpha = 1.6732632423543772;
  switch (activation) {
    case Activation::kTanh:
      return std::tanh(x);
    case Activation::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::kRelu:
      return std::max(x, 0.0);
    case Activation::kElu:
      return x > 0 ? x : std::expm1(x);
    case Activation::kSelu:
      return x > 0 ? scale * x : scale * alpha * std::expm1(x);
    case Activation::kSoftplus:
      return x > 30 ? x : std::log1p(e);
    case Activation::kSoftsign:
      return x / (1 + std::fabs(x));
    case Activation::kSwish:
      return x / (1 + std::exp(-x));
    case Activation::kGelu:
      return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    case Activation::kHardSigmoid:
      return std::max(0.0, std::min(1.0, 0.2 * x + 0.5));
    case Activation::kExponential:
      return e;
    default:
      return x;
  }
}

std::vector<float> sample(uint32_t seed) {
  std::vector<float> xs = {0.f,   -0.f, 1e-30f, -1e-30f, 1e-6f, 88.f,
                           -88.f, 89.f, 100.f,  -104.f,  1e30f, -1e30f};
  std::mt19937 random(seed);
  for (float spread : {1e-3f, 0.5f, 3.f, 10.f, 60.f}) {
    std::uniform_real_distribution<float> uniform(-spread, spread);
    for (int i = 0; i < 4001; ++i) xs.push_back(uniform(random));
  }
  return xs;
}

TEST(Activation, Float32IsCloseToExact) {
  const std::vector<float> xs = sample(1);
  const Tensor x = Tensor::of<float>({static_cast<int64_t>(xs.size())}, xs);
  on_every_isa([&] {
    for (Activation activation : kElementwise) {
      SCOPED_TRACE(activation_name(activation));
      const Tensor y = activate(activation, x);
      for (size_t i = 0; i < xs.size(); ++i) {
        const double want = exact(activation, double{xs[i]});
        const double got = double{y.values<float>()[i]};
        if (want > std::numeric_limits<float>::max()) {
          EXPECT_EQ(got, std::numeric_limits<double>::infinity()) << xs[i];
          continue;
        }
        // Relative, but where exact zero is approached from one side or rounding to 1 is at work.
        ASSERT_NEAR(got, want, 1e-6 * std::fabs(want) + (xs[i] < -1 ? 1e-7 : 1e-37)) << xs[i];
      }
    }
  });
}

TEST(Activation, TanhAndSigmoidKeepTheirStatedBounds) {
  on_every_isa([] {
    double tanh_error = 0, sigmoid_error = 0, exp_error = 0, largest = 0;
    for (uint32_t bits = 0; bits < 0x42F00000; bits += 997) {  // 0 to 120
      float x;
      std::memcpy(&x, &bits, sizeof x);
      float y[] = {x, -x, x, -x, x, -x};
      activate(Activation::kTanh, y, 1, 2, 2);
      activate(Activation::kSigmoid, y + 2, 1, 2, 2);
      activate(Activation::kExponential, y + 4, 1, 2, 2);
      const double d = x;
      if (x > 1e-36f) {
        tanh_error = std::max(tanh_error, std::fabs(y[0] / std::tanh(d) - 1));
        EXPECT_EQ(y[0], -y[1]);
      }
      largest = std::max(largest, double{y[0]});
      if (x < 87) {
        sigmoid_error = std::max(sigmoid_error, std::fabs(y[2] * (1 + std::exp(-d)) - 1));
        sigmoid_error = std::max(sigmoid_error, std::fabs(y[3] * (1 + std::exp(d)) - 1));
        exp_error = std::max(exp_error, std::fabs(y[4] / std::exp(d) - 1));
        exp_error = std::max(exp_error, std::fabs(y[5] / std::exp(-d) - 1));
      }
    }
    EXPECT_LT(tanh_error, 4e-7);
    EXPECT_LT(sigmoid_error, 1e-6);
    EXPECT_LT(exp_error, 5e-7);
    EXPECT_EQ(largest, 1);
    float far[] = {9.1f, 20, 1e30f};
    activate(Activation::kTanh, far, 1, 3, 3);
    for (float x : far) EXPECT_EQ(x, 1);
  });
}

TEST(Activation, Float64UsesTheCLibrary) {
  const Tensor x = Tensor::of<double>({4}, {-30.0, -0.3, 0.7, 40.0});
  for (Activation activation : kElementwise) {
    const Tensor y = activate(activation, x);
    for (size_t i = 0; i < 4; ++i) {
      const double want = exact(activation, x.values<double>()[i]);
      EXPECT_NEAR(y.values<double>()[i], want, 1e-15 * std::max(1.0, std::fabs(want)));
    }
  }
}

TEST(Activation, SoftmaxIsOverTheLastDimension) {
  on_every_isa([] {
    const Tensor x = Tensor::of<float>({2, 3}, {1, 2, 3, 1000, 1000, -1000});
    const Tensor y = activate(Activation::kSoftmax, x);
    const double sum = std::exp(1) + std::exp(2) + std::exp(3);
    for (int i = 0; i < 3; ++i)
      EXPECT_NEAR(y.values<float>()[size_t(i)], std::exp(i + 1) / sum, 1e-6);
    EXPECT_EQ(y.values<float>()[3], 0.5f);
    EXPECT_EQ(y.values<float>()[5], 0.f);
  });
  const Tensor y = activate(Activation::kSoftmax, Tensor::of<double>({1, 2}, {0.0, std::log(3.0)}));
  EXPECT_NEAR(y.values<double>()[1], 0.75, 1e-15);
  EXPECT_THROW(activate(Activation::kSoftmax, Tensor(DType::kFloat32, {})), InvalidArgument);
}

TEST(Activation, NanStaysNanAndTheRestIsUntouched) {
  on_every_isa([] {
    for (Activation activation : kElementwise) {
      for (int64_t n : {1, 5, 16, 37}) {
        std::vector<float> x(static_cast<size_t>(n) + 1, 0.5f), alone = {0.5f};
        x[size_t(n / 2)] = std::numeric_limits<float>::quiet_NaN();
        activate(activation, x.data(), 1, n, n);
        activate(activation, alone.data(), 1, 1, 1);
        EXPECT_TRUE(std::isnan(x[size_t(n / 2)])) << activation_name(activation);
        EXPECT_EQ(x[size_t(n)], 0.5f);
        for (int64_t i = 0; i < n; ++i) {
          EXPECT_TRUE(i == n / 2 || x[size_t(i)] == alone[0]);
        }
      }
    }
  });
}

TEST(Activation, NamesAreKeras) {
  for (Activation activation : kElementwise) {
    EXPECT_EQ(activation_from_name(activation_name(activation)), activation);
  }
  EXPECT_EQ(activation_from_name("silu"), Activation::kSwish);
  EXPECT_EQ(activation_from_name(""), Activation::kLinear);
  EXPECT_THROW(activation_from_name("tan"), InvalidArgument);
  EXPECT_THROW(activate(Activation::kTanh, Tensor(DType::kInt64, {2})), WrongType);
}

}  // namespace
}  // namespace weft
