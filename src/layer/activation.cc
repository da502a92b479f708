#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "base/cpu.h"
#include "base/thread_pool.h"
#include "layer/activation_kernel.h"
#include "weft/layer.h"

namespace weft {
namespace {

struct Name {
  const char* name;
  Activation activation;
};
constexpr Name kNames[] = {
    {"linear", Activation::kLinear},
    {"tanh", Activation::kTanh},
    {"sigmoid", Activation::kSigmoid},
    {"relu", Activation::kRelu},
    {"elu", Activation::kElu},
    {"selu", Activation::kSelu},
    {"softplus", Activation::kSoftplus},
    {"softsign", Activation::kSoftsign},
    {"swish", Activation::kSwish},
    {"gelu", Activation::kGelu},
    {"hard_sigmoid", Activation::kHardSigmoid},
    {"exponential", Activation::kExponential},
    {"softmax", Activation::kSoftmax},
};

constexpr int64_t kGrain = 16384;  // elements; ~1 ns each

double one(Activation activation, double x) {
  switch (activation) {
    case Activation::kLinear:
      return x;
    case Activation::kTanh:
      return std::tanh(x);
    case Activation::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::kRelu:
      return x < 0 ? 0 : x;
    case Activation::kElu:
      return x > 0 ? x : std::expm1(x);
    case Activation::kSelu:
      return 1.05070098735548049342 * (x > 0 ? x : 1.67326324235437728482 * std::expm1(x));
    case Activation::kSoftplus:
      return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x)));
    case Activation::kSoftsign:
      return x / (std::fabs(x) + 1);
    case Activation::kSwish:
      return x / (1 + std::exp(-x));
    case Activation::kGelu:
      return x * 0.5 * std::erfc(-x * 0.70710678118654752440);
    case Activation::kHardSigmoid:
      return x != x ? x : std::clamp(0.2 * x + 0.5, 0.0, 1.0);
    case Activation::kExponential:
      return std::exp(x);
    case Activation::kSoftmax:
      break;
  }
  return x;
}

void softmax(double* x, int64_t n) {
  const double top = *std::max_element(x, x + n);
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += x[i] = std::exp(x[i] - top);
  for (int64_t i = 0; i < n; ++i) x[i] /= sum;
}

void activate_row(Activation activation, double* x, int64_t n) {
  if (activation == Activation::kSoftmax) return softmax(x, n);
  for (int64_t i = 0; i < n; ++i) x[i] = one(activation, x[i]);
}

void activate_row(Activation activation, float* x, int64_t n) {
  const ActivationKernel& kernel = WEFT_KERNEL(activation_kernel);
  switch (activation) {
    case Activation::kLinear:
      return;
    case Activation::kTanh:
      return kernel.tanh(x, n);
    case Activation::kSigmoid:
      return kernel.sigmoid(x, n);
    case Activation::kRelu:
      return kernel.relu(x, n);
    case Activation::kElu:
      return kernel.elu(x, n);
    case Activation::kSelu:
      return kernel.selu(x, n);
    case Activation::kSoftsign:
      return kernel.softsign(x, n);
    case Activation::kSwish:
      return kernel.swish(x, n);
    case Activation::kHardSigmoid:
      return kernel.hard_sigmoid(x, n);
    case Activation::kExponential:
      return kernel.exponential(x, n);
    case Activation::kSoftmax:
      return kernel.softmax(x, n);
    case Activation::kSoftplus:
    case Activation::kGelu:
      break;  // seldom used: by the C library, in double
  }
  for (int64_t i = 0; i < n; ++i) x[i] = static_cast<float>(one(activation, x[i]));
}

template <class T>
void activate_rows(Activation activation, T* x, int64_t rows, int64_t width, int64_t stride) {
  if (width == 0) return;
  if (width == stride && activation != Activation::kSoftmax) {
    return activate_row(activation, x, rows * width);
  }
  for (int64_t row = 0; row < rows; ++row) activate_row(activation, x + row * stride, width);
}

template <class T>
Tensor activated(Activation activation, const Tensor& x) {
  Tensor result(x.dtype(), x.shape());
  if (x.size() == 0) return result;
  const int64_t width = x.rank() == 0 ? 1 : x.shape().back();
  T* to = result.mutable_values<T>().data();
  const T* from = x.values<T>().data();
  base::parallel_for(x.size() / width, std::max<int64_t>(1, kGrain / width),
                     [&](int64_t begin, int64_t end) {
                       std::memcpy(to + begin * width, from + begin * width,
                                   static_cast<size_t>((end - begin) * width) * sizeof(T));
                       activate_rows(activation, to + begin * width, end - begin, width, width);
                     });
  return result;
}

}  // namespace

Activation activation_from_name(std::string_view name) {
  if (name.empty()) return Activation::kLinear;
  if (name == "silu") return Activation::kSwish;
  std::string known;
  for (const Name& entry : kNames) {
    if (name == entry.name) return entry.activation;
    known += (known.empty() ? "" : ", ") + std::string(entry.name);
  }
  throw InvalidArgument("unknown activation '" + escape_bytes(name) + "'; known are " + known);
}

const char* activation_name(Activation activation) {
  for (const Name& entry : kNames) {
    if (activation == entry.activation) return entry.name;
  }
  return "linear";
}

void activate(Activation activation, float* x, int64_t rows, int64_t width, int64_t stride) {
  activate_rows(activation, x, rows, width, stride);
}

void activate(Activation activation, double* x, int64_t rows, int64_t width, int64_t stride) {
  activate_rows(activation, x, rows, width, stride);
}

Tensor activate(Activation activation, const Tensor& x) {
  if (activation == Activation::kSoftmax && x.rank() == 0) {
    throw InvalidArgument("softmax needs a tensor of rank 1 or more, got a scalar");
  }
  if (x.dtype() == DType::kFloat32) return activated<float>(activation, x);
  if (x.dtype() == DType::kFloat64) return activated<double>(activation, x);
  throw WrongType(std::string("activation ") + activation_name(activation) +
                  " takes float32 or float64, got " + dtype_name(x.dtype()));
}

}  // namespace weft
