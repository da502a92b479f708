// The rows of a block stand by falling length, so those alive at a step are a prefix and every
// product is dense. A few steps at a time (a chunk), the real inputs are gathered and projected by
// one product; then the steps run. A chunk's data is stored token by token: all rows alive at its
// first step, then those at its second, and so on. A layer's new states are the next layer's inputs
// just as they stand.
#include "rnn/block.h"

#include <algorithm>
#include <utility>

namespace weft {
namespace {

template <class T>
class Block {
 public:
  Block(const RnnJob<T>& job, int64_t begin, int64_t end);
  void run();

 private:
  struct Memory {
    T *h, *c;  // h: [rows_ + chunk tokens][ld], the states before the chunk first; c: [rows_][ld]
  };

  int64_t row(int64_t i) const { return job_.schedule.row(begin_ + i); }
  int64_t length(int64_t i) const { return job_.schedule.length(row(i)); }
  void allocate();
  void set_inputs();
  void load_states();
  bool next_chunk();
  template <class F>
  void each_token(const F& f) const;
  void gather();
  void run_layer(size_t layer);
  void keep_states(size_t layer);
  void emit();
  void finish_row(int64_t row) const;

  const RnnJob<T>& job_;
  const int64_t begin_, end_;
  int64_t rows_;        // those with any real step
  int64_t alive_ = 0;   // rows with a step at next_
  int64_t next_ = 0;    // the first step of the next chunk
  int64_t tokens_ = 0;  // of this chunk; its step s has counts_[s] rows, from offsets_[s] on
  std::vector<int64_t> offsets_, counts_;
  Buffer buffer_;
  T *x_ = nullptr, *p_ = nullptr, *scratch_ = nullptr;
  int64_t ld_x_ = 0;            // all dense inputs of a token
  std::vector<int64_t> cells_;  // of the chunk's tokens; only with sparse inputs
  std::vector<std::vector<base::Operand<T>>> inputs_;  // of each layer: where a chunk's stand
  std::vector<Memory> memory_;
};

template <class T>
Block<T>::Block(const RnnJob<T>& job, int64_t begin, int64_t end)
    : job_(job), begin_(begin), end_(end), rows_(end - begin) {
  while (rows_ > 0 && length(rows_ - 1) == 0) --rows_;
  alive_ = rows_;
  if (rows_ > 0) allocate();
}

template <class T>
void Block<T>::allocate() {
  int64_t total = 0, p = 0, scratch = 0;
  const auto take = [&](int64_t n) { return std::exchange(total, total + (n + 15) / 16 * 16); };
  int64_t tokens = 0;
  for (int64_t i = 0; i < rows_; ++i) tokens += length(i);
  tokens = std::min(tokens, std::max(rows_, job_.chunk_tokens));
  for (const base::Operand<T>& part : job_.inputs) {
    if (part.sparse()) {
      cells_.resize(static_cast<size_t>(tokens));
    } else {
      ld_x_ += part.depth;
    }
  }
  const int64_t x_at = take(tokens * ld_x_);
  std::vector<std::pair<int64_t, int64_t>> at;
  for (const RnnLayer<T>& layer : job_.layers) {
    const CellPlan<T>& plan = *layer.plan;
    const int64_t h_at = take((rows_ + tokens) * plan.ld());
    at.emplace_back(h_at, take(plan.has_c() ? rows_ * plan.ld() : 0));
    p = std::max(p, tokens * plan.ld_p());
    scratch = std::max(scratch, rows_ * plan.scratch_per_row());
  }
  const int64_t p_at = take(p), scratch_at = take(scratch);
  buffer_ = Buffer::allocate(total * int64_t{sizeof(T)});
  T* memory = reinterpret_cast<T*>(buffer_.mutable_data());
  x_ = memory + x_at;
  p_ = memory + p_at;
  scratch_ = memory + scratch_at;
  for (const auto& [h_at, c_at] : at) memory_.push_back({memory + h_at, memory + c_at});
  set_inputs();
}

// The first layer's are gathered, those of the others are the states of the layer before.
template <class T>
void Block<T>::set_inputs() {
  inputs_.push_back(job_.inputs);
  const T* x = x_;
  for (base::Operand<T>& part : inputs_[0]) {
    if (part.sparse()) {
      part.row_of = cells_.data();
    } else {
      part.dense = std::exchange(x, x + part.depth);
      part.ld = ld_x_;
    }
  }
  for (size_t layer = 0; layer + 1 < job_.layers.size(); ++layer) {
    const CellPlan<T>& plan = *job_.layers[layer].plan;
    inputs_.push_back(
        {{.depth = plan.units(), .dense = memory_[layer].h + rows_ * plan.ld(), .ld = plan.ld()}});
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

// Calls f(token, cell) for the chunk's tokens. Row by row: a row's consecutive steps are neighbours
// in memory.
template <class T>
template <class F>
void Block<T>::each_token(const F& f) const {
  const bool backwards = job_.options.go_backwards;
  const int64_t last = job_.schedule.steps() - 1;
  for (int64_t i = 0; i < counts_[0]; ++i) {
    const std::span<const int32_t> times = job_.schedule.times(row(i));
    const int64_t first = row(i) * job_.x_row;
    for (size_t s = 0; s < counts_.size() && i < counts_[s]; ++s) {
      const int64_t time = times[static_cast<size_t>(next_) + s];
      const int64_t step = backwards ? last - time : time;
      f(offsets_[s] + i, first + step * job_.x_step);
    }
  }
}

// Dense inputs are copied together, sparse ones stay where they are.
template <class T>
void Block<T>::gather() {
  T* to = x_;
  for (const base::Operand<T>& part : job_.inputs) {
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
  T* states = memory.h + rows_ * plan.ld();
  plan.project(tokens_, inputs_[layer], p_);
  const T* h = memory.h;
  for (size_t s = 0; s < counts_.size(); ++s) {
    T* h_next = states + offsets_[s] * plan.ld();
    plan.step({counts_[s], p_ + offsets_[s] * plan.ld_p(), h, h_next, memory.c, scratch_});
    h = h_next;
  }
}

// The last state of each row: to the result if the row has ended, else before the next chunk.
template <class T>
void Block<T>::keep_states(size_t layer) {
  const RnnLayer<T>& l = job_.layers[layer];
  const int64_t ld = l.plan->ld(), units = l.plan->units();
  const int64_t steps = static_cast<int64_t>(counts_.size());
  const bool last_output = layer + 1 == job_.layers.size() && !job_.options.return_sequences;
  const T* states = memory_[layer].h + rows_ * ld;
  for (int64_t i = 0; i < counts_[0]; ++i) {
    const int64_t done = std::min(steps, length(i) - next_);
    const T* h = states + (offsets_[static_cast<size_t>(done) - 1] + i) * ld;
    if (length(i) > next_ + steps) {
      std::copy_n(h, ld, memory_[layer].h + i * ld);
      continue;
    }
    if (l.h_last != nullptr) std::copy_n(h, units, l.h_last + row(i) * units);
    if (l.c_last != nullptr)
      std::copy_n(memory_[layer].c + i * ld, units, l.c_last + row(i) * units);
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

}  // namespace

template <class T>
void run_block(const RnnJob<T>& job, int64_t begin, int64_t end) {
  Block<T>(job, begin, end).run();
}

template void run_block(const RnnJob<float>&, int64_t, int64_t);
template void run_block(const RnnJob<double>&, int64_t, int64_t);

}  // namespace weft
