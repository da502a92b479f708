// Vectors of floats for kernel files: one type whose width the instruction set decides, and the
// few functions of it that several rooms need. Only *_kernel.cc may include this: everything has
// internal linkage in the namespace of one instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__x86_64__) && WEFT_ISA_LEVEL >= 2
#include <immintrin.h>
#endif

#define WEFT_INLINE inline __attribute__((always_inline))

namespace weft::WEFT_ISA {
namespace {

#if WEFT_ISA_LEVEL >= 4
constexpr int kLanes = 16;
#elif WEFT_ISA_LEVEL >= 3
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

typedef float Vec __attribute__((vector_size(kLanes * 4)));
typedef int32_t IntVec __attribute__((vector_size(kLanes * 4)));
typedef float LooseVec __attribute__((vector_size(kLanes * 4), aligned(4), may_alias));

WEFT_INLINE Vec load(const float* p) { return *reinterpret_cast<const LooseVec*>(p); }
WEFT_INLINE void store(float* p, Vec v) { *reinterpret_cast<LooseVec*>(p) = v; }

// a * b + c: rounded once where there is an instruction for it, twice elsewhere. min and max give
// their second argument if either is NaN.
#if WEFT_ISA_LEVEL >= 4
WEFT_INLINE Vec set(float x) { return _mm512_set1_ps(x); }
WEFT_INLINE Vec fmadd(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
WEFT_INLINE Vec fnmadd(Vec a, Vec b, Vec c) { return _mm512_fnmadd_ps(a, b, c); }
// The masked forms are the same instructions; GCC 12 takes the plain ones' operand for
// uninitialized.
WEFT_INLINE Vec min(Vec a, Vec b) { return _mm512_maskz_min_ps(0xFFFF, a, b); }
WEFT_INLINE Vec max(Vec a, Vec b) { return _mm512_maskz_max_ps(0xFFFF, a, b); }
#elif WEFT_ISA_LEVEL >= 3
WEFT_INLINE Vec set(float x) { return _mm256_set1_ps(x); }
WEFT_INLINE Vec fmadd(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
WEFT_INLINE Vec fnmadd(Vec a, Vec b, Vec c) { return _mm256_fnmadd_ps(a, b, c); }
WEFT_INLINE Vec min(Vec a, Vec b) { return _mm256_min_ps(a, b); }
WEFT_INLINE Vec max(Vec a, Vec b) { return _mm256_max_ps(a, b); }
#else
WEFT_INLINE Vec set(float x) { return Vec{x, x, x, x}; }
WEFT_INLINE Vec fmadd(Vec a, Vec b, Vec c) { return a * b + c; }
WEFT_INLINE Vec fnmadd(Vec a, Vec b, Vec c) { return c - a * b; }
#if WEFT_ISA_LEVEL >= 2
WEFT_INLINE Vec min(Vec a, Vec b) { return _mm_min_ps(a, b); }
WEFT_INLINE Vec max(Vec a, Vec b) { return _mm_max_ps(a, b); }
#else
WEFT_INLINE Vec min(Vec a, Vec b) { return a < b ? a : b; }
WEFT_INLINE Vec max(Vec a, Vec b) { return a > b ? a : b; }
#endif
#endif

WEFT_INLINE Vec zero() { return Vec{}; }

// c[0] + c[1] x + c[2] x^2 + ...
template <int N>
WEFT_INLINE Vec polynomial(Vec x, const float (&c)[N]) {
  Vec sum = set(c[N - 1]);
#pragma GCC unroll 8
  for (int i = N - 2; i >= 0; --i) sum = fmadd(sum, x, set(c[i]));
  return sum;
}

// numerator / denominator, for callers that put several fractions over one division.
struct Fraction {
  Vec n, d;
};

// tanh(x) = x P(x^2) / Q(x^2), minimax to 2.1e-8 relative on |x| <= 9.01, beyond which tanh is 1 in
// float: at the bound both are equal to the last bit, with and without fused multiply-add.
// |n| and d stay below 420.
WEFT_INLINE Fraction tanh_fraction(Vec x) {
  constexpr float bound = 9.0129118f;
  constexpr float p[] = {0.99999997923117661f, 0.1338037201599706f, 3.4948115818405486e-3f,
                         2.0596283413457114e-5f, 1.3336861960600071e-8f};
  constexpr float q[] = {1, 0.46713687431548361f, 2.5874028695348409e-2f, 3.2843641348781236e-4f,
                         7.7692885658888936e-7f};
  x = min(set(bound), max(set(-bound), x));
  const Vec y = x * x;
  return {x * polynomial(y, p), polynomial(y, q)};
}

WEFT_INLINE Vec tanh(Vec x) {
  const Fraction f = tanh_fraction(x);
  return min(set(1.f), max(set(-1.f), f.n / f.d));
}

// 2^n for integers -126 <= n <= 127.
WEFT_INLINE Vec power_of_two(IntVec n) { return reinterpret_cast<Vec>((n + 127) << 23); }

constexpr float kShift = 12582912.f;  // 1.5 * 2^23: after adding it, the last bits hold an integer

// exp(-x) for sigmoid(x) = 1 / (1 + exp(-x)), 4e-7 relative where |x| < 10; at most 1.1e13, and so
// good for products of a few. Far above 0 it vanishes, and the sigmoid is 1.
WEFT_INLINE Vec exp_of_minus(Vec x) {
  constexpr float e[] = {1.0000000716545723f,   0.69314696706604157f,   0.2402211972415873f,
                         0.055507132711929147f, 0.0096755413261877934f, 0.0013276472727472582f};
  constexpr float log2e = -1.44269504088896341f;
  x = max(set(-30.f), x);
#if WEFT_ISA_LEVEL >= 4
  const Vec n = fmadd(x, set(log2e), set(kShift)) - set(kShift);
  return _mm512_maskz_scalef_ps(0xFFFF, polynomial(fmadd(x, set(log2e), -n), e), n);
#else
  x = min(set(87.f), x);
  const Vec shifted = fmadd(x, set(log2e), set(kShift));
  const Vec n = shifted - set(kShift);
  return polynomial(fmadd(x, set(log2e), -n), e) *
         power_of_two(reinterpret_cast<IntVec>(shifted) - 0x4B400000);
#endif
}

// exp(x) = 2^n exp(r) with n = round(x / ln 2), |r| <= ln(2) / 2: 5e-7 relative, subnormal results
// included.
WEFT_INLINE Vec exp(Vec x) {
  constexpr float e[] = {0.99999994622143452f, 0.49999374446004327f, 0.16666936029611734f,
                         0.04187552821349387f, 0.0083333212551783639f};
  x = min(set(89.f), max(set(-104.f), x));
  const Vec shifted = fmadd(x, set(1.44269504088896341f), set(kShift));
  const Vec n = shifted - set(kShift);
  Vec r = fnmadd(n, set(0.693145751953125f), x);  // ln 2 in two parts, the first of 16 bits
  r = fnmadd(n, set(1.42860682030941723e-6f), r);
  const Vec power = fmadd(r, polynomial(r, e), set(1.f));
  const IntVec whole = reinterpret_cast<IntVec>(shifted) - 0x4B400000;
  const IntVec half = whole >> 1;  // in two steps: neither 2^128 nor 2^-150 is a normal float
  return power * power_of_two(half) * power_of_two(whole - half);
}

}  // namespace
}  // namespace weft::WEFT_ISA
