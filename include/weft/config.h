// The process: version, instruction set, threads, memory.
#pragma once

#include <cstdint>
#include <string>

#include "weft/export.h"

namespace weft {

struct Config {
  std::string version;          // "0.1.0"
  std::string compiler;         // "gcc 12.2.0"
  std::string instruction_set;  // the code path that runs: "plain", "v2", "v3" or "v4" (x86-64-v*)
  std::string best_instruction_set;  // what this processor could run
  std::string extensions;            // what is used beyond the level, e.g. "pclmul vbmi2"
  int num_threads = 1;               // size of the pool, the caller included
  int64_t pooled_bytes = 0;          // free blocks that the buffer pool holds
  int64_t used_bytes = 0;            // bytes of outputs that are alive
};

WEFT_API Config config();

// Threads that one call may use, the calling thread included. The default is WEFT_NUM_THREADS, or
// else what the affinity mask and the cgroup quota allow. Results do not depend on it.
WEFT_API int num_threads();
// At most 1024. Throws InvalidArgument if n < 1.
WEFT_API void set_num_threads(int n);

// Gives the free blocks of the buffer pool back to the system; returns the bytes given back.
WEFT_API int64_t trim();

}  // namespace weft
