#include "example/plan.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <utility>

#include "base/cpu.h"
#include "base/varint.h"
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

uint8_t tag_of(DType dtype) {
  switch (dtype) {
    case DType::kInt64:
      return kInt64Tag;
    case DType::kFloat32:
      return kFloatTag;
    default:
      return kBytesTag;
  }
}

}  // namespace

// Turns each feature of the spec into slots and an output.
class Plan::Builder {
 public:
  explicit Builder(Plan& plan) : plan_(plan) {}

  void add(const std::string& name, const FeatureSpec& spec) {
    Output output{.name = name, .spec = &spec, .values = 0, .others = {}};
    std::visit([&](const auto& feature) { output.values = values_slot(name, feature, output); },
               spec);
    ++plan_.slots_[output.values].uses;
    for (size_t other : output.others) ++plan_.slots_[other].uses;
    plan_.outputs_.push_back(std::move(output));
  }

 private:
  size_t slot(const std::string& key, DType dtype, Slot::Kind kind) {
    check_dtype(key, dtype);
    if (!is_utf8(key)) {
      throw InvalidArgument("the key is not UTF-8, as every key of an Example is", {.key = key});
    }
    const auto [found, is_new] = slots_.try_emplace(key, plan_.slots_.size());
    if (is_new) {
      plan_.slots_.push_back(
          {.key = key, .dtype = dtype, .kind = kind, .shape = {}, .default_value = {}});
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
    if (!feature.allow_missing) {
      throw InvalidArgument(
          "FixedLenSequenceFeature requires allow_missing to be True in an Example", {.key = name});
    }
    if (elements == 0) {
      throw InvalidArgument("steps of shape " + shape_string(feature.shape) + " have no elements",
                            {.key = name});
    }
    const size_t at = slot(name, feature.dtype, Slot::Kind::kPadded);
    if (feature.default_value) check_default(name, *feature.default_value, feature.dtype, 1);
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

  Plan& plan_;
  std::map<std::string, size_t, std::less<>> slots_;
};

Plan::Plan(ParseSpec spec) : spec_(std::move(spec)) {
  if (spec_.empty()) throw InvalidArgument("the parse spec names no feature");
  Builder builder(*this);
  for (const auto& [name, feature] : spec_) builder.add(name, feature);
  make_patterns();
  make_table();
}

int64_t Plan::find(std::string_view key) const {
  // The hash reads at least 8 bytes.
  uint8_t small[8] = {};
  const auto* bytes = reinterpret_cast<const uint8_t*>(key.data());
  if (key.size() < sizeof small) {
    if (!key.empty()) std::memcpy(small, bytes, key.size());
    bytes = small;
  }
  const uint64_t mask = table_.size() - 1;
  const uint64_t h = WEFT_KERNEL(scan_kernel).hash(seed_, bytes, static_cast<uint32_t>(key.size()));
  for (uint64_t i = h >> table_shift_; table_[i] >= 0; i = (i + 1) & mask) {
    if (slots_[static_cast<size_t>(table_[i])].key == key) return table_[i];
  }
  return -1;
}

void Plan::make_patterns() {
  for (const Slot& slot : slots_) {
    uint8_t length[base::kMaxVarint];
    const auto bytes = base::write_varint(length, slot.key.size()) - length;
    heads_.push_back('\x0a' +
                     std::string(reinterpret_cast<char*>(length), static_cast<size_t>(bytes)) +
                     slot.key + '\x12');
  }
  for (size_t i = 0; i < slots_.size(); ++i) {
    KeyPattern key{};
    const std::string& head = heads_[i];
    std::memcpy(key.head, head.data(), std::min(head.size(), sizeof key.head));
    key.whole = reinterpret_cast<const uint8_t*>(head.data());
    key.length = key.more_than = static_cast<uint32_t>(head.size());
    key.mask = head.size() < 32 ? (1u << head.size()) - 1 : ~0u;
    key.slot = static_cast<int32_t>(i);
    key.kind = tag_of(slots_[i].dtype);
    patterns_.push_back(key);
  }
}

// A quarter full, under the seed of a few that puts most keys where they are looked for first.
void Plan::make_table() {
  const size_t size = std::bit_ceil(4 * slots_.size());
  table_shift_ = static_cast<uint32_t>(64 - std::countr_zero(size));
  size_t fewest = slots_.size() + 1;
  for (uint64_t i = 0; i < 64 && fewest > 0; ++i) {
    const uint64_t seed = i * 0xd6e8feb86659fd93u;
    std::vector<int32_t> table(size, -1);
    size_t moved = 0;
    for (size_t slot = 0; slot < slots_.size(); ++slot) {
      const std::string padded = slots_[slot].key + std::string(8, '\0');
      const uint64_t h = WEFT_KERNEL(scan_kernel)
                             .hash(seed, reinterpret_cast<const uint8_t*>(padded.data()),
                                   static_cast<uint32_t>(slots_[slot].key.size()));
      size_t at = h >> table_shift_;
      moved += table[at] >= 0;
      while (table[at] >= 0) at = (at + 1) & (size - 1);
      table[at] = static_cast<int32_t>(slot);
    }
    if (moved >= fewest) continue;
    fewest = moved;
    seed_ = seed;
    table_ = std::move(table);
  }
}

}  // namespace weft
