#include "ids/bucket_kernel.h"

#include "base/simd.h"

namespace weft::WEFT_ISA {
namespace {

constexpr int64_t kFew = 32;  // boundaries that are compared one by one

typedef int64_t LongVec __attribute__((vector_size(kLanes * 8)));
typedef int64_t LooseLongVec __attribute__((vector_size(kLanes * 8), aligned(8), may_alias));

// All of kLanes numbers with each boundary.
WEFT_INLINE void compare_all(const float* boundaries, int64_t count, const float* values,
                             int64_t* out) {
  const Vec v = load(values);
  IntVec reached{};
  for (int64_t i = 0; i < count; ++i) reached -= v >= set(boundaries[i]);
  reached = v == v ? reached : IntVec{} + static_cast<int32_t>(count);
  *reinterpret_cast<LooseLongVec*>(out) = __builtin_convertvector(reached, LongVec);
}

void few(const float* boundaries, int64_t count, const float* values, int64_t n, int64_t* out) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) compare_all(boundaries, count, values + i, out + i);
  if (i == n) return;
  float rest[kLanes] = {};
  int64_t found[kLanes];
  for (int64_t j = i; j < n; ++j) rest[j - i] = values[j];
  compare_all(boundaries, count, rest, found);
  for (int64_t j = i; j < n; ++j) out[j] = found[j - i];
}

// How many of a node's keys `value` reaches.
WEFT_INLINE int64_t reached(const float* keys, float value) {
#if WEFT_ISA_LEVEL >= 4
  return __builtin_popcount(
      _mm512_cmp_ps_mask(_mm512_set1_ps(value), _mm512_loadu_ps(keys), _CMP_GE_OQ));
#elif WEFT_ISA_LEVEL >= 3
  const __m256 v = _mm256_set1_ps(value);
  const int low = _mm256_movemask_ps(_mm256_cmp_ps(v, _mm256_loadu_ps(keys), _CMP_GE_OQ));
  const int high = _mm256_movemask_ps(_mm256_cmp_ps(v, _mm256_loadu_ps(keys + 8), _CMP_GE_OQ));
  return __builtin_popcount(static_cast<unsigned>(low | high << 8));
#else
  int64_t count = 0;
  for (int i = 0; i < kNodeKeys; ++i) count += value >= keys[i] ? 1 : 0;
  return count;
#endif
}

void many(const BoundaryTree& tree, const float* values, int64_t n, int64_t* out) {
  const int64_t last = tree.levels - 1;
  for (int64_t i = 0; i < n; ++i) {
    const float value = values[i];
    int64_t node = 0;
    for (int64_t level = 0; level < last; ++level)
      node = (kNodeKeys + 1) * node + reached(tree.nodes[level] + kNodeKeys * node, value);
    const int64_t found = kNodeKeys * node + reached(tree.nodes[last] + kNodeKeys * node, value);
    out[i] = value == value ? found : tree.count;
  }
}

void buckets(const BoundaryTree& tree, const float* values, int64_t n, int64_t* out) noexcept {
  if (tree.count <= kFew) {
    few(tree.nodes[tree.levels - 1], tree.count, values, n, out);
  } else {
    many(tree, values, n, out);
  }
}

}  // namespace

extern const BucketKernel bucket_kernel = {buckets};

}  // namespace weft::WEFT_ISA
