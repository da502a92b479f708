#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/matrix.h"
#include "base/thread_pool.h"
#include "layer/dense_backward.h"

namespace weft {
namespace {

constexpr int64_t kMaxUnits = int64_t{1} << 28;  // of a kernel that can still be counted

// The rows from `begin` on.
template <class T>
std::vector<base::Operand<T>> from_row(std::vector<base::Operand<T>> parts, int64_t begin) {
  for (base::Operand<T>& part : parts) {
    if (part.sparse()) {
      part.splits += begin;
    } else {
      part.dense += begin * part.ld;
    }
  }
  return parts;
}

template <class T>
void forward(const Tensor& kernel, const Tensor* bias, Activation activation, const Blocks& inputs,
             Tensor& out, Tensor* sums) {
  const int64_t units = kernel.dim(1), rows = out.size() / units, ld = base::padded<T>(units);
  const std::vector<base::Operand<T>> parts = inputs.operands<T>();
  const base::SplitMatrix<T> matrix(kernel.values<T>().data(), units,
                                    base::grouped_layout<T>(1, units), parts);
  std::vector<T> start(static_cast<size_t>(ld), 0);
  if (bias != nullptr) std::ranges::copy(bias->values<T>(), start.begin());
  T* to = out.mutable_values<T>().data();
  double numbers = 0;  // of the inputs, zeros of sparse ones not counted
  for (const base::Operand<T>& part : parts)
    numbers += static_cast<double>(part.sparse() ? part.entries : rows * part.depth);
  const double flops = 2 * numbers * static_cast<double>(ld) + static_cast<double>(rows * ld);
  const int64_t grain = base::grain_of_flops(flops / static_cast<double>(rows));
  base::parallel_for(rows, grain, [&](int64_t begin, int64_t end) {
    std::vector<T> tile(static_cast<size_t>(std::min(base::kTileRows, end - begin) * ld));
    for (int64_t row = begin; row < end; row += base::kTileRows) {
      const int64_t n = std::min(base::kTileRows, end - row);
      matrix.multiply(n, from_row(parts, row), start.data(), 0, tile.data(), ld);
      const auto store = [&](T* at) {
        for (int64_t r = 0; r < n; ++r)
          std::copy_n(tile.data() + r * ld, units, at + (row + r) * units);
      };
      if (sums != nullptr) store(sums->mutable_values<T>().data());
      activate(activation, tile.data(), n, units, ld);
      store(to);
    }
  });
}

void run_forward(std::span<const Parameter> parameters, const DenseOptions& options,
                 const Blocks& inputs, Tensor& out, Tensor* sums) {
  if (out.size() == 0) return;
  const Tensor& kernel = parameters[0].value;
  const Tensor* bias = options.use_bias ? &parameters[1].value : nullptr;
  if (options.dtype == DType::kFloat32) {
    forward<float>(kernel, bias, options.activation, inputs, out, sums);
  } else {
    forward<double>(kernel, bias, options.activation, inputs, out, sums);
  }
}

}  // namespace

struct Dense::Data {
  int64_t units;
  DenseOptions options;
  std::mutex building;
  std::atomic<int64_t> input_size{-1};  // set once, after the parameters
  std::vector<Parameter> parameters;

  std::string owner() const { return "layer '" + options.name + "'"; }
};

Dense::Dense(int64_t units, DenseOptions options) {
  if (units < 1 || units > kMaxUnits) {
    throw InvalidArgument("invalid value for argument `units`: expected a positive integer" +
                          std::string(units < 1 ? "" : " of at most 2^28") + ", got " +
                          std::to_string(units));
  }
  if (options.dtype != DType::kFloat32 && options.dtype != DType::kFloat64) {
    throw WrongType(std::string("the dtype of a Dense is float32 or float64, got ") +
                    dtype_name(options.dtype));
  }
  data_ = std::make_shared<Data>();
  data_->units = units;
  data_->options = std::move(options);
}

int64_t Dense::units() const { return data_->units; }
const DenseOptions& Dense::options() const { return data_->options; }
int64_t Dense::input_size() const { return data_->input_size.load(); }
std::span<const Parameter> Dense::parameters() const { return data_->parameters; }

void Dense::build(int64_t input_size) {
  if (input_size < 0) {
    throw InvalidArgument("the input size must not be negative, got " + std::to_string(input_size));
  }
  Data& data = *data_;
  if (data.input_size.load() == input_size) return;
  std::lock_guard lock(data.building);
  const int64_t built_for = data.input_size.load();
  if (built_for == input_size) return;
  if (built_for >= 0) {
    throw InvalidArgument("layer '" + data.options.name + "' was built for inputs of size " +
                          std::to_string(built_for) + ", got " + std::to_string(input_size));
  }
  std::vector<Parameter> made;
  const auto make = [&](const char* name, const Shape& shape, const Initializer& initializer) {
    const std::string stream = data.options.name + "/" + name;
    made.push_back({name, initializer(shape, data.options.dtype, stream, data.options.seed),
                    initializer, true});
  };
  make("kernel", {input_size, data.units}, data.options.kernel_initializer);
  if (data.options.use_bias) make("bias", {data.units}, data.options.bias_initializer);
  data.parameters = std::move(made);
  data.input_size.store(input_size);
}

void Dense::set_weights(std::span<const Tensor> weights) {
  if (!built()) throw InvalidArgument(data_->owner() + " has no weights yet: build it first");
  weft::set_weights(data_->parameters, weights, data_->owner());
}

Dense Dense::over(std::span<const Tensor> weights) const {
  if (!built()) throw InvalidArgument(data_->owner() + " has no weights yet: build it first");
  Dense made(units(), options());
  made.data_->parameters = parameters_over(parameters(), weights, data_->owner());
  made.data_->input_size.store(input_size());
  return made;
}

// Throws unless these are inputs, builds the layer for them, and allocates the result.
Tensor Dense::check_inputs(const Blocks& inputs) const {
  const DenseOptions& options = data_->options;
  if (inputs.dtype() != options.dtype) {
    throw WrongType("inputs of '" + options.name + "' must be " + dtype_name(options.dtype) +
                    ", got " + dtype_name(inputs.dtype()));
  }
  Shape shape = inputs.shape();
  if (shape.size() < 2) {
    throw InvalidArgument("inputs of a Dense must have shape [B, ..., D], got " +
                          shape_string(shape));
  }
  Dense(*this).build(shape.back());
  shape.back() = data_->units;
  return {options.dtype, std::move(shape)};
}

Tensor Dense::operator()(const Blocks& inputs) const {
  Tensor out = check_inputs(inputs);
  run_forward(data_->parameters, data_->options, inputs, out, nullptr);
  return out;
}

DenseVjp Dense::vjp(const Blocks& inputs) const {
  Tensor out = check_inputs(inputs);
  std::optional<Tensor> sums;
  if (data_->options.activation != Activation::kLinear) sums.emplace(out.dtype(), out.shape());
  run_forward(data_->parameters, data_->options, inputs, out, sums ? &*sums : nullptr);
  return {out,
          dense_pullback(data_->parameters[0].value, data_->options, inputs, out, std::move(sums))};
}

}  // namespace weft
