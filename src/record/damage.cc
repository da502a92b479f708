// What FrameReader does where the bytes are not what they should be.
#include <algorithm>
#include <string>
#include <utility>

#include "record/frames.h"

namespace weft::record {

// Throws the error, now and at every later call, or leaves the damaged place out.
template <class E>
FrameReader::Step FrameReader::fault(const E& error, Loss loss) {
  if (options_.on_error == OnError::kRaise) {
    error_ = std::make_exception_ptr(error);
    std::rethrow_exception(error_);
  }
  loss_ = std::move(loss);
  loss_.error = std::make_shared<const E>(error);
  loss_.begin = offset_;
  return leave_out();
}

template FrameReader::Step FrameReader::fault(const CorruptData&, Loss);

FrameReader::Step FrameReader::leave_out() {
  if (loss_.resync) {
    resync();
  } else {
    discard(loss_.size);
  }
  const Loss done = std::exchange(loss_, {});
  ++number_;
  ++counters_.skipped;
  counters_.skipped_bytes += done.in_file >= 0 ? done.in_file : offset_ - done.begin;
  if (options_.on_skip) options_.on_skip(*done.error);
  return Step::kSkipped;
}

// Drops bytes until `size` of them, counted from the beginning of the loss, or all are gone.
void FrameReader::discard(uint64_t size) {
  for (;;) {
    const auto done = static_cast<uint64_t>(offset_ - loss_.begin);
    if (done >= size || gather(1) == 0) return;
    advance(static_cast<int64_t>(std::min(size - done, static_cast<uint64_t>(now_.size()))));
  }
}

// Drops bytes up to the next position that looks like a header: the checksum of the length fits,
// and the length is within the limit. Whether the data do is not asked: a file made to claim much
// at many positions would have them read over and over.
void FrameReader::resync() {
  if (offset_ == loss_.begin) advance(1);
  while (gather(kHeaderBytes) >= kHeaderBytes) {
    const uint8_t* const last = now_.end - kHeaderBytes;
    const uint8_t* at = now_.at;
    while (at <= last && (record_length(at) > max_length() || !header_fits(at))) ++at;
    advance(at - now_.at);
    if (at <= last) return;
  }
  advance(now_.size());
}

// The bytes end, or the source failed, before the record does. All that is left is in now_.
FrameReader::Step FrameReader::cut_short(int64_t available) {
  if (failure_) return source_failed(available);
  const Loss rest = {.size = static_cast<uint64_t>(available)};
  if (offset_ == 0 && available < kHeaderBytes) {
    const std::string kind(kind_of_file({now_.at, static_cast<size_t>(available)}));
    if (!kind.empty())
      return fault(CorruptData("this is no record file but " + kind, here()), rest);
  }
  return fault(CorruptData("the file ends inside a record, " + std::to_string(available) +
                               " bytes after its beginning",
                           here()),
               rest);
}

// The source failed, perhaps inside a record.
FrameReader::Step FrameReader::source_failed(int64_t available) {
  try {
    std::rethrow_exception(std::exchange(failure_, nullptr));
  } catch (CorruptData& error) {
    error.locate({.record = number_});
    const int64_t lost = chunks_.file_bytes() - error.where().offset;
    return fault(error,
                 {.size = static_cast<uint64_t>(available), .in_file = std::max<int64_t>(0, lost)});
  } catch (Error& error) {
    error.locate({.record = number_});
    error_ = std::current_exception();
    throw;
  } catch (...) {
    error_ = std::current_exception();
    throw;
  }
}

FrameReader::Step FrameReader::too_long(uint64_t length) {
  const uint64_t whole = length + kHeaderBytes + kFooterBytes;
  return fault(LimitExceeded("a record of " + std::to_string(length) +
                                 " bytes is longer than max_record_bytes = " +
                                 std::to_string(options_.limits.max_record_bytes),
                             here()),
               {.size = std::max(whole, length)});
}

FrameReader::Step FrameReader::damaged_length() {
  if (offset_ == 0) {
    const int64_t size = std::min(gather(kKindBytes), kKindBytes);
    const std::string kind(kind_of_file({now_.at, static_cast<size_t>(size)}));
    const char* what = compression() == Compression::kNone
                           ? "this is no record file but "
                           : "the compressed data are no records but ";
    if (!kind.empty()) return fault(CorruptData(what + kind, here()), {.size = UINT64_MAX});
  }
  return fault(CorruptData("the length of the record does not have its checksum", here()),
               {.resync = true});
}

}  // namespace weft::record
