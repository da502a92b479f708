#include "weft/pooling.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "pooling/real_steps.h"
#include "pooling/typed_kernels.h"

namespace weft {
namespace {

constexpr std::string_view kNames[] = {"mean", "sum", "max", "last"};

template <class T>
class Pass {
 public:
  Pass(Pooling pooling, const Tensor& inputs, const PoolingArguments& arguments)
      : pooling_(pooling),
        inputs_(inputs),
        width_(inputs.dim(2)),
        steps_(inputs, arguments),
        sources_(steps_.sources(width_)) {}

  Tensor forward() const;
  Tensor backward(const Tensor& result, const Tensor& grad) const;

 private:
  const int64_t* sources(int64_t row) const { return sources_.data() + *steps_.splits(row); }
  void sum(int64_t row, T* out) const;

  const Pooling pooling_;
  const Tensor inputs_;
  const int64_t width_;
  const RealSteps steps_;
  const std::vector<int64_t> sources_;
};

template <class T>
void Pass<T>::sum(int64_t row, T* out) const {
  row_sum<T>({.rows = inputs_.values<T>().data(),
              .sources = sources_.data(),
              .weights = nullptr,
              .splits = steps_.splits(row),
              .sums = 1,
              .width = width_,
              .out = out});
}

template <class T>
Tensor Pass<T>::forward() const {
  Tensor result = Tensor::zeros(inputs_.dtype(), {inputs_.dim(0), width_});
  if (result.size() == 0) return result;
  const T* const from = inputs_.values<T>().data();
  T* const to = result.mutable_values<T>().data();
  for_rows(inputs_, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t n = steps_.count(row);
      T* const out = to + row * width_;
      if (n == 0) continue;
      if (pooling_ == Pooling::kMax) {
        pooling_functions<T>().max(from, sources(row), n, width_, out);
      } else if (pooling_ == Pooling::kLast) {
        std::copy_n(from + sources(row)[n - 1], width_, out);
      } else {
        sum(row, out);
        if (pooling_ == Pooling::kSum) continue;
        for (int64_t j = 0; j < width_; ++j) out[j] /= static_cast<T>(n);
      }
    }
  });
  return result;
}

template <class T>
Tensor Pass<T>::backward(const Tensor& result, const Tensor& grad) const {
  check_gradient(grad, result.dtype(), result.shape(), "a pooling's result");
  Tensor grad_inputs = Tensor::zeros(inputs_.dtype(), inputs_.shape());
  if (result.size() == 0) return grad_inputs;
  T* const to = grad_inputs.mutable_values<T>().data();
  for_rows(inputs_, [&](int64_t begin, int64_t end) {
    std::vector<T> each(static_cast<size_t>(width_));
    for (int64_t row = begin; row < end; ++row) {
      const int64_t n = steps_.count(row);
      if (n == 0) continue;
      const T* const of = grad.values<T>().data() + row * width_;
      if (pooling_ == Pooling::kMax) {
        pooling_functions<T>().max_backward(inputs_.values<T>().data(), sources(row), n, width_,
                                            result.values<T>().data() + row * width_, of, to);
        continue;
      }
      const T parts = pooling_ == Pooling::kMean ? static_cast<T>(n) : T(1);
      for (size_t j = 0; j < each.size(); ++j) each[j] = of[j] / parts;
      for (int64_t i = pooling_ == Pooling::kLast ? n - 1 : 0; i < n; ++i)
        std::ranges::copy(each, to + sources(row)[i]);
    }
  });
  return grad_inputs;
}

template <class T>
PoolingVjp vjp(Pooling pooling, const Tensor& inputs, const PoolingArguments& arguments) {
  const auto pass = std::make_shared<const Pass<T>>(pooling, inputs, arguments);
  const Tensor result = pass->forward();
  return {result, [pass, result](const Tensor& grad) { return pass->backward(result, grad); }};
}

}  // namespace

Pooling pooling_from_name(std::string_view name) {
  const auto* const found = std::ranges::find(kNames, name);
  if (found == std::end(kNames)) {
    throw InvalidArgument("unknown pooling '" + std::string(name) +
                          "'; known are mean, sum, max, last");
  }
  return static_cast<Pooling>(found - std::begin(kNames));
}

Tensor pool(Pooling pooling, const Tensor& inputs, const PoolingArguments& arguments) {
  check_histories(inputs, "inputs");
  return inputs.dtype() == DType::kFloat32 ? Pass<float>(pooling, inputs, arguments).forward()
                                           : Pass<double>(pooling, inputs, arguments).forward();
}

PoolingVjp pool_vjp(Pooling pooling, const Tensor& inputs, const PoolingArguments& arguments) {
  check_histories(inputs, "inputs");
  return inputs.dtype() == DType::kFloat32 ? vjp<float>(pooling, inputs, arguments)
                                           : vjp<double>(pooling, inputs, arguments);
}

}  // namespace weft
