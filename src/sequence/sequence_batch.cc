#include "sequence/sequence_batch.h"

#include <algorithm>
#include <cstring>

#include "base/thread_pool.h"

namespace weft {
namespace {

constexpr int64_t kGrainBytes = int64_t{1} << 19;    // output that one thread writes in about 20 us
constexpr int64_t kStreamBytes = int64_t{16} << 20;  // outputs that no cache is going to hold

std::string quoted(const Column& column) { return "'" + escape_bytes(column->name()) + "'"; }

void check_size(const Shape& shape) {
  int64_t size = 1;
  for (int64_t n : shape) {
    if (__builtin_mul_overflow(size, n, &size)) size = INT64_MAX;
  }
  if (size <= Limits{}.max_batch_values) return;
  throw LimitExceeded("a block of " + shape_string(shape) + " values; the limit is " +
                      std::to_string(Limits{}.max_batch_values));
}

}  // namespace

void SequenceBatch::check_lengths(std::span<const int64_t> lengths) const {
  for (size_t i = 1; i < parts_.size(); ++i) {
    for (size_t row = 0; row < lengths.size(); ++row) {
      const int64_t length = parts_[i]->length(static_cast<int64_t>(row));
      if (length == lengths[row]) continue;
      Where where;
      where.row = static_cast<int64_t>(row);
      throw InvalidArgument("the sequences of columns " + quoted(columns_[0]) + " and " +
                                quoted(columns_[i]) + " differ in length: " +
                                std::to_string(lengths[row]) + " and " + std::to_string(length),
                            std::move(where));
    }
  }
}

void SequenceBatch::check_regular(int64_t longest) const {
  if (options_.pad == Pad::kRight && (!options_.max_length || longest <= *options_.max_length))
    return;
  for (size_t i = 0; i < parts_.size(); ++i) {
    if (parts_[i]->regular()) continue;
    throw InvalidArgument("column " + quoted(columns_[i]) +
                          ": the steps of this feature are not one element of the column's shape "
                          "each, so its rows can "
                          "be neither cut (max_length) nor padded on the left");
  }
}

int64_t SequenceBatch::padded_steps(std::span<const int64_t> lengths, int64_t longest) const {
  int64_t steps = 0;
  for (const SequencePartPtr& part : parts_) steps = std::max(steps, part->steps());
  if (options_.max_length) steps = std::min(steps, *options_.max_length);
  const int64_t n = options_.pad_to.n;
  if (options_.pad_to.kind == PadTo::Kind::kMultiple && steps % n != 0) {
    if (__builtin_add_overflow(steps, n - steps % n, &steps)) steps = INT64_MAX;
  }
  if (options_.pad_to.kind != PadTo::Kind::kFixed) return steps;
  if (longest > n) {
    Where where;
    where.row = std::ranges::max_element(lengths) - lengths.begin();
    throw InvalidArgument("a sequence of " + std::to_string(longest) +
                              " steps does not fit pad_to=" + std::to_string(n) +
                              "; set max_length to cut longer ones",
                          std::move(where));
  }
  return n;
}

void SequenceBatch::measure(Tensor& out) {
  check_rows(columns_, parts_);
  const int64_t rows = parts_[0]->rows();
  if (out.dtype() != DType::kInt64 || out.shape() != Shape{rows} || out.buffer().borrowed())
    out = Tensor(DType::kInt64, {rows});
  const auto lengths = out.mutable_values<int64_t>();
  for (int64_t row = 0; row < rows; ++row)
    lengths[static_cast<size_t>(row)] = parts_[0]->length(row);
  check_lengths(lengths);
  const int64_t longest = rows == 0 ? 0 : std::ranges::max(lengths);
  check_regular(longest);
  if (options_.max_length && longest > *options_.max_length) {
    raw_lengths_.assign(lengths.begin(), lengths.end());
    for (int64_t& length : lengths) length = std::min(length, *options_.max_length);
  }
  steps_ = padded_steps(lengths,
                        options_.max_length ? std::min(longest, *options_.max_length) : longest);
  lengths_ = lengths;
}

SequenceBatch::Run SequenceBatch::run_of(std::span<const SequencePartPtr> parts) {
  int64_t width = 0;
  for (const SequencePartPtr& part : parts) width += part->width();
  return {parts, width};
}

SequenceBatch::Placed SequenceBatch::placed(int64_t row) const {
  const auto at = static_cast<size_t>(row);
  const int64_t length = lengths_[at], count = std::min(length, steps_);
  const int64_t raw = raw_lengths_.empty() ? length : raw_lengths_[at];
  return {.first = options_.keep == Keep::kLast ? raw - length : 0,
          .count = count,
          .begin = options_.pad == Pad::kLeft ? steps_ - count : 0};
}

template <class T>
void SequenceBatch::pad(const Run& run, T* from, int64_t steps) const {
  if (steps <= 0) return;
  std::memset(from, 0, static_cast<size_t>(steps * run.width) * sizeof(T));
  int64_t offset = 0;
  for (const SequencePartPtr& part : run.parts) {
    const T padding = static_cast<T>(part->padding());
    if (padding != 0) {
      for (int64_t step = 0; step < steps; ++step)
        std::fill_n(from + step * run.width + offset, part->width(), padding);
    }
    offset += part->width();
  }
}

template <class T>
void SequenceBatch::write_row(const Run& run, int64_t row, T* to, bool stream) const {
  const Placed at = placed(row);
  T* begin = to + at.begin * run.width;
  pad(run, to, at.begin);
  int64_t offset = 0;
  for (const SequencePartPtr& part : run.parts) {
    part->write(row, at.first, at.count, {begin + offset, run.width, stream});
    offset += part->width();
  }
  pad(run, begin + at.count * run.width, steps_ - at.begin - at.count);
  offset = 0;
  for (const SequencePartPtr& part : run.parts) {
    // What stands behind the row's length.
    if (!part->regular())
      part->write(row, 0, std::min(part->extent(row), steps_), {to + offset, run.width, stream});
    offset += part->width();
  }
}

template <class T>
void SequenceBatch::write_rows(const Run& run, Tensor& out) const {
  T* data = out.mutable_values<T>().data();
  const int64_t each = steps_ * run.width, bytes = each * static_cast<int64_t>(sizeof(T));
  const bool stream = out.size() * static_cast<int64_t>(sizeof(T)) >= kStreamBytes;
  const int64_t grain = std::max<int64_t>(1, kGrainBytes / std::max<int64_t>(1, bytes));
  base::parallel_for(out.dim(0), grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) write_row(run, row, data + row * each, stream);
  });
}

void SequenceBatch::write(const Run& run, DType dtype, Tensor& out) const {
  const int64_t rows = parts_[0]->rows();
  Shape shape{rows, steps_, run.width};
  check_size(shape);
  if (out.dtype() != dtype || out.shape() != shape || out.buffer().borrowed())
    out = Tensor(dtype, std::move(shape));
  if (out.size() == 0) return;
  if (dtype == DType::kFloat64) {
    write_rows<double>(run, out);
  } else {
    write_rows<float>(run, out);
  }
}

void SequenceBatch::write(Tensor& out) const { write(run_of(parts_), options_.dtype, out); }

IdCounts SequenceBatch::counts_of(const SequencePart& part, const IdBounds& bounds) const {
  check_size({part.rows(), steps_});
  CountsWriter writer(bounds.width, part.rows() * steps_, bounds.most, options_.dtype);
  for (int64_t row = 0; row < part.rows(); ++row) {
    const Placed at = placed(row);
    writer.skip(at.begin);
    part.count(row, at.first, at.count, writer);
    writer.skip(steps_ - at.begin - at.count);
  }
  return writer.finish();
}

Blocks SequenceBatch::blocks(bool lookups) const {
  std::vector<Blocks::Block> made;
  for (size_t i = 0, next = 0; i < parts_.size(); i = next) {
    next = i + 1;
    if (const auto bounds = counted_ids(*parts_[i], lookups)) {
      made.emplace_back(counts_of(*parts_[i], *bounds));
      continue;
    }
    while (next < parts_.size() && !counted_ids(*parts_[next], lookups)) ++next;
    Tensor dense;
    write(run_of(std::span(parts_).subspan(i, next - i)), options_.dtype, dense);
    made.emplace_back(std::move(dense));
  }
  return {{parts_[0]->rows(), steps_}, std::move(made)};
}

Tensor SequenceBatch::written(const SequencePartPtr& part, DType dtype) const {
  Tensor out;
  write(run_of({&part, 1}), dtype, out);
  return out;
}

GradientColumns SequenceBatch::columns_of(const Tensor& grad, bool dense_only) const {
  GradientColumns columns = gradient_columns(parts_, dense_only);
  check_gradient(grad, options_.dtype, {parts_[0]->rows(), steps_, columns.width}, kOutput);
  return columns;
}

std::vector<std::optional<IndexedSlices>> SequenceBatch::backward(const Tensor& grad,
                                                                  bool dense_only) const {
  const auto [begins, width] = columns_of(grad, dense_only);
  const int64_t bytes = dtype_size(options_.dtype);
  std::vector<std::optional<IndexedSlices>> gradients(parts_.size());
  std::vector<StepCells> cells(static_cast<size_t>(parts_[0]->rows()));
  for (size_t i = 0; i < parts_.size(); ++i) {
    if (begins[i] < 0) continue;
    const uint8_t* column = grad.buffer().data() + begins[i] * bytes;
    for (size_t row = 0; row < cells.size(); ++row) {
      const auto [first, count, begin] = placed(static_cast<int64_t>(row));
      const int64_t cell = static_cast<int64_t>(row) * steps_ + begin;
      cells[row] = {first, count, column + cell * width * bytes};
    }
    gradients[i] = parts_[i]->backward(cells, width);
  }
  return gradients;
}

}  // namespace weft
