#include "weft/column.h"

#include "column/fields.h"

namespace weft {
namespace {

struct ClassEntry {
  const char* name;
  Column (*from_config)(FieldReader&);
};

template <class C>
constexpr ClassEntry entry = {C::kClassName, C::from_config};

// One line per kind of column.
constexpr ClassEntry kClasses[] = {
    entry<IdentityCategoricalColumn>,
    entry<HashedCategoricalColumn>,
    entry<VocabularyListCategoricalColumn>,
    entry<VocabularyFileCategoricalColumn>,
    entry<WeightedCategoricalColumn>,
    entry<CrossedColumn>,
    entry<SequenceCategoricalColumn>,
    entry<NumericColumn>,
    entry<SequenceNumericColumn>,
    entry<SequenceTimeDeltaColumn>,
    entry<BucketizedColumn>,
    entry<EmbeddingColumn>,
    entry<SharedEmbeddingColumn>,
    entry<IndicatorColumn>,
};

}  // namespace

FeatureColumn::~FeatureColumn() = default;
CategoricalColumn::~CategoricalColumn() = default;
DenseColumn::~DenseColumn() = default;
NumberColumn::~NumberColumn() = default;

bool FeatureColumn::operator==(const FeatureColumn& other) const {
  return this == &other || (std::string_view(class_name()) == other.class_name() &&
                            same_fields(config(), other.config()));
}

uint64_t FeatureColumn::hash() const { return hash_fields(class_name(), config()); }

std::string FeatureColumn::to_string() const {
  return std::string(class_name()) + "(" + fields_string(config()) + ")";
}

Column column_from_config(std::string_view class_name, const Fields& fields, SharedTables* shared) {
  for (const ClassEntry& known : kClasses) {
    if (class_name != known.name) continue;
    FieldReader read(class_name, fields, shared);
    Column column = known.from_config(read);
    read.finish();
    return column;
  }
  throw InvalidArgument("Unknown feature_column: '" + escape_bytes(class_name) + "'");
}

}  // namespace weft
