#include "record/chunks.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace weft::record {
namespace {

constexpr size_t kQueued = 4;
constexpr std::chrono::milliseconds kPollEvery{100};

}  // namespace

struct ChunkReader::Ahead {
  Ahead(std::string path, Compression compression, int64_t start)
      : file(std::move(path)), source(file, compression, start) {}

  void run() noexcept;
  bool push(Chunk chunk);

  File file;
  ContentSource source;
  std::thread thread;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Chunk> queue;   // guarded by the mutex, like all that follows
  std::exception_ptr error;  // after the chunks of the queue
  bool done = false;
  bool stop = false;
};

bool ChunkReader::Ahead::push(Chunk chunk) {
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return stop || queue.size() < kQueued; });
  if (stop) return false;
  queue.push_back(std::move(chunk));
  changed.notify_all();
  return true;
}

void ChunkReader::Ahead::run() noexcept {
  std::exception_ptr failure;
  try {
    for (;;) {
      Chunk chunk = source.next();
      if (chunk.size == 0) break;
      if (!push(std::move(chunk))) break;
    }
  } catch (...) {
    failure = std::current_exception();
  }
  std::lock_guard lock(mutex);
  error = std::move(failure);
  done = true;
  changed.notify_all();
}

ChunkReader::ChunkReader(std::string path, int64_t start, const RecordOptions& options)
    : ahead_(std::make_unique<Ahead>(std::move(path), options.compression, start)),
      poll_(options.poll),
      polled_(std::chrono::steady_clock::now()),
      read_ahead_(options.read_ahead) {
  // A file of one chunk is not worth a thread.
  if (ahead_->file.size() >= 0 && ahead_->file.size() <= kChunkBytes) read_ahead_ = false;
}

ChunkReader::~ChunkReader() {
  if (!ahead_->thread.joinable()) return;
  if (::getpid() != started_by_) {
    // In a forked child the thread does not exist and its locks may be held: left as they are.
    [[maybe_unused]] Ahead* const left = ahead_.release();
    return;
  }
  {
    std::lock_guard lock(ahead_->mutex);
    ahead_->stop = true;
  }
  ahead_->file.stop();
  ahead_->changed.notify_all();
  ahead_->thread.join();
}

const std::string& ChunkReader::path() const { return ahead_->file.path(); }
Compression ChunkReader::compression() const { return ahead_->source.compression(); }

void ChunkReader::poll_now_and_then() {
  if (!poll_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - polled_ < kPollEvery) return;
  polled_ = now;
  poll_();
}

void ChunkReader::start() {
  started_by_ = ::getpid();
  if (!read_ahead_) return;
  // The thread takes no signals: they belong to the program's own threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    ahead_->thread = std::thread([ahead = ahead_.get()] { ahead->run(); });
  } catch (const std::system_error&) {
    read_ahead_ = false;  // no thread to be had
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

// From the thread's queue.
Chunk ChunkReader::take(std::exception_ptr& failure) {
  Ahead& ahead = *ahead_;
  std::unique_lock lock(ahead.mutex);
  while (ahead.queue.empty() && !ahead.done) {
    if (ahead.changed.wait_for(lock, kPollEvery) == std::cv_status::timeout) {
      lock.unlock();
      poll_now_and_then();
      lock.lock();
    }
  }
  if (ahead.queue.empty()) {
    failure = std::exchange(ahead.error, nullptr);
    return {};
  }
  Chunk chunk = std::move(ahead.queue.front());
  ahead.queue.pop_front();
  ahead.changed.notify_all();
  return chunk;
}

Chunk ChunkReader::read(std::exception_ptr& failure) {
  try {
    return ahead_->source.next();
  } catch (...) {
    failure = std::current_exception();
    return {};
  }
}

Chunk ChunkReader::next(std::exception_ptr& failure) {
  if (ended_) return {};
  poll_now_and_then();
  if (started_by_ == 0) start();
  if (read_ahead_ && ::getpid() != started_by_) {
    throw IoError("this reader was in use before the process forked: open the file again",
                  {.file = path()});
  }
  Chunk chunk = read_ahead_ ? take(failure) : read(failure);
  ended_ = chunk.size == 0;
  return chunk;
}

int64_t ChunkReader::file_bytes() const { return ahead_->file.size(); }

}  // namespace weft::record
