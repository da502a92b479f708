// The end of a stream: what its user calls.
#pragma once

#include <optional>
#include <utility>

#include "dataset/ahead.h"

namespace weft::dataset {

template <class T>
class Outlet {
 public:
  // `source` makes the items, on the caller's thread or ahead of it; `position` is before the
  // first.
  Outlet(Dataset::Description description, int64_t iteration, Produce<T> source, Position position)
      : description_(std::move(description)),
        iteration_(iteration),
        source_(std::move(source)),
        position_(std::move(position)) {}

  bool next(T& value);
  // After the value that next() gave last, or before it.
  DatasetState state(bool before = false);
  const RecordBatch& origins() const { return origins_; }  // of the value that next() gave last
  const RecordCounters& counters() const { return counters_; }
  void close() {
    item_.reset();
    source_ = nullptr;
  }

 private:
  void tell();

  const Dataset::Description description_;
  const int64_t iteration_;
  Produce<T> source_;
  std::optional<Item<T>> item_;  // not yet handed out: on_skip may throw in between
  RecordBatch origins_;
  Position before_;    // the last value
  Position position_;  // after it
  RecordCounters counters_;
  std::optional<DatasetState> identity_;
};

// What went on while the item was made on another thread. What on_skip throws is not told again.
template <class T>
void Outlet<T>::tell() {
  while (!item_->skipped.empty()) {
    const std::shared_ptr<const Error> error = std::move(item_->skipped.front());
    item_->skipped.erase(item_->skipped.begin());
    description_.options.on_skip(*error);
  }
  while (!item_->warnings.empty()) {
    const std::string message = std::move(item_->warnings.front());
    item_->warnings.erase(item_->warnings.begin());
    warn(message);
  }
}

template <class T>
bool Outlet<T>::next(T& value) {
  value = T();
  if (!source_) return false;
  if (!item_) {
    item_.emplace();
    item_->counters = counters_;
    try {
      source_(*item_);
    } catch (...) {
      counters_ = item_->counters;
      item_.reset();
      throw;
    }
  }
  tell();
  Item<T> item = std::move(*item_);
  item_.reset();
  counters_ = item.counters;
  if (item.error) std::rethrow_exception(item.error);
  if (item.ended) return false;
  before_ = std::exchange(position_, std::move(item.position));
  origins_ = std::move(item.origins);
  value = std::move(item.value);
  return true;
}

template <class T>
DatasetState Outlet<T>::state(bool before) {
  if (!identity_) identity_ = identity(description_, iteration_);
  DatasetState state = *identity_;
  state.position = before ? before_ : position_;
  return state;
}

}  // namespace weft::dataset
