#include "base/cpu.h"

#include <atomic>
#include <cstdlib>
#include <cstring>

namespace weft::base {
namespace {

Isa detect() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool v2 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("ssse3") &&
                  __builtin_cpu_supports("popcnt");
  const bool v3 = v2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                  __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vl");
  if (v4) return Isa::kV4;
  if (v3) return Isa::kV3;
  if (v2) return Isa::kV2;
#endif
  return Isa::kPlain;
}

Isa chosen() {
  const char* wanted = std::getenv("WEFT_ISA");
  if (wanted != nullptr) {
    for (Isa isa : {Isa::kPlain, Isa::kV2, Isa::kV3}) {
      if (std::strcmp(wanted, isa_name(isa)) == 0 && isa <= best_isa()) return isa;
    }
  }
  return best_isa();
}

std::atomic<Isa>& current() {
  static std::atomic<Isa> isa{chosen()};
  return isa;
}

CpuExtensions detect_extensions() {
  CpuExtensions found;
#if defined(__x86_64__)
  __builtin_cpu_init();
  found.pclmul = __builtin_cpu_supports("pclmul");
  found.vpclmul = best_isa() == Isa::kV4 && __builtin_cpu_supports("vpclmulqdq");
  found.vbmi2 = best_isa() == Isa::kV4 && __builtin_cpu_supports("avx512vbmi") &&
                __builtin_cpu_supports("avx512vbmi2");
  found.slow_pext = __builtin_cpu_is("znver1") || __builtin_cpu_is("znver2");
#endif
  return found;
}

}  // namespace

Isa best_isa() {
  static const Isa best = detect();
  return best;
}

Isa isa() { return current().load(std::memory_order_relaxed); }

void set_isa(Isa isa) { current().store(isa < best_isa() ? isa : best_isa()); }

const char* isa_name(Isa isa) {
  switch (isa) {
    case Isa::kV4:
      return "v4";
    case Isa::kV3:
      return "v3";
    case Isa::kV2:
      return "v2";
    case Isa::kPlain:
      break;
  }
  return "plain";
}

const CpuExtensions& cpu_extensions() {
  static const CpuExtensions found = detect_extensions();
  static const CpuExtensions none;
  return isa() == Isa::kPlain ? none : found;
}

}  // namespace weft::base
