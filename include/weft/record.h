// One TFRecord file <-> record views, and random access to its records. As tf.data.TFRecordDataset
// (of one file) and tf.io.TFRecordWriter; many files are dataset.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weft/tensor.h"

namespace weft {

// How the file as a whole is compressed. kAuto (reading only) tells by the first bytes, whatever
// the file's name is.
enum class Compression : uint8_t { kAuto, kNone, kGzip, kZlib };

enum class OnError : uint8_t { kRaise, kSkip };

struct RecordOptions {
  Compression compression = Compression::kAuto;
  // Whether the checksum of each record's data is checked. The one of its length always is: a wrong
  // length loses the rest of the file.
  bool verify_crc = true;
  // kSkip: a damaged place is left out, counted, and reported to on_skip. A record whose data are
  // damaged is left out alone. After a damaged length, reading goes on at the next place that holds
  // a length with the right checksum; how many records were lost in between is not known, and they
  // count as one in the numbers of those that follow. A broken compressed stream, a truncated file
  // and a file of another kind are lost from there on. Errors of the system are thrown all the
  // same.
  OnError on_error = OnError::kRaise;
  // Called by next() and append() on their thread; what it throws they throw, and reading may go
  // on.
  std::function<void(const Error&)> on_skip;
  // Whether a thread of the reader's own reads and inflates ahead of the caller, by at most a few
  // chunks of 256 KiB. It starts at the first read.
  bool read_ahead = true;
  // Called on the caller's thread now and then while a call takes long; what it throws ends the
  // call before anything is lost, and reading may go on.
  std::function<void()> poll;
  Limits limits;  // max_record_bytes
};

struct RecordCounters {
  int64_t records = 0;        // delivered
  int64_t bytes = 0;          // of the data of those
  int64_t skipped = 0;        // damaged places, each reported once
  int64_t skipped_bytes = 0;  // bytes of the file (uncompressed, where known) left out at those
  RecordCounters& operator+=(const RecordCounters& other);
  bool operator==(const RecordCounters&) const = default;
};

// One record with bytes of its own, for whoever holds on to a few of many: a record of a batch
// keeps the whole block alive that it was read in.
struct OwnRecord {
  std::string data;
  std::shared_ptr<const std::string> file;
  int64_t number = 0;
  int64_t offset = 0;
};

// Records as views into pooled blocks, which the batch keeps alive: a view is valid until the batch
// is cleared, assigned to or destroyed. Copies share the blocks. Each record knows where it is
// from.
class WEFT_API RecordBatch {
 public:
  int64_t size() const { return static_cast<int64_t>(records_.size()); }
  std::string_view operator[](int64_t i) const { return records_[static_cast<size_t>(i)]; }
  std::span<const std::string_view> records() const { return records_; }

  const std::string& file(int64_t i) const;  // the path as it was given
  // Number of the record in its file, from 0, those left out included.
  int64_t number(int64_t i) const { return places_[static_cast<size_t>(i)].number; }
  // Where the record's length stands in the file, or in its uncompressed contents.
  int64_t offset(int64_t i) const { return places_[static_cast<size_t>(i)].offset; }
  Where where(int64_t i) const {
    return {.file = file(i), .record = number(i), .offset = offset(i)};
  }

  void clear();
  // Frees the bytes: records are empty from then on, and still know where they are from.
  void clear_bytes();
  // Appends records [begin, begin + n) of `from`. Throws InvalidArgument if it has fewer.
  void append(const RecordBatch& from, int64_t begin, int64_t n);
  // Appends a copy of the bytes.
  void append(const OwnRecord& record);
  // Record i with bytes of its own; the memory that `record` has is used again.
  void copy_to(int64_t i, OwnRecord& record) const;

 private:
  friend class RecordAppender;
  // What is left of a block that copies go into. A copy of the batch has none: it shares the block.
  struct Room {
    Room() = default;
    Room(const Room&) {}
    Room(Room&& from) noexcept
        : at(std::exchange(from.at, nullptr)), size(std::exchange(from.size, 0)) {}
    Room& operator=(const Room& from) { return this == &from ? *this : *this = Room(); }
    Room& operator=(Room&& from) noexcept {
      at = std::exchange(from.at, nullptr);
      size = std::exchange(from.size, 0);
      return *this;
    }
    uint8_t* at = nullptr;
    int64_t size = 0;
  };
  struct Place {
    int64_t number;
    int64_t offset;
    size_t file;  // in files_
  };
  void keep(const Buffer& block);
  size_t file_index(const std::shared_ptr<const std::string>& file);

