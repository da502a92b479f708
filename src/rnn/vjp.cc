#include "rnn/vjp.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/row_groups.h"
#include "base/thread_pool.h"
#include "rnn/forward.h"

namespace weft {
namespace {

constexpr double kBackwardPasses = 2;  // as much arithmetic as so many forward ones

// A forward pass that stays for its backward one. Blocks are dealt out to threads, one after the
// other, and each thread adds up what its blocks give: no sum depends on which thread was faster.
template <class T>
class Pass {
 public:
  Pass(const Cell& cell, Schedule schedule, const Blocks& inputs, const RNNArguments& arguments,
       const RNNOptions& options, States& result);
  Pass(const Pass&) = delete;
  Pass& operator=(const Pass&) = delete;

  RNNGradients backward(const StatesGradient& gradient) const;

 private:
  struct Sums {
    Slab<T> slab;
    std::vector<WeightSums<T>> layers;
  };

  size_t layers() const { return job_.layers.size(); }
  const CellData& layer_cell(size_t layer) const { return CellData::of(cell_).layer(layer); }
  // A cell at several places has one gradient.
  size_t first_place(size_t layer) const { return CellData::of(cell_).first_place(layer); }
  int64_t inputs_of(size_t layer) const;  // dense ones
  bool has_own_kernel_sums(size_t layer) const;
  int64_t threads() const { return std::min(threads_, static_cast<int64_t>(blocks_.size())); }
  base::Matrix<T> transpose_kernel(size_t layer, int64_t set);
  template <class F>
  void each_thread(const F& f) const;
  RnnGradient<T> take_gradient(const StatesGradient& gradient, RNNGradients& result) const;
  Sums allocate_sums() const;
  using Projected = std::vector<std::vector<T>>;  // by block; only with sparse inputs
  void unpack_weights(size_t layer, const WeightSums<T>& sums, const Projected& grad_projected,
                      std::vector<Gradient>& parameters) const;
  Tensor unpacked(size_t layer, int64_t rows, const T* from) const;
  Gradient kernel_gradient(const T* sums, const Projected& grad_projected) const;
  IndexedSlices sparse_rows(size_t place, const Projected& grad_projected) const;

