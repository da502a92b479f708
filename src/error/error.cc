#include "weft/error.h"

#include <memory>
#include <mutex>
#include <utility>

namespace weft {
namespace {

void append_place(std::string& text, const char* name, const std::string& value) {
  text += text.empty() ? "" : ", ";
  text += name;
  text += value;
}

std::string place(const Where& where) {
  std::string text;
  if (!where.file.empty()) append_place(text, "file ", "'" + escape_bytes(where.file, 4096) + "'");
  if (where.record >= 0) append_place(text, "record ", std::to_string(where.record));
  if (!where.key.empty()) append_place(text, "key ", "'" + escape_bytes(where.key) + "'");
  if (where.row >= 0) append_place(text, "row ", std::to_string(where.row));
  if (where.step >= 0) append_place(text, "step ", std::to_string(where.step));
  if (where.offset >= 0) append_place(text, "byte ", std::to_string(where.offset));
  return text;
}

std::string describe(const std::string& message, const Where& where) {
  const std::string at = place(where);
  return at.empty() ? message : message + " (" + at + ")";
}

struct Handler {
  std::mutex mutex;
  std::shared_ptr<const WarningHandler> function;
};

Handler& handler() {
  static Handler* const instance = new Handler;
  return *instance;
}

}  // namespace

Error::Error(std::string message, Where where)
    : message_(std::move(message)), where_(std::move(where)), text_(describe(message_, where_)) {}

Error::~Error() = default;
InvalidArgument::~InvalidArgument() = default;
WrongType::~WrongType() = default;
OutOfRange::~OutOfRange() = default;
CorruptData::~CorruptData() = default;
NotFound::~NotFound() = default;
IoError::~IoError() = default;
LimitExceeded::~LimitExceeded() = default;

void Error::locate(const Where& outer) {
  if (where_.file.empty()) where_.file = outer.file;
  if (where_.record < 0) where_.record = outer.record;
  if (where_.key.empty()) where_.key = outer.key;
  if (where_.row < 0) where_.row = outer.row;
  if (where_.step < 0) where_.step = outer.step;
  if (where_.offset < 0) where_.offset = outer.offset;
  text_ = describe(message_, where_);
}

std::string escape_bytes(std::string_view bytes, size_t max_bytes) {
  static const char kHex[] = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == max_bytes) return text + "...";
    const auto c = static_cast<unsigned char>(bytes[i]);
    if (c == '\\') {
      text += "\\\\";
    } else if (c >= 0x20 && c < 0x7f) {
      text += static_cast<char>(c);
    } else {
      text += "\\x";
      text += kHex[c >> 4];
      text += kHex[c & 15];
    }
  }
  return text;
}

void set_warning_handler(WarningHandler function) {
  std::shared_ptr<const WarningHandler> made;
  if (function) made = std::make_shared<const WarningHandler>(std::move(function));
  std::lock_guard lock(handler().mutex);
  handler().function = std::move(made);
}

namespace {

thread_local WarningCapture* capturing = nullptr;

}  // namespace

WarningCapture::WarningCapture() : outer_(std::exchange(capturing, this)) {}
WarningCapture::~WarningCapture() { capturing = outer_; }

void warn(const std::string& message) {
  if (capturing != nullptr) {
    capturing->messages_.push_back(message);
    return;
  }
  std::shared_ptr<const WarningHandler> function;
  {
    std::lock_guard lock(handler().mutex);
    function = handler().function;
  }
  if (function) (*function)(message);
}

}  // namespace weft
