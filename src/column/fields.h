// The fields of a column: compared, hashed, printed and read back by one piece of code for every
// kind.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "weft/column.h"

namespace weft {

bool same_tensor(const Tensor& a, const Tensor& b);
bool same_fields(const Fields& a, const Fields& b);
uint64_t hash_fields(std::string_view class_name, const Fields& fields);
std::string field_string(const FieldValue& value);
std::string fields_string(const Fields& fields);  // "key='a', default_value=None"

// An optional as the field that holds it: None when it is unset.
template <class T>
FieldValue optional_field(const std::optional<T>& value) {
  return value ? FieldValue(*value) : FieldValue();
}

// What messages call a field of type T.
template <class T>
inline constexpr const char* kTypeName = nullptr;
template <>
inline constexpr const char* kTypeName<bool> = "a bool";
template <>
inline constexpr const char* kTypeName<int64_t> = "an integer";
template <>
inline constexpr const char* kTypeName<double> = "a number";
template <>
inline constexpr const char* kTypeName<std::string> = "a string";
template <>
inline constexpr const char* kTypeName<Shape> = "a shape";
template <>
inline constexpr const char* kTypeName<DType> = "a dtype";
template <>
inline constexpr const char* kTypeName<Tensor> = "a number or an array of numbers";
template <>
inline constexpr const char* kTypeName<Column> = "a column";
template <>
inline constexpr const char* kTypeName<Initializer> = "an initializer";
template <>
inline constexpr const char* kTypeName<Normalizer> = "a function";
template <>
inline constexpr const char* kTypeName<CrossKeys> = "a list of names and columns";

// Takes the fields of one class out of a config.
class FieldReader {
 public:
  FieldReader(std::string_view class_name, const Fields& fields, SharedTables* shared)
      : class_name_(class_name), fields_(fields), shared_(shared) {}

  // The field as T. An int is taken for a double, a number for a tensor of rank 0. Throws
  // InvalidArgument unless the field is there once, WrongType if it holds something else.
  template <class T>
  T get(std::string_view name) {
    return held<T>(at(name));
  }
  template <class T>
  std::optional<T> get_optional(std::string_view name) {
    const FieldValue& value = at(name);
    if (std::holds_alternative<std::monostate>(value)) return std::nullopt;
    return held<T>(value);
  }

  // The table of the collection `name`; null if columns are made one by one.
  std::shared_ptr<SharedTable> shared_table(const std::string& name);

  // Throws InvalidArgument if there are fields that nobody took.
  void finish() const;

 private:
  template <class T>
  T held(const FieldValue& value) const {
    if (const T* found = std::get_if<T>(&value)) return *found;
    if constexpr (std::is_same_v<T, double>) {
      if (const auto* whole = std::get_if<int64_t>(&value)) return static_cast<double>(*whole);
    }
    if constexpr (std::is_same_v<T, Tensor>) {
      if (const auto* whole = std::get_if<int64_t>(&value))
        return Tensor::of<int64_t>({}, {*whole});
      if (const auto* real = std::get_if<double>(&value)) return Tensor::of<double>({}, {*real});
    }
    refuse_type(kTypeName<T>, value);
  }
  const FieldValue& at(std::string_view name);
  [[noreturn]] void refuse_keys(const std::string& what) const;
  [[noreturn]] void refuse_type(const char* wanted, const FieldValue& value) const;

  std::string_view class_name_;
  const Fields& fields_;
  SharedTables* shared_;
  std::vector<std::string> names_;  // taken so far
};

// The fields that embeddings of both kinds have, without the column and the dimension.
EmbeddingOptions read_embedding_options(FieldReader& read);

}  // namespace weft
