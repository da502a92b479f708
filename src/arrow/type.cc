#include "arrow/type.h"

#include <charconv>

namespace weft::arrow {
namespace {

struct Named {
  std::string_view format;  // all of it, or what it begins with if it ends in ':'
  DType dtype;
};

// Times are the integers that Arrow holds.
constexpr Named kNumbers[] = {
    {"c", DType::kInt8},     {"C", DType::kUInt8},    {"s", DType::kInt16},
    {"S", DType::kUInt16},   {"i", DType::kInt32},    {"I", DType::kUInt32},
    {"l", DType::kInt64},    {"L", DType::kUInt64},   {"e", DType::kFloat16},
    {"f", DType::kFloat32},  {"g", DType::kFloat64},  {"tdD", DType::kInt32},
    {"tdm", DType::kInt64},  {"tts", DType::kInt32},  {"ttm", DType::kInt32},
    {"ttu", DType::kInt64},  {"ttn", DType::kInt64},  {"tss:", DType::kInt64},
    {"tsm:", DType::kInt64}, {"tsu:", DType::kInt64}, {"tsn:", DType::kInt64},
    {"tDs", DType::kInt64},  {"tDm", DType::kInt64},  {"tDu", DType::kInt64},
    {"tDn", DType::kInt64},
};

constexpr std::pair<std::string_view, std::string_view> kRefused[] = {
    {"+m", "map"},      {"+ud:", "union"}, {"+us:", "union"},         {"d:", "decimal"},
    {"ti", "interval"}, {"+s", "struct"},  {"+r", "run-end encoded"},
};

constexpr std::pair<std::string_view, Type> kOthers[] = {
    {"n", {Layout::kNull, DType::kInt64}},
    {"b", {Layout::kBool, DType::kBool}},
    {"u", {Layout::kText}},
    {"z", {Layout::kText}},
    {"U", {Layout::kText, DType::kString, true}},
    {"Z", {Layout::kText, DType::kString, true}},
    {"vu", {Layout::kTextView}},
    {"vz", {Layout::kTextView}},
    {"+l", {Layout::kList}},
    {"+L", {Layout::kList, DType::kString, true}},
    {"+vl", {Layout::kListView}},
    {"+vL", {Layout::kListView, DType::kString, true}},
    {"+s", {Layout::kStruct}},
};

// "w:16", "+w:3": the size behind the colon.
int64_t size_in(std::string_view format, size_t at, const std::string& name) {
  int64_t size = -1;
  const char* end = format.data() + format.size();
  const auto [rest, error] = std::from_chars(format.data() + at, end, size);
  if (error != std::errc() || rest != end || size < 0)
    corrupt(name, "Arrow type '" + escape_bytes(format) + "' has no size");
  return size;
}

}  // namespace

void corrupt(const std::string& name, const std::string& text) {
  throw CorruptData(text, {.key = name});
}

void refuse_type(const ArrowSchema& schema, const std::string& name) {
  const std::string_view format = schema.format;
  std::string called;
  for (const auto& [prefix, word] : kRefused) {
    if (format.starts_with(prefix)) called = std::string(word) + " ";
  }
  throw WrongType("Arrow type " + called + "'" + escape_bytes(format) +
                      "' is not taken; numbers, bools, strings, times and lists of them are",
                  {.key = name});
}

Type type_of(const ArrowSchema& schema, const std::string& name) {
  if (schema.release == nullptr)
    throw InvalidArgument("the Arrow schema has been released already", {.key = name});
  if (schema.format == nullptr) corrupt(name, "an Arrow schema without a format");
  const std::string_view format = schema.format;
  for (const Named& number : kNumbers) {
    if (format == number.format ||
        (number.format.ends_with(':') && format.starts_with(number.format)))
      return {Layout::kNumber, number.dtype};
  }
  for (const auto& [known, type] : kOthers) {
    if (format == known) return type;
  }
  if (format.starts_with("w:"))
    return {Layout::kFixedText, DType::kString, false, size_in(format, 2, name)};
  if (format.starts_with("+w:"))
    return {Layout::kFixedList, DType::kString, false, size_in(format, 3, name)};
  refuse_type(schema, name);
}

const ArrowSchema& child_of(const ArrowSchema& schema, const std::string& name) {
  if (schema.n_children != 1 || schema.children == nullptr || schema.children[0] == nullptr)
    corrupt(name, "an Arrow list type without its one child");
  return *schema.children[0];
}

}  // namespace weft::arrow
