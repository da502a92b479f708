// Two recurrent layers over the same steps, one in each direction, as Keras's Bidirectional.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "weft/rnn.h"
#include "weft/sequence.h"
#include "weft/tensor.h"

namespace weft {

enum class Merge : uint8_t {
  kConcat,  // side by side: [..., H of forward + H of backward]
  kSum,
  kMul,
  kAve,
  kNone,  // two outputs
};

// "concat", "sum", "mul", "ave", "none". Throws InvalidArgument for another name, listing these.
WEFT_API Merge merge_from_name(std::string_view name);

struct BidirectionalStates {
  std::vector<Tensor> outputs;  // merged: one; with Merge::kNone forward's and backward's
  std::vector<Tensor> state;    // forward's, then backward's; empty with return_state = false
};

// What comes back: gradients of BidirectionalStates. Unset: zeros.
struct BidirectionalGradient {
  std::vector<std::optional<Tensor>> outputs;  // empty, or one for each
  std::vector<std::optional<Tensor>> state;    // empty, or one for each
};

// A result, and the function that takes the gradient of a scalar with regard to it to those with
// regard to what it was made of: states and parameters are forward's, then backward's.
struct BidirectionalVjp {
  BidirectionalStates result;
  std::function<RNNGradients(const BidirectionalGradient&)> pullback;
};

// As tf.keras.layers.Bidirectional: runs both layers over the same inputs and merges their outputs.
// With return_sequences the outputs of both stand at the steps that they were computed at, and
// those of masked steps are zeros; otherwise they are the last ones in each direction. What RNN
// says of masks, rows and threads holds here too.
class WEFT_API Bidirectional {
 public:
  // zero_output_for_mask becomes return_sequences, as in Keras. Throws InvalidArgument unless
  // exactly one layer has go_backwards, the other options are equal, cells are of one dtype and,
  // but for kConcat and kNone, have as many units.
  Bidirectional(RNN forward, RNN backward, Merge merge = Merge::kConcat);

  // arguments.initial_state: forward's, then backward's. Throws what RNN throws.
  BidirectionalStates operator()(const Blocks& inputs, const RNNArguments& arguments = {}) const;
  // The same result, bit for bit, and its way back, as RNN's.
  BidirectionalVjp vjp(const Blocks& inputs, const RNNArguments& arguments = {}) const;

  const RNN& forward() const { return forward_; }
  const RNN& backward() const { return backward_; }
  Merge merge() const { return merge_; }

 private:
  RNN forward_, backward_;
  Merge merge_;
};

}  // namespace weft