  std::vector<std::string_view> records_;
  std::vector<Place> places_;
  std::vector<Buffer> blocks_;
  std::vector<std::shared_ptr<const std::string>> files_;
  Room room_;
};

// A place between two records of a file.
struct RecordPosition {
  int64_t number = 0;  // of the record that follows
  int64_t offset = 0;  // where it begins, in the uncompressed contents
};

// Reads one file, record after record. Files are read, never mapped, in chunks; a claimed length is
// never allocated before the bytes are there. An empty file has no records.
//
// A reader is used by one thread at a time, and not in a child forked after its first read
// (IoError).
class WEFT_API RecordReader {
 public:
  // Opens the file, to be read from its beginning or from where position() of another reader was. A
  // compressed file is inflated up to there again. Throws NotFound, IoError for what cannot be
  // opened or is a directory, and InvalidArgument for a negative position.
  explicit RecordReader(std::string path, RecordOptions options = {}, RecordPosition start = {});
  RecordReader(RecordReader&&) noexcept;
  RecordReader& operator=(RecordReader&&) noexcept;
  ~RecordReader();  // at any time; joins the reader's thread

  // Replaces the batch by the next max_records records, by fewer at the end of the file or before
  // an error; false at the end, with an empty batch. Throws, with the file, the number of the
  // record and the offset (in the uncompressed contents, for a compressed file), and again at each
  // later call:
  //   CorruptData    a checksum that does not fit, a file that ends inside a record (its header
  //                  included), a broken compressed stream (offset: in the file), or another kind
  //                  of file, which is named where it is known
  //                  Also a file that ends before the reader's start.
  //   LimitExceeded  a record longer than limits.max_record_bytes
  //   IoError        the system could not read
  //   InvalidArgument  max_records < 1
  bool next(RecordBatch& batch, int64_t max_records);
  // Appends what is at hand, at least one and at most max_records records; returns how many, 0 at
  // the end of the file. Throws as next() does, only before it has appended anything.
  int64_t append(RecordBatch& batch, int64_t max_records);

  // Before the record that the next call begins with.
  RecordPosition position() const;
  const std::string& path() const;
  // What the file turned out to be; kAuto before the first read, unless options said.
  Compression compression() const;
  RecordCounters counters() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Where the index of a file is looked for: `path` + ".idx".
WEFT_API std::string index_path(const std::string& path);

// Writes the index of a plain file, where its records are, to `index` (empty: index_path(path)),
// and returns how many there are. The file is read to its end. A few bytes a record, versioned,
// with a checksum and with the file's size and time; the format is in src/record/index.cc. It is
// seen complete or not at all. Throws as RecordReader does for damage, InvalidArgument for a
// compressed file or one that is no regular file, IoError.
WEFT_API int64_t build_index(const std::string& path, const std::string& index = "",
                             RecordOptions options = {});

struct RecordFileOptions {
  std::string index;     // empty: the file index_path() names, if there is one
  RecordOptions record;  // verify_crc, limits; and, to read a file that has no index, poll
};

// The records of a plain file, in any order. Any number of threads may share one, also those of a
// forked child.
class WEFT_API RecordFile {
 public:
  // Loads the index: one of build_index(), or lines "offset size" as NVIDIA DALI's tfrecord2idx and
  // the tfrecord package write them. Without one, reads the whole file.
  // Throws NotFound; InvalidArgument for a file that build_index() refuses and for a stale index,
  // which is of another size or time of the file; CorruptData for what is no index.
  explicit RecordFile(std::string path, RecordFileOptions options = {});
  RecordFile(RecordFile&&) noexcept;
  RecordFile& operator=(RecordFile&&) noexcept;
  ~RecordFile();

  const std::string& path() const;
  int64_t size() const;  // records
  // Replaces the batch by these records, in this order. Throws OutOfRange for one that is not in
  // [0, size()), CorruptData for one that is not what the index or its checksum says,
  // LimitExceeded, IoError.
  void read(std::span<const int64_t> which, RecordBatch& batch) const;

 private:
  class Impl;
  std::unique_ptr<const Impl> impl_;
};

struct RecordWriterOptions {
  Compression compression = Compression::kNone;
  int level = -1;  // of gzip and zlib: 0 (stored) to 9 (smallest); -1 is zlib's default, 6
};

// Writes one file, byte for byte as TensorFlow does. It is written under another name in the same
// folder and takes its own name in close(), replacing a file that was there: until then, and after
// a failure, nothing is to be seen of it.
//
// A writer is used by one thread at a time.
class WEFT_API RecordWriter {
 public:
  // Throws InvalidArgument for kAuto, a level outside [-1, 9], or a path that is no regular file;
  // NotFound if the folder does not exist; IoError otherwise.
  explicit RecordWriter(std::string path, RecordWriterOptions options = {});
  RecordWriter(RecordWriter&&) noexcept;
  RecordWriter& operator=(RecordWriter&&) noexcept;
  ~RecordWriter();  // without close(): what was written is discarded

  // Throws IoError, after which the writer only throws; InvalidArgument after close().
  void write(std::string_view record);
  // Hands everything written so far to the system; a compressed file grows a little by it.
  void flush();
  // Completes the file and makes it durable (fsync of file and folder) under its name. A second
  // call does nothing.
  void close();
  // Ends the writing; nothing of the file is kept. After close() it does nothing.
  void discard();

  const std::string& path() const;
  RecordCounters counters() const;  // records and bytes written

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft
