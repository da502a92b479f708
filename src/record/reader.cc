#include <exception>
#include <utility>

#include "record/frames.h"
#include "weft/record.h"

namespace weft {

class RecordReader::Impl {
 public:
  Impl(std::string path, RecordOptions options, RecordPosition start)
      : frames(std::move(path), std::move(options), start) {}

  record::FrameReader frames;
  std::exception_ptr later;  // came after records had been appended: for the next call
};

namespace {

void check_count(int64_t max_records) {
  if (max_records < 1) {
    throw InvalidArgument("max_records must be at least 1, got " + std::to_string(max_records));
  }
}

}  // namespace

RecordReader::RecordReader(std::string path, RecordOptions options, RecordPosition start) {
  if (start.number < 0 || start.offset < 0)
    throw InvalidArgument("a position in a file cannot be negative", {.file = path});
  impl_ = std::make_unique<Impl>(std::move(path), std::move(options), start);
}
RecordReader::RecordReader(RecordReader&&) noexcept = default;
RecordReader& RecordReader::operator=(RecordReader&&) noexcept = default;
RecordReader::~RecordReader() = default;

int64_t RecordReader::append(RecordBatch& batch, int64_t max_records) {
  check_count(max_records);
  if (impl_->later) std::rethrow_exception(std::exchange(impl_->later, nullptr));
  return impl_->frames.append(batch, max_records);
}

bool RecordReader::next(RecordBatch& batch, int64_t max_records) {
  batch.clear();
  check_count(max_records);
  try {
    while (batch.size() < max_records && append(batch, max_records - batch.size()) > 0) {
    }
  } catch (...) {
    if (batch.size() == 0) throw;
    impl_->later = std::current_exception();
  }
  return batch.size() > 0;
}

RecordPosition RecordReader::position() const { return impl_->frames.position(); }
const std::string& RecordReader::path() const { return impl_->frames.path(); }
Compression RecordReader::compression() const { return impl_->frames.compression(); }
RecordCounters RecordReader::counters() const { return impl_->frames.counters(); }

}  // namespace weft
