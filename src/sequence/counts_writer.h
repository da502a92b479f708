// Fills an IdCounts cell by cell.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "weft/sequence.h"

namespace weft {

class CountsWriter {
 public:
  // For at most `most` calls of put().
  CountsWriter(int64_t width, int64_t cells, int64_t most, DType dtype);

  void skip(int64_t cells);  // so many are empty
  // Into the next cell: an id within the width, once more or `weight` times.
  void put(int64_t id, double weight) { cell_.emplace_back(id, weight); }
  void end_cell();
  IdCounts finish();  // when all cells are there

 private:
  template <class T>
  void write_cell(T* counts);

  IdCounts out_;
  int64_t *splits_, *ids_;
  float* floats_ = nullptr;  // the counts, of one dtype or the other
  double* doubles_ = nullptr;
  int64_t count_ = 0;  // ids written
  std::vector<std::pair<int64_t, double>> cell_;
};

}  // namespace weft
