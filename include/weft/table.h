// Embedding tables: one row of a table [V, D] for each id, and rows combined into one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "weft/column.h"
#include "weft/export.h"
#include "weft/gradient.h"
#include "weft/ragged.h"
#include "weft/tensor.h"

namespace weft {

struct LookupOptions {
  Combiner combiner = Combiner::kMean;
  std::optional<double> max_norm;  // rows with a larger l2 norm are scaled down to it first
};

// A table ready to be read: holds the tensor, which may be changed between calls but not during
// one. Id -1 (out of vocabulary) stands for a row that is not there; any other id outside [0, V) is
// reported, never read. Results do not depend on the instruction set.
class WEFT_API EmbeddingTable {
 public:
  // `values`: float32 or float64 [V, D]. Throws InvalidArgument for another rank or max_norm <= 0,
  // WrongType for another dtype.
  explicit EmbeddingTable(Tensor values, LookupOptions options = {});

  const Tensor& values() const { return values_; }
  const LookupOptions& options() const { return options_; }
  int64_t rows() const { return values_.dim(0); }
  int64_t dimension() const { return values_.dim(1); }
  DType dtype() const { return values_.dtype(); }

  // Ids and, behind them, more ids that will be read next: `ahead` >= `count` of them may be read,
  // so that their rows are fetched early.
  struct Ids {
    const int64_t* ids;
    int64_t count;
    int64_t ahead;
  };

  // Writes row ids[i] to out + i * stride (in elements), zeros for -1. Returns ids.count, or the
  // position of the first id outside the table; what follows it is then unspecified. `stream`:
  // write past the caches; good where all that is written is much larger than they are.
  int64_t gather(const Ids& ids, void* out, int64_t stride, bool stream = false) const noexcept;

  // Bag i holds ids [splits[i], splits[i + 1]) of `ids`; splits[0] need not be 0, and weights[j]
  // belongs to ids[j]. Writes each bag's combined row to out + i * stride, zeros for a bag without
  // rows. Weights <= 0 are left out for mean and sqrtn. Returns -1, or the position in `ids` of the
  // first id outside the table.
  int64_t combine(const int64_t* ids, const float* weights, const int64_t* splits, int64_t bags,
                  void* out, int64_t stride) const noexcept;

 private:
  Tensor values_;
  LookupOptions options_;
};

// The way back of gather() and combine(): takes what they were given, with gradients in the place
// of what they wrote, and sums up the rows of each id, in the order in which they came. Ids that
// the table does not have, which gather() and combine() have reported, are left out.
class WEFT_API TableGradient {
 public:
  // With max_norm the table must be as it was at the forward pass.
  explicit TableGradient(EmbeddingTable table);
  TableGradient(TableGradient&&) noexcept;
  ~TableGradient();

  // The gradient of row i is at grad + i * stride, and stays there until sum(). All calls of one
  // object are gather(), with gradients at rising addresses, or all are combine().
  void gather(const int64_t* ids, int64_t count, const void* grad, int64_t stride);
  void combine(const int64_t* ids, const float* weights, const int64_t* splits, int64_t bags,
               const void* grad, int64_t stride);

  // With max_norm, through the scaling too.
  IndexedSlices sum() const;

 private:
  class Entries;
  template <class T>
  class EntriesOf;
  std::unique_ptr<Entries> entries_;
};

// As tf.nn.embedding_lookup: table[ids], of shape ids.shape + [D]. Zeros for -1.
// Throws OutOfRange naming the position and the id; WrongType unless the ids are int64.
WEFT_API Tensor lookup(const EmbeddingTable& table, const Tensor& ids);
// Into `out`, whose memory is used again if it fits.
WEFT_API void lookup(const EmbeddingTable& table, const Tensor& ids, Tensor& out);

// As tf.nn.safe_embedding_lookup_sparse: the ids of each innermost row combined, [rows, D], where
// rows are those of the last level. `weights`: float32, one per id.
// Throws OutOfRange naming row, position and id; WrongType unless the ids are int64.
WEFT_API Tensor lookup(const EmbeddingTable& table, const Ragged& ids,
                       const Tensor* weights = nullptr);
WEFT_API void lookup(const EmbeddingTable& table, const Ragged& ids, const Tensor* weights,
                     Tensor& out);

// The gradient of the table, given that of lookup()'s result.
// Throws InvalidArgument unless `grad` has the result's shape, WrongType unless it has its dtype;
// and what lookup() throws for dtypes and shapes of ids and weights.
WEFT_API IndexedSlices lookup_backward(const EmbeddingTable& table, const Tensor& ids,
                                       const Tensor& grad);
WEFT_API IndexedSlices lookup_backward(const EmbeddingTable& table, const Ragged& ids,
                                       const Tensor* weights, const Tensor& grad);

}  // namespace weft
