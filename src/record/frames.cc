#include "record/frames.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace weft::record {
namespace {

constexpr int64_t kFrameBytes = kHeaderBytes + kFooterBytes;

}  // namespace

FrameReader::FrameReader(std::string path, RecordOptions options, RecordPosition start)
    : path_(std::make_shared<const std::string>(std::move(path))),
      options_(std::move(options)),
      chunks_(*path_, start.offset, options_),
      number_(start.number),
      offset_(start.offset) {}

// --- Bytes ---------------------------------------------------------------------------------------

// Takes one more chunk; false at the end of the source.
bool FrameReader::more() {
  if (failure_) return false;
  Chunk chunk = chunks_.next(failure_);
  if (chunk.size == 0) return false;
  const uint8_t* data = chunk.block.data() + chunk.begin;
  later_.push_back({.block = std::move(chunk.block), .at = data, .end = data + chunk.size});
  later_bytes_ += chunk.size;
  return true;
}

// Has now_ hold `wanted` bytes, or all that are left; returns how many it holds. A size that is
// only claimed costs nothing: chunks are collected while there are any, and joined when they
// suffice.
int64_t FrameReader::gather(int64_t wanted) {
  while (now_.size() + later_bytes_ < wanted && more()) {
  }
  if (now_.size() >= wanted || later_.empty()) return now_.size();
  if (now_.size() == 0) {
    now_ = std::move(later_.front());
    later_.pop_front();
    later_bytes_ -= now_.size();
  }
  if (now_.size() < wanted && !later_.empty()) join(std::min(wanted, now_.size() + later_bytes_));
  return now_.size();
}

// Copies the first `size` bytes of now_ and later_ into a block of their own.
void FrameReader::join(int64_t size) {
  Buffer block = Buffer::allocate(size);
  uint8_t* to = block.mutable_data();
  uint8_t* const end = to + size;
  std::memcpy(to, now_.at, static_cast<size_t>(now_.size()));
  to += now_.size();
  while (to < end) {
    Piece& next = later_.front();
    const int64_t taken = std::min<int64_t>(next.size(), end - to);
    std::memcpy(to, next.at, static_cast<size_t>(taken));
    to += taken;
    next.at += taken;
    later_bytes_ -= taken;
    if (next.size() == 0) later_.pop_front();
  }
  now_ = {.block = std::move(block), .at = end - size, .end = end};
}

void FrameReader::advance(int64_t size) {
  now_.at += size;
  offset_ += size;
}

// --- Records -------------------------------------------------------------------------------------

int64_t FrameReader::append(RecordBatch& batch, int64_t most) {
  if (error_) std::rethrow_exception(error_);
  RecordAppender to(batch, path_);
  for (;;) {
    const int64_t added = loss_.error ? 0 : add_whole(to, most);
    if (added > 0) return added;
    switch (step(to)) {
      case Step::kAdded:
        return 1;
      case Step::kSkipped:
        break;
      case Step::kEnd:
        return 0;
    }
  }
}

uint64_t FrameReader::max_length() const {
  return static_cast<uint64_t>(std::max<int64_t>(0, options_.limits.max_record_bytes));
}

// The records that lie whole and undamaged in now_.
int64_t FrameReader::add_whole(RecordAppender& to, int64_t most) {
  if (now_.size() < kFrameBytes) return 0;
  to.keep(now_.block);
  const uint8_t* const begin = now_.at;
  int64_t added = 0;
  int64_t bytes = 0;
  while (added < most && now_.size() >= kFrameBytes && header_fits(now_.at)) {
    const uint64_t claimed = record_length(now_.at);
    if (claimed > max_length() || claimed > static_cast<uint64_t>(now_.size() - kFrameBytes)) break;
    const auto length = static_cast<int64_t>(claimed);
    const uint8_t* data = now_.at + kHeaderBytes;
    if (options_.verify_crc && !data_fits(data, length)) break;
    to.add(data, length, number_ + added, offset_ + (now_.at - begin));
    now_.at += kFrameBytes + length;
    bytes += length;
    ++added;
  }
  number_ += added;
  offset_ += now_.at - begin;
  counters_.records += added;
  counters_.bytes += bytes;
  return added;
}

// One record that add_whole could not take: it spans chunks, or something is wrong with it.
FrameReader::Step FrameReader::step(RecordAppender& to) {
  if (loss_.error) return leave_out();
  const int64_t available = gather(kHeaderBytes);
  if (available == 0 && !failure_) return Step::kEnd;
  if (available < kHeaderBytes) return cut_short(available);
  if (!header_fits(now_.at)) return damaged_length();
  const uint64_t claimed = record_length(now_.at);
  if (claimed > max_length()) return too_long(claimed);
  const auto length = static_cast<int64_t>(claimed);
  const int64_t whole = kFrameBytes + length;
  if (gather(whole) < whole) return cut_short(now_.size());
  if (options_.verify_crc && !data_fits(now_.at + kHeaderBytes, length)) {
    return fault(CorruptData("the data of the record do not have their checksum", here()),
                 {.size = static_cast<uint64_t>(whole)});
  }
  return add_whole(to, 1) == 1 ? Step::kAdded : Step::kSkipped;
}

}  // namespace weft::record
