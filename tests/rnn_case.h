// Random calls of an RNN, and what the reference says of them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <ranges>
#include <string>

#include "base/cpu.h"
#include "base/philox.h"
#include "tests/reference_rnn.h"

namespace weft::testing_rnn {

using reference::Kind;
using reference::ReferenceCell;
using reference::Vector;

inline constexpr base::Isa kIsas[] = {base::Isa::kPlain, base::Isa::kV2, base::Isa::kV3,
                                      base::Isa::kV4};

// Runs a test on each instruction set that this processor has.
template <class F>
void on_every_isa(F f) {
  const base::Isa before = base::isa();
  for (base::Isa isa : kIsas) {
    if (isa > base::best_isa()) continue;
    base::set_isa(isa);
    SCOPED_TRACE(base::isa_name(isa));
    f();
  }
  base::set_isa(before);
}

inline Tensor random_tensor(DType dtype, const Shape& shape, uint32_t seed, double scale) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0, scale);
  Tensor tensor(dtype, shape);
  if (dtype == DType::kFloat32) {
    for (float& x : tensor.mutable_values<float>()) x = static_cast<float>(normal(random));
  } else {
    for (double& x : tensor.mutable_values<double>()) x = normal(random);
  }
  return tensor;
}

struct Case {
  std::vector<ReferenceCell> cells;
  Tensor inputs;  // NaN in masked steps
  RNNArguments arguments;
  RNNOptions options;
  DType dtype = DType::kFloat32;

  RNN rnn() const {
    std::vector<Cell> made;
    int64_t depth = inputs.dim(2);
    for (const ReferenceCell& cell : cells) {
      made.push_back(make(cell));
      made.back().build(depth);
      made.back().set_weights(cell.weights);
      depth = cell.units();
    }
    return made.size() == 1 ? RNN(made[0], options) : RNN(made, options);
  }
  Cell make(const ReferenceCell& cell) const {
    const bool bias = cell.weights.size() == 3;
    switch (cell.kind) {
      case Kind::kSimple:
        return SimpleRNNCell(cell.units(), {.activation = cell.activation,
                                            .use_bias = bias,
                                            .dropout = cell.dropout,
                                            .recurrent_dropout = cell.recurrent_dropout,
                                            .dtype = dtype});
      case Kind::kLstm:
        return LSTMCell(cell.units(), {.activation = cell.activation,
                                       .recurrent_activation = cell.recurrent_activation,
                                       .use_bias = bias,
                                       .dropout = cell.dropout,
                                       .recurrent_dropout = cell.recurrent_dropout,
                                       .implementation = cell.implementation,
                                       .dtype = dtype});
      default:
        return GRUCell(cell.units(), {.activation = cell.activation,
                                      .recurrent_activation = cell.recurrent_activation,
                                      .use_bias = bias,
                                      .dropout = cell.dropout,
                                      .recurrent_dropout = cell.recurrent_dropout,
                                      .reset_after = cell.kind == Kind::kGruAfter,
                                      .implementation = cell.implementation,
                                      .dtype = dtype});
    }
  }
};

struct CaseOptions {
  DType dtype = DType::kFloat32;
  int64_t batch = -1, steps = -1, max_batch = 20, max_steps = 12, max_units = 40;
  double scale = 0.2;  // of weights; with larger ones a step amplifies the rounding of the last
  bool dropout = false;
};

inline ReferenceCell random_cell(Kind kind, int64_t depth, int64_t units, std::mt19937& random,
                                 const CaseOptions& options) {
  ReferenceCell cell{kind, Activation::kTanh, Activation::kSigmoid, {}};
  const int64_t width = units * (kind == Kind::kSimple ? 1 : kind == Kind::kLstm ? 4 : 3);
  const auto add = [&](const Shape& shape) {
    cell.weights.push_back(
        random_tensor(options.dtype, shape, static_cast<uint32_t>(random()), options.scale));
  };
  add({depth, width});
  add({units, width});
  if (random() % 4 != 0) add(kind == Kind::kGruAfter ? Shape{2, width} : Shape{width});
  if (kind == Kind::kSimple && random() % 3 == 0) cell.activation = Activation::kRelu;
  if (random() % 5 == 0) cell.recurrent_activation = Activation::kHardSigmoid;
  return cell;
}

