#include "example/plan.h"

#include <map>
#include <utility>

#include "example/wire.h"
#include "weft/error.h"

namespace weft {
namespace {

void check_dtype(const std::string& key, DType dtype) {
  if (dtype != DType::kInt64 && dtype != DType::kFloat32 && dtype != DType::kString) {
    throw WrongType(
        std::string("an Example holds int64, float32 and string, not ") + dtype_name(dtype),
        {.key = key});
  }
}

int64_t checked_elements(const std::string& key, const Shape& shape) {
  try {
    return num_elements(shape);
  } catch (Error& error) {
    error.locate({.key = key});
    throw;
  }
}

void check_default(const std::string& key, const Tensor& value, DType dtype, int64_t elements) {
  if (value.dtype() != dtype) {
    throw WrongType(std::string("default_value is ") + dtype_name(value.dtype()) +
                        ", the feature is " + dtype_name(dtype),
                    {.key = key});
  }
  if (value.size() != elements) {
    throw InvalidArgument("default_value has shape " + shape_string(value.shape()) + " where " +
                              std::to_string(elements) +
                              (elements == 1 ? " element is" : " elements are") + " needed",
                          {.key = key});
  }
}

const char* kind_name(Slot::Kind kind) {
  switch (kind) {
    case Slot::Kind::kSparse:
      return "sparse";
    case Slot::Kind::kRagged:
      return "ragged";
    default:
      return "dense";
  }
}

}  // namespace

// Turns each feature of a spec into slots and an output.
class Plan::Builder {
 public:
  // `steps`: of feature lists.
  Builder(Plan& plan, std::vector<Output>& outputs, bool steps)
      : plan_(plan), outputs_(outputs), steps_(steps) {}

  void add(const std::string& name, const FeatureSpec& spec) {
    Output output{.name = name, .spec = &spec, .values = 0, .others = {}};
    std::visit([&](const auto& feature) { output.values = values_slot(name, feature, output); },
               spec);
    ++plan_.slots_[output.values].uses;
    for (size_t other : output.others) ++plan_.slots_[other].uses;
    outputs_.push_back(std::move(output));
  }

 private:
  size_t slot(const std::string& key, DType dtype, Slot::Kind kind) {
    check_dtype(key, dtype);
    if (!is_utf8(key)) {
      throw InvalidArgument("the key is not UTF-8, as every key of an Example is", {.key = key});
    }
    const auto [found, is_new] = slots_.try_emplace(key, plan_.slots_.size());
    if (is_new) {
      plan_.slots_.push_back({.key = key,
                              .dtype = dtype,
                              .kind = kind,
                              .shape = {},
                              .default_value = {},
                              .steps = steps_});
      return found->second;
    }
    const Slot& other = plan_.slots_[found->second];
    if (other.dtype != dtype) {
      throw InvalidArgument(std::string("the feature is read as ") + dtype_name(other.dtype) +
                                " and as " + dtype_name(dtype),
                            {.key = key});
    }
    if (other.kind != kind) {
      throw InvalidArgument(std::string("the feature is read as ") + kind_name(other.kind) +
                                " and as " + kind_name(kind) +
                                "; declare it once, or twice in the same way",
                            {.key = key});
    }
    return found->second;
  }

  size_t values_slot(const std::string& name, const FixedLenFeature& feature, Output&) {
    if (steps_) fail_unsupported(name, "FixedLenFeature");
    const int64_t elements = checked_elements(name, feature.shape);
    const size_t at = slot(name, feature.dtype, Slot::Kind::kFixed);
    if (feature.default_value) check_default(name, *feature.default_value, feature.dtype, elements);
    plan_.slots_[at].shape = feature.shape;
    plan_.slots_[at].elements = elements;
    plan_.slots_[at].default_value = feature.default_value;
    return at;
  }

  size_t values_slot(const std::string& name, const FixedLenSequenceFeature& feature, Output&) {
    const int64_t elements = checked_elements(name, feature.shape);
    if (!feature.allow_missing && !steps_) {
      throw InvalidArgument(
          "FixedLenSequenceFeature requires allow_missing to be True in an Example", {.key = name});
    }
    if (elements == 0) {
      throw InvalidArgument("steps of shape " + shape_string(feature.shape) + " have no elements",
                            {.key = name});
    }
    if (feature.default_value && steps_) {
      throw InvalidArgument(
          "the default_value of a feature list must be None: steps are padded "
          "with 0 or the empty string",
          {.key = name});
    }
    const size_t at = slot(name, feature.dtype, Slot::Kind::kPadded);
    if (feature.default_value) check_default(name, *feature.default_value, feature.dtype, 1);
    plan_.slots_[at].required = !feature.allow_missing;
    plan_.slots_[at].shape = feature.shape;
    plan_.slots_[at].elements = elements;
    plan_.slots_[at].default_value = feature.default_value;
    return at;
  }

