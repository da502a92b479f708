// What a vocabulary is made of, in memory of its own or in a mapped file.
#pragma once

#include "vocabulary/table.h"
#include "weft/vocabulary.h"

namespace weft {

class Vocabulary::Impl {
 public:
  Impl(DType dtype_, int64_t size_, uint64_t seed_, Buffer lines_, Buffer records_, Buffer counts_,
       Buffer places_)
      : dtype(dtype_),
        size(size_),
        seed(seed_),
        lines(std::move(lines_)),
        records(std::move(records_)),
        counts(std::move(counts_)),
        places(std::move(places_)) {}
  // A table that is complete. `counts`: int64 per entry, or empty.
  explicit Impl(const vocabulary::Table& table, Buffer counts = {});

  TableView view() const {
    return vocabulary::table_view(dtype, lines, records.data(), records.size(), size, seed);
  }
  // Entries that the sections hold.
  int64_t stored() const {
    return dtype == DType::kString ? places.size() / 4 : records.size() / 8;
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw CorruptData("the vocabulary's file is damaged: " + what, {.file = file});
  }
  // The entry of an id in [0, size). Throws CorruptData.
  std::string_view string(int64_t id) const;

  DType dtype;
  int64_t size;  // the entries that count, perhaps fewer than the sections hold
  uint64_t seed;
  Buffer lines, records, counts, places;  // counts: without memory if nothing was counted
  std::string file;                       // that was mapped
};

namespace vocabulary {

// What entries of values of this dtype are: kString, or kInt64 for integers. Throws WrongType.
DType entry_dtype(DType dtype);

// The table file, or null if `fd` is none. Throws CorruptData, InvalidArgument, IoError.
std::shared_ptr<Vocabulary::Impl> open_table(int fd, const std::string& path, bool verify);
// Entries of a table file, or -1 if `fd` is none. Throws CorruptData, IoError.
int64_t count_table(int fd, const std::string& path);
void save_table(const Vocabulary::Impl& table, const std::string& path);
// Throws what a file that cannot be written throws; `error` is an errno value or 0.
void check_written(int error, const std::string& path);

// The entries of a file of lines or records, plain or gzip: the first `size`, or all. Takes the
// descriptor over.
Table read_entries(int fd, const std::string& path, DType dtype, std::optional<int64_t> size);
int64_t count_entries(int fd, const std::string& path);

}  // namespace vocabulary
}  // namespace weft
