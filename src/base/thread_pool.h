// One pool of threads for the process: started at the first parallel call, sized once, started anew
// in a forked child.
#pragma once

#include <cstdint>
#include <functional>

namespace weft::base {

// Threads that one call may use, the calling thread included.
int num_threads();
void set_num_threads(int n);

// Calls body(begin, end) over [0, n) in chunks of at least `grain` items, on the pool and on the
// calling thread, and returns when all are done. Chunks are claimed in order. Called from inside a
// body, or with one thread, everything runs on the calling thread. The first exception thrown by a
// body is rethrown here after all chunks have stopped; chunks not yet begun are skipped then.
void parallel_for(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)>& body);

// How many items, of each of which so many bytes are read or written, one thread takes in about
// 20 us: a grain.
int64_t grain_of_bytes(int64_t bytes_each);

}  // namespace weft::base
