// What can go wrong, and where. Every public function of weft throws only the classes below.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weft/export.h"

namespace weft {

// The place of a data error. A field that does not apply is empty or -1.
struct Where {
  std::string file;     // path as it was given
  int64_t record = -1;  // number of the record in its file, from 0
  std::string key;      // feature key, raw bytes
  int64_t row = -1;     // row of the batch
  int64_t step = -1;    // time step, or position within the row
  int64_t offset =
      -1;  // byte offset: in the file for record errors, in the record for parse errors
};

// The base of the family. `what()` is the message followed by what is known of the place, with
// bytes that are not printable ASCII escaped.
class WEFT_API Error : public std::exception {
 public:
  explicit Error(std::string message, Where where = {});
  ~Error() override;

  const char* what() const noexcept override { return text_.c_str(); }
  const std::string& message() const noexcept { return message_; }
  const Where& where() const noexcept { return where_; }

  // Fills the fields of `where()` that are unset from `outer`: each layer on the way out adds what
  // it knows, the innermost wins.
  void locate(const Where& outer);

 private:
  std::string message_;
  Where where_;
  std::string text_;
};

// A wrong declaration, shape or argument, or a record that does not fit the declaration.
// Python: ValueError.
class WEFT_API InvalidArgument : public Error {
 public:
  using Error::Error;
  ~InvalidArgument() override;
};

// A value of a type or dtype that the argument does not take. Python: TypeError.
class WEFT_API WrongType : public Error {
 public:
  using Error::Error;
  ~WrongType() override;
};

// An id outside its column's range, an index outside its tensor. Python: ValueError.
class WEFT_API OutOfRange : public Error {
 public:
  using Error::Error;
  ~OutOfRange() override;
};

// Bytes that are not what they claim to be. Python: weft.CorruptDataError, a ValueError.
class WEFT_API CorruptData : public Error {
 public:
  using Error::Error;
  ~CorruptData() override;
};

// A file or a name that does not exist. Python: FileNotFoundError when `where().file` is set,
// KeyError otherwise.
class WEFT_API NotFound : public Error {
 public:
  using Error::Error;
  ~NotFound() override;
};

// The operating system refused. Python: OSError.
class WEFT_API IoError : public Error {
 public:
  using Error::Error;
  ~IoError() override;
};

// Input that is larger than `Limits` allow. Python: ValueError.
class WEFT_API LimitExceeded : public Error {
 public:
  using Error::Error;
  ~LimitExceeded() override;
};

// What input may ask for. Sizes claimed by bytes are checked against what is left of the input and
// against these BEFORE anything is allocated. The defaults suit trusted clusters with large
// records; a server that takes bytes from strangers lowers them.
struct Limits {
  int64_t max_record_bytes = int64_t{1} << 30;  // one record, uncompressed
  int64_t max_batch_values = int64_t{1}
                             << 31;     // values of one feature in one batch, padding included
  int64_t max_keys = int64_t{1} << 20;  // map entries in one record
  // Rows without values that the row ids of a RaggedFeature may leave in one record: a few bytes
  // can ask for any number of them.
  int64_t max_empty_rows = int64_t{1} << 16;
};

// `bytes` for a message: printable ASCII stays, everything else becomes \xNN, and what is longer
// than `max_bytes` is cut and ends in "...".
WEFT_API std::string escape_bytes(std::string_view bytes, size_t max_bytes = 80);

// Receives warnings: always on the thread that called into weft, never on the pool. The default
// handler drops them; Python installs one that calls `warnings.warn`. An empty handler restores
// the default.
using WarningHandler = std::function<void(const std::string& message)>;
WEFT_API void set_warning_handler(WarningHandler handler);
WEFT_API void warn(const std::string& message);

// While it lives, keeps the warnings of this thread instead of handing them over: for a thread of
// weft's own, whose warnings belong on a caller's. They nest: the innermost has them.
class WEFT_API WarningCapture {
 public:
  WarningCapture();
  WarningCapture(const WarningCapture&) = delete;
  WarningCapture& operator=(const WarningCapture&) = delete;
  ~WarningCapture();

  std::vector<std::string> take() { return std::exchange(messages_, {}); }

 private:
  friend void warn(const std::string& message);
  std::vector<std::string> messages_;
  WarningCapture* const outer_;
};

}  // namespace weft
