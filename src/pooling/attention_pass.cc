#include "pooling/attention_pass.h"

#include <algorithm>
#include <cmath>

#include "pooling/typed_kernels.h"

namespace weft {
namespace {

// A weight as it is now.
template <class T>
Tensor copied(const Tensor& weight) {
  return Tensor::of<T>(weight.shape(), weight.values<T>());
}

// Where the real steps of one tensor begin.
template <class T>
struct Histories {
  Histories(const Tensor& of, const RealSteps& steps)
      : tensor(of), width(of.dim(2)), sources(steps.sources(width)) {}

  const T* data() const { return tensor.values<T>().data(); }

  Tensor tensor;
  int64_t width;
  std::vector<int64_t> sources;
};

template <class T>
class PassOf final : public AttentionPass {
 public:
  PassOf(const AttentionPoolingOptions& options, std::span<const Parameter> parameters,
         const Tensor& inputs, const AttentionArguments& arguments);

  const Tensor& result() const override { return result_; }
  AttentionGradients backward(const Tensor& grad) const override;

 private:
  void forward_row(int64_t row, T* out);
  // `weights`: those of the row's steps, of which the sum of steps is made.
  void sum_steps(const Histories<T>& steps, int64_t row, const T* weights, T* out) const;
  // What is written: gradients of inputs and keys, which may be the inputs (null), and for each row
  // those of query and scale.
  struct Grads {
    T *inputs, *keys, *query, *scale;
  };
  void backward_row(int64_t row, const T* grad, T* scratch, const Grads& to) const;
  Tensor sum_of_rows(const Tensor& rows, Shape shape) const;
  const T* query(int64_t row) const { return query_.values<T>().data() + row * query_stride_; }

  const AttentionPoolingOptions options_;
  const RealSteps steps_;
  const Histories<T> values_, keys_;
  const bool own_keys_;
  Tensor query_;  // [B, D] or [D]
  int64_t query_stride_;
  T root_ = 1, factor_ = 1;  // a score is query . key times the factor
  std::vector<T> weights_;   // of all real steps: the softmax
  Tensor result_;
};

template <class T>
PassOf<T>::PassOf(const AttentionPoolingOptions& options, std::span<const Parameter> parameters,
                  const Tensor& inputs, const AttentionArguments& arguments)
    : options_(options),
      steps_(inputs, arguments),
      values_(inputs, steps_),
      keys_(arguments.keys.value_or(inputs), steps_),
      own_keys_(arguments.keys.has_value()),
      query_(options.learned_query ? copied<T>(parameters[0].value) : *arguments.query),
      query_stride_(options.learned_query ? 0 : keys_.width),
      weights_(static_cast<size_t>(steps_.count())),
      result_(inputs.dtype(), {inputs.dim(0), inputs.dim(2)}) {
  if (options.divide_by_root && keys_.width > 0) root_ = 1 / std::sqrt(static_cast<T>(keys_.width));
  factor_ = root_ * (options.use_scale ? parameters.back().value.values<T>()[0] : T(1));
  T* const out = result_.mutable_values<T>().data();
  for_rows(inputs, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) forward_row(row, out + row * values_.width);
  });
}

template <class T>
void PassOf<T>::sum_steps(const Histories<T>& steps, int64_t row, const T* weights, T* out) const {
  const int64_t splits[] = {0, steps_.count(row)};
  row_sum<T>({.rows = steps.data(),
              .sources = steps.sources.data() + *steps_.splits(row),
              .weights = weights,
              .splits = splits,
              .sums = 1,
              .width = steps.width,
              .out = out});
}

template <class T>
void PassOf<T>::forward_row(int64_t row, T* out) {
  const int64_t first = *steps_.splits(row), n = steps_.count(row);
  T* const weights = weights_.data() + first;
  if (n > 0) {
    pooling_functions<T>().dots(query(row), keys_.data(), keys_.sources.data() + first, n,
                                keys_.width, weights);
    for (int64_t i = 0; i < n; ++i) weights[i] *= factor_;
    activate(Activation::kSoftmax, weights, 1, n, n);
  }
  sum_steps(values_, row, weights, out);
}

