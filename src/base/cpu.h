// Which instruction set runs, and the choice of a kernel by it.
#pragma once

#include "base/kernel.h"

namespace weft::base {

// x86-64 levels as the psABI defines them; kPlain is portable C++.
enum class Isa : int { kPlain = 1, kV2 = 2, kV3 = 3, kV4 = 4 };

// The best level that this processor and its operating system support.
Isa best_isa();
// The level in use: best_isa(), or WEFT_ISA where it names a lower one.
Isa isa();
// For tests and measurements; `isa` must not exceed best_isa().
void set_isa(Isa isa);
const char* isa_name(Isa isa);

// Extensions beyond the levels. All false when isa() is kPlain.
struct CpuExtensions {
  bool pclmul = false;     // PCLMULQDQ
  bool vpclmul = false;    // VPCLMULQDQ with AVX-512
  bool vbmi2 = false;      // AVX512-VBMI and VBMI2
  bool slow_pext = false;  // Zen 1 and 2: PEXT is microcoded
};
const CpuExtensions& cpu_extensions();

template <class K>
const K& pick(const K& plain, const K& v2, const K& v3, const K& v4) {
  switch (isa()) {
    case Isa::kV4:
      return v4;
    case Isa::kV3:
      return v3;
    case Isa::kV2:
      return v2;
    case Isa::kPlain:
      break;
  }
  return plain;
}

}  // namespace weft::base

#if defined(__x86_64__)
#define WEFT_KERNEL(name) \
  (::weft::base::pick(::weft::plain::name, ::weft::v2::name, ::weft::v3::name, ::weft::v4::name))
#else
#define WEFT_KERNEL(name) (::weft::plain::name)
#endif
