#include "sequence/parts.h"

namespace weft {
SequencePart::~SequencePart() = default;
DensePart::~DensePart() = default;

void SequencePart::count(int64_t, int64_t, int64_t, CountsWriter&) const {}
void DensePart::count(int64_t, int64_t, CountsWriter&) const {}

std::optional<IndexedSlices> SequencePart::backward(std::span<const StepCells>, int64_t) const {
  return {};
}
std::optional<IndexedSlices> DensePart::backward(const void*, int64_t) const { return {}; }

std::unique_ptr<const SequencePart> DenseColumn::sequence_part(const PartSource&) const {
  throw InvalidArgument("SequenceFeatures does not take " + to_string());
}

std::unique_ptr<const DensePart> DenseColumn::dense_part(const PartSource&) const {
  throw InvalidArgument("DenseFeatures does not take " + to_string());
}

void refuse_id(const DenseColumn& column, int64_t row, int64_t step, int64_t id, int64_t buckets) {
  Where where;
  where.key = column.ids_column()->name();
  where.row = row;
  where.step = step;
  throw OutOfRange("id " + std::to_string(id) + " of column '" + escape_bytes(column.name()) +
                       "' is outside [0, " + std::to_string(buckets) +
                       "): the ids were changed while they were read",
                   std::move(where));
}

void refuse_rows(const Column& a, int64_t rows_a, const Column& b, int64_t rows_b) {
  throw InvalidArgument(
      "Batch size (first dimension) of each feature must be same. Batch size of columns ('" +
      escape_bytes(a->name()) + "', '" + escape_bytes(b->name()) + "'): (" +
      std::to_string(rows_a) + ", " + std::to_string(rows_b) + ")");
}

}  // namespace weft
