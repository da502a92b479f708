#include "sequence/parts.h"

namespace weft {
namespace {

struct KindEntry {
  FeatureColumn::Kind kind;
  SequencePartPtr (*sequence)(const DenseColumn&, const PartSource&);
  DensePartPtr (*dense)(const DenseColumn&, const PartSource&);
};

constexpr KindEntry kKinds[] = {
    {FeatureColumn::Kind::kEmbedding, embedding_sequence_part, embedding_dense_part},
    {FeatureColumn::Kind::kIndicator, indicator_sequence_part, indicator_dense_part},
    {FeatureColumn::Kind::kNumeric, nullptr, numeric_dense_part},
    {FeatureColumn::Kind::kSequenceNumeric, numeric_sequence_part, nullptr},
};

template <class Function>
Function function_of(const DenseColumn& column, Function KindEntry::* role) {
  for (const KindEntry& entry : kKinds) {
    if (entry.kind == column.kind() && entry.*role != nullptr) return entry.*role;
  }
  throw InvalidArgument("no feature layer of this kind takes " + column.to_string());
}

}  // namespace

SequencePart::~SequencePart() = default;
DensePart::~DensePart() = default;

SequencePartPtr sequence_part(const DenseColumn& column, const PartSource& source) {
  return function_of(column, &KindEntry::sequence)(column, source);
}

DensePartPtr dense_part(const DenseColumn& column, const PartSource& source) {
  return function_of(column, &KindEntry::dense)(column, source);
}

void refuse_id(const DenseColumn& column, int64_t row, int64_t step, int64_t id, int64_t buckets) {
  Where where;
  where.key = categorical_of(column)->name();
  where.row = row;
  where.step = step;
  throw OutOfRange("id " + std::to_string(id) + " of column '" + escape_bytes(column.name()) +
                       "' is outside [0, " + std::to_string(buckets) +
                       "): the ids were changed while they were read",
                   std::move(where));
}

}  // namespace weft
