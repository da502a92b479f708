#include "base/thread_pool.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

namespace weft::base {
namespace {

constexpr int kMostThreads = 1024;

// CPU time that the cgroup (v2) grants, in whole processors, or `otherwise` without a quota.
int cgroup_cpus(int otherwise) {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  int64_t quota = 0, period = 0;
  if (!(file >> quota >> period) || quota <= 0 || period <= 0) return otherwise;
  return static_cast<int>((quota - 1) / period + 1);
}

int default_threads() {
  if (const char* text = std::getenv("WEFT_NUM_THREADS")) {
    char* end = nullptr;
    const long wanted = std::strtol(text, &end, 10);
    if (*end == '\0' && wanted >= 1) return static_cast<int>(std::min<long>(wanted, kMostThreads));
  }
  cpu_set_t set;
  CPU_ZERO(&set);
  int cpus = sched_getaffinity(0, sizeof set, &set) == 0
                 ? CPU_COUNT(&set)
                 : static_cast<int>(std::thread::hardware_concurrency());
  return std::max(1, std::min(cpus, cgroup_cpus(cpus)));
}

thread_local bool inside_body = false;

// One parallel_for: chunks are claimed by an atomic counter.
struct Job {
  int64_t n = 0;
  int64_t chunk = 1;
  const std::function<void(int64_t, int64_t)>* body = nullptr;
  std::atomic<int64_t> next{0};
  int helpers_wanted = 0;  // guarded by the pool's mutex
  int helpers_inside = 0;  // guarded by the pool's mutex
  std::mutex error_mutex;
  std::exception_ptr error;

  void work() {
    inside_body = true;
    try {
      for (;;) {
        const int64_t begin = next.fetch_add(chunk, std::memory_order_relaxed);
        if (begin >= n) break;
        (*body)(begin, std::min(n, begin + chunk));
      }
    } catch (...) {
      next.store(n, std::memory_order_relaxed);
      std::lock_guard lock(error_mutex);
      if (!error) error = std::current_exception();
    }
    inside_body = false;
  }
};

class Pool {
 public:
  void run(Job& job, int threads) {
    {
      std::lock_guard lock(mutex_);
      job.helpers_wanted = start_workers(threads - 1);
      jobs_.push_back(&job);
    }
    wake_.notify_all();
    job.work();
    std::unique_lock lock(mutex_);
    jobs_.erase(std::find(jobs_.begin(), jobs_.end(), &job));
    done_.wait(lock, [&] { return job.helpers_inside == 0; });
  }

 private:
  // Up to `wanted` workers: as many as the system lets us have.
  int start_workers(int wanted) {
    try {
      while (static_cast<int>(workers_.size()) < wanted) {
        workers_.emplace_back([this] { serve(); });
      }
    } catch (const std::system_error&) {  // NOLINT(bugprone-empty-catch)
      // The caller's own thread is enough to go on.
    }
    return std::min(wanted, static_cast<int>(workers_.size()));
  }

  Job* claimable() {
    for (Job* job : jobs_) {
      if (job->helpers_wanted > 0) return job;
    }
    return nullptr;
  }

  void serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
      Job* job = nullptr;
      wake_.wait(lock, [&] { return (job = claimable()) != nullptr; });
      --job->helpers_wanted;
      ++job->helpers_inside;
      lock.unlock();
      job->work();
      lock.lock();
      if (--job->helpers_inside == 0) done_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  std::vector<Job*> jobs_;
  std::vector<std::thread> workers_;
};

std::atomic<Pool*> the_pool{nullptr};
std::mutex start_mutex;

// A forked child has none of its parent's threads: it forgets the parent's pool (leaked, its locks
// may be held) and starts its own at its first parallel call.
void after_fork() {
  the_pool.store(nullptr);
  new (&start_mutex) std::mutex;
  inside_body = false;
}

// Never destroyed: its threads wait until the process ends.
Pool& pool() {
  Pool* running = the_pool.load(std::memory_order_acquire);
  if (running != nullptr) return *running;
  std::lock_guard lock(start_mutex);
  running = the_pool.load(std::memory_order_relaxed);
  if (running == nullptr) {
    static const int registered = pthread_atfork(nullptr, nullptr, after_fork);
    (void)registered;
    running = new Pool;
    the_pool.store(running, std::memory_order_release);
  }
  return *running;
}

std::atomic<int>& thread_count() {
  static std::atomic<int> count{default_threads()};
  return count;
}

}  // namespace

int num_threads() { return thread_count().load(std::memory_order_relaxed); }

void set_num_threads(int n) { thread_count().store(std::clamp(n, 1, kMostThreads)); }

void parallel_for(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
  if (n <= 0) return;
  grain = std::max<int64_t>(1, grain);
  const int64_t most = (n + grain - 1) / grain;
  const int threads = inside_body ? 1 : static_cast<int>(std::min<int64_t>(num_threads(), most));
  if (threads <= 1) {
    body(0, n);
    return;
  }
  Job job;
  job.n = n;
  // Four chunks a thread even out items of different cost.
  job.chunk = std::max(grain, (n + 4 * threads - 1) / (4 * threads));
  job.body = &body;
  pool().run(job, threads);
  if (job.error) std::rethrow_exception(job.error);
}

int64_t grain_of_bytes(int64_t bytes_each) {
  constexpr int64_t kBytes = int64_t{1} << 18;
  return std::max<int64_t>(1, kBytes / std::max<int64_t>(1, bytes_each));
}

}  // namespace weft::base