template <class T>
void PassOf<T>::backward_row(int64_t row, const T* grad, T* scratch, const Grads& to) const {
  const auto& kernel = pooling_functions<T>();
  const int64_t first = *steps_.splits(row), n = steps_.count(row);
  const int64_t* const values = values_.sources.data() + first;
  const int64_t* const keys = keys_.sources.data() + first;
  const T* const weights = weights_.data() + first;
  if (n == 0) {
    std::fill_n(to.query, keys_.width, T(0));
    *to.scale = 0;
    return;
  }
  kernel.dots(grad, values_.data(), values, n, values_.width, scratch);
  activate_backward(Activation::kSoftmax, nullptr, weights, scratch, 1, n, n);
  // Now of the scores. Their sum of keys is the gradient of the query, but for the factor; its
  // product with the query is that of the factor.
  sum_steps(keys_, row, scratch, to.query);
  const int64_t whole = 0;
  kernel.dots(query(row), to.query, &whole, 1, keys_.width, to.scale);
  *to.scale *= root_;
  for (int64_t j = 0; j < keys_.width; ++j) to.query[j] *= factor_;
  for (int64_t i = 0; i < n; ++i) scratch[i] *= factor_;
  if (to.keys == nullptr) {
    kernel.outer(weights, grad, scratch, query(row), values, n, values_.width, to.inputs);
  } else {
    kernel.outer(weights, grad, nullptr, nullptr, values, n, values_.width, to.inputs);
    kernel.outer(scratch, query(row), nullptr, nullptr, keys, n, keys_.width, to.keys);
  }
}

// In the order of the rows, whoever computed them.
template <class T>
Tensor PassOf<T>::sum_of_rows(const Tensor& rows, Shape shape) const {
  Tensor sum = Tensor::zeros(rows.dtype(), std::move(shape));
  const T* from = rows.values<T>().data();
  for (int64_t row = 0; row < steps_.rows(); ++row) {
    for (T& to : sum.mutable_values<T>()) to += *from++;
  }
  return sum;
}

template <class T>
AttentionGradients PassOf<T>::backward(const Tensor& grad) const {
  check_gradient(grad, result_.dtype(), result_.shape(), "an AttentionPooling's result");
  AttentionGradients made;
  const DType dtype = grad.dtype();
  made.inputs = Tensor::zeros(dtype, values_.tensor.shape());
  if (own_keys_) made.keys = Tensor::zeros(dtype, keys_.tensor.shape());
  Tensor query(dtype, {steps_.rows(), keys_.width}), scale(dtype, {steps_.rows()});
  T* const keys = own_keys_ ? made.keys->mutable_values<T>().data() : nullptr;
  const Grads all = {made.inputs.mutable_values<T>().data(), keys, query.mutable_values<T>().data(),
                     scale.mutable_values<T>().data()};
  for_rows(values_.tensor, [&](int64_t begin, int64_t end) {
    std::vector<T> scratch;
    for (int64_t row = begin; row < end; ++row) {
      scratch.resize(static_cast<size_t>(steps_.count(row)));
      backward_row(row, grad.values<T>().data() + row * values_.width, scratch.data(),
                   {all.inputs, all.keys, all.query + row * keys_.width, all.scale + row});
    }
  });
  if (options_.learned_query) {
    made.parameters.emplace_back(sum_of_rows(query, {keys_.width}));
  } else {
    made.query = std::move(query);
  }
  if (options_.use_scale) made.parameters.emplace_back(sum_of_rows(scale, {}));
  return made;
}

}  // namespace

std::shared_ptr<const AttentionPass> AttentionPass::make(const AttentionPoolingOptions& options,
                                                         std::span<const Parameter> parameters,
                                                         const Tensor& inputs,
                                                         const AttentionArguments& arguments) {
  if (options.dtype == DType::kFloat32)
    return std::make_shared<const PassOf<float>>(options, parameters, inputs, arguments);
  return std::make_shared<const PassOf<double>>(options, parameters, inputs, arguments);
}

}  // namespace weft
