// One column of a layer in one batch: what it has to write, and where its rows end. A dense
// column's sequence_part() and dense_part() stand in src/sequence/<kind>_part.cc.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "sequence/batch_ids.h"
#include "sequence/counts_writer.h"

namespace weft {

// A rectangle of a layer's output: cells of `width` elements, `stride` elements apart.
struct Cells {
  void* data;
  int64_t stride;
  bool stream;  // the whole output is much larger than the caches
};

// Where steps [first, first + count) of a row stand in a layer's output, from `at` on.
struct StepCells {
  int64_t first, count;
  const void* at;
};

// Ids are below `width`, and there are at most `most` of them.
struct IdBounds {
  int64_t width, most;
};

class SequencePart {
 public:
  SequencePart(int64_t rows, int64_t steps, int64_t width)
      : rows_(rows), steps_(steps), width_(width) {}
  virtual ~SequencePart();

  int64_t rows() const { return rows_; }
  int64_t steps() const { return steps_; }  // T
  int64_t width() const { return width_; }
  virtual int64_t length(int64_t row) const = 0;
  // False for a numeric column of rank 3 whose step holds more or fewer than one element of its
  // shape: its values fill the first extent() steps, which length() does not count.
  virtual bool regular() const { return true; }
  virtual int64_t extent(int64_t row) const { return length(row); }
  // What the other steps hold.
  virtual double padding() const { return 0; }
  // Writes every element of steps [first, first + count) of `row`. Throws OutOfRange.
  virtual void write(int64_t row, int64_t first, int64_t count, const Cells& out) const = 0;
  // An indicator: how many ids its feature holds. -1 for the others.
  virtual int64_t counted() const { return -1; }
  // What reads a table: the table's rows, and how many ids the feature holds.
  virtual std::optional<IdBounds> looked_up() const { return {}; }
  // Both: the same steps, a cell each; of a table the ids whose rows are read, and by what each row
  // is multiplied. Throws OutOfRange.
  virtual void count(int64_t row, int64_t first, int64_t count, CountsWriter& to) const;
  // What reads a table: its gradient, given that of the cells, `stride` elements apart.
  virtual std::optional<IndexedSlices> backward(std::span<const StepCells> rows,
                                                int64_t stride) const;

 private:
  int64_t rows_, steps_, width_;
};

class DensePart {
 public:
  DensePart(int64_t rows, int64_t width) : rows_(rows), width_(width) {}
  virtual ~DensePart();

  int64_t rows() const { return rows_; }
  int64_t width() const { return width_; }
  // Writes rows [begin, end), the first at out.data. Throws OutOfRange.
  virtual void write(int64_t begin, int64_t end, const Cells& out) const = 0;
  // As SequencePart's; a row is a cell.
  virtual int64_t counted() const { return -1; }
  virtual std::optional<IdBounds> looked_up() const { return {}; }
  virtual void count(int64_t begin, int64_t end, CountsWriter& to) const;
  // As SequencePart's; `grad` is the gradient of the first row's cell.
  virtual std::optional<IndexedSlices> backward(const void* grad, int64_t stride) const;

 private:
  int64_t rows_, width_;
};

// What a column reads from: its table (null for columns without one) and the output's dtype.
struct PartSource {
  BatchIds& ids;
  const Parameter* table;
  DType dtype;
};

// Whether count() writes a part: an indicator, with `lookups` what reads a table too.
template <class Part>
std::optional<IdBounds> counted_ids(const Part& part, bool lookups) {
  if (part.counted() >= 0) return IdBounds{part.width(), part.counted()};
  return lookups ? part.looked_up() : std::nullopt;
}

using SequencePartPtr = std::unique_ptr<const SequencePart>;
using DensePartPtr = std::unique_ptr<const DensePart>;

// Throws InvalidArgument unless the parts, one for each column, have equally many rows.
[[noreturn]] void refuse_rows(const Column& a, int64_t rows_a, const Column& b, int64_t rows_b);
template <class PartPtr>
void check_rows(const std::vector<Column>& columns, const std::vector<PartPtr>& parts) {
  for (size_t i = 1; i < parts.size(); ++i) {
    if (parts[i]->rows() != parts[0]->rows())
      refuse_rows(columns[0], parts[0]->rows(), columns[i], parts[i]->rows());
  }
}

// Where the columns of each part begin in the gradient of a layer's output or, with `dense_only`,
// of its dense blocks side by side: -1 for the others.
struct GradientColumns {
  std::vector<int64_t> begins;
  int64_t width = 0;
};
template <class PartPtr>
GradientColumns gradient_columns(const std::vector<PartPtr>& parts, bool dense_only) {
  GradientColumns columns;
  for (const PartPtr& part : parts) {
    const bool there = !dense_only || part->counted() < 0;
    columns.begins.push_back(there ? columns.width : -1);
    if (there) columns.width += part->width();
  }
  return columns;
}

inline constexpr const char* kOutput = "a feature layer's output";  // for check_gradient()

// An id that a table or an indicator of `buckets` does not have, met while it was read.
[[noreturn]] void refuse_id(const DenseColumn& column, int64_t row, int64_t step, int64_t id,
                            int64_t buckets);

}  // namespace weft
