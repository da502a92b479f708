#include "weft/rnn.h"

#include "rnn/forward.h"

namespace weft {
namespace {

// Throws unless inputs are [B, T, D] ([T, B, D] with time_major) of the cell's dtype.
void check_inputs(const Blocks& inputs, const Cell& cell, const RNNOptions& options) {
  if (inputs.dtype() != cell.dtype()) {
    throw WrongType(std::string("inputs of '") + cell.name() + "' must be " +
                    dtype_name(cell.dtype()) + ", got " + dtype_name(inputs.dtype()));
  }
  if (inputs.shape().size() != 3) {
    throw InvalidArgument(std::string("inputs of an RNN must have shape ") +
                          (options.time_major ? "[T, B, D]" : "[B, T, D]") + ", got " +
                          shape_string(inputs.shape()));
  }
}

void check_initial_state(const std::vector<Tensor>& state, const Cell& cell, int64_t batch) {
  if (state.empty()) return;
  const std::vector<int64_t> sizes = cell.state_sizes();
  if (state.size() != sizes.size()) {
    throw InvalidArgument("initial_state has " + std::to_string(state.size()) + " tensors, '" +
                          cell.name() + "' has " + std::to_string(sizes.size()) + " states");
  }
  for (size_t i = 0; i < sizes.size(); ++i) {
    const std::string which = "initial_state[" + std::to_string(i) + "]";
    if (state[i].dtype() != cell.dtype()) {
      throw WrongType(which + " must be " + dtype_name(cell.dtype()) + ", got " +
                      dtype_name(state[i].dtype()));
    }
    if (state[i].shape() != Shape{batch, sizes[i]}) {
      throw InvalidArgument(which + " must have shape " + shape_string({batch, sizes[i]}) +
                            ", got " + shape_string(state[i].shape()));
    }
  }
}

}  // namespace

RNN::RNN(Cell cell, RNNOptions options) : cell_(std::move(cell)), options_(options) {
  options_.return_state = options.return_state.value_or(true);
}

States RNN::operator()(const Blocks& inputs, const RNNArguments& arguments) const {
  check_inputs(inputs, cell_, options_);
  const int64_t batch = inputs.dim(options_.time_major ? 1 : 0);
  const int64_t steps = inputs.dim(options_.time_major ? 0 : 1);
  check_initial_state(arguments.initial_state, cell_, batch);
  const Schedule schedule(batch, steps, arguments, options_);
  Cell(cell_).build(inputs.dim(2));

  States result;
  Shape shape = {batch, cell_.units()};
  if (options_.return_sequences) {
    shape = options_.time_major ? Shape{steps, batch, cell_.units()}
                                : Shape{batch, steps, cell_.units()};
  }
  result.outputs = Tensor(cell_.dtype(), std::move(shape));
  if (*options_.return_state) {
    for (int64_t size : cell_.state_sizes())
      result.state.emplace_back(cell_.dtype(), Shape{batch, size});
  }
  run_forward(CellData::of(cell_), schedule, inputs, arguments, options_, result);
  return result;
}

}  // namespace weft
