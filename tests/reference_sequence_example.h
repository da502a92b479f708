// The slow, obvious parser of SequenceExamples, over reference_example.h.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/reference_example.h"
#include "weft/example.h"

namespace weft::reference {

using Steps = std::vector<Value>;
struct SequenceRecord {
  Record context;
  std::map<std::string, Steps> lists;
};

// Throws Malformed.
inline SequenceRecord read_sequence_record(std::string_view bytes) {
  SequenceRecord record;
  const auto read_steps = [](Reader list, Steps& steps) {
    while (!list.done()) {
      const auto [number, type] = list.field();
      if (number == 1 && type == 2) {
        read_feature(list.message(), steps.emplace_back());
      } else {
        list.skip(number, type);
      }
    }
  };
  Reader message(bytes, 100);
  while (!message.done()) {
    const auto [number, type] = message.field();
    if (number == 1 && type == 2) {
      read_map(message.message(), record.context, read_feature);
    } else if (number == 2 && type == 2) {
      read_map(message.message(), record.lists, read_steps);
    } else {
      message.skip(number, type);
    }
  }
  return record;
}

// Rows of steps of values; nullopt for a record without the list. Throws Unfit for a step of
// another kind.
template <class T>
std::vector<std::optional<std::vector<std::vector<T>>>> list_rows(
    const std::vector<SequenceRecord>& records, const std::string& key) {
  std::vector<std::optional<std::vector<std::vector<T>>>> rows;
  for (const SequenceRecord& record : records) {
    rows.emplace_back();
    const auto found = record.lists.find(key);
    if (found == record.lists.end()) continue;
    rows.back().emplace();
    for (const Value& step : found->second) {
      rows.back()->push_back(values_in<T>(step).value_or(std::vector<T>()));
    }
  }
  return rows;
}

template <class T>
Ragged ragged_list(const std::vector<SequenceRecord>& records, const std::string& key) {
  std::vector<int64_t> steps, values;
  std::vector<T> flat;
  for (const auto& row : list_rows<T>(records, key)) {
    steps.push_back(row ? static_cast<int64_t>(row->size()) : 0);
    if (!row) continue;
    for (const auto& step : *row) {
      values.push_back(static_cast<int64_t>(step.size()));
      flat.insert(flat.end(), step.begin(), step.end());
    }
  }
  const auto lengths = [](const std::vector<int64_t>& of) {
    return Tensor::of<int64_t>({static_cast<int64_t>(of.size())}, std::span<const int64_t>(of));
  };
  const std::vector<Tensor> levels{lengths(steps), lengths(values)};
  return Ragged::from_row_lengths(tensor_of<T>({static_cast<int64_t>(flat.size())}, flat), levels);
}

template <class T>
Tensor padded_list(const std::vector<SequenceRecord>& records, const std::string& key,
                   const FixedLenSequenceFeature& spec, Tensor* lengths) {
  auto rows = list_rows<T>(records, key);
  size_t longest = 0;
  std::vector<int64_t> steps;
  for (auto& row : rows) {
    if (!row && !spec.allow_missing) throw Unfit("missing");
    if (!row) row.emplace();
    for (const auto& step : *row) {
      if (static_cast<int64_t>(step.size()) != num_elements(spec.shape)) throw Unfit("count");
    }
    steps.push_back(static_cast<int64_t>(row->size()));
    longest = std::max(longest, row->size());
  }
  std::vector<T> all;
  for (auto& row : rows) {
    row->resize(longest, std::vector<T>(static_cast<size_t>(num_elements(spec.shape))));
    for (const auto& step : *row) all.insert(all.end(), step.begin(), step.end());
  }
  const auto n = static_cast<int64_t>(records.size());
  *lengths = Tensor::of<int64_t>({n}, std::span<const int64_t>(steps));
  Shape shape{n, static_cast<int64_t>(longest)};
  shape.insert(shape.end(), spec.shape.begin(), spec.shape.end());
  return tensor_of(shape, all);
}

template <class T>
void add_list(const std::vector<SequenceRecord>& records, const std::string& name,
              const FeatureSpec& spec, ParsedSequenceExamples& parsed) {
  if (const auto* fixed = std::get_if<FixedLenSequenceFeature>(&spec)) {
    Tensor lengths;
    parsed.lists[name] = padded_list<T>(records, name, *fixed, &lengths);
    parsed.lengths[name] = lengths;
  } else if (const auto* ragged = std::get_if<RaggedFeature>(&spec)) {
    parsed.lists[name] =
        ragged_list<T>(records, ragged->value_key.empty() ? name : ragged->value_key);
  } else {
    parsed.lists[name] = SparseTensor::from_ragged(ragged_list<T>(records, name));
  }
}

// Throws Malformed or Unfit.
inline ParsedSequenceExamples parse_sequence_example(std::span<const std::string_view> serialized,
                                                     const ParseSpec& context,
                                                     const ParseSpec& lists) {
  std::vector<SequenceRecord> records;
  std::vector<Record> contexts;
  for (std::string_view bytes : serialized) {
    records.push_back(read_sequence_record(bytes));
    contexts.push_back(records.back().context);
  }
  ParsedSequenceExamples parsed;
  parsed.context = features_of(contexts, context);
  for (const auto& [name, what] : lists) {
    const DType dtype = std::visit([](const auto& f) { return f.dtype; }, what);
    if (dtype == DType::kInt64) add_list<int64_t>(records, name, what, parsed);
    if (dtype == DType::kFloat32) add_list<float>(records, name, what, parsed);
    if (dtype == DType::kString) add_list<std::string_view>(records, name, what, parsed);
  }
  return parsed;
}

}  // namespace weft::reference
