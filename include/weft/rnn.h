// Recurrent cells and the loop over time that runs them, as Keras computes them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "weft/gradient.h"
#include "weft/initializer.h"
#include "weft/layer.h"
#include "weft/sequence.h"
#include "weft/tensor.h"

namespace weft {

struct CellData;  // src/rnn/

// A cell: its declaration and, once built, its weights. A handle: copies share both.
class WEFT_API Cell {
 public:
  const std::string& name() const;
  DType dtype() const;    // of weights, inputs and states: float32 or float64
  int64_t units() const;  // H: size of the output
  // Sizes of the states, flat: {H}; LSTM {H, H}; stacked cells one after the other.
  std::vector<int64_t> state_sizes() const;

  // Makes the weights for inputs of D = `input_size` elements; once is enough. Two threads may
  // build one cell. Throws InvalidArgument if input_size < 0 or the cell was built for another,
  // std::bad_alloc if the weights do not fit into memory.
  void build(int64_t input_size);
  bool built() const;
  int64_t input_size() const;  // -1 before build()

  // In Keras's order: kernel [D, G * H], recurrent_kernel [H, G * H], bias; G gates. The names of
  // stacked cells' weights begin with "cell_0/", "cell_1/", ...; a cell that stands twice in a
  // stack has its weights once, under its first name. Empty before build(). A value is copied into,
  // with set_weights or through a copy of the tensor, which shares its memory, and never replaced:
  // stacks and layers share it too. Nobody may write to it while the cell runs.
  std::span<const Parameter> parameters() const;
  // Copies `weights` into parameters(), in their order. Throws InvalidArgument for another number
  // or shape, WrongType for another dtype; then nothing has changed.
  void set_weights(std::span<const Tensor> weights);
  // A cell of this declaration over the memory of `weights`, which set_weights would take. As
  // there, nobody may write to it while the cell runs.
  Cell over(std::span<const Tensor> weights) const;

 protected:
  explicit Cell(std::shared_ptr<CellData> data) : data_(std::move(data)) {}

 private:
  friend struct CellData;
  std::shared_ptr<CellData> data_;
};

// What the cells share: Keras's arguments and defaults. Random weights depend on `seed`, `name`
// and the weight's name.
//
// Dropout, in training, is Keras's: x is multiplied by a mask whose elements are 0 at the rate
// `dropout` and else 1 / (1 - dropout); where h is multiplied by U, it is multiplied by a mask of
// `recurrent_dropout` first (the h of z * h is not). Every row of a call has masks of its own, held
// over all steps: for h one for each gate; for x too if there is recurrent_dropout or if
// `implementation` is 1, else one for all gates. An element of a mask depends on the cell's seed
// and name, the call's `step` and its number alone, which is (row * masks + mask) * width + column:
// row of the batch, mask the gate of `masks` gates or 0 of 1, column of `width` D or H. In a stack
// the name begins with "cell_<place>/", and a cell at two places has the same masks at both.

// h' = activation(x W + b + h U).   bias: [H]
struct SimpleRNNCellOptions {
  Activation activation = Activation::kTanh;
  bool use_bias = true;
  Initializer kernel_initializer = initializers::GlorotUniform{};
  Initializer recurrent_initializer = initializers::Orthogonal{};
  Initializer bias_initializer = initializers::Zeros{};
  double dropout = 0, recurrent_dropout = 0;
  std::string name = "simple_rnn_cell";
  DType dtype = DType::kFloat32;
  int64_t seed = 0;
};
class WEFT_API SimpleRNNCell : public Cell {
 public:
  // Throws InvalidArgument unless 1 <= units <= 2^28 and rates are in [0, 1]; WrongType unless
  // dtype is float32 or float64. So do the other cells.
  explicit SimpleRNNCell(int64_t units, SimpleRNNCellOptions options = {});
};

// z = recurrent_activation(x Wz + bz + h Uz + cz)
// r = recurrent_activation(x Wr + br + h Ur + cr)
// n = activation(x Wh + bh + r * (h Uh + ch))   with reset_after; bias: [2, 3 H], rows b and c
// n = activation(x Wh + bh + (r * h) Uh)        without;          bias: [3 H], no c
// h' = z * h + (1 - z) * n.                     Columns of W, U, b: z, r, h
struct GRUCellOptions {
  Activation activation = Activation::kTanh;
  Activation recurrent_activation = Activation::kSigmoid;
  bool use_bias = true;
  Initializer kernel_initializer = initializers::GlorotUniform{};
  Initializer recurrent_initializer = initializers::Orthogonal{};
  Initializer bias_initializer = initializers::Zeros{};
  double dropout = 0, recurrent_dropout = 0;
  bool reset_after = true;
  int implementation = 2;
  std::string name = "gru_cell";
  DType dtype = DType::kFloat32;
  int64_t seed = 0;
};
class WEFT_API GRUCell : public Cell {
 public:
  explicit GRUCell(int64_t units, GRUCellOptions options = {});
};

// i, f, o = recurrent_activation(x W + b + h U), each with its columns
// g = activation(x Wc + bc + h Uc)
// c' = f * c + i * g
// h' = o * activation(c').   Columns of W, U, b: i, f, c, o; bias: [4 H]; states: h, c
struct LSTMCellOptions {
  Activation activation = Activation::kTanh;
  Activation recurrent_activation = Activation::kSigmoid;
  bool use_bias = true;
  Initializer kernel_initializer = initializers::GlorotUniform{};
  Initializer recurrent_initializer = initializers::Orthogonal{};
  Initializer bias_initializer = initializers::Zeros{};
  bool unit_forget_bias = true;  // the bias of f begins at 1
  double dropout = 0, recurrent_dropout = 0;
  int implementation = 2;
  std::string name = "lstm_cell";
  DType dtype = DType::kFloat32;
  int64_t seed = 0;
};
class WEFT_API LSTMCell : public Cell {
 public:
  explicit LSTMCell(int64_t units, LSTMCellOptions options = {});
};

// Each cell's output is the next one's input; the output is the last one's.
class WEFT_API StackedRNNCells : public Cell {
 public:
  // One cell may stand at several places, which then share its weights; build() throws
  // InvalidArgument if their inputs differ in size.
  // Throws InvalidArgument without cells, for stacked cells among them, or for two dtypes.
  explicit StackedRNNCells(std::vector<Cell> cells);
};

struct RNNOptions {
  bool return_sequences = false;
  // Unset: true for RNN (TensorFlow's: false), false for SimpleRNN, GRU and LSTM, as in Keras.
  std::optional<bool> return_state = {};
  bool go_backwards = false;
  bool zero_output_for_mask = false;
  bool time_major = false;  // inputs, mask and outputs are [T, B, ...]
};

struct RNNArguments {
  // bool [B, T] ([T, B] with time_major), any pattern: false steps are masked.
  std::optional<Tensor> mask = {};
  // Instead of a mask: integers of any dtype [B]; the first lengths[i] steps of row i are real.
  std::optional<Tensor> lengths = {};
  // [B, size] each, in the order of state_sizes(); empty: zeros.
  std::vector<Tensor> initial_state = {};
  bool training = false;  // whether there is dropout
  uint64_t step = 0;      // of training: which masks
};

struct States {
  Tensor outputs;             // [B, H], the last; with return_sequences [B, T, H]
  std::vector<Tensor> state;  // [B, size] each; empty with return_state = false
};

// What comes back to an RNN: gradients of States. Unset: zeros.
struct StatesGradient {
  std::optional<Tensor> outputs;
  std::vector<std::optional<Tensor>> state;  // empty, or one for each
};

struct RNNGradients {
  // As the inputs; of Blocks the dense ones side by side, [B, T, their columns]. Zeros at masked
  // steps.
  Tensor inputs;
  std::vector<Tensor> initial_state;  // [B, size] each
  std::vector<Gradient> parameters;   // of the cell's, in their order
};

// A result, and the function that takes the gradient of a scalar with regard to it to those with
// regard to what it was made of.
struct RNNVjp {
  States result;
  std::function<RNNGradients(const StatesGradient&)> pullback;
};

// Runs a cell over the steps of inputs [B, T, D], which are a Tensor or, with the same result bit
// for bit, the Blocks of a SequenceFeatures: of the kernel's rows below an indicator only those are
// read whose ids occur. (Two things can tell them apart: an infinite or NaN weight spoils every
// step of the tensor, but only the steps of the blocks that have its id; and a sum whose terms are
// all zeros may have another sign.)
//
// A masked step carries the state through and repeats the previous output (zeros before the first
// real step; zeros always with zero_output_for_mask). Nothing is computed for masked steps, and
// their values never matter. A row without real steps returns its initial state and zero outputs.
// With go_backwards the outputs are in the order of processing. B = 0 and T = 0 are valid.
//
// A row's result has the same bits in any batch and with any number of threads.
class WEFT_API RNN {
 public:
  explicit RNN(Cell cell, RNNOptions options = {});
  explicit RNN(std::vector<Cell> cells, RNNOptions options = {})
      : RNN(StackedRNNCells(std::move(cells)), options) {}

