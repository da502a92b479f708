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
  float* c;        // LSTM: [rows][ld], updated in place
  int64_t ld;
  const float* p;  // [rows][ld_p]
  int64_t ld_p;
  const float* u;  // packed
  int64_t panels;
  int vectors;
  const float* recurrent_bias;  // GRU with reset_after: of the candidate, [ld]
  const float* u_candidate;     // GRU without: its weights, panels of one vector of units
  float* z;                     // GRU without: scratch [rows][ld]
  float* rh;                    // GRU without: scratch [rows][ld]
};

struct RnnKernel {
  void (*simple_tanh)(const CellStep&) noexcept;
  void (*simple_relu)(const CellStep&) noexcept;
  void (*gru_after)(const CellStep&) noexcept;   // gates z r h; sigmoid, tanh
  void (*gru_before)(const CellStep&) noexcept;  // u: gates z r; sigmoid, tanh
  void (*lstm)(const CellStep&) noexcept;        // gates i f c o; sigmoid, tanh
};

WEFT_DECLARE_KERNEL(RnnKernel, rnn_kernel)

}  // namespace weft
