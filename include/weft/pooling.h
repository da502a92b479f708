// Pooling over time: a history [B, T, D] as one vector per row, [B, D].
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
#include "weft/layer.h"
#include "weft/sequence.h"
#include "weft/tensor.h"

namespace weft {

enum class Pooling : uint8_t {
  kMean,  // as tf.keras.layers.GlobalAveragePooling1D
  kSum,
  kMax,   // as GlobalMaxPooling1D, but of real steps alone; NaN if one of them is
  kLast,  // the last real step
};

// "mean", "sum", "max", "last". Throws InvalidArgument for another name, listing these.
WEFT_API Pooling pooling_from_name(std::string_view name);

// Which steps are real: all, unless said otherwise. Values of the others never matter.
struct PoolingArguments {
  std::optional<Tensor> mask = {};  // bool [B, T], any pattern
  // Instead of a mask: integers of any dtype [B]; the first lengths[i] steps of row i are real.
  std::optional<Tensor> lengths = {};
};

// A result, and the function that takes the gradient of a scalar with regard to it to that with
// regard to the inputs: zeros at masked steps. It may be called any number of times.
struct PoolingVjp {
  Tensor result;
  std::function<Tensor(const Tensor& grad)> pullback;
};

// The real steps of each row of [B, T, D] as one vector, [B, D]: zeros for a row without any. A
// row's result has the same bits in any batch and with any number of threads. The gradient of a
// maximum goes to the steps that hold it in equal parts, as TensorFlow's.
// Throws InvalidArgument for another rank, a mask or lengths that do not fit, or both; OutOfRange
// for a length outside [0, T]; WrongType unless the inputs are float32 or float64.
WEFT_API Tensor pool(Pooling pooling, const Tensor& inputs, const PoolingArguments& arguments = {});
// The same result, bit for bit, and its way back.
WEFT_API PoolingVjp pool_vjp(Pooling pooling, const Tensor& inputs,
                             const PoolingArguments& arguments = {});

struct AttentionPoolingOptions {
  // A weight "query" [D] asks every history, instead of a query for each row.
  bool learned_query = false;
  // Scores are multiplied by a weight "scale", a scalar that begins at 1, as
  // tf.keras.layers.Attention's.
  bool use_scale = false;
  bool divide_by_root = false;  // scores are divided by sqrt(D)
  Initializer query_initializer = initializers::GlorotUniform{};
  std::string name = "attention_pooling";
  DType dtype = DType::kFloat32;
  int64_t seed = 0;  // with the names of layer and weight it decides the first weights
};

struct AttentionArguments : PoolingArguments {
  std::optional<Tensor> query = {};  // [B, D]; unset with learned_query
  std::optional<Tensor> keys = {};   // [B, T, D]; the inputs when unset
};

struct AttentionGradients {
  Tensor inputs;                      // zeros at masked steps, as in keys
  std::optional<Tensor> query, keys;  // of those that were given
  std::vector<Gradient> parameters;   // in their order
};

struct AttentionVjp {
  Tensor result;
  std::function<AttentionGradients(const Tensor& grad)> pullback;
};

// Dot-product attention over a history: softmax over the real steps of (query . key), and with
// these weights the sum of the inputs, [B, T, E] -> [B, E]. As tf.keras.layers.Attention with
// score_mode="dot", query [B, 1, D] and the mask of the values; but a row without real steps gives
// zeros, where Keras spreads the weights over masked steps. Exact for scores of any size. A handle:
// copies share the weights.
class WEFT_API AttentionPooling {
 public:
  // Throws WrongType unless dtype is float32 or float64.
  explicit AttentionPooling(AttentionPoolingOptions options = {});

  const AttentionPoolingOptions& options() const;
  DType dtype() const { return options().dtype; }

  // Makes the weights for keys of size D; once is enough. Two threads may build one layer. Throws
  // InvalidArgument if key_size < 0 or the layer was built for another.
  void build(int64_t key_size);
  bool built() const { return input_size() >= 0; }
  int64_t input_size() const;  // D; -1 before build()

  // query with learned_query, scale with use_scale; empty before build(). As a Dense's.
  std::span<const Parameter> parameters() const;
  // Throws what weft::set_weights throws, and InvalidArgument before build().
  void set_weights(std::span<const Tensor> weights);
  // A layer of this declaration over the memory of `weights`, which set_weights would take. As
  // there, nobody may write to it while the layer runs.
  AttentionPooling over(std::span<const Tensor> weights) const;

  // Builds the layer for D at the first call. A row's result has the same bits in any batch and
  // with any number of threads. Throws what pool() throws, and InvalidArgument for a query or keys
  // that do not fit, no query or one too many; WrongType for another dtype than the layer's.
  Tensor operator()(const Tensor& inputs, const AttentionArguments& arguments = {}) const;
  // The same result, bit for bit, and its way back, which may be called any number of times, with
  // the weights as they are now. The gradients are the same with any number of threads.
  AttentionVjp vjp(const Tensor& inputs, const AttentionArguments& arguments = {}) const;

 private:
  struct Data;
  std::shared_ptr<Data> data_;
};

}  // namespace weft
