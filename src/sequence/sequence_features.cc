#include <algorithm>
#include <cstring>

#include "base/thread_pool.h"
#include "sequence/parts.h"
#include "weft/sequence.h"

namespace weft {
namespace {

constexpr int64_t kGrainBytes = int64_t{1} << 19;    // output that one thread writes in about 20 us
constexpr int64_t kStreamBytes = int64_t{16} << 20;  // outputs that no cache is going to hold

std::string quoted(const Column& column) { return "'" + escape_bytes(column->name()) + "'"; }

// One batch on its way through a layer: parts in the order of the columns, and the layout.
class SequenceBatch {
 public:
  SequenceBatch(const std::vector<Column>& columns, const SequenceFeaturesOptions& options,
                int64_t width)
      : columns_(columns), options_(options), width_(width) {}

  void add(SequencePartPtr part) { parts_.push_back(std::move(part)); }

  // Checks that the parts fit one another and fills out.lengths.
  void measure(Sequence& out);
  // Makes out.data, allocated again only if its shape changes, and writes every element of it once.
  void write(Sequence& out) const;

 private:
  void check_rows() const;
  void check_lengths(std::span<const int64_t> lengths) const;
  void check_regular(int64_t longest) const;
  int64_t padded_steps(std::span<const int64_t> lengths, int64_t longest) const;
  template <class T>
  void write_rows(Sequence& out) const;
  template <class T>
  void write_row(int64_t row, int64_t length, T* to, bool stream) const;
  template <class T>
  void pad(T* from, int64_t steps) const;

  const std::vector<Column>& columns_;
  const SequenceFeaturesOptions& options_;
  const int64_t width_;
  std::vector<SequencePartPtr> parts_;
  std::vector<int64_t> raw_lengths_;  // before max_length; empty when nothing is cut
  int64_t steps_ = 0;                 // T
};

void SequenceBatch::check_rows() const {
  for (size_t i = 1; i < parts_.size(); ++i) {
    if (parts_[i]->rows() == parts_[0]->rows()) continue;
    throw InvalidArgument(
        "Batch size (first dimension) of each feature must be same. Batch size of columns (" +
        quoted(columns_[0]) + ", " + quoted(columns_[i]) + "): (" +
        std::to_string(parts_[0]->rows()) + ", " + std::to_string(parts_[i]->rows()) + ")");
  }
}

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

void SequenceBatch::measure(Sequence& out) {
  check_rows();
  const int64_t rows = parts_[0]->rows();
  if (out.lengths.dtype() != DType::kInt64 || out.lengths.shape() != Shape{rows} ||
      out.lengths.buffer().borrowed()) {
    out.lengths = Tensor(DType::kInt64, {rows});
  }
  const auto lengths = out.lengths.mutable_values<int64_t>();
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
  out.pad = options_.pad;
}

template <class T>
void SequenceBatch::pad(T* from, int64_t steps) const {
  if (steps <= 0) return;
  std::memset(from, 0, static_cast<size_t>(steps * width_) * sizeof(T));
  int64_t offset = 0;
  for (const SequencePartPtr& part : parts_) {
    const T padding = static_cast<T>(part->padding());
    if (padding != 0) {
      for (int64_t step = 0; step < steps; ++step)
        std::fill_n(from + step * width_ + offset, part->width(), padding);
    }
    offset += part->width();
  }
}

template <class T>
void SequenceBatch::write_row(int64_t row, int64_t length, T* to, bool stream) const {
  const int64_t real = std::min(length, steps_);
  const int64_t raw = raw_lengths_.empty() ? length : raw_lengths_[static_cast<size_t>(row)];
  const int64_t first = options_.keep == Keep::kLast ? raw - length : 0;
  T* begin = to + (options_.pad == Pad::kLeft ? (steps_ - real) * width_ : 0);
  pad(to, (begin - to) / width_);
  int64_t offset = 0;
  for (const SequencePartPtr& part : parts_) {
    part->write(row, first, real, {begin + offset, width_, stream});
    offset += part->width();
  }
  pad(begin + real * width_, steps_ - real - (begin - to) / width_);
  offset = 0;
  for (const SequencePartPtr& part : parts_) {
    // What stands behind the row's length.
    if (!part->regular())
      part->write(row, 0, std::min(part->extent(row), steps_), {to + offset, width_, stream});
    offset += part->width();
  }
}

template <class T>
void SequenceBatch::write_rows(Sequence& out) const {
  T* data = out.data.mutable_values<T>().data();
  const auto lengths = out.lengths.values<int64_t>();
  const int64_t each = steps_ * width_, bytes = each * static_cast<int64_t>(sizeof(T));
  const bool stream = out.data.size() * static_cast<int64_t>(sizeof(T)) >= kStreamBytes;
  const int64_t grain = std::max<int64_t>(1, kGrainBytes / std::max<int64_t>(1, bytes));
  base::parallel_for(static_cast<int64_t>(lengths.size()), grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      write_row(row, lengths[static_cast<size_t>(row)], data + row * each, stream);
    }
  });
}

