// Vocabularies: which strings or integers have an id, and the files that hold them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "weft/export.h"
#include "weft/tensor.h"

namespace weft {

struct VocabularyFileOptions {
  // The first entries of the file that count, as TensorFlow's vocabulary_size; unset: all.
  std::optional<int64_t> size;
  // kString, or kInt64 for a file of integers. Unset: what a table file holds, kString for others.
  std::optional<DType> dtype;
  // Whether the contents of a table file are held against their checksum, and each entry is looked
  // up, which reads all of it.
  bool verify = false;
};

// Entries 0 .. size() - 1, strings or int64, each different: the id of an entry is its place.
// Immutable; copies share memory, as do threads, and processes that have opened one table file.
class WEFT_API Vocabulary {
 public:
  using FileOptions = VocabularyFileOptions;

  // `entries`: [V], strings or integers. Throws InvalidArgument for another rank or an entry that
  // is there twice, naming both places; WrongType for another dtype; LimitExceeded for 2^32 - 1
  // entries or more, or strings of 32 GiB together.
  static Vocabulary from_entries(const Tensor& entries);

  // A file, told by its contents:
  //   a table file  written by save(): mapped, which takes no time and no private memory. It may be
  //                 replaced (by rename) meanwhile, but never written to in place.
  //   TFRecord      plain or gzip; each record is an entry
  //   text          plain or gzip; each line is an entry. Lines end in "\n" or "\r\n", the last one
  //                 perhaps in nothing. Spaces count.
  // With kInt64 an entry is a decimal number, as strings::safe_strto64 reads it: with spaces around
  // it and perhaps a minus.
  //
  // While a vocabulary lives, opening its file again with the same options gives the same one.
  //
  // Throws, with the file: NotFound; IoError, also for what is no regular file; CorruptData for a
  // damaged table, record or gzip file;
  // InvalidArgument, naming the line or record, for an empty line, an entry that is there twice or
  // is no number, and for fewer entries than `size`, a size below 1, or a dtype that is not the
  // table file's; WrongType for a dtype that is neither kString nor an integer.
  static Vocabulary open(const std::string& path, const FileOptions& options = {});

  // The number of entries of a file: reads no more than the header of a table file, and for others
  // counts lines or records. Throws NotFound, IoError, CorruptData.
  static int64_t count_entries(const std::string& path);

  // Writes a table file, which appears under its name complete and replaces what was there.
  // Throws NotFound if the folder does not exist, InvalidArgument for a path that is no regular
  // file, IoError.
  void save(const std::string& path) const;
  // The same as text, an entry a line, which TensorFlow reads. Throws InvalidArgument for an entry
  // that no line can hold: empty, with a line end inside, or with "\r" at its end.
  void save_text(const std::string& path) const;

  int64_t size() const;
  DType dtype() const;  // kString or kInt64

  // The entry of an id in [0, size()). Throws OutOfRange for others, WrongType for the other dtype.
  std::string_view string(int64_t id) const;
  int64_t integer(int64_t id) const;
  Tensor entries() const;  // [V]
  // How often each entry was counted when the vocabulary was built by counting: int64 [V]; unset
  // for others. Throws CorruptData, with the file and the entry, for a count of a table file that
  // is negative or takes their sum beyond int64.
  std::optional<Tensor> counts() const;

  // The id of each value, -1 for those that are not in the vocabulary. `values` are strings if
  // dtype() is kString and integers of any dtype otherwise (WrongType for others). `ids` has room
  // for values.size(). Large batches are looked up by several threads.
  void lookup(const Tensor& values, int64_t* ids) const;
  // The same on the calling thread alone. For integers (nothing is found in a vocabulary of
  // strings), and for strings [begin, end) of `keys`, to ids[0, end - begin).
  void lookup(std::span<const int64_t> keys, int64_t* ids) const noexcept;
  void lookup(const Bytes& keys, int64_t begin, int64_t end, int64_t* ids) const noexcept;

  class Impl;  // src/vocabulary/impl.h

 private:
  friend class VocabularyBuilder;
  explicit Vocabulary(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

  void check_id(int64_t id, DType wanted) const;

  std::shared_ptr<const Impl> impl_;
};

// What of the counted entries becomes a vocabulary.
struct VocabularyBuildOptions {
  int64_t min_count = 1;         // entries counted less often are left out
  std::optional<int64_t> top_k;  // of the rest, the most frequent
};

// Counts values exactly and makes vocabularies of them: by count, the most frequent first, and
// entries of one count in the order of their bytes, or of their numbers. So the result does not
// depend on the order in which values came, nor on who counted which of them. A builder is used by
// one thread at a time.
class WEFT_API VocabularyBuilder {
 public:
  // `dtype`: kString, or any integer (entries are int64 then); WrongType for others. `max_bytes`
  // bounds the memory of what was counted: 50 to 100 bytes an entry, and the bytes of its string.
  explicit VocabularyBuilder(DType dtype = DType::kString, int64_t max_bytes = int64_t{16} << 30);
  VocabularyBuilder(VocabularyBuilder&&) noexcept;
  VocabularyBuilder& operator=(VocabularyBuilder&&) noexcept;
  ~VocabularyBuilder();

  // Counts each value once. Throws WrongType for values of another kind, OutOfRange for a uint64
  // beyond int64, LimitExceeded for more memory than max_bytes, after which the counts are lost.
  void add(const Tensor& values);
  // Adds what another builder counted: one of another process by way of build({}) and a file, which
  // keeps the counts. Throws as add() and counts() do, InvalidArgument for a vocabulary without
  // counts, OutOfRange if total() would be beyond int64.
  void add_counted(const Vocabulary& counted);

  DType dtype() const;
  int64_t size() const;    // different entries
  int64_t total() const;   // values
  int64_t memory() const;  // bytes

  // A vocabulary with counts(). Throws InvalidArgument if min_count or top_k is below 1.
  Vocabulary build(const VocabularyBuildOptions& options = {}) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft
