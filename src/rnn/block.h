// One block of rows through all its steps.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "rnn/dropout.h"
#include "rnn/plan.h"
#include "rnn/schedule.h"
#include "rnn/slab.h"

namespace weft {

template <class T>
struct RnnLayer {
  std::unique_ptr<CellPlan<T>> plan;
  LayerDropout dropout;
  const T *h0 = nullptr, *c0 = nullptr;    // [B][units], null for zeros
  T *h_last = nullptr, *c_last = nullptr;  // [B][units], null if nobody asked
};

// A call: what all blocks share. Strides are of rows (of the batch) and of steps; those of the
// output in elements.
template <class T>
struct RnnJob {
  const Schedule& schedule;
  const RNNOptions& options;
  std::vector<RnnLayer<T>> layers;
  // Of the first layer; sparse ones are multiplied by their masks. Step t of row b is cell
  // b * x_row + t * x_step of each part.
  InputSets<T> inputs;
  int64_t x_row = 0, x_step = 0;
  T* out = nullptr;  // [B][units], or with return_sequences one per step
  int64_t units = 0, out_row = 0, out_step = 0;
  int64_t chunk_tokens = 1;                    // about as many are projected at once
  std::vector<std::vector<T>> dropped_counts;  // what sparse inputs point to, with dropout
  // Blocks keep all that their backward() needs: there is one chunk.
  bool backward = false;
};

// What a layer's tokens add to the gradients of its weights. Columns are in the plan's layout.
template <class T>
struct WeightSums {
  T* kernel;                 // [dense inputs][ld_p]
  T* recurrent;              // [units][ld_p]
  T* left;                   // [units][ld_p], of what has_left() says
  T *bias, *recurrent_bias;  // [ld_p], the second one with splits_gates()
};

template <class T>
struct LayerGradient {
  const T *h_last = nullptr, *c_last = nullptr;         // [B][units], null for zeros
  T *h0 = nullptr, *c0 = nullptr;                       // [B][units], null if nobody asked
  std::span<const base::Matrix<T>> kernels_transposed;  // below dense inputs, of each set
};

// A call's way back.
template <class T>
struct RnnGradient {
  const T* out = nullptr;  // as RnnJob's, null for zeros
  T* x = nullptr;          // [cells][ld_x] of the dense inputs, or null
  int64_t ld_x = 0;
  std::vector<LayerGradient<T>> layers;
};

// Rows at places begin to end - 1 of the schedule.
template <class T>
class Block {
 public:
  Block(const RnnJob<T>& job, int64_t begin, int64_t end);

  void run();
  // After run() with `backward`, any number of times. Adds to `sums`, one for each layer, and gives
  // the gradients of the first layer's projected inputs to whoever asks, [tokens()][ld_p].
  void backward(const RnnGradient<T>& gradient, std::span<const WeightSums<T>> sums,
                std::vector<T>* grad_projected) const;
  // Of the job's inputs, those of the tokens; only with sparse inputs.
  std::span<const int64_t> cells() const { return cells_; }

 private:
  struct Memory {
    // h: [rows_ + chunk tokens][ld], the states before the chunk first; c: [rows_][ld], with
    // `backward` as h. p: [chunk tokens][ld_p], kept: [chunk tokens][kept_per_row].
    T *h, *c, *p, *kept;
    // Of the dense inputs: x: [sets][chunk tokens][ld_x], x_mask: [sets][rows_][ld_x]. Layers
    // behind the first have them with dropout only: else they read the states below.
    T *x, *x_mask;
    int64_t ld_x;
    T* h_mask = nullptr;  // [rows_][ld_p], null without recurrent dropout
  };
  // What backward() needs for one layer at a time.
  struct Workspace;

  int64_t row(int64_t i) const { return job_.schedule.row(begin_ + i); }
  int64_t length(int64_t i) const { return job_.schedule.length(row(i)); }
  int64_t dense_inputs(size_t layer) const {
    return layer == 0 ? ld_x_ : job_.layers[layer - 1].plan->units();
  }
  void allocate();
  void allocate_layer(size_t layer);
  void set_inputs();
  void draw_masks();
  void load_states();
  bool next_chunk();
  template <class F>
  void each_token(const F& f) const;
  template <class F>
  void each_place(const F& f) const;
  void gather();
  void drop_inputs(size_t layer) const;
  void run_layer(size_t layer);
  void keep_states(size_t layer);
  void emit();
  void finish_row(int64_t row) const;

  void gather_outputs(const RnnGradient<T>& gradient, T* grad_tokens, int64_t ld) const;
  void steps_backward(size_t layer, const LayerGradient<T>& gradient, const Workspace& w) const;
  void join(size_t layer, const LayerGradient<T>& gradient, const Workspace& w, size_t step) const;
  void finish_states(size_t layer, const LayerGradient<T>& gradient, const Workspace& w) const;
  void hold_operand(size_t layer, size_t step, T* to) const;
  void inputs_backward(size_t layer, const LayerGradient<T>& gradient, const Workspace& w) const;
  void add_sums(size_t layer, const Workspace& w, const WeightSums<T>& sums) const;
  void scatter_inputs(const RnnGradient<T>& gradient, const T* grad_x, int64_t ld) const;

  const RnnJob<T>& job_;
  const int64_t begin_, end_;
  int64_t rows_;          // those with any real step
  int64_t alive_ = 0;     // rows with a step at next_
  int64_t next_ = 0;      // the first step of the next chunk
  int64_t capacity_ = 0;  // tokens of a chunk at most
  int64_t tokens_ = 0;    // of this chunk; its step s has counts_[s] rows, from offsets_[s] on
  std::vector<int64_t> offsets_, counts_;
  Slab<T> slab_;
  T* scratch_ = nullptr;
  int64_t ld_x_ = 0;                  // all dense inputs of a token
  std::vector<int64_t> cells_;        // of the chunk's tokens; only with sparse inputs
  std::vector<InputSets<T>> inputs_;  // of each layer: where a chunk's stand
  std::vector<Memory> memory_;
};

// Calls f(token, cell) for the chunk's tokens. Row by row: a row's consecutive steps are neighbours
// in memory.
template <class T>
template <class F>
void Block<T>::each_token(const F& f) const {
  if (tokens_ == 0) return;
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

// Calls f(token, i) for the chunk's tokens, i being the place of the token's row in the block.
template <class T>
template <class F>
void Block<T>::each_place(const F& f) const {
  for (size_t s = 0; s < counts_.size(); ++s) {
    for (int64_t i = 0; i < counts_[s]; ++i) f(offsets_[s] + i, i);
  }
}

}  // namespace weft