inline Tensor random_mask(int64_t batch, int64_t steps, std::mt19937& random) {
  Tensor mask(DType::kBool, {batch, steps});
  for (int64_t b = 0; b < batch; ++b) {
    const uint64_t shape = random() % 5;
    const int64_t length = static_cast<int64_t>(random() % static_cast<uint64_t>(steps + 1));
    for (int64_t t = 0; t < steps; ++t) {
      bool real = true;  // shape 0: all
      if (shape == 1) real = t < length;
      if (shape == 2) real = t >= steps - length;
      if (shape == 3) real = random() % 2 == 0;
      if (shape == 4) real = false;
      mask.mutable_values<bool>()[static_cast<size_t>(b * steps + t)] = real;
    }
  }
  return mask;
}

inline bool is_real(const Case& c, int64_t b, int64_t t) {
  if (!c.arguments.mask) return true;
  const bool major = c.options.time_major;
  const int64_t at = major ? t * c.arguments.mask->dim(1) + b : b * c.arguments.mask->dim(1) + t;
  return c.arguments.mask->values<bool>()[static_cast<size_t>(at)];
}

inline void poison_masked_steps(Case& c, int64_t batch, int64_t steps, int64_t depth) {
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t t = 0; t < steps; ++t) {
      if (is_real(c, b, t)) continue;
      const int64_t at = c.options.time_major ? t * batch + b : b * steps + t;
      for (int64_t d = 0; d < depth; ++d) {
        const auto i = static_cast<size_t>(at * depth + d);
        if (c.dtype == DType::kFloat32) {
          c.inputs.mutable_values<float>()[i] = std::numeric_limits<float>::quiet_NaN();
        } else {
          c.inputs.mutable_values<double>()[i] = std::numeric_limits<double>::quiet_NaN();
        }
      }
    }
  }
}

// Dropout of any kind, in training.
inline void add_dropout(Case& c, std::mt19937& random) {
  c.arguments.training = true;
  c.arguments.step = random() % 3 == 0 ? uint64_t{1} << 40 : random() % 1000;
  for (ReferenceCell& cell : c.cells) {
    if (random() % 3 != 0) cell.dropout = 0.1 + static_cast<double>(random() % 8) / 10;
    if (random() % 2 == 0) cell.recurrent_dropout = 0.1 + static_cast<double>(random() % 8) / 10;
    if (random() % 3 == 0 && cell.kind != Kind::kSimple) cell.implementation = 1;
  }
}

// A call of any shape whose first cell is of this kind.
inline Case random_case(uint32_t seed, Kind kind, const CaseOptions& options = {}) {
  std::mt19937 random(seed + 1);
  const auto upto = [&](int64_t n) {
    return 1 + static_cast<int64_t>(random() % static_cast<uint64_t>(n));
  };
  Case c;
  c.dtype = options.dtype;
  const int64_t depth = upto(options.max_units);
  const int64_t batch = options.batch >= 0 ? options.batch : upto(options.max_batch);
  const int64_t steps = options.steps >= 0 ? options.steps : upto(options.max_steps);
  c.options = {.return_sequences = random() % 2 == 0,
               .go_backwards = random() % 3 == 0,
               .zero_output_for_mask = random() % 3 == 0,
               .time_major = options.batch < 0 && random() % 4 == 0};
  int64_t width = depth;
  for (uint64_t i = 0; i < 1 + random() % 2; ++i) {
    const Kind own = i == 0 ? kind : static_cast<Kind>(random() % 4);
    const int64_t units = upto(options.max_units);
    c.cells.push_back(random_cell(own, width, units, random, options));
    width = units;
  }
  const Shape shape =
      c.options.time_major ? Shape{steps, batch, depth} : Shape{batch, steps, depth};
  c.inputs = random_tensor(options.dtype, shape, seed + 100, 1);
  if (random() % 4 != 0) {
    c.arguments.mask = random_mask(c.options.time_major ? steps : batch,
                                   c.options.time_major ? batch : steps, random);
    poison_masked_steps(c, batch, steps, depth);
  }
  if (random() % 2 == 0) {
    for (const ReferenceCell& cell : c.cells) {
      for (size_t i = 0; i < cell.states(); ++i) {
        c.arguments.initial_state.push_back(random_tensor(options.dtype, {batch, cell.units()},
                                                          static_cast<uint32_t>(random()), 1));
      }
    }
  }
  if (options.dropout) add_dropout(c, random);
  return c;
}

// Masks [gates] of a row as include/weft/rnn.h describes them: one for each gate, or the same for
// all.
inline std::vector<Vector> masks_of_row(double rate, const std::string& stream, uint64_t step,
                                        int64_t row, int64_t masks, int64_t gates, int64_t width) {
  if (rate == 0) return {};
  const base::Philox numbers(0, stream, step);
  std::vector<Vector> made;
  for (int64_t gate = 0; gate < gates; ++gate) {
    Vector& mask = made.emplace_back();
    for (int64_t column = 0; column < width; ++column) {
      const auto e = static_cast<uint64_t>((row * masks + gate % masks) * width + column);
      const bool dropped = numbers(e / 4)[e % 4] < rate * 4294967296.0;
      mask.push_back(dropped ? 0 : 1 / (1 - rate));
    }
  }
  return made;
}

