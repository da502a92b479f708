#include "weft/rnn.h"

#include "rnn/forward.h"
#include "rnn/vjp.h"

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

namespace {

// Throws as operator() does for what it is called with.
Schedule check_call(const Cell& cell, const RNNOptions& options, const Blocks& inputs,
                    const RNNArguments& arguments) {
  check_inputs(inputs, cell, options);
  const int64_t batch = inputs.dim(options.time_major ? 1 : 0);
  check_initial_state(arguments.initial_state, cell, batch);
  return {batch, inputs.dim(options.time_major ? 0 : 1), arguments, options};
}

States allocate_result(const Cell& cell, const RNNOptions& options, int64_t batch, int64_t steps) {
  Shape shape = {batch, cell.units()};
  if (options.return_sequences) {
    shape =
        options.time_major ? Shape{steps, batch, cell.units()} : Shape{batch, steps, cell.units()};
  }
  States result;
  result.outputs = Tensor(cell.dtype(), std::move(shape));
  if (*options.return_state) {
    for (int64_t size : cell.state_sizes())
      result.state.emplace_back(cell.dtype(), Shape{batch, size});
  }
  return result;
}

}  // namespace

States RNN::operator()(const Blocks& inputs, const RNNArguments& arguments) const {
  const Schedule schedule = check_call(cell_, options_, inputs, arguments);
  Cell(cell_).build(inputs.dim(2));
  States result = allocate_result(cell_, options_, schedule.batch(), schedule.steps());
  run_forward(CellData::of(cell_), schedule, inputs, arguments, options_, result);
  return result;
}

RNNVjp RNN::vjp(const Blocks& inputs, const RNNArguments& arguments) const {
  Schedule schedule = check_call(cell_, options_, inputs, arguments);
  Cell(cell_).build(inputs.dim(2));
  States result = allocate_result(cell_, options_, schedule.batch(), schedule.steps());
  return run_vjp(cell_, std::move(schedule), inputs, arguments, options_, std::move(result));
}

}  // namespace weft
