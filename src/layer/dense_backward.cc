#include "layer/dense_backward.h"

#include <algorithm>
#include <vector>

#include "base/matrix.h"
#include "base/row_groups.h"
#include "base/thread_pool.h"

namespace weft {
namespace {

template <class T>
class Backward {
 public:
  Backward(const Tensor& kernel, const DenseOptions& options, const Blocks& inputs,
           const Tensor& out, std::optional<Tensor> sums);

  DenseGradients operator()(const Tensor& grad) const;

 private:
  // Gradients of the sums before the activation, rows padded with zeros to ld_.
  using Grads = std::vector<T>;

  Grads grad_sums(const Tensor& grad) const;
  Tensor grad_inputs(const Grads& grads) const;
  Tensor all_rows(const base::Operand<T>& part, const Grads& grads) const;
  IndexedSlices some_rows(const base::Operand<T>& part, const Grads& grads) const;
  Tensor grad_bias(const Grads& grads) const;

  const DType dtype_;
  const Activation activation_;
  const bool use_bias_;
  const Blocks inputs_;
  const Tensor out_;
  const std::optional<Tensor> sums_;
  const int64_t units_, ld_, rows_;
  const base::PanelLayout layout_;  // of a row of gradients
  std::vector<base::Operand<T>> parts_;
  int64_t depth_ = 0;                    // of the dense inputs
  std::shared_ptr<const T> transposed_;  // the kernel's rows below them
  base::Matrix<T> to_inputs_;
};

template <class T>
Backward<T>::Backward(const Tensor& kernel, const DenseOptions& options, const Blocks& inputs,
                      const Tensor& out, std::optional<Tensor> sums)
    : dtype_(options.dtype),
      activation_(options.activation),
      use_bias_(options.use_bias),
      inputs_(inputs),
      out_(out),
      sums_(std::move(sums)),
      units_(kernel.dim(1)),
      ld_(base::padded<T>(units_)),
      rows_(out.size() / units_),
      layout_(base::grouped_layout<T>(1, units_)),
      parts_(inputs_.operands<T>()) {
  for (const base::Operand<T>& part : parts_) depth_ += part.sparse() ? 0 : part.depth;
  const std::vector<T> rows = base::rows_below_dense<T>(parts_, kernel.values<T>().data(), units_);
  transposed_ = base::transposed(rows.data(), depth_, units_, layout_);
  to_inputs_ = {transposed_.get(), units_, depth_, base::grouped_layout<T>(1, depth_)};
}

template <class T>
auto Backward<T>::grad_sums(const Tensor& grad) const -> Grads {
  std::vector<T> own(grad.values<T>().begin(), grad.values<T>().end());
  if (sums_) {
    activate_backward(activation_, sums_->values<T>().data(), out_.values<T>().data(), own.data(),
                      rows_, units_, units_);
  }
  if (ld_ == units_) return own;
  Grads padded(static_cast<size_t>(rows_ * ld_), T(0));
  for (int64_t row = 0; row < rows_; ++row)
    std::copy_n(own.data() + row * units_, units_, padded.data() + row * ld_);
  return padded;
}

template <class T>
Tensor Backward<T>::grad_inputs(const Grads& grads) const {
  Shape shape = inputs_.shape();
  shape.back() = depth_;
  Tensor result(dtype_, std::move(shape));
  if (result.size() == 0) return result;
  T* const to = result.mutable_values<T>().data();
  const int64_t ld = base::padded<T>(depth_);
  const std::vector<T> zeros(static_cast<size_t>(ld), T(0));
  const auto grain =
      base::grain_of_flops(2.0 * static_cast<double>(depth_) * static_cast<double>(units_));
  base::parallel_for(rows_, grain, [&](int64_t begin, int64_t end) {
    std::vector<T> tile(static_cast<size_t>(std::min(base::kTileRows, end - begin) * ld));
    for (int64_t row = begin; row < end; row += base::kTileRows) {
      const int64_t n = std::min(base::kTileRows, end - row);
      to_inputs_.multiply(n, grads.data() + row * ld_, ld_, zeros.data(), 0, tile.data(), ld);
      for (int64_t r = 0; r < n; ++r)
        std::copy_n(tile.data() + r * ld, depth_, to + (row + r) * depth_);
    }
  });
  return result;
}

// The gradient of the kernel below a dense input. Threads have rows of their own.
template <class T>
Tensor Backward<T>::all_rows(const base::Operand<T>& part, const Grads& grads) const {
  std::vector<T> sums(static_cast<size_t>(part.depth * ld_), T(0));
  const auto grain =
      base::grain_of_flops(2.0 * static_cast<double>(rows_) * static_cast<double>(units_));
  base::parallel_for(part.depth, grain, [&](int64_t begin, int64_t end) {
    base::add_transposed(end - begin, rows_, part.dense + begin, part.ld, grads.data(), ld_,
                         layout_, sums.data() + begin * ld_, ld_);
  });
  Tensor result(dtype_, {part.depth, units_});
  base::unpack(sums.data(), part.depth, layout_, result.mutable_values<T>().data(), units_);
  return result;
}

// And below a sparse one: the rows whose columns occur.
template <class T>
IndexedSlices Backward<T>::some_rows(const base::Operand<T>& part, const Grads& grads) const {
  base::RowEntries<T> entries;
  for (int64_t row = 0; row < rows_; ++row) {
    for (int64_t i = part.splits[row]; i < part.splits[row + 1]; ++i) {
      entries.ids.push_back(part.columns[i]);
      entries.sources.push_back(row * ld_);
      entries.weights.push_back(part.values[i]);
    }
  }
  const base::RowGroups<T> groups(entries, part.depth);
  const int64_t n = std::ssize(groups.ids());
  Tensor sums(dtype_, {n, units_});
  groups.sum(grads.data(), units_, sums.mutable_values<T>().data());
  return {Tensor::of<int64_t>({n}, groups.ids()), std::move(sums), {part.depth, units_}};
}

template <class T>
Tensor Backward<T>::grad_bias(const Grads& grads) const {
  std::vector<T> sums(static_cast<size_t>(ld_), T(0));
  const T one = 1;
  base::add_transposed(1, rows_, &one, 0, grads.data(), ld_, layout_, sums.data(), ld_);
  return Tensor::of<T>({units_}, std::span<const T>(sums.data(), static_cast<size_t>(units_)));
}

template <class T>
DenseGradients Backward<T>::operator()(const Tensor& grad) const {
  check_gradient(grad, dtype_, out_.shape(), "a Dense's output");
  const Grads grads = grad_sums(grad);
  DenseGradients result{grad_inputs(grads), {}};
  std::vector<Gradient> kernel;
  for (const base::Operand<T>& part : parts_) {
    if (part.sparse()) {
      kernel.emplace_back(some_rows(part, grads));
    } else {
      kernel.emplace_back(all_rows(part, grads));
    }
  }
  result.parameters.push_back(stack_rows(kernel));
  if (use_bias_) result.parameters.emplace_back(grad_bias(grads));
  return result;
}

}  // namespace

std::function<DenseGradients(const Tensor&)> dense_pullback(const Tensor& kernel,
                                                            const DenseOptions& options,
                                                            const Blocks& inputs, const Tensor& out,
                                                            std::optional<Tensor> sums) {
  const auto made = [&](auto type) -> std::function<DenseGradients(const Tensor&)> {
    using T = decltype(type);
    const auto backward =
        std::make_shared<const Backward<T>>(kernel, options, inputs, out, std::move(sums));
    return [backward](const Tensor& grad) { return (*backward)(grad); };
  };
  return options.dtype == DType::kFloat32 ? made(float()) : made(double());
}

}  // namespace weft