  const Cell cell_;
  const Schedule schedule_;
  const Blocks inputs_;
  const RNNArguments arguments_;
  const RNNOptions options_;
  RnnJob<T> job_;
  int64_t threads_, ld_x_ = 0;
  std::vector<std::vector<base::Matrix<T>>> kernels_;  // of each layer: transposed, for each set
  std::vector<std::shared_ptr<const T>> transposed_;   // their memory
  std::vector<std::unique_ptr<Block<T>>> blocks_;
};

template <class T>
Pass<T>::Pass(const Cell& cell, Schedule schedule, const Blocks& inputs,
              const RNNArguments& arguments, const RNNOptions& options, States& result)
    : cell_(cell),
      schedule_(std::move(schedule)),
      inputs_(inputs),
      arguments_(arguments),
      options_(options),
      job_(
          make_job<T>(CellData::of(cell_), schedule_, inputs_, arguments_, options_, result, true)),
      threads_(threads_for(job_, CellData::of(cell_), kBackwardPasses)) {
  for (const base::Operand<T>& part : job_.inputs[0]) ld_x_ += part.sparse() ? 0 : part.depth;
  kernels_.resize(layers());
  for (size_t layer = 0; layer < layers(); ++layer) {
    for (int64_t set = 0; set < job_.layers[layer].dropout.input_masks; ++set)
      kernels_[layer].push_back(transpose_kernel(layer, set));
  }
  const std::vector<int64_t> begins = cut_blocks(schedule_, threads_);
  blocks_.resize(begins.size() - 1);
  each_thread([&](int64_t i) {
    const auto at = static_cast<size_t>(i);
    blocks_[at] = std::make_unique<Block<T>>(job_, begins[at], begins[at + 1]);
    blocks_[at]->run();
  });
}

template <class T>
int64_t Pass<T>::inputs_of(size_t layer) const {
  return layer == 0 ? ld_x_ : layer_cell(layer - 1).units;
}

// A cell that stands twice adds up its gradients in one place. But below sparse inputs the first
// layer's sums lack rows, which another place of its cell has.
template <class T>
bool Pass<T>::has_own_kernel_sums(size_t layer) const {
  const size_t first = first_place(layer);
  return first == layer || (first == 0 && ld_x_ != cell_.input_size());
}

// Of the rows below dense inputs, and the gates that this set of inputs is for.
template <class T>
base::Matrix<T> Pass<T>::transpose_kernel(size_t layer, int64_t set) {
  const CellData& cell = layer_cell(layer);
  const int64_t width = cell.gates() * cell.units, depth = inputs_of(layer);
  const T* const kernel = cell.kernel().template values<T>().data();
  std::vector<T> rows;
  if (layer == 0) rows = base::rows_below_dense<T>(job_.inputs[0], kernel, width);
  const CellPlan<T>& plan = *job_.layers[layer].plan;
  const bool all = job_.layers[layer].dropout.input_masks == 1;
  const base::PanelLayout& layout = all ? plan.layout() : plan.gate_layout();
  const T* from = layer == 0 ? rows.data() : kernel;
  if (depth > 0) from += set * cell.units;
  transposed_.push_back(base::transposed(from, depth, width, layout));
  return {transposed_.back().get(), base::width_of<T>(layout), depth,
          base::grouped_layout<T>(1, depth)};
}

// f(block) for all blocks, on each thread in their order.
template <class T>
template <class F>
void Pass<T>::each_thread(const F& f) const {
  const auto blocks = static_cast<int64_t>(blocks_.size());
  base::parallel_for(threads(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t thread = begin; thread < end; ++thread) {
      for (int64_t i = thread; i < blocks; i += threads()) f(i);
    }
  });
}

template <class T>
auto Pass<T>::allocate_sums() const -> Sums {
  Sums sums;
  sums.layers.resize(layers());
  for (size_t layer = 0; layer < layers(); ++layer) {
    const CellPlan<T>& plan = *job_.layers[layer].plan;
    const int64_t ld_p = plan.ld_p(), square = plan.units() * ld_p;
    WeightSums<T>& of = sums.layers[layer];
    if (has_own_kernel_sums(layer)) sums.slab.add(of.kernel, inputs_of(layer) * ld_p);
    if (first_place(layer) != layer) continue;
    sums.slab.add(of.recurrent, square);
    sums.slab.add(of.left, plan.has_left() ? square : 0);
    sums.slab.add(of.bias, ld_p);
    sums.slab.add(of.recurrent_bias, plan.splits_gates() ? ld_p : 0);
  }
  sums.slab.allocate();
  std::fill_n(sums.slab.data(), sums.slab.size(), T(0));
  for (size_t layer = 0; layer < layers(); ++layer) {
    T* const kernel = sums.layers[layer].kernel;
    sums.layers[layer] = sums.layers[first_place(layer)];
    if (has_own_kernel_sums(layer)) sums.layers[layer].kernel = kernel;
  }
  return sums;
}

// Rows of sums, in the order of the kernels' columns.
template <class T>
Tensor Pass<T>::unpacked(size_t layer, int64_t rows, const T* from) const {
  const CellData& cell = layer_cell(layer);
  const int64_t width = cell.gates() * cell.units;
  Tensor to(cell.dtype, {rows, width});
  base::unpack(from, rows, job_.layers[layer].plan->layout(), to.mutable_values<T>().data(), width);
  return to;
}

// The gradient of the kernel's rows below one sparse input: those whose columns occur.
template <class T>
IndexedSlices Pass<T>::sparse_rows(size_t place, const Projected& grad_projected) const {
  const base::Operand<T>& part = job_.inputs[0][place];
  const base::PanelLayout& layout = job_.layers[0].plan->layout();
  const int64_t width = layer_cell(0).kernel().dim(1);
  base::RowEntries<T> entries;
  std::vector<T> grads;          // of the tokens, in the kernel's order of columns
  std::vector<int64_t> numbers;  // of the entries, in the part
  for (size_t block = 0; block < blocks_.size(); ++block) {
    const std::span<const int64_t> cells = blocks_[block]->cells();
    auto source = static_cast<int64_t>(grads.size());
    grads.resize(grads.size() + cells.size() * static_cast<size_t>(width));
    base::unpack(grad_projected[block].data(), std::ssize(cells), layout, grads.data() + source,
                 width);
    for (int64_t cell : cells) {
      for (int64_t i = part.splits[cell]; i < part.splits[cell + 1]; ++i) {
        entries.ids.push_back(part.columns[i]);
        entries.sources.push_back(source);
        numbers.push_back(i);
      }
      source += width;
    }
  }
  std::vector<Tensor> sums;  // of each set of inputs
  IndexedSlices result;
  for (const auto& set : job_.inputs) {
    entries.weights.clear();
    for (int64_t i : numbers) entries.weights.push_back(set[place].values[i]);
    const base::RowGroups<T> groups(entries, part.depth);
    const int64_t n = std::ssize(groups.ids());
    sums.emplace_back(cell_.dtype(), Shape{n, width});
    groups.sum(grads.data(), width, sums.back().template mutable_values<T>().data());
    result = {Tensor::of<int64_t>({n}, groups.ids()), sums[0], {part.depth, width}};
  }
  const int64_t units = layer_cell(0).units;
  for (size_t gate = 1; gate < sums.size(); ++gate) {
    for (int64_t at = static_cast<int64_t>(gate) * units; at < result.values.size(); at += width)
      std::copy_n(sums[gate].template values<T>().data() + at, units,
                  result.values.template mutable_values<T>().data() + at);
  }
  return result;
}

// The gradient of the first layer's kernel: all rows below dense inputs, some below sparse ones.
template <class T>
Gradient Pass<T>::kernel_gradient(const T* sums, const Projected& grad_projected) const {
  std::vector<Gradient> parts;
  for (size_t i = 0; i < job_.inputs[0].size(); ++i) {
    const base::Operand<T>& part = job_.inputs[0][i];
    if (part.sparse()) {
      parts.push_back(sparse_rows(i, grad_projected));
    } else {
      parts.push_back(unpacked(0, part.depth, sums));
      sums += part.depth * job_.layers[0].plan->ld_p();
    }
  }
  return stack_rows(parts);
}

// Appends the gradients of a layer's weights.
template <class T>
void Pass<T>::unpack_weights(size_t layer, const WeightSums<T>& sums,
                             const Projected& grad_projected,
                             std::vector<Gradient>& parameters) const {
  const CellData& cell = layer_cell(layer);
  const CellPlan<T>& plan = *job_.layers[layer].plan;
  const int64_t units = cell.units, width = cell.gates() * units;
  parameters.push_back(layer == 0 ? kernel_gradient(sums.kernel, grad_projected)
                                  : unpacked(layer, inputs_of(layer), sums.kernel));
  Tensor recurrent = unpacked(layer, units, sums.recurrent);
  if (plan.has_left()) {
    const Tensor left = unpacked(layer, units, sums.left);
    for (int64_t row = 0; row < units; ++row) {
      const int64_t candidate = row * width + 2 * units;
      std::copy_n(left.values<T>().data() + candidate, units,
                  recurrent.mutable_values<T>().data() + candidate);
    }
  }
  parameters.push_back(std::move(recurrent));
  if (!cell.use_bias) return;
  Tensor bias = unpacked(layer, 1, sums.bias);
  if (!plan.splits_gates()) return parameters.push_back(bias.reshaped({width}));
  const Gradient rows[] = {std::move(bias), unpacked(layer, 1, sums.recurrent_bias)};
  parameters.push_back(stack_rows(rows));
}

// Checks what came back, and allocates what goes on.
template <class T>
RnnGradient<T> Pass<T>::take_gradient(const StatesGradient& gradient, RNNGradients& result) const {
  RnnGradient<T> taken;
  const auto values = [](const std::optional<Tensor>& given) {
    return given ? given->values<T>().data() : nullptr;
  };
  taken.out = values(gradient.outputs);
  Shape shape = inputs_.shape();
  shape.back() = taken.ld_x = ld_x_;
  result.inputs = Tensor::zeros(cell_.dtype(), std::move(shape));
  taken.x = result.inputs.mutable_values<T>().data();
  size_t state = 0;
  const auto next = [&](const T*& last, T*& first) {
    if (!gradient.state.empty()) last = values(gradient.state[state]);
    first = result.initial_state[state++].mutable_values<T>().data();
  };
  for (int64_t size : cell_.state_sizes())
    result.initial_state.emplace_back(cell_.dtype(), Shape{schedule_.batch(), size});
  for (size_t layer = 0; layer < layers(); ++layer) {
    LayerGradient<T>& of = taken.layers.emplace_back();
    next(of.h_last, of.h0);
    if (job_.layers[layer].plan->has_c()) next(of.c_last, of.c0);
    of.kernels_transposed = kernels_[layer];
  }
  return taken;
}

template <class T>
RNNGradients Pass<T>::backward(const StatesGradient& gradient) const {
  RNNGradients result;
  const RnnGradient<T> taken = take_gradient(gradient, result);
  std::vector<Sums> sums(static_cast<size_t>(std::max<int64_t>(1, threads())));
  for (Sums& one : sums) one = allocate_sums();
  const bool sparse = std::ranges::any_of(job_.inputs[0], &base::Operand<T>::sparse);
  Projected grad_projected(blocks_.size());
  each_thread([&](int64_t i) {
    const auto thread = static_cast<size_t>(i % threads());
    blocks_[static_cast<size_t>(i)]->backward(
        taken, sums[thread].layers, sparse ? &grad_projected[static_cast<size_t>(i)] : nullptr);
  });
  T* const total = sums[0].slab.data();
  for (size_t thread = 1; thread < sums.size(); ++thread) {
    const T* const more = sums[thread].slab.data();
    for (int64_t i = 0; i < sums[0].slab.size(); ++i) total[i] += more[i];
  }
  for (size_t layer = 0; layer < layers(); ++layer) {
    if (first_place(layer) == layer)
      unpack_weights(layer, sums[0].layers[layer], grad_projected, result.parameters);
  }
  for (size_t layer = 1; layer < layers(); ++layer) {
    if (first_place(layer) != 0 || !has_own_kernel_sums(layer)) continue;
    const Gradient more = unpacked(layer, inputs_of(layer), sums[0].layers[layer].kernel);
    result.parameters[0] = add(result.parameters[0], more);
  }
  return result;
}

// What the gradients that come back must look like.
struct Made {
  DType dtype;
  Shape outputs;
  std::vector<Shape> state;

  explicit Made(const States& result)
      : dtype(result.outputs.dtype()), outputs(result.outputs.shape()) {
    for (const Tensor& one : result.state) state.push_back(one.shape());
  }

  void check(const StatesGradient& given) const {
    if (given.outputs) check_gradient(*given.outputs, dtype, outputs, "an RNN's outputs");
    if (given.state.empty()) return;
    if (given.state.size() != state.size()) {
      throw InvalidArgument("an RNN that returns " + std::to_string(state.size()) +
                            " states takes as many gradients or none, got " +
                            std::to_string(given.state.size()));
    }
    for (size_t i = 0; i < state.size(); ++i) {
      if (given.state[i])
        check_gradient(*given.state[i], dtype, state[i], "state " + std::to_string(i));
    }
  }
};

template <class T>
RNNVjp run(const Cell& cell, Schedule schedule, const Blocks& inputs, const RNNArguments& arguments,
           const RNNOptions& options, States result) {
  const auto pass = std::make_shared<const Pass<T>>(cell, std::move(schedule), inputs, arguments,
                                                    options, result);
  return {result, [pass, made = Made(result)](const StatesGradient& gradient) {
            made.check(gradient);
            return pass->backward(gradient);
          }};
}

}  // namespace

RNNVjp run_vjp(const Cell& cell, Schedule schedule, const Blocks& inputs,
               const RNNArguments& arguments, const RNNOptions& options, States result) {
  return cell.dtype() == DType::kFloat32
             ? run<float>(cell, std::move(schedule), inputs, arguments, options, std::move(result))
             : run<double>(cell, std::move(schedule), inputs, arguments, options,
                           std::move(result));
}

}  // namespace weft
