#include "column/fields.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

namespace weft {
namespace {

uint64_t mix(uint64_t seed, uint64_t value) {
  uint64_t h = (seed ^ value) * 0x9e3779b97f4a7c15u;
  h ^= h >> 32;
  return h * 0xd6e8feb86659fd93u;
}

uint64_t hash_bytes(std::string_view bytes) {
  uint64_t h = bytes.size();
  for (char c : bytes) h = mix(h, static_cast<unsigned char>(c));
  return h;
}

// As a field: NaN is itself.
template <class Float>
bool same_number(Float a, Float b) {
  return a == b || (a != a && b != b);
}

// 0.0 and -0.0 are equal, and so are all NaNs, so they hash alike.
uint64_t hash_double(double value) {
  if (value != value) return 1;
  return value == 0 ? 0 : std::bit_cast<uint64_t>(value);
}

uint64_t hash_initializer(const Initializer& initializer) {
  uint64_t h = hash_bytes(initializer.name());
  for (const auto& [name, value] : initializer.config()) {
    h = mix(h, value.index());
    if (const auto* number = std::get_if<int64_t>(&value))
      h = mix(h, static_cast<uint64_t>(*number));
    if (const auto* number = std::get_if<double>(&value)) h = mix(h, hash_double(*number));
    if (const auto* text = std::get_if<std::string>(&value)) h = mix(h, hash_bytes(*text));
  }
  return h;
}

uint64_t hash_tensor(const Tensor& tensor) {
  uint64_t h = hash_bytes(shape_string(tensor.shape()));
  if (tensor.dtype() == DType::kInt64) {
    for (int64_t value : tensor.values<int64_t>()) h = mix(h, static_cast<uint64_t>(value));
  } else if (tensor.dtype() == DType::kFloat64) {
    for (double value : tensor.values<double>()) h = mix(h, hash_double(value));
  } else if (tensor.dtype() == DType::kString) {
    for (int64_t i = 0; i < tensor.size(); ++i) h = mix(h, hash_bytes(tensor.bytes()[i]));
  }
  return h;
}

uint64_t hash_normalizer(const Normalizer& normalizer) {
  uint64_t h = normalizer.steps().size();
  for (const Normalizer::Step& step : normalizer.steps()) {
    if (const auto* custom = std::get_if<normalizers::Custom>(&step))
      return static_cast<uint64_t>(reinterpret_cast<uintptr_t>(custom->tag.get()));
    h = mix(h, step.index());
    for (const auto& [name, value] : Normalizer::step_fields(step)) h = mix(h, hash_double(value));
  }
  return h;
}

struct HashValue {
  uint64_t operator()(std::monostate) const { return 0; }
  uint64_t operator()(bool value) const { return value ? 1 : 2; }
  uint64_t operator()(int64_t value) const { return static_cast<uint64_t>(value); }
  uint64_t operator()(double value) const { return hash_double(value); }
  uint64_t operator()(const std::string& value) const { return hash_bytes(value); }
  uint64_t operator()(const Shape& value) const { return hash_bytes(shape_string(value)); }
  uint64_t operator()(DType value) const { return static_cast<uint64_t>(value); }
  uint64_t operator()(const Tensor& value) const { return hash_tensor(value); }
  uint64_t operator()(const Column& value) const { return value ? value->hash() : 0; }
  uint64_t operator()(const Initializer& value) const { return hash_initializer(value); }
  uint64_t operator()(const Normalizer& value) const { return hash_normalizer(value); }
  uint64_t operator()(const CrossKeys& value) const {
    uint64_t h = value.size();
    for (const CrossKey& key : value) h = mix(h, std::visit(*this, key));
    return h;
  }
};

bool same_column(const Column& a, const Column& b) { return a == b || (a && b && *a == *b); }

bool same_key(const CrossKey& a, const CrossKey& b) {
  const Column* column = std::get_if<Column>(&a);
  if (column == nullptr || a.index() != b.index()) return a == b;
  return same_column(*column, std::get<Column>(b));
}

bool same_value(const FieldValue& a, const FieldValue& b) {
  if (a.index() != b.index()) return false;
  return std::visit(
      [&](const auto& held) {
        using T = std::decay_t<decltype(held)>;
        const T& other = std::get<T>(b);
        if constexpr (std::is_same_v<T, Tensor>) {
          return same_tensor(held, other);
        } else if constexpr (std::is_same_v<T, Column>) {
          return same_column(held, other);
        } else if constexpr (std::is_same_v<T, CrossKeys>) {
          return std::ranges::equal(held, other, same_key);
        } else if constexpr (std::is_same_v<T, double>) {
          return same_number(held, other);
        } else {
          return held == other;
        }
      },
      a);
}

// As Python prints it: the shortest text that reads back as the same number.
std::string double_string(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  std::string result(text, end);
  if (result.find_first_of(".eni") == std::string::npos) result += ".0";
  return result;
}

std::string initializer_string(const Initializer& initializer) {
  std::string text = std::string(initializer.name()) + "(";
  const char* separator = "";
  for (const auto& [name, value] : initializer.config()) {
    text += separator + name + "=";
    separator = ", ";
    if (std::holds_alternative<std::monostate>(value)) text += "None";
    if (const auto* number = std::get_if<int64_t>(&value)) text += std::to_string(*number);
    if (const auto* number = std::get_if<double>(&value)) text += double_string(*number);
    if (const auto* word = std::get_if<std::string>(&value)) text += "'" + *word + "'";
  }
  return text + ")";
}

constexpr int64_t kMostPrinted = 10;  // elements of a tuple; a vocabulary may have millions

template <class Item>
std::string tuple_string(int64_t n, const Item& item) {
  std::string text = "(";
  for (int64_t i = 0; i < std::min(n, kMostPrinted); ++i) text += (i == 0 ? "" : ", ") + item(i);
  if (n > kMostPrinted) return text + ", ... " + std::to_string(n - kMostPrinted) + " more)";
  return text + (n == 1 ? ",)" : ")");
}

std::string normalizer_string(const Normalizer& normalizer) {
  std::string text;
  for (const Normalizer::Step& step : normalizer.steps()) {
    text += (text.empty() ? "" : ", ") + Normalizer::step_name(step);
    if (std::holds_alternative<normalizers::Custom>(step)) return text;
    std::string fields;
    for (const auto& [name, value] : Normalizer::step_fields(step))
      fields += (fields.empty() ? "" : ", ") + name + "=" + double_string(value);
    text += "(" + fields + ")";
  }
  return normalizer.steps().size() == 1 ? text : "(" + text + ")";
}

// The elements of `tensor` from flat position `at` on, nested as dimensions `dim`... say.
std::string tensor_string(const Tensor& tensor, int64_t dim, int64_t& at) {
  if (dim == tensor.rank()) {
    const int64_t i = at++;
    if (tensor.dtype() == DType::kString) return "'" + escape_bytes(tensor.bytes()[i]) + "'";
    const auto place = static_cast<size_t>(i);
    return tensor.dtype() == DType::kInt64 ? std::to_string(tensor.values<int64_t>()[place])
                                           : double_string(tensor.values<double>()[place]);
  }
  return tuple_string(tensor.dim(dim), [&](int64_t) { return tensor_string(tensor, dim + 1, at); });
}

struct PrintValue {
  std::string operator()(std::monostate) const { return "None"; }
  std::string operator()(bool value) const { return value ? "True" : "False"; }
  std::string operator()(int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const { return double_string(value); }
  std::string operator()(const std::string& value) const { return "'" + escape_bytes(value) + "'"; }
  std::string operator()(const Shape& value) const {
    return tuple_string(static_cast<int64_t>(value.size()),
                        [&](int64_t i) { return std::to_string(value[static_cast<size_t>(i)]); });
  }
  std::string operator()(DType value) const { return dtype_name(value); }
  std::string operator()(const Tensor& value) const {
    if (value.dtype() != DType::kInt64 && value.dtype() != DType::kFloat64 &&
        value.dtype() != DType::kString)
      return std::string(dtype_name(value.dtype())) + " " + shape_string(value.shape());
    int64_t at = 0;
    return tensor_string(value, 0, at);
  }
  std::string operator()(const Column& value) const { return value ? value->to_string() : "None"; }
  std::string operator()(const Initializer& value) const { return initializer_string(value); }
  std::string operator()(const Normalizer& value) const { return normalizer_string(value); }
  std::string operator()(const CrossKeys& value) const {
    return tuple_string(static_cast<int64_t>(value.size()), [&](int64_t i) {
      return std::visit(*this, value[static_cast<size_t>(i)]);
    });
  }
};

}  // namespace

bool same_tensor(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || a.shape() != b.shape()) return false;
  if (a.dtype() == DType::kString) {
    for (int64_t i = 0; i < a.size(); ++i) {
      if (a.bytes()[i] != b.bytes()[i]) return false;
    }
    return true;
  }
  if (a.dtype() == DType::kFloat64)
    return std::ranges::equal(a.values<double>(), b.values<double>(), same_number<double>);
  if (a.dtype() == DType::kFloat32)
    return std::ranges::equal(a.values<float>(), b.values<float>(), same_number<float>);
  const auto bytes = static_cast<size_t>(a.size() * dtype_size(a.dtype()));
  return bytes == 0 || std::memcmp(a.buffer().data(), b.buffer().data(), bytes) == 0;
}

bool same_fields(const Fields& a, const Fields& b) {
  return std::ranges::equal(a, b, [](const auto& x, const auto& y) {
    return x.first == y.first && same_value(x.second, y.second);
  });
}

uint64_t hash_fields(std::string_view class_name, const Fields& fields) {
  uint64_t seed = hash_bytes(class_name);
  for (const auto& [name, value] : fields)
    seed = mix(mix(seed, value.index()), std::visit(HashValue{}, value));
  return seed;
}

std::string field_string(const FieldValue& value) { return std::visit(PrintValue{}, value); }

std::string fields_string(const Fields& fields) {
  std::string text;
  for (const auto& [name, value] : fields) {
    text += (text.empty() ? "" : ", ") + name + "=" + field_string(value);
  }
  return text;
}

std::shared_ptr<SharedTable> FieldReader::shared_table(const std::string& name) {
  if (shared_ == nullptr) return nullptr;
  std::shared_ptr<SharedTable>& table = (*shared_)[name];
  if (!table) table = std::make_shared<SharedTable>();
  return table;
}

const FieldValue& FieldReader::at(std::string_view name) {
  names_.emplace_back(name);
  const auto named = [&](const auto& field) { return field.first == name; };
  if (std::ranges::count_if(fields_, named) == 1)
    return std::ranges::find_if(fields_, named)->second;
  refuse_keys("'" + std::string(name) + "' is not there once");
}

void FieldReader::finish() const {
  for (const auto& [name, value] : fields_) {
    if (std::ranges::find(names_, name) == names_.end())
      refuse_keys("it has no '" + escape_bytes(name) + "'");
  }
}

void FieldReader::refuse_keys(const std::string& what) const {
  throw InvalidArgument("Invalid config of " + std::string(class_name_) + ": (" +
                        fields_string(fields_) + "), " + what);
}

void FieldReader::refuse_type(const char* wanted, const FieldValue& value) const {
  throw WrongType("'" + names_.back() + "' of " + std::string(class_name_) + " must be " + wanted +
                  ", got " + field_string(value));
}

}  // namespace weft
