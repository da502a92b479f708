#include <algorithm>

#include "base/thread_pool.h"
#include "weft/sequence.h"

namespace weft {
namespace {

constexpr int64_t kGrainBytes = int64_t{1} << 18;

template <class T>
void append(const Tensor& context, const Tensor& sequence, Tensor& out) {
  const int64_t rows = sequence.dim(0), steps = sequence.dim(1), d0 = sequence.dim(2),
                d1 = context.dim(1);
  const T* from = sequence.values<T>().data();
  const T* extra = context.values<T>().data();
  T* to = out.mutable_values<T>().data();
  const int64_t bytes = steps * (d0 + d1) * static_cast<int64_t>(sizeof(T));
  base::parallel_for(rows, std::max<int64_t>(1, kGrainBytes / std::max<int64_t>(1, bytes)),
                     [&](int64_t begin, int64_t end) {
                       for (int64_t row = begin; row < end; ++row) {
                         for (int64_t cell = row * steps; cell < (row + 1) * steps; ++cell) {
                           T* at = std::copy_n(from + cell * d0, d0, to + cell * (d0 + d1));
                           std::copy_n(extra + row * d1, d1, at);
                         }
                       }
                     });
}

void check(const Tensor& tensor, int64_t rank, const char* name) {
  if (tensor.rank() != rank) {
    throw InvalidArgument(std::string(name) + " must have rank " + std::to_string(rank) +
                          ", got shape " + shape_string(tensor.shape()));
  }
  if (tensor.dtype() != DType::kFloat32 && tensor.dtype() != DType::kFloat64) {
    throw WrongType(std::string(name) + " must have dtype float32 (or float64); got " +
                    dtype_name(tensor.dtype()));
  }
}

}  // namespace

Tensor concatenate_context_input(const Tensor& context_input, const Tensor& sequence_input) {
  check(sequence_input, 3, "sequence_input");
  check(context_input, 2, "context_input");
  if (context_input.dtype() != sequence_input.dtype()) {
    throw WrongType(std::string("context_input and sequence_input must have the same dtype; got ") +
                    dtype_name(context_input.dtype()) + " and " +
                    dtype_name(sequence_input.dtype()));
  }
  if (context_input.dim(0) != sequence_input.dim(0)) {
    throw InvalidArgument("context_input has " + std::to_string(context_input.dim(0)) +
                          " rows, sequence_input has " + std::to_string(sequence_input.dim(0)));
  }
  int64_t width = 0;
  if (__builtin_add_overflow(sequence_input.dim(2), context_input.dim(1), &width))
    width = INT64_MAX;
  Tensor out(sequence_input.dtype(), {sequence_input.dim(0), sequence_input.dim(1), width});
  if (out.size() == 0) return out;
  if (out.dtype() == DType::kFloat32) {
    append<float>(context_input, sequence_input, out);
  } else {
    append<double>(context_input, sequence_input, out);
  }
  return out;
}

}  // namespace weft
