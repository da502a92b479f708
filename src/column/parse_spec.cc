#include "column/fields.h"
#include "weft/column.h"

namespace weft {
namespace {

bool same_default(const std::optional<Tensor>& a, const std::optional<Tensor>& b) {
  return a.has_value() == b.has_value() && (!a || same_tensor(*a, *b));
}

bool same(const FixedLenFeature& a, const FixedLenFeature& b) {
  return a.shape == b.shape && a.dtype == b.dtype && same_default(a.default_value, b.default_value);
}

bool same(const VarLenFeature& a, const VarLenFeature& b) { return a.dtype == b.dtype; }

bool same(const FixedLenSequenceFeature& a, const FixedLenSequenceFeature& b) {
  return a.shape == b.shape && a.dtype == b.dtype && a.allow_missing == b.allow_missing &&
         same_default(a.default_value, b.default_value);
}

bool same(const RaggedFeature& a, const RaggedFeature& b) {
  return a.dtype == b.dtype && a.value_key == b.value_key && a.partitions == b.partitions &&
         a.row_splits_dtype == b.row_splits_dtype && a.validate == b.validate;
}

bool same(const SparseFeature& a, const SparseFeature& b) {
  return a.index_key == b.index_key && a.value_key == b.value_key && a.dtype == b.dtype &&
         a.size == b.size && a.already_sorted == b.already_sorted;
}

// For messages: the class and what columns set of it.
struct SpecString {
  std::string operator()(const FixedLenFeature& spec) const {
    return "FixedLenFeature(shape=" + field_string(spec.shape) +
           ", dtype=" + dtype_name(spec.dtype) +
           (spec.default_value ? ", with a default_value)" : ", default_value=None)");
  }
  std::string operator()(const VarLenFeature& spec) const {
    return std::string("VarLenFeature(dtype=") + dtype_name(spec.dtype) + ")";
  }
  std::string operator()(const FixedLenSequenceFeature& spec) const {
    return "FixedLenSequenceFeature(shape=" + field_string(spec.shape) +
           ", dtype=" + dtype_name(spec.dtype) + ")";
  }
  std::string operator()(const RaggedFeature& spec) const {
    return std::string("RaggedFeature(dtype=") + dtype_name(spec.dtype) + ")";
  }
  std::string operator()(const SparseFeature& spec) const {
    return std::string("SparseFeature(dtype=") + dtype_name(spec.dtype) + ")";
  }
};

}  // namespace

bool operator==(const FeatureSpec& a, const FeatureSpec& b) {
  if (a.index() != b.index()) return false;
  return std::visit(
      [&](const auto& held) { return same(held, std::get<std::decay_t<decltype(held)>>(b)); }, a);
}

ParseSpec make_parse_example_spec(std::span<const Column> columns) {
  ParseSpec merged;
  for (const Column& column : columns) {
    if (!column)
      throw InvalidArgument("All feature_columns must be FeatureColumn instances. Given: None");
    for (auto& [key, spec] : column->parse_example_spec()) {
      const auto [at, inserted] = merged.try_emplace(key, spec);
      if (!inserted && !(at->second == spec)) {
        throw InvalidArgument("feature_columns contain different parse_spec for key " +
                              escape_bytes(key) + ": column '" + escape_bytes(column->name()) +
                              "' gives " + std::visit(SpecString{}, spec) +
                              ", another column gave " + std::visit(SpecString{}, at->second));
      }
    }
  }
  return merged;
}

}  // namespace weft
