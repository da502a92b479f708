// What a stream hands out, made ahead of it on a thread.
#pragma once

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "dataset/stage.h"

namespace weft::dataset {

// One batch, or the end, or an error in its turn; and what is to be told before it.
template <class T>
struct Item {
  T value;
  bool ended = false;
  std::exception_ptr error;
  RecordBatch origins;  // of a parsed batch: its records, without their bytes
  Position position;    // after it
  RecordCounters counters;
  std::vector<std::shared_ptr<const Error>> skipped;
  std::vector<std::string> warnings;

  template <class U>
  void take_news(Item<U>& from) {
    ended = from.ended;
    error = from.error;
    position = std::move(from.position);
    counters = from.counters;
    skipped = std::move(from.skipped);
    warnings = std::move(from.warnings);
  }
};

// Fills an item; what it throws is an error in its turn, or the caller's.
template <class T>
using Produce = std::function<void(Item<T>&)>;

// Thrown on a thread that is to end.
struct Stopped {};
using StopFlag = std::shared_ptr<std::atomic<bool>>;

// Calls `produce` on a thread of its own until it says that it has ended, up to `most` times ahead.
// An error does not end it: a stream goes on after some, and throws the others again.
template <class T>
class Ahead {
 public:
  // `stop`: set to have `produce` give up by throwing Stopped. The thread starts at the first
  // next().
  Ahead(Produce<T> produce, int64_t most, StopFlag stop, std::function<void()> poll)
      : work_(std::make_unique<Work>(std::move(produce), most, std::move(stop))),
        poll_(std::move(poll)) {}
  Ahead(const Ahead&) = delete;
  Ahead& operator=(const Ahead&) = delete;
  ~Ahead();

  // The next item; the end again and again. Calls poll about every 100 ms; what that throws ends
  // the call. Throws IoError in a forked child if the thread is its parent's.
  void next(Item<T>& item);

 private:
  struct Work {
    Work(Produce<T> made, int64_t n, StopFlag flag)
        : produce(std::move(made)), most(static_cast<size_t>(n)), stop(std::move(flag)) {}
    void run() noexcept;
    void make();
    bool push(Item<T> item);

    const Produce<T> produce;
    const size_t most;
    const StopFlag stop;
    std::thread thread;
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Item<T>> queue;  // guarded by the mutex, as is what follows
    std::exception_ptr failed;  // what ended the thread, if there was no memory to tell of it
  };

  void start();

  std::unique_ptr<Work> work_;
  const std::function<void()> poll_;
  int started_by_ = 0;  // the process
};

template <class T>
bool Ahead<T>::Work::push(Item<T> item) {
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return stop->load() || queue.size() < most; });
  if (stop->load()) return false;
  queue.push_back(std::move(item));
  changed.notify_all();
  return true;
}

template <class T>
void Ahead<T>::Work::make() {
  for (bool more = true; more;) {
    Item<T> item;
    WarningCapture warnings;
    try {
      produce(item);
    } catch (const Stopped&) {
      return;
    } catch (...) {
      item.error = std::current_exception();
    }
    for (std::string& message : warnings.take()) item.warnings.push_back(std::move(message));
    more = !item.ended;
    if (!push(std::move(item))) return;
  }
}

template <class T>
void Ahead<T>::Work::run() noexcept {
  try {
    make();
  } catch (...) {
    std::lock_guard lock(mutex);
    failed = std::current_exception();
    changed.notify_all();
  }
}

template <class T>
void Ahead<T>::start() {
  started_by_ = ::getpid();
  // The thread takes no signals: they belong to the program's own threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    work_->thread = std::thread([work = work_.get()] { work->run(); });
  } catch (const std::system_error&) {
    started_by_ = 0;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (started_by_ == 0) throw IoError("there is no thread to be had for prefetch");
}

template <class T>
void Ahead<T>::next(Item<T>& item) {
  if (started_by_ == 0) start();
  if (::getpid() != started_by_)
    throw IoError("this stream was in use before the process forked: iterate anew");
  std::unique_lock lock(work_->mutex);
  while (work_->queue.empty()) {
    if (work_->failed) std::rethrow_exception(work_->failed);
    work_->changed.wait_for(lock, std::chrono::milliseconds(100));
    if (!poll_ || !work_->queue.empty()) continue;
    lock.unlock();
    poll_();
    lock.lock();
  }
  if (work_->queue.front().ended) {
    item.take_news(work_->queue.front());
    return;
  }
  item = std::move(work_->queue.front());
  work_->queue.pop_front();
  work_->changed.notify_all();
}

template <class T>
Ahead<T>::~Ahead() {
  if (started_by_ == 0) return;
  if (::getpid() != started_by_) {
    // In a forked child the thread does not exist and its locks may be held: left as they are.
    [[maybe_unused]] Work* const left = work_.release();
    return;
  }
  {
    std::lock_guard lock(work_->mutex);
    work_->stop->store(true);
  }
  work_->changed.notify_all();
  work_->thread.join();
}

}  // namespace weft::dataset
