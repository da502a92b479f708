// Record batches: struct arrays whose children are the columns.
#include "arrow/batch.h"

#include <algorithm>

namespace weft::arrow {
namespace {

std::string name_of(const ArrowSchema& schema) {
  return schema.name == nullptr ? std::string() : std::string(schema.name);
}

void check_children(const ArrowSchema& schema, const ArrowArray& batch) {
  if (batch.n_children != schema.n_children || (batch.n_children > 0 && batch.children == nullptr))
    corrupt("", "a record batch of " + std::to_string(batch.n_children) +
                    " columns; its schema has " + std::to_string(schema.n_children));
}

void refuse_null_rows(const ArrowArray& batch) {
  const Run all{0, &batch, 0, batch.length};
  const uint8_t* bits = null_bits(all);
  if (bits == nullptr) return;
  int64_t row = 0;
  while (bit(bits, batch.offset + row)) ++row;
  throw InvalidArgument("a row of the record batch is null", {.row = row});
}

}  // namespace

bool is_batch(const ArrowSchema& schema) {
  return schema.release != nullptr && schema.format != nullptr &&
         std::string_view(schema.format) == "+s";
}

std::vector<Selected> select_columns(const ArrowSchema& schema, const ArrowOptions& options) {
  if (!is_batch(schema)) {
    (void)type_of(schema, "");
    throw WrongType(std::string("an Arrow array of type '") + escape_bytes(schema.format) +
                    "' where a record batch is wanted");
  }
  if (schema.n_children < 0 || (schema.n_children > 0 && schema.children == nullptr))
    corrupt("", "a record batch whose schema lacks its columns");
  std::vector<Selected> selected;
  for (int64_t i = 0; i < schema.n_children; ++i) {
    const ArrowSchema* child = schema.children[i];
    if (child == nullptr)
      corrupt("", "a record batch whose schema lacks column " + std::to_string(i));
    std::string name = name_of(*child);
    if (options.columns && std::ranges::find(*options.columns, name) == options.columns->end())
      continue;
    const auto same = [&](const Selected& other) { return other.name == name; };
    if (std::ranges::any_of(selected, same))
      throw InvalidArgument("two columns of one name", {.key = name});
    selected.push_back({i, std::move(name), child, {}});
  }
  return selected;
}

void add_batch(const ArrowSchema& schema, const ArrowArray& batch,
               std::vector<Selected>& selected) {
  check_array(batch, {Layout::kStruct}, Column{});
  check_children(schema, batch);
  refuse_null_rows(batch);
  for (Selected& column : selected) {
    ArrowArray* child = batch.children[column.index];
    if (child == nullptr) corrupt(column.name, "a record batch that lacks this column");
    if (child->length < batch.offset + batch.length) {
      corrupt(column.name, "a column of " + std::to_string(child->length) +
                               " rows in a record batch of " + std::to_string(batch.length) +
                               " rows at offset " + std::to_string(batch.offset));
    }
    // Moved out of the batch, so that a column that is borrowed from holds no other one.
    column.chunks.push_back({own(*child, column.name), batch.offset, batch.length});
  }
}

Features read_batch(const std::vector<Selected>& selected, const Limits& limits) {
  Features features;
  for (const Selected& column : selected)
    features.emplace(column.name, read_column(*column.schema, column.chunks, column.name, limits));
  return features;
}

}  // namespace weft::arrow

namespace weft {

Feature import_array(ArrowArray&& array, const ArrowSchema& schema, std::string_view name,
                     const Limits& limits) {
  std::shared_ptr<const ArrowArray> owned = arrow::own(array, name);
  const int64_t length = owned->length;
  return arrow::read_column(schema, {{std::move(owned), 0, length}}, name, limits);
}

Features import_batch(ArrowArray&& array, const ArrowSchema& schema, const ArrowOptions& options) {
  const std::shared_ptr<const ArrowArray> batch = arrow::own(array, "");
  std::vector<arrow::Selected> selected = arrow::select_columns(schema, options);
  arrow::add_batch(schema, *batch, selected);
  return arrow::read_batch(selected, options.limits);
}

}  // namespace weft