  // Builds the cell for D at the first call. Throws InvalidArgument for a shape that does not fit,
  // naming both sizes, or for both mask and lengths; OutOfRange for a length outside [0, T];
  // WrongType for another dtype; LimitExceeded for 2^31 rows or steps and more; std::bad_alloc if
  // weights or results do not fit into memory. As Keras, it throws InvalidArgument for a dropout of
  // 1 in training.
  States operator()(const Blocks& inputs, const RNNArguments& arguments = {}) const;

  // The same result, bit for bit, and its way back, which may be called any number of times, with
  // the weights as they are now. Values at masked steps never matter, and a batch whose rows are
  // all masked gives zeros. The gradients are the same in every run with one number of threads.
  RNNVjp vjp(const Blocks& inputs, const RNNArguments& arguments = {}) const;

  const Cell& cell() const { return cell_; }
  Cell& cell() { return cell_; }
  const RNNOptions& options() const { return options_; }  // with return_state set

 protected:
  static RNNOptions outputs_alone(RNNOptions options) {
    options.return_state = options.return_state.value_or(false);
    return options;
  }

 private:
  Cell cell_;
  RNNOptions options_;
};

// RNN over one cell; Keras's defaults: no state is returned.
class WEFT_API SimpleRNN : public RNN {
 public:
  explicit SimpleRNN(int64_t units, SimpleRNNCellOptions cell = {}, RNNOptions options = {})
      : RNN(SimpleRNNCell(units, std::move(cell)), outputs_alone(options)) {}
};
class WEFT_API GRU : public RNN {
 public:
  explicit GRU(int64_t units, GRUCellOptions cell = {}, RNNOptions options = {})
      : RNN(GRUCell(units, std::move(cell)), outputs_alone(options)) {}
};
class WEFT_API LSTM : public RNN {
 public:
  explicit LSTM(int64_t units, LSTMCellOptions cell = {}, RNNOptions options = {})
      : RNN(LSTMCell(units, std::move(cell)), outputs_alone(options)) {}
};

}  // namespace weft
