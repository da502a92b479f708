#include <algorithm>
#include <exception>
#include <memory>
#include <utility>

#include "dataset/order.h"
#include "weft/dataset.h"

namespace weft {
namespace {

// Records that an interleaved file has ready: what is at hand, but not so many that they would be
// read long before their turn.
constexpr int64_t kReady = 256;

// A file of the cycle.
struct Slot {
  std::unique_ptr<RecordReader> reader;
  size_t file = SIZE_MAX;
  RecordBatch ready;
  int64_t used = 0;  // records of `ready`
};

}  // namespace

class RecordStream::Impl {
 public:
  explicit Impl(Dataset made)
      : dataset(std::move(made)),
        description_(*dataset.description_),
        order_(description_),
        slots_(order_.slots()),
        exact_(description_.batch > 0 || description_.spec.has_value()),
        size_(description_.batch > 0 ? description_.batch : Dataset::kDefaultBatch) {}

  bool next(RecordBatch& batch);
  RecordCounters counters() const;

  const Dataset dataset;

 private:
  void fill();
  Slot& open(const dataset::Order::Run& run);
  void close(Slot& slot);
  int64_t read(const dataset::Order::Run& run, Slot& slot);

  const Dataset::Description& description_;
  dataset::Order order_;
  std::vector<Slot> slots_;
  const bool exact_;  // batches of `size_` but for the last
  const int64_t size_;
  RecordBatch batch_;  // being filled
  bool ended_ = false;
  std::exception_ptr error_;
  RecordCounters closed_;
};

Slot& RecordStream::Impl::open(const dataset::Order::Run& run) {
  Slot& slot = slots_[run.slot];
  if (slot.file == run.file) return slot;
  slot.reader = std::make_unique<RecordReader>(description_.paths[run.file], description_.options);
  slot.file = run.file;
  return slot;
}

void RecordStream::Impl::close(Slot& slot) {
  if (slot.reader) closed_ += slot.reader->counters();
  slot = Slot();
}

// Up to run.most records of the run, into batch_ if they are wanted; 0 at the end of the file.
int64_t RecordStream::Impl::read(const dataset::Order::Run& run, Slot& slot) {
  const int64_t room = run.wanted ? std::min(run.most, size_ - batch_.size()) : run.most;
  if (slot.used == slot.ready.size()) {
    slot.ready.clear();
    slot.used = 0;
    if (run.wanted && room >= kReady) return slot.reader->append(batch_, room);
    if (slot.reader->append(slot.ready, kReady) == 0) return 0;
  }
  const int64_t n = std::min(room, slot.ready.size() - slot.used);
  if (run.wanted) batch_.append(slot.ready, slot.used, n);
  slot.used += n;
  return n;
}

void RecordStream::Impl::fill() {
  while (!ended_ && batch_.size() < size_) {
    const auto run = order_.next();
    if (!run) {
      ended_ = true;
      for (Slot& slot : slots_) close(slot);
      break;
    }
    Slot& slot = open(*run);
    if (const int64_t n = read(*run, slot)) {
      order_.took(n);
    } else {
      close(slot);
      order_.ended();
    }
  }
}

bool RecordStream::Impl::next(RecordBatch& batch) {
  batch.clear();
  if (!error_) {
    try {
      fill();
    } catch (const Error&) {
      error_ = std::current_exception();
      if (exact_) batch_.clear();
    }
  }
  if (error_ && batch_.size() == 0) std::rethrow_exception(error_);
  if (batch_.size() < size_ && description_.drop_remainder) batch_.clear();
  std::swap(batch, batch_);
  return batch.size() > 0;
}

RecordCounters RecordStream::Impl::counters() const {
  RecordCounters all = closed_;
  for (const Slot& slot : slots_) {
    if (slot.reader) all += slot.reader->counters();
  }
  return all;
}

RecordStream::RecordStream(Dataset dataset) : impl_(std::make_unique<Impl>(std::move(dataset))) {}
RecordStream::RecordStream(RecordStream&&) noexcept = default;
RecordStream& RecordStream::operator=(RecordStream&&) noexcept = default;
RecordStream::~RecordStream() = default;
bool RecordStream::next(RecordBatch& batch) { return impl_->next(batch); }
RecordCounters RecordStream::counters() const { return impl_->counters(); }

class BatchStream::Impl {
 public:
  explicit Impl(const Dataset& dataset);
  bool next(Features& features);

  RecordStream records;

 private:
  static ExampleParser parser_of(const Dataset::Description& description);

  const ExampleParser parser_;
  RecordBatch batch_;
};

ExampleParser BatchStream::Impl::parser_of(const Dataset::Description& description) {
  if (description.spec.has_value()) {
    return ExampleParser(*description.spec, description.parse_options);
  }
  throw InvalidArgument("this dataset has no spec: call parse() on it, or iterate its records");
}

BatchStream::Impl::Impl(const Dataset& dataset)
    : records(dataset), parser_(parser_of(*records.impl_->dataset.description_)) {}

bool BatchStream::Impl::next(Features& features) {
  features.clear();
  if (!records.next(batch_)) {
    parser_.warn_of_absent_keys();
    return false;
  }
  try {
    features = parser_.parse(batch_.records());
  } catch (Error& error) {
    const int64_t row = error.where().row;
    if (row >= 0 && row < batch_.size())
      error.locate({.file = batch_.file(row), .record = batch_.number(row)});
    throw;
  }
  return true;
}

BatchStream::BatchStream(const Dataset& dataset) : impl_(std::make_unique<Impl>(dataset)) {}
BatchStream::BatchStream(BatchStream&&) noexcept = default;
BatchStream& BatchStream::operator=(BatchStream&&) noexcept = default;
BatchStream::~BatchStream() = default;
bool BatchStream::next(Features& features) { return impl_->next(features); }
RecordCounters BatchStream::counters() const { return impl_->records.counters(); }

}  // namespace weft
