#include <algorithm>
#include <cstring>

#include "record/frames.h"

namespace weft {
namespace {

constexpr int64_t kRoomBytes = int64_t{64} << 10;

}  // namespace

RecordCounters& RecordCounters::operator+=(const RecordCounters& other) {
  records += other.records;
  bytes += other.bytes;
  skipped += other.skipped;
  skipped_bytes += other.skipped_bytes;
  return *this;
}

const std::string& RecordBatch::file(int64_t i) const {
  return *files_[places_[static_cast<size_t>(i)].file];
}

void RecordBatch::clear() {
  records_.clear();
  places_.clear();
  blocks_.clear();
  files_.clear();
  room_ = {};
}

void RecordBatch::clear_bytes() {
  std::fill(records_.begin(), records_.end(), std::string_view());
  blocks_.clear();
  room_ = {};
}

// The search begins with the newest: records come in runs from few blocks.
void RecordBatch::keep(const Buffer& block) {
  const auto same = [&](const Buffer& kept) { return kept.data() == block.data(); };
  if (std::find_if(blocks_.rbegin(), blocks_.rend(), same) == blocks_.rend())
    blocks_.push_back(block);
}

size_t RecordBatch::file_index(const std::shared_ptr<const std::string>& file) {
  const auto found = std::find(files_.rbegin(), files_.rend(), file);
  if (found != files_.rend()) return static_cast<size_t>(files_.rend() - found) - 1;
  files_.push_back(file);
  return files_.size() - 1;
}

void RecordBatch::append(const RecordBatch& from, int64_t begin, int64_t n) {
  if (begin < 0 || n < 0 || begin > from.size() || n > from.size() - begin) {
    throw InvalidArgument("records [" + std::to_string(begin) + ", " + std::to_string(begin) +
                          " + " + std::to_string(n) + ") of a batch of " +
                          std::to_string(from.size()));
  }
  for (size_t i = 0, blocks = from.blocks_.size(); i < blocks; ++i) keep(Buffer(from.blocks_[i]));
  for (int64_t i = begin; i < begin + n; ++i) {
    Place place = from.places_[static_cast<size_t>(i)];
    place.file = file_index(std::shared_ptr(from.files_[place.file]));
    places_.push_back(place);
    records_.push_back(from[i]);
  }
}

void RecordBatch::append(const OwnRecord& record) {
  const auto size = static_cast<int64_t>(record.data.size());
  if (room_.size < size || room_.at == nullptr) {
    Buffer block = Buffer::allocate(std::max(size, kRoomBytes));
    room_.at = block.mutable_data();
    room_.size = block.size();
    blocks_.push_back(std::move(block));
  }
  std::memcpy(room_.at, record.data.data(), record.data.size());
  RecordAppender(*this, record.file).add(room_.at, size, record.number, record.offset);
  room_.at += size;
  room_.size -= size;
}

void RecordBatch::copy_to(int64_t i, OwnRecord& record) const {
  const Place& place = places_[static_cast<size_t>(i)];
  record.data.assign((*this)[i]);
  record.file = files_[place.file];
  record.number = place.number;
  record.offset = place.offset;
}

}  // namespace weft
