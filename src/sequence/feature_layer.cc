#include <algorithm>
#include <mutex>

#include "sequence/batch_ids.h"
#include "weft/sequence.h"

namespace weft {
namespace {

const DenseColumn& require_role(const Column& column, bool sequence) {
  const auto* dense = dynamic_cast<const DenseColumn*>(column.get());
  if (dense == nullptr) {
    throw InvalidArgument(
        "Items of feature_columns must be a DenseColumn. You can wrap a categorical column with an "
        "embedding_column or indicator_column. Given: " +
        column->to_string());
  }
  if (dense->is_sequence() == sequence) return *dense;
  const bool ids = dense->ids_column() != nullptr;
  std::string text = "In column '" + escape_bytes(dense->name()) + "': ";
  if (sequence) {
    text += ids ? "categorical_column must be of type SequenceCategoricalColumn to use "
                  "SequenceFeatures. Suggested fix: use one of sequence_categorical_column_with_*."
                : "it must be a sequence column to use SequenceFeatures. Suggested fix: use "
                  "sequence_numeric_column, or DenseFeatures.";
  } else {
    text += ids ? "categorical_column must not be of type SequenceCategoricalColumn to use "
                  "DenseFeatures. Suggested fix: use SequenceFeatures, or a non-sequence "
                  "categorical_column_with_*."
                : "it must not be a sequence column to use DenseFeatures. Suggested fix: use "
                  "numeric_column, or SequenceFeatures.";
  }
  throw InvalidArgument(text + " Given: " + column->to_string());
}

void sort_by_name(std::vector<Column>& columns) {
  if (columns.empty()) throw InvalidArgument("feature_columns must not be empty.");
  for (const Column& column : columns) {
    if (!column)
      throw InvalidArgument("Items of feature_columns must be a FeatureColumn. Given: None");
  }
  std::ranges::stable_sort(columns, {}, [](const Column& column) { return column->name(); });
  for (size_t i = 1; i < columns.size(); ++i) {
    if (columns[i]->name() != columns[i - 1]->name()) continue;
    throw InvalidArgument("Duplicate feature column name found for columns: " +
                          columns[i - 1]->to_string() + " and " + columns[i]->to_string());
  }
}

// A shared table begins as the first layer that makes it would have it, whatever that is called.
Parameter parameter_of(const TableSpec& table, const FeatureLayer::Options& options) {
  const std::string stream = table.shared ? table.name : options.name + "/" + table.name;
  const auto make = [&] {
    return Parameter{table.name,
                     table.initializer(table.shape, options.dtype, stream, options.seed),
                     table.initializer, table.trainable};
  };
  Parameter made = table.shared ? table.shared->parameter(options.dtype, make) : make();
  made.trainable = made.trainable && options.trainable;
  return made;
}

// `made`: the layer's table of this name; `own`: the column's shared one, if it has one.
void check_same_table(const Parameter& made, const Parameter& own, const TableSpec& table,
                      const DenseColumn& column) {
  const bool same_memory = made.value.buffer().data() == own.value.buffer().data();
  if (made.value.shape() == table.shape && made.initializer == table.initializer && same_memory)
    return;
  throw InvalidArgument("column '" + escape_bytes(column.name()) + "' wants another table '" +
                        escape_bytes(table.name) + "' than a column before it: shape " +
                        shape_string(table.shape) + ", not " + shape_string(made.value.shape()) +
                        ", another initializer, or that of another shared_embeddings(); give "
                        "collections names of their own");
}

}  // namespace

// One entry for each different categorical column that the layer reads, by its place.
struct FeatureLayer::Counters {
  struct Entry {
    std::string key;
    IdsCounters counters;
  };
  IdsPlaces places;
  mutable std::mutex mutex;
  std::vector<Entry> entries;
};

FeatureLayer::FeatureLayer(std::vector<Column> columns, Options options, Role role)
    : columns_(std::move(columns)),
      options_(std::move(options)),
      counters_(std::make_shared<Counters>()) {
  const bool sequence = role == Role::kSequence;
  if (options_.name.empty()) options_.name = sequence ? "sequence_features" : "dense_features";
  if (options_.dtype != DType::kFloat32 && options_.dtype != DType::kFloat64) {
    throw InvalidArgument(std::string("the dtype of a feature layer is float32 or float64, got ") +
                          dtype_name(options_.dtype));
  }
  sort_by_name(columns_);
  for (const Column& column : columns_) {
    dense_.push_back(&require_role(column, sequence));
    if (__builtin_add_overflow(width_, num_elements(dense_.back()->variable_shape()), &width_))
      throw InvalidArgument("the columns are more than 2^63 numbers wide");
    dense_.back()->prepare();
    parameter_of_.push_back(add_table(*dense_.back()));
  }
  name_counters();
}

int FeatureLayer::add_table(const DenseColumn& column) {
  const std::optional<TableSpec> table = column.table();
  if (!table) return -1;
  const auto place =
      std::ranges::find(parameters_, table->name, &Parameter::name) - parameters_.begin();
  if (place == std::ssize(parameters_)) parameters_.push_back(parameter_of(*table, options_));
  const Parameter& made = parameters_[static_cast<size_t>(place)];
  check_same_table(made, table->shared ? parameter_of(*table, options_) : made, *table, column);
  return static_cast<int>(place);
}

// Names of dense columns are distinct, those of the columns that they read need not be.
void FeatureLayer::name_counters() {
  auto& entries = counters_->entries;
  for (const DenseColumn* dense : dense_) {
    const CategoricalColumn* column = dense->ids_column();
    if (column != nullptr && counters_->places.add(*column)) entries.push_back({dense->name(), {}});
  }
  std::vector<std::string> taken;
  for (const auto* column : counters_->places.columns()) taken.push_back(column->name());
  for (const DenseColumn* dense : dense_) taken.push_back(dense->name());
  for (size_t place = 0; place < entries.size(); ++place) {
    const std::string name = counters_->places.columns()[place]->name();
    if (std::ranges::count(taken, name) == 1) entries[place].key = name;
  }
}

FeatureLayer::~FeatureLayer() = default;
FeatureLayer::FeatureLayer(const FeatureLayer&) = default;
FeatureLayer::FeatureLayer(FeatureLayer&&) noexcept = default;
FeatureLayer& FeatureLayer::operator=(const FeatureLayer&) = default;
FeatureLayer& FeatureLayer::operator=(FeatureLayer&&) noexcept = default;

std::map<std::string, IdsCounters> FeatureLayer::counters() const {
  std::lock_guard lock(counters_->mutex);
  std::map<std::string, IdsCounters> found;
  for (const auto& entry : counters_->entries) found[entry.key] = entry.counters;
  return found;
}

void FeatureLayer::reset_counters() {
  std::lock_guard lock(counters_->mutex);
  for (auto& entry : counters_->entries) entry.counters = {};
}

const IdsPlaces& FeatureLayer::ids_places() const { return counters_->places; }

void FeatureLayer::count(const BatchIds& ids) const {
  std::lock_guard lock(counters_->mutex);
  for (size_t place = 0; place < counters_->entries.size(); ++place)
    counters_->entries[place].counters += ids.counters()[place];
}

const Parameter* FeatureLayer::parameter(size_t column) const {
  const int at = parameter_of_[column];
  return at < 0 ? nullptr : &parameters_[static_cast<size_t>(at)];
}

void FeatureLayer::read_from(std::span<const Tensor> tables) {
  parameters_ = parameters_over(parameters_, tables, "layer '" + options_.name + "'");
}

std::vector<Gradient> FeatureLayer::sum_gradients(
    std::vector<std::optional<IndexedSlices>> by_column) const {
  std::vector<std::optional<Gradient>> sums(parameters_.size());
  for (size_t column = 0; column < by_column.size(); ++column) {
    if (!by_column[column]) continue;
    std::optional<Gradient>& sum = sums[static_cast<size_t>(parameter_of_[column])];
    sum = sum ? add(*sum, *by_column[column]) : Gradient(std::move(*by_column[column]));
  }
  std::vector<Gradient> gradients;
  for (std::optional<Gradient>& sum : sums) gradients.push_back(std::move(*sum));
  return gradients;
}

}  // namespace weft
