#include "column/fields.h"
#include "column/kinds.h"

namespace weft {

SequenceCategoricalColumn::SequenceCategoricalColumn(Column categorical_column)
    : CategoricalColumn(Kind::kSequenceCategorical),
      categorical_column_(std::move(categorical_column)) {
  require_categorical(categorical_column_, "SequenceCategoricalColumn");
  if (categorical_column_->kind() == Kind::kSequenceCategorical) {
    throw InvalidArgument("categorical_column is a sequence already: " +
                          categorical_column_->to_string());
  }
}

int64_t SequenceCategoricalColumn::num_buckets() const {
  return static_cast<const CategoricalColumn&>(*categorical_column_).num_buckets();
}

std::string SequenceCategoricalColumn::name() const { return categorical_column_->name(); }

ParseSpec SequenceCategoricalColumn::parse_example_spec() const {
  return categorical_column_->parse_example_spec();
}

Fields SequenceCategoricalColumn::config() const {
  return {{"categorical_column", categorical_column_}};
}

Column sequence_categorical_from_config(const Fields& fields) {
  const FieldReader read("SequenceCategoricalColumn", fields, {"categorical_column"});
  return std::make_shared<SequenceCategoricalColumn>(read.get<Column>("categorical_column"));
}

}  // namespace weft
