// Arrow arrays, record batches and streams <-> Features, through Arrow's C Data Interface and C
// Stream Interface: https://arrow.apache.org/docs/format/CDataInterface.html. No Arrow library is
// needed on either side.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weft/export.h"
#include "weft/ragged.h"

extern "C" {

// The specification's structures, under its guards: Arrow's own headers may stand beside.
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
  const char* format;
  const char* name;
  const char* metadata;
  int64_t flags;
  int64_t n_children;
  struct ArrowSchema** children;
  struct ArrowSchema* dictionary;
  void (*release)(struct ArrowSchema*);
  void* private_data;
};

struct ArrowArray {
  int64_t length;
  int64_t null_count;
  int64_t offset;
  int64_t n_buffers;
  int64_t n_children;
  const void** buffers;
  struct ArrowArray** children;
  struct ArrowArray* dictionary;
  void (*release)(struct ArrowArray*);
  void* private_data;
};

#endif  // ARROW_C_DATA_INTERFACE

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

struct ArrowArrayStream {
  int (*get_schema)(struct ArrowArrayStream*, struct ArrowSchema* out);
  int (*get_next)(struct ArrowArrayStream*, struct ArrowArray* out);
  const char* (*get_last_error)(struct ArrowArrayStream*);
  void (*release)(struct ArrowArrayStream*);
  void* private_data;
};

#endif  // ARROW_C_STREAM_INTERFACE

}  // extern "C"

namespace weft {

// What an Arrow column becomes:
//   numbers, bool                  Tensor [B] of that dtype
//   utf8, binary (32, 64 bit, view), fixed-size binary     Tensor [B] of strings, as bytes
//   timestamp, duration, time, date  Tensor [B] of the int64 or int32 that Arrow holds, in the
//                                  column's own unit since 1970-01-01 00:00 UTC (duration: a count)
//   list, large list, list view    Ragged; one level for each list within a list
//   fixed-size list                a dimension of the values: Tensor [B, k], Ragged over [N, k].
//                                  Around a list, or where such a list is null: a level of its own
//   dictionary                     decoded
//   null                           no values, int64
// A null list is an empty one. A null value is absent, like a hole of a SparseTensor, and a column
// that has any becomes a SparseTensor with a dimension for each level: nulls scalars [B], lists
// with nulls in them [B, longest row, ...]. Whether a column has nulls depends on the batch.
// Everything else (map, union, decimal, interval, struct, run-end encoded) is refused by name.
//
// Numbers of one array without nulls are borrowed; `release` is called when the last tensor over
// them is dropped, on that thread. Strings, bools, row_splits, dictionaries, and numbers that lie
// in several arrays or apart are copied.
//
// Errors name the column and the row: CorruptData for an array that contradicts itself, WrongType
// for a type that is not taken, LimitExceeded for more than Limits::max_batch_values at one level
// or more than Ragged::kMaxLevels levels, InvalidArgument for what has been released already.
//
// The interface tells no sizes of buffers. Checked before they are used: lengths, offsets and null
// counts, numbers of buffers and children, buffers that are missing, list and string offsets
// against each other and the child's length, dictionary indices, string views against the sizes
// that their arrays do tell. Not checkable: that a buffer is as long as its array's length says,
// and string bytes as the last string offset says. So arrays may be wrong in any of these ways, but
// whoever made them must have allocated the buffers that their lengths imply.
struct ArrowOptions {
  // The columns that are read; unset: all. Columns that are not read may be of any type, those that
  // the batch lacks are left out.
  std::optional<std::vector<std::string>> columns;
  Limits limits;
};

// One array. `array` is moved from: its `release` is null afterwards, errors included. `schema`
// stays the caller's. `name` is for messages.
WEFT_API Feature import_array(ArrowArray&& array, const ArrowSchema& schema, std::string_view name,
                              const Limits& limits = {});

// A record batch, which is a struct array: its columns by their names. As import_array, each column
// borrows for itself. Throws InvalidArgument for two columns of one name and for a null row.
WEFT_API Features import_batch(ArrowArray&& array, const ArrowSchema& schema,
                               const ArrowOptions& options = {});

// A stream of record batches, or of arrays of one column. One thread at a time.
class WEFT_API ArrowReader {
 public:
  // Moves from `stream` and asks it for its schema. Throws InvalidArgument with the stream's words
  // if it fails, here as in all that follows.
  explicit ArrowReader(ArrowArrayStream&& stream, ArrowOptions options = {});
  // A stream of this one record batch, or array. Moves from both.
  ArrowReader(ArrowArray&& array, ArrowSchema&& schema, ArrowOptions options = {});
  ArrowReader(ArrowReader&&) noexcept;
  ArrowReader& operator=(ArrowReader&&) noexcept;
  ~ArrowReader();

  // Whether the stream gives record batches; otherwise its arrays are one column.
  bool has_columns() const;
  // The next batch; nothing after the last. Throws InvalidArgument unless has_columns().
  std::optional<Features> next();
  // All the rest as one batch: what has no rows has no rows, too.
  Features read_all();
  // All the rest as one column, `name` in messages. Throws InvalidArgument if has_columns().
  Feature read_column(std::string_view name);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Exporting: what `import_array` makes the same feature of. Numbers and row_splits are shared, not
// copied; string bytes and offsets too. Releasing is safe on any thread and in any order.
//   Tensor [B]            numbers, bool, or strings as large binary; a scalar is one row
//   Tensor [B, k, ...]    fixed-size list, one for each further dimension
//   Ragged                large list, one for each level
//   SparseTensor          of rank 1 a column with nulls; of higher rank large lists, which end with
//                         the last value that is there and are null at holes
// `schema` and `array` are written only if nothing is thrown. Throws InvalidArgument for two values
// at one index, LimitExceeded for a SparseTensor with too many holes.
WEFT_API void export_feature(const Feature& feature, std::string_view name, ArrowSchema& schema,
                             ArrowArray& array);

// A record batch. Throws InvalidArgument for features of different numbers of rows.
WEFT_API void export_batch(const Features& features, ArrowSchema& schema, ArrowArray& array);

// A stream of what `next` returns until that is nothing. `next` is called by whoever reads the
// stream, on that thread, the first time for the schema; what it throws is the stream's error.
// Batches that are not of the first one's types are errors of the stream: dense features must not
// be padded to each batch's longest row.
WEFT_API void export_stream(std::function<std::optional<Features>()> next,
                            ArrowArrayStream& stream);

}  // namespace weft
