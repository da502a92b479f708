// The steps of recurrent cells, fused with the product with their state (base/tile.h).
#pragma once

#include <cstdint>

#include "base/kernel.h"

namespace weft {

// One step of a cell for the first `rows` rows. A panel of `u` holds all gates of one vector of
// units (SimpleRNN: `vectors` vectors of units); `p` is the projected input in the same order of
// columns. The padding of h and c up to whole vectors is written, never read as a number.
struct CellStep {
  int64_t rows, depth;
  const float* h;  // [rows][ld], the previous state
  float* h_next;   // [rows][ld]
  const float* c;  // LSTM: [rows][ld], the previous one
  float* c_next;   // may be `c`
  int64_t ld;
  float* p;  // [rows][ld_p]
  int64_t ld_p;
  const float* u;  // packed
  int64_t panels;
  int vectors;
  const float* recurrent_bias;  // GRU with reset_after: of the candidate, [ld]
  const float* u_candidate;     // GRU without: its weights, panels of one vector of units
  float* z;                     // GRU without: scratch [rows][ld]
  float* rh;                    // GRU without: scratch [rows][ld]
  // For training: p is replaced by the gates' activations, and `q`, [rows][ld], gets what r
  // multiplies in a GRU with reset_after. SimpleRNN keeps nothing: its state says it all.
  bool keep;
  float* q;
};

// The gates' part of a step backwards: gradients of the new states become those of the gates before
// their activations, and as much of those of the previous states as does not come through the
// product with `u`, which grad_u has still to be multiplied by.
struct GateGradient {
  int64_t rows, vectors;  // of units
  const float* gates;     // [rows][ld_p]: p and q as CellStep left them
  const float* q;
  const float *h, *h_next;  // [rows][ld]
  const float *c, *c_next;
  int64_t ld, ld_p;
  float *grad_h, *grad_c;  // [rows][ld]; nothing is left for grad_h but in a GRU
  float *grad_p, *grad_u;  // [rows][ld_p]; GRU with reset_after has both, others grad_p
  float *rh, *grad_n;      // GRU without: [rows][ld], r * h and n's part of grad_p
  const float* grad_rh;    // GRU without: [rows][ld]
};

struct RnnKernel {
  void (*simple_tanh)(const CellStep&) noexcept;
  void (*simple_relu)(const CellStep&) noexcept;
  void (*gru_after)(const CellStep&) noexcept;   // gates z r h; sigmoid, tanh
  void (*gru_before)(const CellStep&) noexcept;  // u: gates z r; sigmoid, tanh
  void (*lstm)(const CellStep&) noexcept;        // gates i f c o; sigmoid, tanh
  void (*grad_simple_tanh)(const GateGradient&) noexcept;
  void (*grad_simple_relu)(const GateGradient&) noexcept;
  void (*grad_gru_after)(const GateGradient&) noexcept;
  // In two steps: the candidate's and z's gradients; then, given that of r * h, r's.
  void (*grad_gru_candidate)(const GateGradient&) noexcept;
  void (*grad_gru_reset)(const GateGradient&) noexcept;
  void (*grad_lstm)(const GateGradient&) noexcept;
};

WEFT_DECLARE_KERNEL(RnnKernel, rnn_kernel)

}  // namespace weft
