#include <cmath>

#include "column/checks.h"
#include "column/fields.h"

namespace weft {

const char* combiner_name(Combiner combiner) {
  switch (combiner) {
    case Combiner::kSqrtn:
      return "sqrtn";
    case Combiner::kSum:
      return "sum";
    case Combiner::kMean:
      break;
  }
  return "mean";
}

Combiner combiner_from(std::string_view name) {
  for (Combiner combiner : {Combiner::kMean, Combiner::kSqrtn, Combiner::kSum}) {
    if (name == combiner_name(combiner)) return combiner;
  }
  throw InvalidArgument("combiner must be one of 'mean', 'sqrtn' or 'sum', got '" +
                        escape_bytes(name) + "'");
}

EmbeddingColumn::EmbeddingColumn(Column categorical_column, int64_t dimension,
                                 EmbeddingOptions options)
    : categorical_column_(std::move(categorical_column)),
      dimension_(dimension),
      options_(std::move(options)) {
  const std::string of =
      ", column " +
      escape_bytes(require_categorical(categorical_column_, "embedding_column").name());
  if (dimension_ < 1) throw InvalidArgument("Invalid dimension " + std::to_string(dimension_) + of);
  if (options_.ckpt_to_load_from.has_value() != options_.tensor_name_in_ckpt.has_value()) {
    throw InvalidArgument(
        "Must specify both `ckpt_to_load_from` and `tensor_name_in_ckpt` or none of them" + of);
  }
  if (options_.max_norm && !(*options_.max_norm > 0)) {
    throw InvalidArgument("max_norm must be greater than 0, got " +
                          std::to_string(*options_.max_norm) + of);
  }
  (void)num_elements({categorical().num_buckets(), dimension_});
  if (!options_.initializer) {
    options_.initializer =
        initializers::TruncatedNormal{0.0, 1 / std::sqrt(static_cast<double>(dimension_))};
  }
}

const CategoricalColumn& EmbeddingColumn::categorical() const {
  return dynamic_cast<const CategoricalColumn&>(*categorical_column_);
}

std::optional<TableSpec> EmbeddingColumn::table() const {
  if (options_.ckpt_to_load_from) {
    throw InvalidArgument("ckpt_to_load_from of column '" + escape_bytes(name()) +
                          "': reading a checkpoint here is not supported; load the tensor and set "
                          "the layer's weights");
  }
  return TableSpec{name() + "/embedding_weights",
                   {categorical().num_buckets(), dimension_},
                   options_.initializer.value(),
                   options_.trainable};
}

std::string EmbeddingColumn::name() const { return categorical_column_->name() + "_embedding"; }

ParseSpec EmbeddingColumn::parse_example_spec() const {
  return categorical_column_->parse_example_spec();
}

Fields EmbeddingColumn::config() const {
  return {{"categorical_column", categorical_column_},
          {"dimension", dimension_},
          {"combiner", std::string(combiner_name(options_.combiner))},
          {"initializer", options_.initializer.value()},
          {"ckpt_to_load_from", optional_field(options_.ckpt_to_load_from)},
          {"tensor_name_in_ckpt", optional_field(options_.tensor_name_in_ckpt)},
          {"max_norm", optional_field(options_.max_norm)},
          {"trainable", options_.trainable},
          {"use_safe_embedding_lookup", options_.use_safe_embedding_lookup}};
}

EmbeddingOptions read_embedding_options(FieldReader& read) {
  EmbeddingOptions options;
  options.combiner = combiner_from(read.get<std::string>("combiner"));
  options.initializer = read.get_optional<Initializer>("initializer");
  options.ckpt_to_load_from = read.get_optional<std::string>("ckpt_to_load_from");
  options.tensor_name_in_ckpt = read.get_optional<std::string>("tensor_name_in_ckpt");
  options.max_norm = read.get_optional<double>("max_norm");
  options.trainable = read.get<bool>("trainable");
  options.use_safe_embedding_lookup = read.get<bool>("use_safe_embedding_lookup");
  return options;
}

Column EmbeddingColumn::from_config(FieldReader& read) {
  return std::make_shared<EmbeddingColumn>(read.get<Column>("categorical_column"),
                                           read.get<int64_t>("dimension"),
                                           read_embedding_options(read));
}

Column embedding_column(Column categorical_column, int64_t dimension, EmbeddingOptions options) {
  return std::make_shared<EmbeddingColumn>(std::move(categorical_column), dimension,
                                           std::move(options));
}

}  // namespace weft
