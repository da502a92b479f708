// What an ArrowSchema's format string says.
#pragma once

#include <string>

#include "weft/arrow.h"

namespace weft::arrow {

enum class Layout : uint8_t {
  kNull,
  kBool,       // bits
  kNumber,     // elements of `dtype`
  kFixedText,  // `size` bytes each
  kText,       // offsets and bytes
  kTextView,
  kList,  // offsets
  kListView,
  kFixedList,  // `size` elements each
  kStruct,
};

struct Type {
  Layout layout;
  DType dtype = DType::kString;
  bool wide = false;  // 64-bit offsets
  int64_t size = 0;
};

// Throws WrongType naming `name` for a type that is not taken, CorruptData for no type at all.
Type type_of(const ArrowSchema& schema, const std::string& name);

// Throws WrongType.
[[noreturn]] void refuse_type(const ArrowSchema& schema, const std::string& name);

// The only child of a list. Throws CorruptData.
const ArrowSchema& child_of(const ArrowSchema& schema, const std::string& name);

[[noreturn]] void corrupt(const std::string& name, const std::string& text);

}  // namespace weft::arrow
