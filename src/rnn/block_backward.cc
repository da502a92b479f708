// A block's steps the other way round. Gradients are stored token by token, as the block's data is:
// rows that end earlier join on the way.
#include <algorithm>
#include <memory>
#include <utility>

#include "rnn/block.h"

namespace weft {

template <class T>
struct Block<T>::Workspace {
  Slab<T> slab;
  T* grad_tokens;      // [tokens][ld] of the layer's outputs; of the topmost layer only
  T *grad_h, *grad_c;  // [rows_][ld]
  T *grad_p, *grad_u;  // [tokens][ld_p]
  // What the recurrent weights multiplied: [tokens][ld_h], ld_p with recurrent dropout, else ld;
  // and [tokens][ld].
  T *h_before, *left;
  int64_t ld_h;
  T* scratch;
  T *grad_x, *dropped, *zeros;  // [tokens][ld_x] twice, [ld_x]
  int64_t ld_x;

  Workspace(const RnnLayer<T>& layer, int64_t rows, int64_t tokens, int64_t inputs, bool topmost)
      : ld_x(base::padded<T>(inputs)) {
    const CellPlan<T>& plan = *layer.plan;
    const int64_t ld = plan.ld(), ld_p = plan.ld_p();
    ld_h = layer.dropout.recurrent ? ld_p : ld;
    slab.add(grad_tokens, topmost ? tokens * ld : 0);
    slab.add(grad_h, rows * ld);
    slab.add(grad_c, plan.has_c() ? rows * ld : 0);
    slab.add(grad_p, tokens * ld_p);
    slab.add(grad_u, plan.splits_gates() ? tokens * ld_p : 0);
    slab.add(h_before, tokens * ld_h);
    slab.add(left, plan.has_left() ? tokens * ld : 0);
    slab.add(scratch, rows * plan.scratch_per_row());
    slab.add(grad_x, tokens * ld_x);
    slab.add(dropped, layer.dropout.input_masks > 1 ? tokens * ld_x : 0);
    slab.add(zeros, ld_x);
    slab.allocate();
    if (!plan.splits_gates()) grad_u = grad_p;
    std::fill_n(zeros, ld_x, T(0));
  }
};

template <class T>
void Block<T>::backward(const RnnGradient<T>& gradient, std::span<const WeightSums<T>> sums,
                        std::vector<T>* grad_projected) const {
  std::unique_ptr<Workspace> above;  // of the layer above: its grad_x is this one's grad_tokens
  for (size_t layer = job_.layers.size(); layer-- > 0;) {
    const CellPlan<T>& plan = *job_.layers[layer].plan;
    const LayerGradient<T>& states = gradient.layers[layer];
    auto w = std::make_unique<Workspace>(job_.layers[layer], rows_, tokens_, dense_inputs(layer),
                                         above == nullptr);
    if (above == nullptr) {
      gather_outputs(gradient, w->grad_tokens, plan.ld());
    } else {
      w->grad_tokens = above->grad_x;
    }
    steps_backward(layer, states, *w);
    finish_states(layer, states, *w);
    if (tokens_ > 0) {
      add_sums(layer, *w, sums[layer]);
      inputs_backward(layer, states, *w);
    }
    if (layer == 0 && grad_projected != nullptr)
      grad_projected->assign(w->grad_p, w->grad_p + tokens_ * plan.ld_p());
    above = std::move(w);
  }
  if (gradient.x != nullptr) scatter_inputs(gradient, above->grad_x, above->ld_x);
}

// The gradient of each token's output: that of its step, and of the masked steps after it, which
// repeat it.
template <class T>
void Block<T>::gather_outputs(const RnnGradient<T>& gradient, T* grad_tokens, int64_t ld) const {
  std::fill_n(grad_tokens, tokens_ * ld, T(0));
  if (gradient.out == nullptr) return;
  const bool zeros = job_.options.zero_output_for_mask;
  const int64_t steps = job_.schedule.steps();
  for (int64_t i = 0; i < rows_; ++i) {
    const std::span<const int32_t> times = job_.schedule.times(row(i));
    const T* const from = gradient.out + row(i) * job_.out_row;
    const auto add = [&](size_t s, int64_t time) {
      T* const to = grad_tokens + (offsets_[s] + i) * ld;
      const T* const at = job_.options.return_sequences ? from + time * job_.out_step : from;
      for (int64_t j = 0; j < job_.units; ++j) to[j] += at[j];
    };
    if (!job_.options.return_sequences) {
      if (!zeros || times.back() == steps - 1) add(times.size() - 1, 0);
      continue;
    }
    for (size_t s = 0; s < times.size(); ++s) {
      const int64_t end = zeros ? times[s] + 1 : s + 1 < times.size() ? times[s + 1] : steps;
      for (int64_t time = times[s]; time < end; ++time) add(s, time);
    }
  }
}

// Rows whose last step this is begin with the gradient of their last state.
template <class T>
void Block<T>::join(size_t layer, const LayerGradient<T>& gradient, const Workspace& w,
                    size_t step) const {
  const CellPlan<T>& plan = *job_.layers[layer].plan;
  const int64_t ld = plan.ld(), units = plan.units();
  const int64_t joined = step + 1 < counts_.size() ? counts_[step + 1] : 0;
  for (int64_t i = joined; i < counts_[step]; ++i) {
    const auto load = [&](const T* from, T* to) {
      std::fill_n(to + i * ld, ld, T(0));
      if (from != nullptr) std::copy_n(from + row(i) * units, units, to + i * ld);
    };
    load(gradient.h_last, w.grad_h);
    if (plan.has_c()) load(gradient.c_last, w.grad_c);
  }
}

template <class T>
void Block<T>::steps_backward(size_t layer, const LayerGradient<T>& gradient,
                              const Workspace& w) const {
  const CellPlan<T>& plan = *job_.layers[layer].plan;
  const int64_t ld = plan.ld(), ld_p = plan.ld_p();
  for (size_t s = counts_.size(); s-- > 0;) {
    const Memory& memory = memory_[layer];
    const int64_t at = offsets_[s], rows = counts_[s];
    const int64_t now = (rows_ + at) * ld, before = s == 0 ? 0 : (rows_ + offsets_[s - 1]) * ld;
    join(layer, gradient, w, s);
    const T* const grad = w.grad_tokens + at * ld;
    for (int64_t i = 0; i < rows * ld; ++i) w.grad_h[i] += grad[i];
    hold_operand(layer, s, w.h_before + at * w.ld_h);
    plan.step_backward({.rows = rows,
                        .p = memory.p + at * ld_p,
                        .kept = memory.kept + at * plan.kept_per_row(),
                        .h = memory.h + before,
                        .h_next = memory.h + now,
                        .c = memory.c + before,
                        .c_next = memory.c + now,
                        .h_mask = memory.h_mask,
                        .grad_h = w.grad_h,
                        .grad_c = w.grad_c,
                        .grad_p = w.grad_p + at * ld_p,
                        .grad_u = w.grad_u + at * ld_p,
                        .left = w.left + at * ld,
                        .scratch = w.scratch});
  }
}

// The gradients of the initial states; rows without a step have that of their last state.
template <class T>
void Block<T>::finish_states(size_t layer, const LayerGradient<T>& gradient,
                             const Workspace& w) const {
  const CellPlan<T>& plan = *job_.layers[layer].plan;
  const int64_t units = plan.units();
  const auto store = [&](const T* last, const T* from, T* to) {
    if (to == nullptr) return;
    for (int64_t i = 0; i < end_ - begin_; ++i) {
      T* const at = to + row(i) * units;
      const T* const grad = i < rows_         ? from + i * plan.ld()
                            : last != nullptr ? last + row(i) * units
                                              : nullptr;
      grad == nullptr ? std::fill_n(at, units, T(0)) : std::copy_n(grad, units, at);
    }
  };
  store(gradient.h_last, w.grad_h, gradient.h0);
  if (plan.has_c()) store(gradient.c_last, w.grad_c, gradient.c0);
}

// The states before a step as the recurrent weights multiplied them.
template <class T>
void Block<T>::hold_operand(size_t layer, size_t step, T* to) const {
  const CellPlan<T>& plan = *job_.layers[layer].plan;
  const Memory& memory = memory_[layer];
  const int64_t ld = plan.ld(), ld_p = plan.ld_p();
  const T* h = memory.h + (step == 0 ? 0 : rows_ + offsets_[step - 1]) * ld;
  if (memory.h_mask == nullptr) {
    std::copy_n(h, counts_[step] * ld, to);
    return;
  }
  for (int64_t i = 0; i < counts_[step]; ++i, h += ld, to += ld_p) {
    for (int64_t gate = 0; gate < ld_p; gate += ld) {
      for (int64_t j = 0; j < plan.units(); ++j)
        to[gate + j] = h[j] * memory.h_mask[i * ld_p + gate + j];
    }
  }
}

// The gradient of the dense inputs: of each set times its mask.
template <class T>
void Block<T>::inputs_backward(size_t layer, const LayerGradient<T>& gradient,
                               const Workspace& w) const {
  const CellPlan<T>& plan = *job_.layers[layer].plan;
  const LayerDropout& dropout = job_.layers[layer].dropout;
  const Memory& memory = memory_[layer];
  const int64_t inputs = dense_inputs(layer);
  for (int64_t set = 0; set < dropout.input_masks; ++set) {
    T* const grad = set == 0 ? w.grad_x : w.dropped;
    gradient.kernels_transposed[static_cast<size_t>(set)].multiply(
        tokens_, w.grad_p + set * plan.ld(), plan.ld_p(), w.zeros, 0, grad, w.ld_x);
    if (!dropout.inputs) continue;
    each_place([&](int64_t token, int64_t i) {
      const T* const mask = memory.x_mask + (set * rows_ + i) * memory.ld_x;
      for (int64_t j = 0; j < inputs; ++j) {
        const int64_t at = token * w.ld_x + j;
        w.grad_x[at] = set == 0 ? grad[at] * mask[j] : w.grad_x[at] + grad[at] * mask[j];
      }
    });
  }
}

template <class T>
void Block<T>::add_sums(size_t layer, const Workspace& w, const WeightSums<T>& sums) const {
  const CellPlan<T>& plan = *job_.layers[layer].plan;
  const LayerDropout& dropout = job_.layers[layer].dropout;
  const int64_t ld = plan.ld(), ld_p = plan.ld_p();
  const auto add = [&](const T* a, int64_t columns, int64_t lda, const T* b, T* to) {
    base::add_transposed(columns, tokens_, a, lda, b, ld_p, plan.layout(), to, ld_p);
  };
  const auto add_gate = [&](const T* a, int64_t columns, int64_t lda, const T* b, T* to) {
    base::add_transposed(columns, tokens_, a, lda, b, ld_p, plan.gate_layout(), to, ld_p);
  };
  const int64_t inputs = dense_inputs(layer);
  const int64_t ld_x = memory_[layer].ld_x;
  const T* const x = layer == 0 ? memory_[0].x : inputs_[layer][0][0].dense;
  if (dropout.input_masks == 1) {
    add(x, inputs, ld_x, w.grad_p, sums.kernel);
  } else {
    for (int64_t gate = 0; gate < dropout.input_masks; ++gate)
      add_gate(x + gate * capacity_ * ld_x, inputs, ld_x, w.grad_p + gate * ld,
               sums.kernel + gate * ld);
  }
  if (!dropout.recurrent) {
    add(w.h_before, plan.units(), ld, w.grad_u, sums.recurrent);
  } else {
    for (int64_t at = 0; at < ld_p; at += ld)
      add_gate(w.h_before + at, plan.units(), ld_p, w.grad_u + at, sums.recurrent + at);
  }
  if (plan.has_left()) add(w.left, plan.units(), ld, w.grad_p, sums.left);
  const T one = 1;
  add(&one, 1, 0, w.grad_p, sums.bias);
  if (plan.splits_gates()) add(&one, 1, 0, w.grad_u, sums.recurrent_bias);
}

template <class T>
void Block<T>::scatter_inputs(const RnnGradient<T>& gradient, const T* grad_x, int64_t ld) const {
  each_token([&](int64_t token, int64_t cell) {
    std::copy_n(grad_x + token * ld, ld_x_, gradient.x + cell * gradient.ld_x);
  });
}

template void Block<float>::backward(const RnnGradient<float>&, std::span<const WeightSums<float>>,
                                     std::vector<float>*) const;
template void Block<double>::backward(const RnnGradient<double>&,
                                      std::span<const WeightSums<double>>,
                                      std::vector<double>*) const;

}  // namespace weft
