// The fields of a column: compared, hashed, printed and read back by one piece of code for every
// kind.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "weft/column.h"

namespace weft {

bool same_tensor(const Tensor& a, const Tensor& b);
bool same_fields(const Fields& a, const Fields& b);
uint64_t hash_fields(const Fields& fields, uint64_t seed);
std::string field_string(const FieldValue& value);
std::string fields_string(const Fields& fields);  // "key='a', default_value=None"

// An optional as the field that holds it: None when it is unset.
template <class T>
FieldValue optional_field(const std::optional<T>& value) {
  return value ? FieldValue(*value) : FieldValue();
}

// Takes the fields of one class out of a config. Throws InvalidArgument unless they are exactly
// `expected`.
class FieldReader {
 public:
  FieldReader(std::string_view class_name, const Fields& fields,
              std::initializer_list<std::string_view> expected);

  // The field as T. Throws WrongType if it holds something else; an int is taken for a double.
  template <class T>
  T get(std::string_view name) const {
    const FieldValue& value = at(name);
    if (const T* held = std::get_if<T>(&value)) return *held;
    if constexpr (std::is_same_v<T, double>) {
      if (const auto* held = std::get_if<int64_t>(&value)) return static_cast<double>(*held);
    }
    refuse(name);
  }
  template <class T>
  std::optional<T> get_optional(std::string_view name) const {
    if (std::holds_alternative<std::monostate>(at(name))) return std::nullopt;
    return get<T>(name);
  }

 private:
  const FieldValue& at(std::string_view name) const;
  [[noreturn]] void refuse(std::string_view name) const;

  std::string_view class_name_;
  const Fields& fields_;
};

}  // namespace weft
