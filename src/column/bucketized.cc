#include <algorithm>
#include <cmath>

#include "column/checks.h"
#include "column/fields.h"

namespace weft {
namespace {

Tensor checked_boundaries(const Tensor& given) {
  if (given.rank() != 1 || given.size() == 0)
    throw InvalidArgument("boundaries must be a list of numbers and not empty");
  Tensor boundaries = as_floating(given, DType::kFloat64, "boundaries");
  const auto all = boundaries.values<double>();
  const auto ascends = [](double a, double b) { return a < b; };
  if (std::ranges::adjacent_find(all, std::not_fn(ascends)) != all.end() || std::isnan(all[0]))
    throw InvalidArgument("boundaries must be a sorted list. Given: " + field_string(boundaries));
  return boundaries;
}

}  // namespace

BucketizedColumn::BucketizedColumn(Column source_column, const Tensor& boundaries)
    : source_column_(std::move(source_column)) {
  const auto* source = dynamic_cast<const NumberColumn*>(source_column_.get());
  if (source == nullptr) {
    throw InvalidArgument(
        "source_column must be a column generated with numeric_column(), "
        "sequence_numeric_column() or sequence_time_delta_column(). Given: " +
        (source_column_ ? source_column_->to_string() : "None"));
  }
  if (source->shape().size() > 1) {
    throw InvalidArgument("source_column must be one-dimensional column. Given: " +
                          source->to_string());
  }
  boundaries_ = checked_boundaries(boundaries);
  (void)num_elements(variable_shape());
}

const NumberColumn& BucketizedColumn::source() const {
  return dynamic_cast<const NumberColumn&>(*source_column_);
}

int64_t BucketizedColumn::num_buckets() const { return num_elements(variable_shape()); }

Shape BucketizedColumn::variable_shape() const {
  Shape shape = source().shape();
  shape.push_back(boundaries_.size() + 1);
  return shape;
}

std::string BucketizedColumn::name() const { return source_column_->name() + "_bucketized"; }

ParseSpec BucketizedColumn::parse_example_spec() const {
  return source_column_->parse_example_spec();
}

Fields BucketizedColumn::config() const {
  return {{"source_column", source_column_}, {"boundaries", boundaries_}};
}

Column BucketizedColumn::from_config(FieldReader& read) {
  return std::make_shared<BucketizedColumn>(read.get<Column>("source_column"),
                                            read.get<Tensor>("boundaries"));
}

Column bucketized_column(Column source_column, const Tensor& boundaries) {
  return std::make_shared<BucketizedColumn>(std::move(source_column), boundaries);
}

Column sequence_bucketized_column(Column source_column, const Tensor& boundaries) {
  Column column = bucketized_column(std::move(source_column), boundaries);
  if (column->is_sequence()) return column;
  throw InvalidArgument(
      "sequence_bucketized_column: source_column must be a sequence_numeric_column or a "
      "sequence_time_delta_column. Given: " +
      column->to_string());
}

Tensor log_boundaries(double first, double last, int64_t count) {
  if (!(0 < first && first < last && std::isfinite(last)) || count < 2) {
    throw InvalidArgument("log_boundaries needs 0 < first < last and count >= 2, got " +
                          std::to_string(first) + ", " + std::to_string(last) + ", " +
                          std::to_string(count));
  }
  Tensor boundaries(DType::kFloat64, {count});
  const auto to = boundaries.mutable_values<double>();
  const double begin = std::log10(first);
  const double step = (std::log10(last) - begin) / static_cast<double>(count - 1);
  for (size_t i = 0; i < to.size(); ++i)
    to[i] = std::pow(10, begin + step * static_cast<double>(i));
  to.front() = first;
  to.back() = last;
  return checked_boundaries(boundaries);
}

}  // namespace weft