// The cells with the masks of a row.
inline std::vector<ReferenceCell> cells_of_row(const Case& c, int64_t row) {
  std::vector<ReferenceCell> cells = c.cells;
  for (size_t i = 0; i < cells.size() && c.arguments.training; ++i) {
    ReferenceCell& cell = cells[i];
    const char* names[] = {"simple_rnn_cell/", "gru_cell/", "gru_cell/", "lstm_cell/"};
    std::string name = names[static_cast<int>(cell.kind)];
    if (cells.size() > 1) name = "cell_" + std::to_string(i) + "/" + name;
    const bool by_gate = cell.implementation == 1 || cell.recurrent_dropout > 0;
    const int64_t depth = cell.weights[0].dim(0), gates = cell.gates();
    cell.x_masks = masks_of_row(cell.dropout, name + "dropout", c.arguments.step, row,
                                by_gate ? gates : 1, gates, depth);
    cell.h_masks = masks_of_row(cell.recurrent_dropout, name + "recurrent_dropout",
                                c.arguments.step, row, gates, gates, cell.units());
  }
  return cells;
}

inline std::vector<Vector> initial_states(const Case& c, int64_t b) {
  std::vector<Vector> states;
  for (const ReferenceCell& cell : c.cells) {
    for (size_t i = 0; i < cell.states(); ++i) {
      Vector state(static_cast<size_t>(cell.units()), 0);
      if (!c.arguments.initial_state.empty()) {
        const Tensor& from = c.arguments.initial_state[states.size()];
        for (int64_t j = 0; j < cell.units(); ++j) {
          state[static_cast<size_t>(j)] = reference::element(from, b * cell.units() + j);
        }
      }
      states.push_back(std::move(state));
    }
  }
  return states;
}

// A result and the rows that it should have.
struct Expected {
  const Tensor& tensor;
  std::vector<std::pair<int64_t, Vector>> rows;

  void check(double tolerance) const {
    double largest = 0;
    for (const auto& [row, want] : rows) {
      for (double x : want) largest = std::max(largest, std::fabs(x));
    }
    for (const auto& [row, want] : rows) {
      const auto n = static_cast<int64_t>(want.size());
      for (int64_t j = 0; j < n; ++j) {
        ASSERT_NEAR(reference::element(tensor, row * n + j), want[static_cast<size_t>(j)],
                    tolerance * largest)
            << "row " << row << " unit " << j;
      }
    }
  }
};

// Compares with the reference: within `tolerance` of the largest magnitude.
inline void expect_close(const Case& c, const States& states, double tolerance) {
  const bool major = c.options.time_major;
  const int64_t batch = c.inputs.dim(major ? 1 : 0), steps = c.inputs.dim(major ? 0 : 1),
                depth = c.inputs.dim(2);
  const auto place = [&](int64_t b, int64_t t) { return major ? t * batch + b : b * steps + t; };
  std::vector<Expected> all = {{states.outputs, {}}};
  for (const Tensor& state : states.state) all.push_back({state, {}});
  for (int64_t b = 0; b < batch; ++b) {
    std::vector<Vector> xs;
    std::vector<bool> real;
    for (int64_t t = 0; t < steps; ++t) {
      Vector x(static_cast<size_t>(depth));
      for (int64_t d = 0; d < depth; ++d) {
        x[static_cast<size_t>(d)] = reference::element(c.inputs, place(b, t) * depth + d);
      }
      xs.push_back(std::move(x));
      real.push_back(is_real(c, b, t));
    }
    const auto want = reference::run_row(cells_of_row(c, b), xs, real, initial_states(c, b),
                                         c.options.go_backwards, c.options.zero_output_for_mask);
    for (int64_t t = 0; t < steps; ++t) {
      if (c.options.return_sequences) {
        all[0].rows.emplace_back(place(b, t), want.outputs[static_cast<size_t>(t)]);
      } else if (t == steps - 1) {
        all[0].rows.emplace_back(b, want.outputs.back());
      }
    }
    for (size_t i = 0; i < states.state.size(); ++i) all[i + 1].rows.emplace_back(b, want.state[i]);
  }
  for (const Expected& expected : all) expected.check(tolerance);
}

}  // namespace weft::testing_rnn
