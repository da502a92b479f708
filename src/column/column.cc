#include "weft/column.h"

#include "column/fields.h"
#include "column/kinds.h"

namespace weft {
namespace {

struct KindEntry {
  FeatureColumn::Kind kind;
  const char* class_name;
  Column (*from_config)(const Fields&);
};

using Kind = FeatureColumn::Kind;

constexpr KindEntry kKinds[] = {
    {Kind::kIdentity, "IdentityCategoricalColumn", identity_from_config},
    {Kind::kSequenceCategorical, "SequenceCategoricalColumn", sequence_categorical_from_config},
    {Kind::kEmbedding, "EmbeddingColumn", embedding_from_config},
    {Kind::kIndicator, "IndicatorColumn", indicator_from_config},
    {Kind::kNumeric, "NumericColumn", numeric_from_config},
    {Kind::kSequenceNumeric, "SequenceNumericColumn", sequence_numeric_from_config},
};

}  // namespace

FeatureColumn::~FeatureColumn() = default;
CategoricalColumn::~CategoricalColumn() = default;
DenseColumn::~DenseColumn() = default;

const char* FeatureColumn::class_name() const {
  for (const KindEntry& entry : kKinds) {
    if (entry.kind == kind_) return entry.class_name;
  }
  return "FeatureColumn";
}

bool FeatureColumn::operator==(const FeatureColumn& other) const {
  return this == &other || (kind_ == other.kind_ && same_fields(config(), other.config()));
}

uint64_t FeatureColumn::hash() const { return hash_fields(config(), static_cast<uint64_t>(kind_)); }

std::string FeatureColumn::to_string() const {
  return std::string(class_name()) + "(" + fields_string(config()) + ")";
}

Column column_from_config(std::string_view class_name, const Fields& fields) {
  for (const KindEntry& entry : kKinds) {
    if (class_name == entry.class_name) return entry.from_config(fields);
  }
  throw InvalidArgument("Unknown feature_column: '" + escape_bytes(class_name) + "'");
}

const CategoricalColumn& require_categorical(const Column& column, const char* what) {
  const auto* categorical = dynamic_cast<const CategoricalColumn*>(column.get());
  if (categorical == nullptr) {
    throw InvalidArgument(std::string(what) +
                          ": Unsupported input type. Input must be a CategoricalColumn. Given: " +
                          (column ? column->to_string() : "None"));
  }
  return *categorical;
}

void check_numeric_shape(const Shape& shape, const std::string& key) {
  for (int64_t dim : shape) {
    if (dim < 1) {
      throw InvalidArgument("shape dimensions must be greater than 0. shape: " +
                            shape_string(shape) + ", key: " + escape_bytes(key));
    }
  }
  (void)num_elements(shape);
}

void check_numeric_dtype(DType dtype, const std::string& key) {
  if (is_integer(dtype) || is_floating(dtype)) return;
  throw InvalidArgument(std::string("dtype must be convertible to float. dtype: ") +
                        dtype_name(dtype) + ", key: " + escape_bytes(key));
}

}  // namespace weft
