// Activations, the layer that is nothing but a product: Dense; and Dropout.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weft/gradient.h"
#include "weft/initializer.h"
#include "weft/sequence.h"
#include "weft/tensor.h"

namespace weft {

// Keras's activations. float32 errors are against the exact value of the float32 input, absolute
// unless they are called relative; float64 uses the C library.
enum class Activation : uint8_t {
  kLinear,       // x
  kTanh,         // relative 4e-7
  kSigmoid,      // 1 / (1 + exp(-x)): relative 1e-6, absolute 2e-7
  kRelu,         // max(x, 0)
  kElu,          // x > 0 ? x : exp(x) - 1
  kSelu,         // 1.0507 * (x > 0 ? x : 1.6733 (exp(x) - 1))
  kSoftplus,     // log(exp(x) + 1)
  kSoftsign,     // x / (|x| + 1)
  kSwish,        // x * sigmoid(x)
  kGelu,         // x * (1 + erf(x / sqrt(2))) / 2, the exact form
  kHardSigmoid,  // clip(0.2 x + 0.5, 0, 1), as in Keras 2
  kExponential,  // exp(x): relative 4e-7
  kSoftmax,      // exp(x) / sum(exp(x)) over the last dimension
};

// Keras's name ("tanh", "hard_sigmoid"); "silu" is swish, "" is linear.
// Throws InvalidArgument for an unknown name, listing the known ones.
WEFT_API Activation activation_from_name(std::string_view name);
WEFT_API const char* activation_name(Activation activation);

// Element by element, or over the last dimension for softmax; float32 or float64, else WrongType.
// NaN gives NaN. Every element (softmax: every row) has the same bits wherever it stands.
// Throws InvalidArgument for the softmax of a scalar.
WEFT_API Tensor activate(Activation activation, const Tensor& x);
// In place, on `rows` rows of `width` elements, `stride` elements apart.
WEFT_API void activate(Activation activation, float* x, int64_t rows, int64_t width,
                       int64_t stride);
WEFT_API void activate(Activation activation, double* x, int64_t rows, int64_t width,
                       int64_t stride);

// Backwards, in place: `grad`, the gradient of y = activate(x), becomes that of x. Rows as above,
// of all three.
WEFT_API void activate_backward(Activation activation, const float* x, const float* y, float* grad,
                                int64_t rows, int64_t width, int64_t stride);
WEFT_API void activate_backward(Activation activation, const double* x, const double* y,
                                double* grad, int64_t rows, int64_t width, int64_t stride);

// Keras's arguments and defaults. Random weights depend on `seed`, `name` and the weight's name.
struct DenseOptions {
  Activation activation = Activation::kLinear;
  bool use_bias = true;
  Initializer kernel_initializer = initializers::GlorotUniform{};
  Initializer bias_initializer = initializers::Zeros{};
  std::string name = "dense";
  DType dtype = DType::kFloat32;
  int64_t seed = 0;
};

struct DenseGradients {
  Tensor inputs;                     // as the inputs; of Blocks the dense ones side by side
  std::vector<Gradient> parameters;  // in their order
};

// A result, and the function that takes the gradient of a scalar with regard to it to those with
// regard to what it was made of.
struct DenseVjp {
  Tensor result;
  std::function<DenseGradients(const Tensor& grad)> pullback;
};

// activation(x W + b), over the last dimension of x. A handle: copies share the weights.
class WEFT_API Dense {
 public:
  // Throws InvalidArgument unless 1 <= units <= 2^28; WrongType unless dtype is float32 or float64.
  explicit Dense(int64_t units, DenseOptions options = {});

  int64_t units() const;  // U
  const DenseOptions& options() const;
  DType dtype() const { return options().dtype; }

  // Makes the weights for inputs [..., D], D = `input_size`; once is enough. Two threads may build
  // one layer. Throws InvalidArgument if input_size < 0 or the layer was built for another,
  // std::bad_alloc if the weights do not fit into memory.
  void build(int64_t input_size);
  bool built() const { return input_size() >= 0; }
  int64_t input_size() const;  // -1 before build()

  // kernel [D, U], bias [U] with use_bias; empty before build(). Values are copied into, as a
  // Cell's, and never replaced. Nobody may write to them while the layer runs.
  std::span<const Parameter> parameters() const;
  // Throws what weft::set_weights throws, and InvalidArgument before build().
  void set_weights(std::span<const Tensor> weights);
  // A layer of this declaration over the memory of `weights`, which set_weights would take. As
  // there, nobody may write to it while the layer runs.
  Dense over(std::span<const Tensor> weights) const;

  // [..., D] -> [..., U], of rank 2 and more; builds the layer for D at the first call. The result
  // for Blocks has the bits of that for the Tensor that they stand for, weights being finite, the
  // sign of a zero apart; of the kernel's rows below an indicator only those are read whose ids
  // occur. A row's result has the same bits in any batch and with any number of threads.
  // Throws InvalidArgument for another rank or D, WrongType for another dtype.
  Tensor operator()(const Blocks& inputs) const;
  // The same result, bit for bit, and its way back, which may be called any number of times, with
  // the kernel as it is now.
  DenseVjp vjp(const Blocks& inputs) const;

 private:
  Tensor check_inputs(const Blocks& inputs) const;

  struct Data;
  std::shared_ptr<Data> data_;
};

struct DropoutOptions {
  // Of the mask, as long as the input's: a 1 repeats it over a dimension, -1 is the input's size.
  // Unset: the input's shape.
  std::optional<Shape> noise_shape = {};
  std::string name = "dropout";
  int64_t seed = 0;
};

// A result, and the function that takes the gradient of a scalar with regard to it to that with
// regard to the input.
struct DropoutVjp {
  Tensor result;
  std::function<Tensor(const Tensor& grad)> pullback;
};

// Keras's, in training: the elements of x that the mask drops become 0, at `rate`, the others are
// divided by 1 - rate. An element of the mask depends on the seed, the name, the step and its
// number, counted in row-major order, alone.
class WEFT_API Dropout {
 public:
  // Throws InvalidArgument unless 0 <= rate <= 1.
  explicit Dropout(double rate, DropoutOptions options = {});

  double rate() const { return rate_; }
  const DropoutOptions& options() const { return options_; }

  // x of any shape, float32 or float64, else WrongType; at rate 0 the result is x itself. Throws
  // InvalidArgument for a noise_shape that does not fit and, as Keras, for a rate of 1.
  Tensor operator()(const Tensor& x, uint64_t step) const;
  DropoutVjp vjp(const Tensor& x, uint64_t step) const;

 private:
  double rate_;
  DropoutOptions options_;
};

}  // namespace weft
