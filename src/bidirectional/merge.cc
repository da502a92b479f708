#include "bidirectional/merge.h"

#include <algorithm>

#include "base/thread_pool.h"

namespace weft {
namespace {

constexpr int64_t kGrain = int64_t{1} << 16;  // numbers

// Calls body(cell, mirrored) for each output [.., H] of a layer: the cell of the forward layer and
// that of the same step in the backward one.
template <class Body>
void each_cell(const Directions& directions, const Tensor& outputs, const Body& body) {
  const int64_t width = outputs.shape().back();
  const int64_t cells = outputs.size() / std::max<int64_t>(1, width);
  const int64_t steps = directions.sequences ? outputs.dim(directions.time_major ? 0 : 1) : 1;
  const int64_t step_stride = directions.time_major && directions.sequences ? outputs.dim(1) : 1;
  base::parallel_for(cells, kGrain / std::max<int64_t>(1, width) + 1,
                     [&](int64_t begin, int64_t end) {
                       for (int64_t cell = begin; cell < end; ++cell) {
                         const int64_t step = cell / step_stride % steps;
                         body(cell, cell + (steps - 1 - 2 * step) * step_stride);
                       }
                     });
}

template <class T>
std::vector<Tensor> merge(const Directions& directions, const Tensor& forward,
                          const Tensor& backward) {
  const int64_t ahead = forward.shape().back(), back = backward.shape().back();
  const bool none = directions.merge == Merge::kNone, concat = directions.merge == Merge::kConcat;
  Shape shape = none ? backward.shape() : forward.shape();
  if (concat) shape.back() += back;
  Tensor merged(forward.dtype(), std::move(shape));
  const T* const from = forward.values<T>().data();
  const T* const other = backward.values<T>().data();
  T* const to = merged.mutable_values<T>().data();
  each_cell(directions, none ? backward : forward, [&](int64_t cell, int64_t mirrored) {
    const T* const a = from + cell * ahead;
    const T* const b = other + mirrored * back;
    if (none) {
      std::copy_n(b, back, to + cell * back);
      return;
    }
    T* const out = to + cell * (concat ? ahead + back : ahead);
    if (concat) {
      std::copy_n(b, back, std::copy_n(a, ahead, out));
    } else if (directions.merge == Merge::kMul) {
      for (int64_t j = 0; j < ahead; ++j) out[j] = a[j] * b[j];
    } else {
      const T part = directions.merge == Merge::kAve ? T(0.5) : T(1);
      for (int64_t j = 0; j < ahead; ++j) out[j] = (a[j] + b[j]) * part;
    }
  });
  if (none) return {forward, merged};
  return {merged};
}

template <class T>
void split(const Directions& directions, const Outputs& outputs, const std::vector<Tensor>& grads,
           Outputs& to) {
  const int64_t ahead = to.forward.shape().back(), back = to.backward.shape().back();
  const bool multiplied = directions.merge == Merge::kMul;
  const T* const from = multiplied ? outputs.forward.values<T>().data() : nullptr;
  const T* const other = multiplied ? outputs.backward.values<T>().data() : nullptr;
  const T* const grad = grads.front().values<T>().data();
  const T* const grad_back = grads.back().values<T>().data();  // the same, but for kNone
  T* const to_ahead = to.forward.mutable_values<T>().data();
  T* const to_back = to.backward.mutable_values<T>().data();
  each_cell(directions, to.forward, [&](int64_t cell, int64_t mirrored) {
    T* const a = to_ahead + cell * ahead;
    T* const b = to_back + mirrored * back;
    if (directions.merge == Merge::kNone) {
      std::copy_n(grad + cell * ahead, ahead, a);
      std::copy_n(grad_back + cell * back, back, b);
    } else if (directions.merge == Merge::kConcat) {
      const T* const g = grad + cell * (ahead + back);
      std::copy_n(g, ahead, a);
      std::copy_n(g + ahead, back, b);
    } else if (multiplied) {
      for (int64_t j = 0; j < ahead; ++j) {
        a[j] = grad[cell * ahead + j] * other[mirrored * back + j];
        b[j] = grad[cell * ahead + j] * from[cell * ahead + j];
      }
    } else {
      const T part = directions.merge == Merge::kAve ? T(0.5) : T(1);
      for (int64_t j = 0; j < ahead; ++j) a[j] = b[j] = grad[cell * ahead + j] * part;
    }
  });
}

}  // namespace

std::vector<Tensor> merge_outputs(const Directions& directions, const Tensor& forward,
                                  const Tensor& backward) {
  return forward.dtype() == DType::kFloat32 ? merge<float>(directions, forward, backward)
                                            : merge<double>(directions, forward, backward);
}

void split_gradient(const Directions& directions, const Outputs& outputs,
                    const std::vector<Tensor>& grads, Outputs& to) {
  to.forward.dtype() == DType::kFloat32 ? split<float>(directions, outputs, grads, to)
                                        : split<double>(directions, outputs, grads, to);
}

}  // namespace weft
