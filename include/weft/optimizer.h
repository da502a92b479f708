// Optimizers: gradients into weights.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "weft/export.h"
#include "weft/gradient.h"
#include "weft/tensor.h"

namespace weft {

// The rules of tf.keras.optimizers (Keras 2.11 to 2.15), under Keras's names. g is the gradient,
// lr the learning rate; states begin at 0 unless said otherwise.
namespace optimizers {

struct SGD {  // m = momentum m - lr g; w += m, with nesterov w += momentum m - lr g
  double momentum = 0;
  bool nesterov = false;
};
struct RMSprop {
  double rho = 0.9;
  double momentum = 0;
  double epsilon = 1e-7;
  bool centered = false;
};
struct Adagrad {
  double initial_accumulator_value = 0.1;
  double epsilon = 1e-7;
};
struct Adam {  // with a weight_decay AdamW
  double beta_1 = 0.9;
  double beta_2 = 0.999;
  double epsilon = 1e-7;
  bool amsgrad = false;
};
struct Ftrl {
  double learning_rate_power = -0.5;
  double initial_accumulator_value = 0.1;
  double l1_regularization_strength = 0;
  double l2_regularization_strength = 0;
  double l2_shrinkage_regularization_strength = 0;
  double beta = 0;
};

}  // namespace optimizers

using OptimizerRule = std::variant<optimizers::SGD, optimizers::RMSprop, optimizers::Adagrad,
                                   optimizers::Adam, optimizers::Ftrl>;

struct OptimizerOptions {
  // w -= w * weight_decay * lr, before the step.
  std::optional<double> weight_decay;
  // At most one of these: of each weight's gradient, of all together, of each element.
  std::optional<double> clipnorm, global_clipnorm, clipvalue;
  // What IndexedSlices do to the rows that they do not have. false, as in Keras: those rows have
  // the gradient 0, by which states decay and momentum moves on, and the whole table is passed
  // over. true: nothing; their states wait as they are, as with TensorFlow Addons' LazyAdam and
  // torch's SparseAdam. SGD without momentum and Adagrad are the same either way, but for
  // weight_decay.
  bool lazy = false;
};

// One weight of a step. Names tell weights apart and name their states.
struct WeightUpdate {
  std::string name;
  Tensor value;  // float32 or float64; written to
  const Gradient* gradient;
};

class WEFT_API Optimizer {
 public:
  // Throws InvalidArgument for parameters that cannot work, naming them.
  explicit Optimizer(OptimizerRule rule, OptimizerOptions options = {});
  Optimizer(Optimizer&&) noexcept;
  Optimizer& operator=(Optimizer&&) noexcept;
  ~Optimizer();

  const OptimizerRule& rule() const;
  const OptimizerOptions& options() const;
  int64_t iterations() const;  // steps taken

  // One step. The same bits with any number of threads. Gradients are clipped as they are, each row
  // once; Keras clips rows before equal ids are added up.
  // Throws, and then nothing has changed: InvalidArgument for a name that is there twice or whose
  // shape was another before, or a gradient of another shape than its weight, WrongType for another
  // dtype.
  void apply(std::span<const WeightUpdate> updates, double learning_rate);

  // Everything that a step changes besides the weights, by name: "iterations" (int64 []), and the
  // states of each weight met so far, "<weight>/m". The tensors are the optimizer's own memory.
  std::vector<std::pair<std::string, Tensor>> state() const;
  // Makes a new optimizer of the same rule and options go on where the other one was. Throws
  // InvalidArgument for names that state() cannot have given.
  void load_state(std::span<const std::pair<std::string, Tensor>> state);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft
