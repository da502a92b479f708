#include "weft/bidirectional.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "bidirectional/merge.h"

namespace weft {
namespace {

constexpr std::string_view kNames[] = {"concat", "sum", "mul", "ave", "none"};

void check_layers(const RNN& forward, const RNN& backward, Merge merge) {
  const RNNOptions &a = forward.options(), &b = backward.options();
  if (a.go_backwards == b.go_backwards) {
    throw InvalidArgument(std::string("one layer of a Bidirectional goes backwards, but ") +
                          (a.go_backwards ? "both do" : "neither does"));
  }
  const auto check_equal = [](bool equal, const char* what) {
    if (!equal)
      throw InvalidArgument(std::string("both layers of a Bidirectional must have the same ") +
                            what);
  };
  check_equal(a.return_sequences == b.return_sequences, "return_sequences");
  check_equal(a.return_state == b.return_state, "return_state");
  check_equal(a.time_major == b.time_major, "time_major");
  check_equal(forward.cell().dtype() == backward.cell().dtype(), "dtype");
  check_equal(merge == Merge::kConcat || merge == Merge::kNone ||
                  forward.cell().units() == backward.cell().units(),
              "number of units, to be merged so");
}

RNN with_zeros_at_masked_steps(const RNN& rnn) {
  RNNOptions options = rnn.options();
  options.zero_output_for_mask = options.return_sequences;
  return RNN(rnn.cell(), options);
}

// Forward's half of the arguments, and backward's.
std::pair<RNNArguments, RNNArguments> halves(const RNNArguments& arguments, const RNN& forward,
                                             const RNN& backward) {
  std::pair<RNNArguments, RNNArguments> result = {arguments, arguments};
  const std::vector<Tensor>& all = arguments.initial_state;
  if (all.empty()) return result;
  const auto own = std::ssize(forward.cell().state_sizes());
  const auto both = own + std::ssize(backward.cell().state_sizes());
  if (std::ssize(all) != both) {
    throw InvalidArgument("initial_state has " + std::to_string(all.size()) +
                          " tensors, both layers of the Bidirectional together have " +
                          std::to_string(both) + " states");
  }
  result.first.initial_state.assign(all.begin(), all.begin() + own);
  result.second.initial_state.assign(all.begin() + own, all.end());
  return result;
}

template <class A>
std::vector<A> joined(std::vector<A> a, const std::vector<A>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

template <class T>
void add_to(Tensor& sum, const Tensor& more) {
  T* const to = sum.mutable_values<T>().data();
  const T* const from = more.values<T>().data();
  for (int64_t i = 0; i < sum.size(); ++i) to[i] += from[i];
}

// The ways back of both layers, and of their merging.
struct Pullback {
  // One layer: how it goes back, and what it gave.
  struct Layer {
    std::function<RNNGradients(const StatesGradient&)> pullback;
    Shape outputs;
    size_t states;

    explicit Layer(const RNNVjp& vjp)
        : pullback(vjp.pullback),
          outputs(vjp.result.outputs.shape()),
          states(vjp.result.state.size()) {}
  };

  Directions directions;
  DType dtype;
  Layer forward, backward;
  std::vector<Shape> merged;
  Outputs outputs;  // of Merge::kMul alone

  RNNGradients operator()(const BidirectionalGradient& gradient) const;
  void split_outputs(const std::vector<std::optional<Tensor>>& given, StatesGradient& to_forward,
                     StatesGradient& to_backward) const;
};

// Throws unless there are as many gradients as there are things to have them, or none.
void check_number(size_t given, size_t things, const char* what) {
  if (given == 0 || given == things) return;
  throw InvalidArgument("a Bidirectional that returns " + std::to_string(things) + " " + what +
                        " takes as many gradients or none, got " + std::to_string(given));
}

void Pullback::split_outputs(const std::vector<std::optional<Tensor>>& given,
                             StatesGradient& to_forward, StatesGradient& to_backward) const {
  check_number(given.size(), merged.size(), "outputs");
  if (std::ranges::none_of(given, [](const auto& grad) { return grad.has_value(); })) return;
  std::vector<Tensor> grads;
  for (size_t i = 0; i < merged.size(); ++i) {
    grads.push_back(given[i] ? *given[i] : Tensor::zeros(dtype, merged[i]));
    check_gradient(grads.back(), dtype, merged[i], "a Bidirectional's outputs");
  }
  Outputs to = {Tensor(dtype, forward.outputs), Tensor(dtype, backward.outputs)};
  split_gradient(directions, outputs, grads, to);
  to_forward.outputs = std::move(to.forward);
  to_backward.outputs = std::move(to.backward);
}

RNNGradients Pullback::operator()(const BidirectionalGradient& gradient) const {
  check_number(gradient.state.size(), forward.states + backward.states, "states");
  StatesGradient to_forward, to_backward;
  for (size_t i = 0; i < gradient.state.size(); ++i)
    (i < forward.states ? to_forward : to_backward).state.push_back(gradient.state[i]);
  split_outputs(gradient.outputs, to_forward, to_backward);
  RNNGradients result = forward.pullback(to_forward);
  const RNNGradients other = backward.pullback(to_backward);
  dtype == DType::kFloat32 ? add_to<float>(result.inputs, other.inputs)
                           : add_to<double>(result.inputs, other.inputs);
  result.initial_state = joined(std::move(result.initial_state), other.initial_state);
  result.parameters = joined(std::move(result.parameters), other.parameters);
  return result;
}

Directions directions_of(const RNN& forward, Merge merge) {
  return {merge, forward.options().return_sequences, forward.options().time_major};
}

}  // namespace

Merge merge_from_name(std::string_view name) {
  const auto* const found = std::ranges::find(kNames, name);
  if (found == std::end(kNames)) {
    throw InvalidArgument("unknown way to merge '" + std::string(name) +
                          "'; known are concat, sum, mul, ave, none");
  }
  return static_cast<Merge>(found - std::begin(kNames));
}

Bidirectional::Bidirectional(RNN forward, RNN backward, Merge merge)
    : forward_(with_zeros_at_masked_steps(forward)),
      backward_(with_zeros_at_masked_steps(backward)),
      merge_(merge) {
  check_layers(forward_, backward_, merge);
}

BidirectionalStates Bidirectional::operator()(const Blocks& inputs,
                                              const RNNArguments& arguments) const {
  const auto [ahead, back] = halves(arguments, forward_, backward_);
  const States forward = forward_(inputs, ahead), backward = backward_(inputs, back);
  return {merge_outputs(directions_of(forward_, merge_), forward.outputs, backward.outputs),
          joined(forward.state, backward.state)};
}

BidirectionalVjp Bidirectional::vjp(const Blocks& inputs, const RNNArguments& arguments) const {
  const auto [ahead, back] = halves(arguments, forward_, backward_);
  const RNNVjp forward = forward_.vjp(inputs, ahead), backward = backward_.vjp(inputs, back);
  const Outputs outputs = {forward.result.outputs, backward.result.outputs};
  const Directions directions = directions_of(forward_, merge_);
  BidirectionalVjp made = {{merge_outputs(directions, outputs.forward, outputs.backward),
                            joined(forward.result.state, backward.result.state)},
                           {}};
  Pullback pullback{
      directions, outputs.forward.dtype(), Pullback::Layer(forward), Pullback::Layer(backward), {},
      {}};
  for (const Tensor& one : made.result.outputs) pullback.merged.push_back(one.shape());
  if (merge_ == Merge::kMul) pullback.outputs = outputs;
  made.pullback = std::move(pullback);
  return made;
}

}  // namespace weft