  size_t values_slot(const std::string& name, const VarLenFeature& feature, Output&) {
    return slot(name, feature.dtype, Slot::Kind::kSparse);
  }

  size_t values_slot(const std::string& name, const RaggedFeature& feature, Output& output) {
    if (feature.row_splits_dtype != DType::kInt32 && feature.row_splits_dtype != DType::kInt64) {
      throw InvalidArgument(std::string("row_splits_dtype must be int32 or int64, got ") +
                                dtype_name(feature.row_splits_dtype),
                            {.key = name});
    }
    const std::string& key = feature.value_key.empty() ? name : feature.value_key;
    const size_t at = slot(key, feature.dtype, Slot::Kind::kRagged);
    for (const RowPartition& partition : feature.partitions) {
      if (partition.kind != RowPartition::Kind::kUniformRowLength) {
        output.others.push_back(slot(partition.key, DType::kInt64, Slot::Kind::kRagged));
        continue;
      }
      if (partition.length < 1) {
        throw InvalidArgument(
            "UniformRowLength must be at least 1, got " + std::to_string(partition.length),
            {.key = name});
      }
      output.others.push_back(at);  // not read
    }
    return at;
  }

  size_t values_slot(const std::string& name, const SparseFeature& feature, Output& output) {
    if (steps_) fail_unsupported(name, "SparseFeature");
    if (feature.index_key.empty() || feature.value_key.empty()) {
      throw InvalidArgument(std::string("Missing ") +
                                (feature.index_key.empty() ? "index_key" : "value_key") +
                                " of the SparseFeature",
                            {.key = name});
    }
    if (feature.index_key.size() != feature.size.size()) {
      throw InvalidArgument("a SparseFeature of " + std::to_string(feature.index_key.size()) +
                                " index keys and " + std::to_string(feature.size.size()) + " sizes",
                            {.key = name});
    }
    checked_elements(name, feature.size);
    for (const std::string& key : feature.index_key) {
      output.others.push_back(slot(key, DType::kInt64, Slot::Kind::kSparse));
    }
    return slot(feature.value_key, feature.dtype, Slot::Kind::kSparse);
  }

  [[noreturn]] static void fail_unsupported(const std::string& name, const char* kind) {
    throw InvalidArgument(std::string("Unsupported ") + kind +
                              ": a feature list is a FixedLenSequenceFeature, VarLenFeature or "
                              "RaggedFeature",
                          {.key = name});
  }

  Plan& plan_;
  std::vector<Output>& outputs_;
  bool steps_;
  std::map<std::string, size_t, std::less<>> slots_;
};

Plan::Plan(ParseSpec spec) : spec_(std::move(spec)) {
  if (spec_.empty()) throw InvalidArgument("the parse spec names no feature");
  compile();
}

Plan::Plan(ParseSpec context, ParseSpec lists)
    : sequence_(true), spec_(std::move(context)), list_spec_(std::move(lists)) {
  if (spec_.empty() && list_spec_.empty()) {
    throw InvalidArgument("the parse specs name no feature, neither of the context nor a list");
  }
  compile();
}

void Plan::compile() {
  Builder builder(*this, outputs_, false);
  for (const auto& [name, feature] : spec_) builder.add(name, feature);
  Builder list_builder(*this, list_outputs_, true);
  for (const auto& [name, feature] : list_spec_) list_builder.add(name, feature);
  make_keys(keys_, false);
  make_keys(list_keys_, true);
}

void Plan::make_keys(KeyTable& table, bool steps) const {
  std::vector<std::string> keys;
  std::vector<DType> dtypes;
  for (const Slot& slot : slots_) {
    if (slot.steps != steps) continue;
    keys.push_back(slot.key);
    dtypes.push_back(slot.dtype);
  }
  table.make(std::move(keys), dtypes);
}

}  // namespace weft
