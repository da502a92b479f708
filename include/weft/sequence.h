// Features -> the dense input of a model: SequenceFeatures and DenseFeatures, and what goes with
// sequences: masks and context.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "weft/column.h"
#include "weft/export.h"
#include "weft/gradient.h"
#include "weft/ids.h"
#include "weft/initializer.h"
#include "weft/ragged.h"
#include "weft/tensor.h"

namespace weft {

enum class Pad : uint8_t { kRight, kLeft };  // the side of a row that is padded
enum class Keep : uint8_t { kLast, kFirst };

// As tf.sequence_mask: position i of a row is true (1) where i < length, or, with Pad::kLeft, where
// i >= maxlen - length. lengths of any shape -> lengths.shape + [maxlen]; maxlen: the longest
// length when unset. Throws WrongType unless lengths are integers and dtype is a number or bool,
// InvalidArgument if maxlen < 0, LimitExceeded if the mask would hold more than
// Limits{}.max_batch_values.
WEFT_API Tensor sequence_mask(const Tensor& lengths, std::optional<int64_t> maxlen = {},
                              DType dtype = DType::kBool, Pad pad = Pad::kRight);

// Throws unless `mask` says which steps of [B, T, ...] are real: WrongType unless it is bool,
// InvalidArgument unless it is [B, T], or [T, B] with time_major.
WEFT_LOCAL void check_mask(const Tensor& mask, int64_t batch, int64_t steps,
                           bool time_major = false);
// Lengths of such rows as int64. Throws WrongType unless they are integers, InvalidArgument unless
// there are B, OutOfRange for one outside [0, T].
WEFT_LOCAL Tensor checked_lengths(const Tensor& lengths, int64_t batch, int64_t steps);

// Appends the row's context to every step: [B, d1], [B, T, d0] -> [B, T, d0 + d1].
// Throws InvalidArgument for other ranks or different B; WrongType unless both are float32 or both
// are float64.
WEFT_API Tensor concatenate_context_input(const Tensor& context_input,
                                          const Tensor& sequence_input);
struct ContextGradients {
  Tensor context_input;   // [B, d1]: the sum over steps
  Tensor sequence_input;  // [B, T, d0]
};
// And its way back: `grad` is [B, T, d0 + d1]. Throws InvalidArgument unless it has rank 3 and at
// least d1 = `context_size` >= 0 columns, WrongType unless it is float32 or float64.
WEFT_API ContextGradients concatenate_context_backward(const Tensor& grad, int64_t context_size);

// What an indicator makes of each cell (a row, or a step of one): V numbers, nearly all zero, as
// the ids that are there and their counts.
struct IdCounts {
  int64_t width = 0;  // V
  Tensor splits;      // int64 [cells + 1]: cell i has ids splits[i] to splits[i + 1] - 1
  Tensor ids;         // int64 [N], in [0, V), rising within a cell
  Tensor counts;      // [N], float32 or float64
};

namespace base {
template <class T>
struct Operand;  // src/base/matrix.h
}

// A tensor [..., D] of float32 or float64 in blocks of columns, side by side: what a feature layer
// gives whose output is too wide to be written, and what an RNN or a Dense takes. A Tensor is one
// dense block. Nobody may write to the tensors of an IdCounts afterwards.
class WEFT_API Blocks {
 public:
  using Block = std::variant<Tensor, IdCounts>;  // [..., d], or counts of width d

  Blocks(Tensor tensor);  // NOLINT: implicit on purpose
  // `outer` is the shape without D; cells are in row-major order. Throws InvalidArgument without
  // blocks or if a block does not have that many cells, or is no IdCounts as described above;
  // WrongType for two dtypes or one that is neither float32 nor float64.
  Blocks(Shape outer, std::vector<Block> blocks);

  const Shape& shape() const { return shape_; }  // outer + [D]
  int64_t dim(int64_t i) const { return shape_[static_cast<size_t>(i)]; }
  DType dtype() const { return dtype_; }
  std::span<const Block> blocks() const { return blocks_; }

  // As left operands of products, which point into the blocks. Throws WrongType for another dtype.
  template <class T>
  WEFT_LOCAL std::vector<base::Operand<T>> operands() const;

