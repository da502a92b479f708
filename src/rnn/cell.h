// What a Cell handle points to.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "weft/rnn.h"

namespace weft {

enum class CellKind { kSimple, kGru, kLstm, kStacked };

// What a cell is declared as.
struct CellFields {
  CellKind kind = CellKind::kSimple;
  int64_t units = 0;
  Activation activation = Activation::kTanh;
  Activation recurrent_activation = Activation::kSigmoid;
  bool use_bias = true;
  bool reset_after = true;       // GRU
  bool unit_forget_bias = true;  // LSTM
  double dropout = 0, recurrent_dropout = 0;
  int implementation = 2;
  Initializer kernel_initializer, recurrent_initializer, bias_initializer;
  std::string name;
  DType dtype = DType::kFloat32;
  int64_t seed = 0;
  std::vector<Cell> cells;  // kStacked
};

struct CellData : CellFields {
  std::mutex building;
  std::atomic<int64_t> input_size{-1};  // set once, after the parameters
  std::vector<Parameter> parameters;    // kStacked: shares its cells' values; each cell once

  static CellData& of(const Cell& cell) { return *cell.data_; }
  static Cell handle(std::shared_ptr<CellData> data) { return Cell(std::move(data)); }
  int64_t gates() const { return kind == CellKind::kGru ? 3 : kind == CellKind::kLstm ? 4 : 1; }
  // The layers of a stack; any other cell is one layer.
  const CellData& layer(size_t i) const {
    return kind == CellKind::kStacked ? of(cells[i]) : *this;
  }
  size_t layers() const { return kind == CellKind::kStacked ? cells.size() : 1; }
  // Where the cell of a layer stands first.
  size_t first_place(size_t i) const {
    size_t first = 0;
    while (&layer(first) != &layer(i)) ++first;
    return first;
  }
  // What the names of a layer's random numbers begin with.
  std::string scope(size_t i) const {
    const std::string place = "cell_" + std::to_string(first_place(i)) + "/";
    return (kind == CellKind::kStacked ? place : "") + layer(i).name + "/";
  }
  const Tensor& kernel() const { return parameters[0].value; }
  const Tensor& recurrent_kernel() const { return parameters[1].value; }
  const Tensor* bias() const { return use_bias ? &parameters[2].value : nullptr; }
};

}  // namespace weft
