// The hash table of lookup_kernel.h while it grows.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "vocabulary/lookup_kernel.h"
#include "weft/tensor.h"

namespace weft::vocabulary {

// Memory that grows at its end. Room that is not used yet is not counted in size().
class Growing {
 public:
  // The place of `bytes` more, whose contents are unspecified.
  uint8_t* extend(int64_t bytes);
  void reserve(int64_t bytes);
  int64_t size() const { return size_; }
  int64_t capacity() const { return buffer_.size(); }
  const Buffer& buffer() const { return buffer_; }
  template <class T>
  const T* as() const {
    return reinterpret_cast<const T*>(buffer_.data());
  }

 private:
  Buffer buffer_;
  int64_t size_ = 0;
};

// The view of a table whose bytes are these.
TableView table_view(DType dtype, const Buffer& lines, const uint8_t* records, int64_t record_bytes,
                     int64_t size, uint64_t seed);

class Table {
 public:
  // `dtype`: kString or kInt64. `expected`: entries that go in without rehashing.
  explicit Table(DType dtype, int64_t expected = 0);

  // The ids of the keys, of strings [begin, end) to ids[0, end - begin). Those that are new are
  // added in order, each under the next id. Throws LimitExceeded.
  void insert(const int64_t* keys, int64_t n, int64_t* ids);
  void insert(const Bytes& keys, int64_t begin, int64_t end, int64_t* ids);

  DType dtype() const { return dtype_; }
  int64_t size() const { return size_; }
  int64_t memory() const;  // bytes
  uint64_t seed() const { return seed_; }
  TableView view() const;
  // The entry of an id; a string is valid until another is added.
  std::string_view string(int64_t id) const;
  int64_t integer(int64_t id) const { return records_.as<int64_t>()[static_cast<size_t>(id)]; }

  // The bytes behind the view.
  const Buffer& lines() const { return lines_; }
  const Growing& places() const { return places_; }
  const Growing& records() const { return records_; }

 private:
  bool settle_integer(int64_t key, uint32_t id);
  bool settle_string(uint64_t hash, uint32_t place);
  bool settle(int64_t id);
  void rehash(int64_t num_lines);
  void make_room();
  void added();
  int64_t insert_integer(int64_t key);
  int64_t insert_string(const uint8_t* key, int64_t size);

  DType dtype_;
  int64_t size_ = 0;
  uint64_t seed_ = 0;
  Buffer lines_;
  Growing places_;   // strings: u32 per entry, where its record begins
  Growing records_;  // strings: records in the order of their ids; integers: i64 per entry
};

}  // namespace weft::vocabulary