void SequenceBatch::write(Sequence& out) const {
  const int64_t rows = parts_[0]->rows();
  int64_t size = 0;
  if (__builtin_mul_overflow(rows, steps_, &size) || __builtin_mul_overflow(size, width_, &size) ||
      size > Limits{}.max_batch_values) {
    throw LimitExceeded("a block of " + shape_string({rows, steps_, width_}) +
                        " values; the limit is " + std::to_string(Limits{}.max_batch_values));
  }
  Shape shape{rows, steps_, width_};
  if (out.data.dtype() != options_.dtype || out.data.shape() != shape ||
      out.data.buffer().borrowed()) {
    out.data = Tensor(options_.dtype, std::move(shape));
  }
  if (out.data.size() == 0) return;
  if (options_.dtype == DType::kFloat64) {
    write_rows<double>(out);
  } else {
    write_rows<float>(out);
  }
}

}  // namespace

// What the columns read, without the steps after the row's reference time.
Features SequenceFeatures::cut_off(const Features& features) const {
  const Cutoff& cutoff = sequence_options_.cutoff.value();
  const Ragged kept = steps_until(features, cutoff.key, cutoff.reference_key);
  Features before;
  for (const auto& [key, spec] : make_parse_example_spec(columns())) {
    const Feature& feature = find_feature(features, key);
    const bool steps = std::holds_alternative<VarLenFeature>(spec);
    try {
      before.emplace(key, steps ? keep_steps(feature, kept) : feature);
    } catch (Error& error) {
      error.locate({.key = key});
      throw;
    }
  }
  return before;
}

SequenceFeatures::SequenceFeatures(std::vector<Column> columns, SequenceFeaturesOptions options)
    : FeatureLayer(std::move(columns), options, Role::kSequence),
      sequence_options_(std::move(options)) {
  static_cast<Options&>(sequence_options_) = FeatureLayer::options();
  const PadTo& pad_to = sequence_options_.pad_to;
  if (sequence_options_.max_length && *sequence_options_.max_length < 1) {
    throw InvalidArgument("max_length must be greater than 0, got " +
                          std::to_string(*sequence_options_.max_length));
  }
  if (pad_to.kind != PadTo::Kind::kBatch && pad_to.n < 1) {
    throw InvalidArgument("pad_to must be greater than 0, got " + std::to_string(pad_to.n));
  }
}

void SequenceFeatures::operator()(const Features& features, Sequence& out) const {
  std::optional<Features> before;
  if (sequence_options_.cutoff) before = cut_off(features);
  BatchIds ids(before ? *before : features, sequence_options_.ids);
  SequenceBatch batch(columns(), sequence_options_, width());
  for (size_t i = 0; i < columns().size(); ++i) {
    batch.add(dense_column(i).sequence_part({ids, parameter(i), sequence_options_.dtype}));
  }
  batch.measure(out);
  batch.write(out);
  count(ids);
}

Sequence SequenceFeatures::operator()(const Features& features) const {
  Sequence out;
  (*this)(features, out);
  return out;
}

}  // namespace weft
