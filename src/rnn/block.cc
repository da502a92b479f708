// The rows of a block stand by falling length, so those alive at a step are a prefix and every
// product is dense. A few steps at a time (a chunk), the real inputs are gathered and projected by
// one product; then the steps run. A chunk's data is stored token by token: all rows alive at its
// first step, then those at its second, and so on. A layer's new states are the next layer's inputs
// just as they stand.
#include "rnn/block.h"

#include <algorithm>
#include <utility>

namespace weft {

template <class T>
Block<T>::Block(const RnnJob<T>& job, int64_t begin, int64_t end)
    : job_(job), begin_(begin), end_(end), rows_(end - begin) {
  while (rows_ > 0 && length(rows_ - 1) == 0) --rows_;
  alive_ = rows_;
  if (rows_ > 0) allocate();
}

template <class T>
void Block<T>::allocate() {
  for (int64_t i = 0; i < rows_; ++i) capacity_ += length(i);
  capacity_ = std::min(capacity_, std::max(rows_, job_.chunk_tokens));
  for (const base::Operand<T>& part : job_.inputs[0]) {
    if (part.sparse()) {
      cells_.resize(static_cast<size_t>(capacity_));
    } else {
      ld_x_ += part.depth;
    }
  }
  memory_.resize(job_.layers.size());
  int64_t p = 0, scratch = 0;
  for (size_t layer = 0; layer < memory_.size(); ++layer) {
    const CellPlan<T>& plan = *job_.layers[layer].plan;
    allocate_layer(layer);
    p = std::max(p, capacity_ * plan.ld_p());
    scratch = std::max(scratch, rows_ * plan.scratch_per_row());
  }
  T* shared_p = nullptr;
  slab_.add(shared_p, job_.backward ? 0 : p);
  slab_.add(scratch_, scratch);
  slab_.allocate();
  for (Memory& memory : memory_) {
    if (!job_.backward) memory.p = shared_p;
  }
  set_inputs();
  draw_masks();
}

template <class T>
void Block<T>::allocate_layer(size_t layer) {
  const CellPlan<T>& plan = *job_.layers[layer].plan;
  const LayerDropout& dropout = job_.layers[layer].dropout;
  Memory& memory = memory_[layer];
  memory.ld_x = layer == 0 ? ld_x_ : job_.layers[layer - 1].plan->ld();
  const int64_t sets = dropout.input_masks, states = (rows_ + capacity_) * plan.ld();
  slab_.add(memory.x, layer == 0 || dropout.inputs ? sets * capacity_ * memory.ld_x : 0);
  slab_.add(memory.x_mask, dropout.inputs ? sets * rows_ * memory.ld_x : 0);
  if (dropout.recurrent) slab_.add(memory.h_mask, rows_ * plan.ld_p());
  slab_.add(memory.h, states);
  slab_.add(memory.c, !plan.has_c() ? 0 : job_.backward ? states : rows_ * plan.ld());
  slab_.add(memory.kept, job_.backward ? capacity_ * plan.kept_per_row() : 0);
  slab_.add(memory.p, job_.backward ? capacity_ * plan.ld_p() : 0);
}

// The first layer's are gathered, those of the others are the states of the layer before.
template <class T>
void Block<T>::set_inputs() {
  inputs_.push_back(job_.inputs);
  T* x = memory_[0].x;
  for (auto& set : inputs_[0]) {
    T* at = std::exchange(x, x + capacity_ * ld_x_);
    for (base::Operand<T>& part : set) {
      if (part.sparse()) {
        part.row_of = cells_.data();
      } else {
        part.dense = std::exchange(at, at + part.depth);
        part.ld = ld_x_;
      }
    }
  }
  for (size_t layer = 1; layer < job_.layers.size(); ++layer) {
    const LayerDropout& dropout = job_.layers[layer].dropout;
    const Memory& memory = memory_[layer];
    const T* from = dropout.inputs ? memory.x : memory_[layer - 1].h + rows_ * memory.ld_x;
    InputSets<T>& sets = inputs_.emplace_back();
    for (int64_t set = 0; set < dropout.input_masks; ++set) {
      sets.push_back({{.depth = job_.layers[layer - 1].plan->units(),
                       .dense = std::exchange(from, from + capacity_ * memory.ld_x),
                       .ld = memory.ld_x}});
    }
  }
}

template <class T>
void Block<T>::run() {
  load_states();
  while (next_chunk()) {
    gather();
    for (size_t layer = 0; layer < job_.layers.size(); ++layer) run_layer(layer);
    if (job_.options.return_sequences) emit();
    for (size_t layer = 0; layer < job_.layers.size(); ++layer) keep_states(layer);
    if (job_.backward) break;  // the chunk is all there is, and stays
  }
  for (int64_t i = 0; i < end_ - begin_; ++i) finish_row(row(i));
}

// Initial states to where the first step reads them; those of rows without a step to the result.
template <class T>
void Block<T>::load_states() {
  for (size_t layer = 0; layer < job_.layers.size(); ++layer) {
    const RnnLayer<T>& l = job_.layers[layer];
    const int64_t units = l.plan->units(), ld = l.plan->ld();
    const auto load = [&](const T* from, T* to, T* last) {
      for (int64_t i = 0; i < end_ - begin_; ++i) {
        T* at = i < rows_ ? to + i * ld : last == nullptr ? nullptr : last + row(i) * units;
        if (at == nullptr) continue;
        std::fill_n(at, i < rows_ ? ld : units, T(0));
        if (from != nullptr) std::copy_n(from + row(i) * units, units, at);
      }
    };
    load(l.h0, rows_ > 0 ? memory_[layer].h : nullptr, l.h_last);
    if (l.plan->has_c()) load(l.c0, rows_ > 0 ? memory_[layer].c : nullptr, l.c_last);
  }
}

template <class T>
bool Block<T>::next_chunk() {
  next_ += static_cast<int64_t>(counts_.size());
  offsets_.clear();
  counts_.clear();
  tokens_ = 0;
  int64_t n = alive_;
  for (int64_t step = next_; n > 0; ++step) {
    while (n > 0 && length(n - 1) <= step) --n;
    if (step == next_) alive_ = n;
    if (n == 0 || (tokens_ > 0 && tokens_ + n > job_.chunk_tokens)) break;
    offsets_.push_back(tokens_);
    counts_.push_back(n);
    tokens_ += n;
  }
  return tokens_ > 0;
}

// Dense inputs are copied together, sparse ones stay where they are.
template <class T>
void Block<T>::gather() {
  T* to = memory_[0].x;
  for (const base::Operand<T>& part : job_.inputs[0]) {
    if (part.sparse()) continue;
    each_token([&, depth = part.depth, ld = ld_x_, from = part.dense](int64_t token, int64_t cell) {
      std::copy_n(from + cell * depth, depth, to + token * ld);
    });
    to += part.depth;
  }
  if (cells_.empty()) return;
  each_token([&](int64_t token, int64_t cell) { cells_[static_cast<size_t>(token)] = cell; });
}

template <class T>
void Block<T>::run_layer(size_t layer) {
  const CellPlan<T>& plan = *job_.layers[layer].plan;
  const Memory& memory = memory_[layer];
  const int64_t ld = plan.ld();
  if (job_.layers[layer].dropout.inputs) drop_inputs(layer);
  plan.project(tokens_, inputs_[layer], memory.p);
  const T *h = memory.h, *c = memory.c;
  for (size_t s = 0; s < counts_.size(); ++s) {
    const int64_t at = offsets_[s], state = (rows_ + at) * ld;
    T* h_next = memory.h + state;
    T* c_next = job_.backward ? memory.c + state : memory.c;
    plan.step({.rows = counts_[s],
               .p = memory.p + at * plan.ld_p(),
               .h = h,
               .h_next = h_next,
               .c = c,
               .c_next = c_next,
               .scratch = scratch_,
               .h_mask = memory.h_mask,
               .keep = job_.backward,
               .kept = memory.kept + at * plan.kept_per_row()});
    h = h_next;
    c = c_next;
  }
}

// The last state of each row: to the result if the row has ended, else before the next chunk.
template <class T>
void Block<T>::keep_states(size_t layer) {
  const RnnLayer<T>& l = job_.layers[layer];
  const int64_t ld = l.plan->ld(), units = l.plan->units();
  const int64_t steps = static_cast<int64_t>(counts_.size());
  const bool last_output = layer + 1 == job_.layers.size() && !job_.options.return_sequences;
  const Memory& memory = memory_[layer];
  for (int64_t i = 0; i < counts_[0]; ++i) {
    const int64_t done = std::min(steps, length(i) - next_);
    const int64_t at = (rows_ + offsets_[static_cast<size_t>(done) - 1] + i) * ld;
    const T *h = memory.h + at, *c = memory.c + (job_.backward ? at : i * ld);
    if (length(i) > next_ + steps) {
      std::copy_n(h, ld, memory.h + i * ld);
      continue;
    }
    if (l.h_last != nullptr) std::copy_n(h, units, l.h_last + row(i) * units);
    if (l.c_last != nullptr) std::copy_n(c, units, l.c_last + row(i) * units);
    if (last_output) std::copy_n(h, units, job_.out + row(i) * job_.out_row);
  }
}

template <class T>
void Block<T>::emit() {
  const int64_t ld = job_.layers.back().plan->ld();
  const T* states = memory_.back().h + rows_ * ld;
  for (int64_t i = 0; i < counts_[0]; ++i) {
    const std::span<const int32_t> times = job_.schedule.times(row(i));
    T* to = job_.out + row(i) * job_.out_row;
    for (size_t s = 0; s < counts_.size() && i < counts_[s]; ++s) {
      const int64_t time = times[static_cast<size_t>(next_) + s];
      std::copy_n(states + (offsets_[s] + i) * ld, job_.units, to + time * job_.out_step);
    }
  }
}

// Masked steps of the output: the step before, or zeros.
template <class T>
void Block<T>::finish_row(int64_t row) const {
  const std::span<const int32_t> times = job_.schedule.times(row);
  const int64_t steps = job_.schedule.steps(), units = job_.units;
  const bool zeros = job_.options.zero_output_for_mask;
  T* out = job_.out + row * job_.out_row;
  if (!job_.options.return_sequences) {
    if (times.empty() || (zeros && times.back() != steps - 1)) std::fill_n(out, units, T(0));
    return;
  }
  const T* before = nullptr;
  size_t real = 0;
  for (int64_t time = 0; time < steps; ++time) {
    T* at = out + time * job_.out_step;
    if (real < times.size() && times[real] == time) {
      ++real;
      before = at;
    } else if (before == nullptr || zeros) {
      std::fill_n(at, units, T(0));
    } else {
      std::copy_n(before, units, at);
    }
  }
}

template class Block<float>;
template class Block<double>;

}  // namespace weft
