// How one kernel file becomes one code path per instruction set. A kernel header declares a struct
// of function pointers and its instances with WEFT_DECLARE_KERNEL; the kernel source defines the
// instance of namespace WEFT_ISA and is compiled once per instruction set; callers pick with
// WEFT_KERNEL (base/cpu.h).
#pragma once

#if defined(__x86_64__)
#define WEFT_DECLARE_KERNEL(Type, name) \
  namespace plain {                     \
  extern const Type name;               \
  }                                     \
  namespace v2 {                        \
  extern const Type name;               \
  }                                     \
  namespace v3 {                        \
  extern const Type name;               \
  }                                     \
  namespace v4 {                        \
  extern const Type name;               \
  }
#else
#define WEFT_DECLARE_KERNEL(Type, name) \
  namespace plain {                     \
  extern const Type name;               \
  }
#endif
