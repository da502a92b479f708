// One batch on its way through a SequenceFeatures: parts in the order of the columns, and where
// their steps go.
#pragma once

#include <span>
#include <vector>

#include "sequence/parts.h"
#include "weft/sequence.h"

namespace weft {

class SequenceBatch {
 public:
  SequenceBatch(const std::vector<Column>& columns, const SequenceFeaturesOptions& options)
      : columns_(columns), options_(options) {}

  void add(SequencePartPtr part) { parts_.push_back(std::move(part)); }

  // Checks that the parts fit one another and fills `lengths`, which the calls below read.
  void measure(Tensor& lengths);
  // Makes `out`, allocated again only if its shape changes, and writes every element of it once.
  void write(Tensor& out) const;
  // With `lookups` tables are not read: their columns are blocks of ids too.
  Blocks blocks(bool lookups = false) const;
  // What write() would give for another part with the rows of these, alone.
  Tensor written(const SequencePartPtr& part, DType dtype) const;
  // Where the parts' columns are in the gradient of what write() gave or, with `dense_only`, of the
  // dense blocks of blocks(), side by side. Throws as check_gradient().
  GradientColumns columns_of(const Tensor& grad, bool dense_only) const;
  // By part: the gradients of the tables, given such a gradient.
  std::vector<std::optional<IndexedSlices>> backward(const Tensor& grad, bool dense_only) const;

 private:
  struct Run {  // neighbours, and their width
    std::span<const SequencePartPtr> parts;
    int64_t width;
  };
  struct Placed {  // steps [first, first + count) of a row go to steps `begin` and on
    int64_t first, count, begin;
  };

  static Run run_of(std::span<const SequencePartPtr> parts);
  void check_lengths(std::span<const int64_t> lengths) const;
  void check_regular(int64_t longest) const;
  int64_t padded_steps(std::span<const int64_t> lengths, int64_t longest) const;
  Placed placed(int64_t row) const;
  void write(const Run& run, DType dtype, Tensor& out) const;
  template <class T>
  void write_rows(const Run& run, Tensor& out) const;
  template <class T>
  void write_row(const Run& run, int64_t row, T* to, bool stream) const;
  template <class T>
  void pad(const Run& run, T* from, int64_t steps) const;
  IdCounts counts_of(const SequencePart& part, const IdBounds& bounds) const;

  const std::vector<Column>& columns_;
  const SequenceFeaturesOptions& options_;
  std::vector<SequencePartPtr> parts_;
  std::span<const int64_t> lengths_;
  std::vector<int64_t> raw_lengths_;  // before max_length; empty when nothing is cut
  int64_t steps_ = 0;                 // T
};

}  // namespace weft
