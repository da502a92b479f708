#include "vocabulary/table.h"

#include <algorithm>
#include <cstring>

#include "base/cpu.h"
#include "weft/error.h"

namespace weft::vocabulary {
namespace {

constexpr int64_t kMaxEntries = kNext;             // ids below kNext
constexpr int64_t kMaxRecords = int64_t{8} << 32;  // places are u32
constexpr int64_t kBlock = 512;                    // keys looked up before they are inserted

// Entries that num_lines lines take before there should be more: seven tenths of the slots.
int64_t room(DType dtype, int64_t num_lines) {
  return dtype == DType::kString ? num_lines * 7 : num_lines * 7 / 2;
}

int64_t lines_for(DType dtype, int64_t entries) {
  return dtype == DType::kString ? (entries + 6) / 7 : (entries * 2 + 6) / 7;
}

uint32_t& next_of(IntegerLine& line) { return line.ids[kIntegerSlots]; }
uint32_t& next_of(StringLine& line) { return line.places[kStringSlots]; }

Buffer empty_lines(DType dtype, int64_t num_lines) {
  Buffer lines = Buffer::allocate(num_lines * static_cast<int64_t>(kLineBytes));
  if (dtype == DType::kString) {
    StringLine empty = {};
    next_of(empty) = kNoEntry;
    std::fill_n(reinterpret_cast<StringLine*>(lines.mutable_data()), num_lines, empty);
  } else {
    IntegerLine empty = {};
    std::ranges::fill(empty.ids, kNoEntry);
    std::fill_n(reinterpret_cast<IntegerLine*>(lines.mutable_data()), num_lines, empty);
  }
  return lines;
}

}  // namespace

void Growing::reserve(int64_t bytes) {
  if (bytes <= buffer_.size()) return;
  Buffer larger = Buffer::allocate(bytes);
  if (size_ > 0) std::memcpy(larger.mutable_data(), buffer_.data(), static_cast<size_t>(size_));
  buffer_ = std::move(larger);
}

uint8_t* Growing::extend(int64_t bytes) {
  if (bytes > buffer_.size() - size_) reserve(std::max(size_ + bytes, 2 * buffer_.size()));
  size_ += bytes;
  return buffer_.mutable_data() + size_ - bytes;
}

Table::Table(DType dtype, int64_t expected)
    : dtype_(dtype), lines_(empty_lines(dtype, std::max<int64_t>(1, lines_for(dtype, expected)))) {
  (dtype == DType::kString ? places_ : records_)
      .reserve(expected * (dtype == DType::kString ? 4 : 8));
  if (dtype == DType::kString) std::memset(records_.extend(kRecordBytes), 0xFF, kRecordBytes);
}

int64_t Table::memory() const { return lines_.size() + places_.capacity() + records_.capacity(); }

TableView table_view(DType dtype, const Buffer& lines, const uint8_t* records, int64_t record_bytes,
                     int64_t size, uint64_t seed) {
  const int64_t places = dtype == DType::kString ? record_bytes / 8 : 0;
  return {.lines = lines.data(),
          .num_lines = static_cast<uint64_t>(lines.size()) / kLineBytes,
          .records = records,
          .num_places = static_cast<uint64_t>(places),
          .size = static_cast<uint64_t>(size),
          .multiplier = multiplier_of(seed)};
}

TableView Table::view() const {
  return table_view(dtype_, lines_, records_.as<uint8_t>(), records_.size(), size_, seed_);
}

std::string_view Table::string(int64_t id) const {
  const uint8_t* const record =
      records_.as<uint8_t>() + int64_t{8} * places_.as<uint32_t>()[static_cast<size_t>(id)];
  return {reinterpret_cast<const char*>(record + 8), load_half(record + 4)};
}

// The line that takes one more key, in a table that does not hold it; null if it would be too far.
template <class Line, class Full>
Line* free_line(Buffer& buffer, uint64_t at, const Full& full) {
  auto* const lines = reinterpret_cast<Line*>(buffer.mutable_data());
  const uint64_t num_lines = static_cast<uint64_t>(buffer.size()) / kLineBytes;
  for (int probe = 0; probe < kMaxProbes; ++probe) {
    if (!full(lines[at])) return lines + at;
    next_of(lines[at]) = kNext;
    if (++at == num_lines) at = 0;
  }
  return nullptr;
}

bool Table::settle_integer(int64_t key, uint32_t id) {
  const uint64_t home = line_of(hash_integer(key, multiplier_of(seed_)), view().num_lines);
  auto* const line = free_line<IntegerLine>(
      lines_, home, [](const IntegerLine& l) { return l.ids[kIntegerSlots - 1] != kNoEntry; });
  if (line == nullptr) return false;
  const auto slot = std::find(line->ids, line->ids + kIntegerSlots, kNoEntry) - line->ids;
  line->keys[slot] = key;
  line->ids[slot] = id;
  return true;
}

bool Table::settle_string(uint64_t hash, uint32_t place) {
  auto* const line =
      free_line<StringLine>(lines_, line_of(hash, view().num_lines),
                            [](const StringLine& l) { return l.tags[kStringSlots - 1] != 0; });
  if (line == nullptr) return false;
  const auto slot = std::find(line->tags, line->tags + kStringSlots, 0) - line->tags;
  line->tags[slot] = tag_of(hash);
  line->places[slot] = place;
  return true;
}

// Puts an entry into the lines; false if its lines are too full.
bool Table::settle(int64_t id) {
  const auto at = static_cast<size_t>(id);
  if (dtype_ != DType::kString)
    return settle_integer(records_.as<int64_t>()[at], static_cast<uint32_t>(id));
  const std::string_view key = string(id);
  const uint64_t hash =
      hash_string(reinterpret_cast<const uint8_t*>(key.data()), key.size(), multiplier_of(seed_));
  return settle_string(hash, places_.as<uint32_t>()[at]);
}

// Keys that all hash to a few lines do so under one seed alone.
void Table::rehash(int64_t num_lines) {
  for (;;) {
    lines_ = empty_lines(dtype_, num_lines);
    int64_t id = 0;
    while (id < size_ && settle(id)) ++id;
    if (id == size_) return;
    num_lines += num_lines / 4 + 1;
    ++seed_;
  }
}

void Table::make_room() {
  if (size_ == kMaxEntries) throw LimitExceeded("a vocabulary has at most 2^32 - 2 entries");
  const int64_t num_lines = lines_.size() / static_cast<int64_t>(kLineBytes);
  if (size_ == room(dtype_, num_lines)) rehash(2 * num_lines);
}

void Table::added() {
  if (!settle(size_++)) rehash(lines_.size() / static_cast<int64_t>(kLineBytes));
}

int64_t Table::insert_integer(int64_t key) {
  int64_t id;
  WEFT_KERNEL(lookup_kernel).integers(view(), &key, 1, &id);
  if (id >= 0) return id;
  make_room();
  std::memcpy(records_.extend(8), &key, 8);
  added();
  return size_ - 1;
}

int64_t Table::insert_string(const uint8_t* key, int64_t size) {
  int64_t id;
  const int64_t offsets[] = {0, size};
  WEFT_KERNEL(lookup_kernel).strings(view(), key, offsets, 1, &id);
  if (id >= 0) return id;
  make_room();
  const int64_t bytes = std::max(kRecordBytes, (8 + size + 7) / 8 * 8);
  if (size >= kMaxRecords / 8 || bytes > kMaxRecords - records_.size())
    throw LimitExceeded("the strings of a vocabulary are at most 32 GiB, and each below 4 GiB");
  const auto place = static_cast<uint32_t>((records_.size() - kRecordBytes) / 8);
  const uint32_t head[] = {static_cast<uint32_t>(size_), static_cast<uint32_t>(size)};
  uint8_t* const record = records_.extend(bytes) - kRecordBytes;
  std::memset(record + bytes - 16, 0, 16);
  std::memset(record + bytes, 0xFF, kRecordBytes);
  std::memcpy(record, head, 8);
  if (size > 0) std::memcpy(record + 8, key, static_cast<size_t>(size));
  std::memcpy(places_.extend(4), &place, 4);
  added();
  return size_ - 1;
}

// The lookup of a whole block finds what is there, many misses of the cache at once, and has the
// lines of what is not there at hand.
void Table::insert(const int64_t* keys, int64_t n, int64_t* ids) {
  for (int64_t begin = 0; begin < n; begin += kBlock) {
    const int64_t end = std::min(n, begin + kBlock);
    WEFT_KERNEL(lookup_kernel).integers(view(), keys + begin, end - begin, ids + begin);
    for (int64_t i = begin; i < end; ++i) {
      if (ids[i] < 0) ids[i] = insert_integer(keys[i]);
    }
  }
}

void Table::insert(const Bytes& keys, int64_t begin, int64_t end, int64_t* ids) {
  const int64_t* const offsets = keys.offsets().data();
  const uint8_t* const data = keys.data().data();
  for (; begin < end; begin += kBlock, ids += kBlock) {
    const int64_t n = std::min(end - begin, kBlock);
    WEFT_KERNEL(lookup_kernel).strings(view(), data, offsets + begin, n, ids);
    for (int64_t i = 0; i < n; ++i) {
      const int64_t at = offsets[begin + i];
      if (ids[i] < 0) ids[i] = insert_string(data + at, offsets[begin + i + 1] - at);
    }
  }
}

}  // namespace weft::vocabulary