 private:
  Shape shape_;
  DType dtype_;
  std::vector<Block> blocks_;
};

// A batch of padded sequences: what a SequenceFeatures gives and an RNN takes.
struct Sequence {
  Tensor data;     // [B, T, D]; padding is zeros, or a numeric column's default_value
  Tensor lengths;  // int64 [B], each in [0, T]
  Pad pad = Pad::kRight;
  // bool [B, T]: true at real steps.
  Tensor mask() const { return sequence_mask(lengths, data.dim(1), DType::kBool, pad); }
};

// The same, in blocks.
struct SequenceBlocks {
  Blocks data;  // [B, T, D]
  Tensor lengths;
  Pad pad = Pad::kRight;
  Tensor mask() const { return sequence_mask(lengths, data.dim(1), DType::kBool, pad); }
};

// A feature layer's result, and the functions that take the gradient of a scalar with regard to it
// to those of what it was made of. For blocks the gradient is that of the dense ones side by side.
// They may be called any number of times, as long as the layer is there.
template <class T>
struct FeaturesVjp {
  T result;
  // Those of parameters(), in their order: IndexedSlices, the same with any number of threads. With
  // max_norm the tables must be as they were.
  std::function<std::vector<Gradient>(const Tensor& grad)> pullback;
  // Those of features, by key, for floating features of numeric columns whose normalizer, if there
  // is one, is no function: of the feature's kind, shape, splits and indices, in the layer's dtype.
  // Values that were cut off get zeros. It is what comes by numeric columns: time deltas and
  // weights that are made of the same feature add nothing. A feature that weft borrows must be as
  // it was.
  std::function<Features(const Tensor& grad)> feature_pullback;
};

class BatchIds;  // src/sequence/batch_ids.h
class IdsPlaces;
class SequenceBatch;  // src/sequence/sequence_batch.h

// What both feature layers have: columns, weights, counters. Copies share the tables' memory and
// the counters.
class WEFT_API FeatureLayer {
 public:
  struct Options {
    std::string name;  // Keras's default when empty: "sequence_features", "dense_features"
    bool trainable = true;
    DType dtype = DType::kFloat32;  // or kFloat64
    int64_t seed = 0;  // with the layer's and the table's name it decides the initial weights
    IdsOptions ids;    // missing, strict
  };

  virtual ~FeatureLayer();

  const std::string& name() const { return options_.name; }
  const Options& options() const { return options_; }
  // In the order of their names, which is the order of their outputs.
  const std::vector<Column>& columns() const { return columns_; }
  int64_t width() const { return width_; }  // D: all columns side by side
  // The tables, in the order of their columns. Named "<column>/embedding_weights", which is Keras's
  // name without the layer's in front and ":0" behind. Values may be changed between calls; another
  // tensor put in their place must have the same shape and dtype.
  std::span<Parameter> parameters() { return parameters_; }
  std::span<const Parameter> parameters() const { return parameters_; }

  // Over all calls so far, one entry for each different categorical column that is read. Its key is
  // that column's name or, where two different ones share the name, the name of the layer's column
  // that reads it ("a_embedding", "a_indicator").
  std::map<std::string, IdsCounters> counters() const;
  void reset_counters();

 protected:
  enum class Role : uint8_t { kDense, kSequence };
  // Throws InvalidArgument if there are no columns, two have the same name, or one is not of
  // `role`.
  FeatureLayer(std::vector<Column> columns, Options options, Role role);
  FeatureLayer(const FeatureLayer&);
  FeatureLayer(FeatureLayer&&) noexcept;
  FeatureLayer& operator=(const FeatureLayer&);
  FeatureLayer& operator=(FeatureLayer&&) noexcept;

  const IdsPlaces& ids_places() const;
  void count(const BatchIds& ids) const;  // adds what a batch met
  const DenseColumn& dense_column(size_t column) const { return *dense_[column]; }
  // The table of column i, or null.
  const Parameter* parameter(size_t column) const;
  void read_from(std::span<const Tensor> tables);  // instead of the ones that it has
  // The gradients of parameters(), of those of the tables that the columns read.
  std::vector<Gradient> sum_gradients(std::vector<std::optional<IndexedSlices>> by_column) const;

 private:
  struct Counters;

  int add_table(const DenseColumn& column);  // its place in parameters_
  void name_counters();

  std::vector<Column> columns_;
  std::vector<const DenseColumn*> dense_;  // the same
  Options options_;
  int64_t width_ = 0;
  std::vector<Parameter> parameters_;
  std::vector<int> parameter_of_;  // by column; -1: none
  std::shared_ptr<Counters> counters_;
};

// How long the rows of a SequenceFeatures become.
struct PadTo {
  enum class Kind : uint8_t { kBatch, kFixed, kMultiple };
  Kind kind = Kind::kBatch;  // T is the largest T of the columns
  int64_t n = 0;  // T is n; or the smallest multiple of n that is no less than kBatch's T
};

// Events after a request are dropped, from every column, before anything else is made of them:
// those whose time in the sequence feature `key` is after the row's time in `reference_key`.
struct Cutoff {
  std::string key;
  std::string reference_key;
};

struct SequenceFeaturesOptions : FeatureLayer::Options {
  std::optional<int64_t> max_length;  // a longer row keeps max_length steps, `keep` says which
  Keep keep = Keep::kLast;
  Pad pad = Pad::kRight;
  PadTo pad_to;
  std::optional<Cutoff> cutoff;
};

// As tf.keras.experimental.SequenceFeatures: sequence columns side by side, [B, T, D], and the
// lengths of the rows. Calls may run in parallel with one another.
class WEFT_API SequenceFeatures final : public FeatureLayer {
 public:
  // Throws InvalidArgument for what FeatureLayer refuses, max_length < 1 or a PadTo n < 1.
  explicit SequenceFeatures(std::vector<Column> columns, SequenceFeaturesOptions options = {});
  // This layer over the memory of `tables`, which set_weights would take.
  SequenceFeatures over(std::span<const Tensor> tables) const;

  // T of a column is the second dimension of a sparse or dense feature and the longest row of a
  // ragged one; T of the result is the largest T, cut to max_length, then as pad_to says.
  // With a cutoff, what the layer's columns read must be ragged or sparse, one step for each time.
  // Throws what id_weight_pair and steps_until throw; InvalidArgument naming both columns if they
  // disagree on the number of rows, or on the length of a row (naming it and both lengths), and if
  // a row does not fit pad_to's n; LimitExceeded if B * T * D > Limits{}.max_batch_values.
  Sequence operator()(const Features& features) const;
  // Into `out`, whose memory is used again if it fits.
  void operator()(const Features& features, Sequence& out) const;
  // The same numbers, indicator and bucketized columns as their ids, the others between them as
  // tensors: memory and time grow with the ids, not with V, and so do the limits. Throws as above.
  SequenceBlocks blocks(const Features& features) const;
  // The same, but that no table is read, for tables that are elsewhere: a column with a table is
  // the ids that it reads, of width V, with the numbers that its combiner multiplies their rows by;
  // its output is their product with the table, whose rows max_norm has scaled.
  SequenceBlocks lookups(const Features& features) const;
  FeaturesVjp<Sequence> vjp(const Features& features) const;
  FeaturesVjp<SequenceBlocks> blocks_vjp(const Features& features) const;

  const SequenceFeaturesOptions& sequence_options() const { return sequence_options_; }

 private:
  struct Call;

  Features cut_off(const Features& features) const;
  SequenceBlocks blocks(const Features& features, bool lookups) const;
  void run(const Features& features, const std::function<void(SequenceBatch&)>& write) const;

  SequenceFeaturesOptions sequence_options_;
  std::map<std::string, bool> read_keys_;  // what the columns read: whether it holds steps
};

// As tf.keras.layers.DenseFeatures: [B, D]. Several ids of a row are combined.
class WEFT_API DenseFeatures final : public FeatureLayer {
 public:
  explicit DenseFeatures(std::vector<Column> columns, Options options = {});
  DenseFeatures over(std::span<const Tensor> tables) const;  // as SequenceFeatures::over
  // Throws what id_weight_pair throws, and InvalidArgument if columns disagree on the number of
  // rows or a numeric feature has another size than [B, shape...].
  Tensor operator()(const Features& features) const;
  void operator()(const Features& features, Tensor& out) const;
  // The same numbers, indicator and bucketized columns as their ids.
  Blocks blocks(const Features& features) const;
  Blocks lookups(const Features& features) const;  // as SequenceFeatures::lookups
  FeaturesVjp<Tensor> vjp(const Features& features) const;
  FeaturesVjp<Blocks> blocks_vjp(const Features& features) const;

 private:
  struct Call;

  std::vector<std::unique_ptr<const DensePart>> parts_of(BatchIds& ids) const;
  Blocks blocks(const Features& features, bool lookups) const;
};

}  // namespace weft
