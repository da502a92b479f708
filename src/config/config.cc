#include "weft/config.h"

#include "base/buffer_pool.h"
#include "base/cpu.h"
#include "base/thread_pool.h"
#include "weft/error.h"

namespace weft {
namespace {

std::string compiler_name() {
#if defined(__clang__)
  return "clang " __clang_version__;
#elif defined(__GNUC__)
  return "gcc " __VERSION__;
#else
  return "unknown";
#endif
}

std::string extension_names() {
  const base::CpuExtensions& found = base::cpu_extensions();
  std::string names;
  if (found.pclmul) names += " pclmul";
  if (found.vpclmul) names += " vpclmul";
  if (found.vbmi2) names += " vbmi2";
  if (found.slow_pext) names += " slow_pext";
  return names.empty() ? names : names.substr(1);
}

}  // namespace

Config config() {
  const base::PoolStats stats = base::pool_stats();
  return {.version = WEFT_VERSION,
          .compiler = compiler_name(),
          .instruction_set = base::isa_name(base::isa()),
          .best_instruction_set = base::isa_name(base::best_isa()),
          .extensions = extension_names(),
          .num_threads = base::num_threads(),
          .pooled_bytes = stats.pooled_bytes,
          .used_bytes = stats.used_bytes};
}

int num_threads() { return base::num_threads(); }

void set_num_threads(int n) {
  if (n < 1) throw InvalidArgument("num_threads must be at least 1, got " + std::to_string(n));
  base::set_num_threads(n);
}

int64_t trim() { return base::trim_pool(); }

}  // namespace weft
