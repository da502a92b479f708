#include <cmath>

#include "column/json.h"

namespace weft {
namespace {

Json to_json(const FeatureColumn& column);

bool is_utf8(const std::string& text) {
  try {
    (void)Json(text).dump();
    return true;
  } catch (const Json::type_error&) {
    return false;
  }
}

Json to_json(const std::string& text) {
  if (is_utf8(text)) return text;
  Json bytes = Json::array();
  for (char c : text) bytes.push_back(static_cast<unsigned char>(c));
  return {{"bytes", std::move(bytes)}};
}

Json to_json(double value) {
  if (std::isfinite(value)) return value;
  return {{"float", std::isnan(value) ? "nan" : (value > 0 ? "inf" : "-inf")}};
}

Json element(const Tensor& tensor, int64_t i) {
  const auto at = static_cast<size_t>(i);
  if (tensor.dtype() == DType::kString) return to_json(std::string(tensor.bytes()[i]));
  if (tensor.dtype() == DType::kInt64) return tensor.values<int64_t>()[at];
  return to_json(tensor.values<double>()[at]);
}

// The elements from flat position `at` on, nested as dimensions `dim`... say.
Json nested(const Tensor& tensor, int64_t dim, int64_t& at) {
  if (dim == tensor.rank()) return element(tensor, at++);
  Json list = Json::array();
  for (int64_t i = 0; i < tensor.dim(dim); ++i) list.push_back(nested(tensor, dim + 1, at));
  return list;
}

Json to_json(const Initializer& initializer) {
  if (std::holds_alternative<initializers::Custom>(initializer.kind())) {
    refuse_json("an initializer that is a function cannot be saved; use one of the initializers");
  }
  Json config = Json::object();
  for (const auto& [name, value] : initializer.config()) {
    Json& field = config[name] = nullptr;
    if (const auto* whole = std::get_if<int64_t>(&value)) field = *whole;
    if (const auto* real = std::get_if<double>(&value)) field = to_json(*real);
    if (const auto* text = std::get_if<std::string>(&value)) field = *text;
  }
  return {{"class_name", initializer.name()}, {"config", std::move(config)}};
}

Json to_json(const Normalizer& normalizer) {
  if (normalizer.is_custom()) {
    refuse_json(
        "a normalizer_fn that is a function ('" +
        escape_bytes(Normalizer::step_name(normalizer.steps()[0])) +
        "') cannot be saved; use the declared ones: Log1p, ZScore, MinMax, Clip, or several of "
        "them in a list");
  }
  Json steps = Json::array();
  for (const Normalizer::Step& step : normalizer.steps()) {
    Json config = Json::object();
    for (const auto& [name, value] : Normalizer::step_fields(step)) config[name] = value;
    steps.push_back({{"class_name", Normalizer::step_name(step)}, {"config", std::move(config)}});
  }
  return steps;
}

struct FieldToJson {
  Json operator()(std::monostate) const { return nullptr; }
  Json operator()(bool value) const { return value; }
  Json operator()(int64_t value) const { return value; }
  Json operator()(double value) const { return to_json(value); }
  Json operator()(const std::string& value) const { return to_json(value); }
  Json operator()(const Shape& value) const { return value; }
  Json operator()(DType value) const { return dtype_name(value); }
  Json operator()(const Tensor& value) const {
    int64_t at = 0;
    return nested(value, 0, at);
  }
  Json operator()(const Column& value) const { return to_json(*value); }
  Json operator()(const Initializer& value) const { return to_json(value); }
  Json operator()(const Normalizer& value) const { return to_json(value); }
  Json operator()(const CrossKeys& value) const {
    Json keys = Json::array();
    for (const CrossKey& key : value) keys.push_back(std::visit(*this, key));
    return keys;
  }
};

Json to_json(const FeatureColumn& column) {
  Json config = Json::object();
  for (const auto& [name, value] : column.config()) {
    try {
      config[name] = std::visit(FieldToJson{}, value);
    } catch (const InvalidArgument& error) {
      throw InvalidArgument(std::string(error.what()) + "; column '" + escape_bytes(column.name()) +
                            "'");
    }
  }
  return {{"class_name", column.class_name()}, {"config", std::move(config)}};
}

}  // namespace

std::string columns_to_json(std::span<const Column> columns) {
  Json list = Json::array();
  for (const Column& column : columns) {
    if (!column) refuse_json("None cannot be saved");
    list.push_back(to_json(*column));
  }
  return Json{{"weft_columns", kColumnsVersion}, {"columns", std::move(list)}}.dump(2) + "\n";
}

}  // namespace weft
