#include <algorithm>
#include <limits>

#include "column/json.h"

namespace weft {
namespace {

constexpr int kMostNested = 64;      // brackets: columns are nested a few deep
constexpr size_t kMostMembers = 64;  // of an object: each is looked for among those before it

Column column_from(const Json& json, SharedTables& shared);

std::string string_from(const Json& json) {
  if (json.is_string()) return json.get<std::string>();
  if (json.is_object() && json.size() == 1 && json.contains("bytes") && json["bytes"].is_array()) {
    std::string text;
    for (const Json& byte : json["bytes"]) {
      if (!byte.is_number_unsigned() || byte.get<uint64_t>() > 255)
        refuse_json("a byte is 0 to 255");
      text.push_back(static_cast<char>(byte.get<uint8_t>()));
    }
    return text;
  }
  refuse_json("a string is expected, not " + std::string(json.type_name()));
}

// int64 or double.
FieldValue number_from(const Json& json) {
  if (json.is_number_unsigned() && json.get<uint64_t>() > INT64_MAX)
    refuse_json("a number above 2^63 - 1");
  if (json.is_number_integer()) return json.get<int64_t>();
  if (json.is_number_float()) return json.get<double>();
  if (json.is_object() && json.size() == 1 && json.contains("float")) {
    const Json& text = json["float"];
    if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
    if (text == "inf") return std::numeric_limits<double>::infinity();
    if (text == "-inf") return -std::numeric_limits<double>::infinity();
  }
  refuse_json("a number is expected, not " + std::string(json.type_name()));
}

double double_from(const Json& json) {
  const FieldValue number = number_from(json);
  const auto* whole = std::get_if<int64_t>(&number);
  return whole != nullptr ? static_cast<double>(*whole) : std::get<double>(number);
}

Shape shape_from(const Json& json) {
  Shape shape;
  for (const Json& dim : json) {
    const FieldValue number = number_from(dim);
    if (!std::holds_alternative<int64_t>(number)) refuse_json("a shape holds integers");
    shape.push_back(std::get<int64_t>(number));
  }
  return shape;
}

// Appends the elements of nested arrays; all arrays of one depth have one length.
void flatten(const Json& json, size_t depth, Shape& shape, std::vector<const Json*>& elements) {
  if (!json.is_array()) {
    if (depth != shape.size()) refuse_json("arrays of different depth");
    elements.push_back(&json);
    return;
  }
  if (depth == shape.size() && elements.empty()) shape.push_back(static_cast<int64_t>(json.size()));
  if (depth >= shape.size() || shape[depth] != static_cast<int64_t>(json.size()))
    refuse_json("nested arrays of different lengths");
  for (const Json& inner : json) flatten(inner, depth + 1, shape, elements);
}

// Strings; or int64 if every number is whole, float64 otherwise.
Tensor tensor_from(const Json& json) {
  Shape shape;
  std::vector<const Json*> elements;
  flatten(json, 0, shape, elements);
  if (static_cast<int64_t>(elements.size()) != num_elements(shape))
    refuse_json("nested arrays of different lengths");
  const auto all = [&](auto is) { return std::ranges::all_of(elements, is); };
  if (!elements.empty() &&
      all([](const Json* e) { return e->is_string() || e->contains("bytes"); })) {
    std::vector<std::string> texts;
    for (const Json* element : elements) texts.push_back(string_from(*element));
    return Tensor::strings(shape,
                           Bytes::from(std::vector<std::string_view>(texts.begin(), texts.end())));
  }
  if (all([](const Json* e) { return e->is_number_integer(); })) {
    std::vector<int64_t> values;
    for (const Json* element : elements) values.push_back(std::get<int64_t>(number_from(*element)));
    return Tensor::of<int64_t>(shape, std::span<const int64_t>(values));
  }
  std::vector<double> values;
  for (const Json* element : elements) values.push_back(double_from(*element));
  return Tensor::of<double>(shape, std::span<const double>(values));
}

const Json& member(const Json& json, const char* name) {
  if (!json.is_object() || !json.contains(name)) {
    refuse_json(std::string("an object with \"") + name + "\" is expected, not " +
                json.type_name());
  }
  return json[name];
}

// A class by name with its config: {"class_name": ..., "config": {...}}.
std::pair<std::string, const Json*> class_from(const Json& json) {
  const Json& name = member(json, "class_name");
  const Json& config = member(json, "config");
  if (!name.is_string() || !config.is_object() || json.size() != 2)
    refuse_json("{\"class_name\": string, \"config\": object} is expected");
  return {name.get<std::string>(), &config};
}

Initializer initializer_from(const Json& json) {
  const auto [name, config] = class_from(json);
  Initializer::Fields fields;
  for (const auto& [key, value] : config->items()) {
    Initializer::Field field;
    if (value.is_string()) {
      field = value.get<std::string>();
    } else if (!value.is_null()) {
      const FieldValue number = number_from(value);
      if (const auto* whole = std::get_if<int64_t>(&number)) field = *whole;
      if (const auto* real = std::get_if<double>(&number)) field = *real;
    }
    fields.emplace_back(key, std::move(field));
  }
  return Initializer::from_config(name, fields);
}

Normalizer normalizer_from(const Json& json) {
  std::vector<Normalizer::Step> steps;
  for (const Json& step : json.is_array() ? json : Json::array({json})) {
    const auto [name, config] = class_from(step);
    Normalizer::StepFields fields;
    for (const auto& [key, value] : config->items()) fields.emplace_back(key, double_from(value));
    steps.push_back(Normalizer::step_from_config(name, fields));
  }
  return Normalizer(std::move(steps));
}

CrossKeys keys_from(const Json& json, SharedTables& shared) {
  if (!json.is_array()) refuse_json("the keys of a cross are an array");
  CrossKeys keys;
  for (const Json& key : json) {
    if (key.is_object() && key.contains("class_name")) {
      keys.emplace_back(column_from(key, shared));
    } else {
      keys.emplace_back(string_from(key));
    }
  }
  return keys;
}

DType dtype_from(const Json& json) {
  const std::string name = string_from(json);
  for (auto dtype = DType::kBool; dtype <= DType::kString;
       dtype = static_cast<DType>(static_cast<int>(dtype) + 1)) {
    if (name == dtype_name(dtype)) return dtype;
  }
  refuse_json("unknown dtype '" + escape_bytes(name) + "'");
}

// By the field's name, as far as JSON's types do not tell.
FieldValue field_from(const std::string& name, const Json& json, SharedTables& shared) {
  if (json.is_null()) return {};
  if (name == "dtype") return dtype_from(json);
  if (name == "initializer") return initializer_from(json);
  if (name == "normalizer_fn") return normalizer_from(json);
  if (name == "keys") return keys_from(json, shared);
  if (name == "shape") return shape_from(json);
  if (json.is_array()) return tensor_from(json);
  if (json.is_object() && json.contains("class_name")) return column_from(json, shared);
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_string() || json.contains("bytes")) return string_from(json);
  return number_from(json);
}

Column column_from(const Json& json, SharedTables& shared) {
  const auto [class_name, config] = class_from(json);
  Fields fields;
  for (const auto& [name, value] : config->items())
    fields.emplace_back(name, field_from(name, value, shared));
  return column_from_config(class_name, fields, &shared);
}

// Refuses what no writer makes: keys given twice, or without end, and nesting without end.
Json parse(std::string_view text) {
  std::vector<std::vector<std::string>> keys;
  const auto check = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth > kMostNested) refuse_json("nested too deep");
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event != Json::parse_event_t::key) return true;
    const auto key = value.get<std::string>();
    if (std::ranges::find(keys.back(), key) != keys.back().end())
      refuse_json("key '" + escape_bytes(key) + "' is given twice");
    if (keys.back().size() == kMostMembers) refuse_json("an object of too many members");
    keys.back().push_back(key);
    return true;
  };
  try {
    return Json::parse(text, check);
  } catch (const Json::exception& error) {
    refuse_json(std::string("not JSON: ") + error.what());
  }
}

}  // namespace

std::vector<Column> columns_from_json(std::string_view json) {
  const Json file = parse(json);
  const Json& version = member(file, "weft_columns");
  if (version != kColumnsVersion) {
    refuse_json("version " + version.dump() + " is not known; this library reads " +
                std::to_string(kColumnsVersion));
  }
  const Json& list = member(file, "columns");
  if (!list.is_array()) refuse_json("\"columns\" is an array");
  SharedTables shared;
  std::vector<Column> columns;
  for (const Json& column : list) columns.push_back(column_from(column, shared));
  return columns;
}

}  // namespace weft
