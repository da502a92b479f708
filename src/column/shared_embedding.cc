#include <algorithm>
#include <typeinfo>

#include "column/checks.h"
#include "column/fields.h"

namespace weft {
namespace {

// The column under its weights and its sequence.
const CategoricalColumn& innermost(const CategoricalColumn& column) {
  if (const auto* weighted = dynamic_cast<const WeightedCategoricalColumn*>(&column))
    return innermost(weighted->categorical());
  if (const auto* sequence = dynamic_cast<const SequenceCategoricalColumn*>(&column))
    return innermost(sequence->categorical());
  return column;
}

void check_alike(const CategoricalColumn& a, const CategoricalColumn& b) {
  if (std::string_view(a.class_name()) != b.class_name()) {
    throw InvalidArgument(
        "To use shared_embedding_column, all categorical_columns must have the same type, or be "
        "weighted_categorical_column or sequence column of the same type. Given column: " +
        a.to_string() + " does not match given column: " + b.to_string());
  }
  if (a.num_buckets() != b.num_buckets()) {
    throw InvalidArgument(
        "To use shared_embedding_column, all categorical_columns must have the same number of "
        "buckets. Given column: " +
        a.to_string() + " with buckets: " + std::to_string(a.num_buckets()) +
        " does not match column: " + b.to_string() +
        " with buckets: " + std::to_string(b.num_buckets()));
  }
}

std::string collection_name_of(const std::vector<Column>& columns) {
  std::vector<std::string> names;
  for (const Column& column : columns) names.push_back(column->name());
  std::ranges::sort(names);
  std::string joined;
  for (const std::string& name : names) joined += name + "_";
  return joined + "shared_embedding";
}

}  // namespace

Parameter SharedTable::parameter(DType dtype, const std::function<Parameter()>& make) {
  const std::lock_guard lock(mutex_);
  const auto at = std::ranges::find_if(
      parameters_, [&](const Parameter& made) { return made.value.dtype() == dtype; });
  return at != parameters_.end() ? *at : parameters_.emplace_back(make());
}

SharedEmbeddingColumn::SharedEmbeddingColumn(Column categorical_column, int64_t dimension,
                                             std::string collection_name, EmbeddingOptions options,
                                             std::shared_ptr<SharedTable> table)
    : EmbeddingColumn(std::move(categorical_column), dimension, std::move(options)),
      collection_name_(std::move(collection_name)),
      table_(table ? std::move(table) : std::make_shared<SharedTable>()) {
  if (collection_name_.empty())
    throw InvalidArgument("a shared embedding needs a collection name, column " + name());
}

std::string SharedEmbeddingColumn::name() const {
  return categorical_column()->name() + "_shared_embedding";
}

std::optional<TableSpec> SharedEmbeddingColumn::table() const {
  TableSpec spec = EmbeddingColumn::table().value();
  spec.name = collection_name_;
  spec.shared = table_;
  return spec;
}

Fields SharedEmbeddingColumn::config() const {
  Fields fields = EmbeddingColumn::config();
  const auto after = std::ranges::find(fields, "initializer", &Fields::value_type::first) + 1;
  fields.insert(after, {"shared_embedding_collection_name", collection_name_});
  return fields;
}

Column SharedEmbeddingColumn::from_config(FieldReader& read) {
  auto name = read.get<std::string>("shared_embedding_collection_name");
  auto table = read.shared_table(name);
  return std::make_shared<SharedEmbeddingColumn>(read.get<Column>("categorical_column"),
                                                 read.get<int64_t>("dimension"), std::move(name),
                                                 read_embedding_options(read), std::move(table));
}

std::vector<Column> shared_embeddings(const std::vector<Column>& categorical_columns,
                                      int64_t dimension, const EmbeddingOptions& options,
                                      std::string shared_embedding_collection_name) {
  if (categorical_columns.empty()) throw InvalidArgument("shared_embeddings: no columns");
  const auto& first = require_categorical(categorical_columns[0], "shared_embeddings");
  for (const Column& column : categorical_columns)
    check_alike(innermost(first), innermost(require_categorical(column, "shared_embeddings")));
  if (shared_embedding_collection_name.empty())
    shared_embedding_collection_name = collection_name_of(categorical_columns);
  const auto table = std::make_shared<SharedTable>();
  std::vector<Column> columns;
  for (const Column& column : categorical_columns) {
    columns.push_back(std::make_shared<SharedEmbeddingColumn>(
        column, dimension, shared_embedding_collection_name, options, table));
  }
  return columns;
}

}  // namespace weft
