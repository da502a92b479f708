// RecordStream and BatchStream: the pipeline of a dataset on the caller's thread or, with
// prefetch(), on threads of its own: one that reads and shuffles, and one that parses.
#include <memory>
#include <utility>

#include "dataset/outlet.h"
#include "dataset/parse.h"
#include "dataset/pipeline.h"

namespace weft {
namespace {

using dataset::Ahead;
using dataset::Item;
using dataset::Outlet;
using dataset::Pipeline;
using dataset::Position;
using dataset::Produce;
using dataset::StopFlag;
using Parsed = ParsedSequenceExamples;  // of Examples the context alone
using DescriptionPtr = std::shared_ptr<const Dataset::Description>;

constexpr int64_t kRecordsAhead = 2;  // batches of records that wait to be parsed

// What a stream begins with.
struct Start {
  DescriptionPtr description;
  int64_t iteration = 0;
  Position position;
};

Start begin(DescriptionPtr description, int64_t iteration) {
  if (iteration < 0 || iteration >= int64_t{1} << 31)
    throw InvalidArgument("the iteration must be in [0, 2^31), got " + std::to_string(iteration));
  return {.description = std::move(description), .iteration = iteration, .position = {}};
}

Start resume(const DescriptionPtr& description, const DatasetState& state) {
  dataset::check_identity(state, dataset::identity(*description, state.iteration));
  auto seeded = std::make_shared<Dataset::Description>(*description);
  seeded->set_seeds(state.seeds);
  Start start = begin(std::move(seeded), state.iteration);
  start.position = state.position;
  return start;
}

std::shared_ptr<const Error> copy_of(const Error& error) {
  if (const auto* made = dynamic_cast<const CorruptData*>(&error))
    return std::make_shared<CorruptData>(*made);
  if (const auto* made = dynamic_cast<const LimitExceeded*>(&error))
    return std::make_shared<LimitExceeded>(*made);
  return std::make_shared<Error>(error);
}

// The pipeline, and the list that damaged places go to if it runs on a thread of its own.
struct Source {
  using Skipped = std::vector<std::shared_ptr<const Error>>;

  explicit Source(const Start& start, RecordOptions options, std::shared_ptr<Skipped> list)
      : pipeline(start.description, std::move(options), start.iteration, start.position),
        skipped(std::move(list)) {}

  void produce(Item<RecordBatch>& item) {
    try {
      item.ended = !pipeline.next(item.value);
      item.position = pipeline.position();
    } catch (...) {
      note(item);
      throw;
    }
    note(item);
  }
  void note(Item<RecordBatch>& item) {
    item.counters = pipeline.counters();
    if (skipped) std::swap(item.skipped, *skipped);
  }

  Pipeline pipeline;
  std::shared_ptr<Skipped> skipped;
};

struct Records {
  Produce<RecordBatch> produce;
  Position position;
};

Records records_of(const Start& start) {
  auto source = std::make_shared<Source>(start, start.description->options, nullptr);
  Position position = source->pipeline.position();
  return {[source](auto& item) { source->produce(item); }, std::move(position)};
}

Records records_ahead(const Start& start, int64_t most, const StopFlag& stop,
                      std::function<void()> poll) {
  RecordOptions options = start.description->options;
  auto skipped = std::make_shared<Source::Skipped>();
  if (options.on_skip)
    options.on_skip = [skipped](const Error& error) { skipped->push_back(copy_of(error)); };
  options.poll = [stop] {
    if (stop->load()) throw dataset::Stopped();
  };
  auto source = std::make_shared<Source>(start, std::move(options), std::move(skipped));
  Position position = source->pipeline.position();
  auto ahead = std::make_shared<Ahead<RecordBatch>>([source](auto& item) { source->produce(item); },
                                                    most, stop, std::move(poll));
  return {[ahead](auto& item) { ahead->next(item); }, std::move(position)};
}

Produce<Parsed> parsed(Produce<RecordBatch> records, const Dataset::Description& description) {
  auto parser = std::make_shared<const dataset::Parser>(description);
  return [records = std::move(records), parser](Item<Parsed>& item) {
    Item<RecordBatch> batch;
    try {
      records(batch);
    } catch (...) {
      item.take_news(batch);
      throw;
    }
    item.take_news(batch);
    if (item.error) return;
    if (item.ended) {
      parser->warn_of_absent_keys();
    } else {
      item.value = parser->parse(batch.value);
      item.origins = std::move(batch.value);
      item.origins.clear_bytes();
    }
  };
}

Outlet<RecordBatch> record_outlet(const Start& start) {
  const Dataset::Description& description = *start.description;
  Records records =
      description.prefetch == 0
          ? records_of(start)
          : records_ahead(start, description.prefetch, std::make_shared<std::atomic<bool>>(false),
                          description.options.poll);
  return {description, start.iteration, std::move(records.produce), std::move(records.position)};
}

Outlet<Parsed> batch_outlet(const Start& start) {
  const Dataset::Description& description = *start.description;
  if (description.prefetch == 0) {
    Records records = records_of(start);
    return {description, start.iteration, parsed(std::move(records.produce), description),
            std::move(records.position)};
  }
  const auto stop = std::make_shared<std::atomic<bool>>(false);
  Records records = records_ahead(start, kRecordsAhead, stop, [stop] {
    if (stop->load()) throw dataset::Stopped();
  });
  auto ahead =
      std::make_shared<Ahead<Parsed>>(parsed(std::move(records.produce), description),
                                      description.prefetch, stop, description.options.poll);
  return {description, start.iteration, [ahead](auto& item) { ahead->next(item); },
          std::move(records.position)};
}

}  // namespace

class RecordStream::Impl {
 public:
  explicit Impl(const Start& start, int64_t skip) : outlet(record_outlet(start)), skip_(skip) {}

  bool next(RecordBatch& batch);
  DatasetState state(int64_t records);
  int64_t given() const { return last_; }

  Outlet<RecordBatch> outlet;

 private:
  int64_t skip_;         // records of the next batch
  int64_t skipped_ = 0;  // of the last one
  int64_t last_ = 0;     // records of the last one that were given
};

bool RecordStream::Impl::next(RecordBatch& batch) {
  if (!outlet.next(batch)) return false;
  if (skip_ < 0 || skip_ >= batch.size()) dataset::fail_position("skip");
  skipped_ = std::exchange(skip_, 0);
  last_ = batch.size() - skipped_;
  if (skipped_ > 0) {
    RecordBatch rest;
    rest.append(batch, skipped_, last_);
    batch = std::move(rest);
  }
  return true;
}

DatasetState RecordStream::Impl::state(int64_t records) {
  if (records < 0 || records > last_) {
    throw InvalidArgument("the last batch had " + std::to_string(last_) + " records, not " +
                          std::to_string(records));
  }
  DatasetState made = outlet.state(records < last_);
  made.skip = records < last_ ? skipped_ + records : skip_;
  return made;
}

RecordStream::RecordStream(const Dataset& dataset, int64_t iteration)
    : impl_(std::make_unique<Impl>(begin(dataset.description_, iteration), 0)) {}
RecordStream::RecordStream(const Dataset& dataset, const DatasetState& state)
    : impl_(std::make_unique<Impl>(resume(dataset.description_, state), state.skip)) {}
RecordStream::RecordStream(RecordStream&&) noexcept = default;
RecordStream& RecordStream::operator=(RecordStream&&) noexcept = default;
RecordStream::~RecordStream() = default;
bool RecordStream::next(RecordBatch& batch) { return impl_->next(batch); }
DatasetState RecordStream::state() const { return impl_->state(impl_->given()); }
DatasetState RecordStream::state(int64_t records) const { return impl_->state(records); }
RecordCounters RecordStream::counters() const { return impl_->outlet.counters(); }
void RecordStream::close() { impl_->outlet.close(); }

class BatchStream::Impl {
 public:
  explicit Impl(const Start& start)
      : outlet(batch_outlet(start)), sequences_(start.description->lists.has_value()) {}

  bool next(Parsed& batch, bool sequences) {
    if (sequences == sequences_) return outlet.next(batch);
    throw InvalidArgument(sequences_ ? "this dataset parses SequenceExamples: take their batches"
                                     : "this dataset parses Examples, not SequenceExamples");
  }

  Outlet<Parsed> outlet;

 private:
  bool sequences_;
};

BatchStream::BatchStream(const Dataset& dataset, int64_t iteration)
    : impl_(std::make_unique<Impl>(begin(dataset.description_, iteration))) {}
BatchStream::BatchStream(const Dataset& dataset, const DatasetState& state)
    : impl_(std::make_unique<Impl>(resume(dataset.description_, state))) {
  if (state.skip != 0) dataset::fail_position("skip");
}
BatchStream::BatchStream(BatchStream&&) noexcept = default;
BatchStream& BatchStream::operator=(BatchStream&&) noexcept = default;
BatchStream::~BatchStream() = default;
bool BatchStream::next(Features& features) {
  Parsed batch;
  const bool more = impl_->next(batch, false);
  features = std::move(batch.context);
  return more;
}
bool BatchStream::next(ParsedSequenceExamples& batch) { return impl_->next(batch, true); }
const RecordBatch& BatchStream::origins() const { return impl_->outlet.origins(); }
DatasetState BatchStream::state() const { return impl_->outlet.state(); }
RecordCounters BatchStream::counters() const { return impl_->outlet.counters(); }
void BatchStream::close() { impl_->outlet.close(); }

}  // namespace weft
