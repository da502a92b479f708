#include <algorithm>

#include "base/thread_pool.h"
#include "weft/sequence.h"

namespace weft {
namespace {

// body(begin, end) over the rows of a tensor [B, T, D], in parallel.
template <class Body>
void for_rows(const Tensor& tensor, const Body& body) {
  const int64_t bytes = tensor.dim(1) * tensor.dim(2) * dtype_size(tensor.dtype());
  base::parallel_for(tensor.dim(0), base::grain_of_bytes(bytes), body);
}

template <class T>
void append(const Tensor& context, const Tensor& sequence, Tensor& out) {
  const int64_t steps = sequence.dim(1), d0 = sequence.dim(2), d1 = context.dim(1);
  const T* from = sequence.values<T>().data();
  const T* extra = context.values<T>().data();
  T* to = out.mutable_values<T>().data();
  for_rows(out, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      for (int64_t cell = row * steps; cell < (row + 1) * steps; ++cell) {
        T* at = std::copy_n(from + cell * d0, d0, to + cell * (d0 + d1));
        std::copy_n(extra + row * d1, d1, at);
      }
    }
  });
}

template <class T>
void split(const Tensor& grad, ContextGradients& to) {
  const int64_t steps = grad.dim(1), d0 = to.sequence_input.dim(2), d1 = to.context_input.dim(1);
  const T* from = grad.values<T>().data();
  T* sequence = to.sequence_input.mutable_values<T>().data();
  T* context = to.context_input.mutable_values<T>().data();
  for_rows(grad, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      T* const sums = context + row * d1;
      for (int64_t cell = row * steps; cell < (row + 1) * steps; ++cell) {
        const T* const at = from + cell * (d0 + d1);
        std::copy_n(at, d0, sequence + cell * d0);
        for (int64_t j = 0; j < d1; ++j) sums[j] += at[d0 + j];
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

ContextGradients concatenate_context_backward(const Tensor& grad, int64_t context_size) {
  check(grad, 3, "grad");
  if (context_size < 0 || context_size > grad.dim(2)) {
    throw InvalidArgument("grad has " + std::to_string(grad.dim(2)) +
                          " columns, of which the context cannot have " +
                          std::to_string(context_size));
  }
  const int64_t rows = grad.dim(0);
  ContextGradients result{Tensor::zeros(grad.dtype(), {rows, context_size}),
                          Tensor(grad.dtype(), {rows, grad.dim(1), grad.dim(2) - context_size})};
  if (grad.size() == 0) return result;
  grad.dtype() == DType::kFloat32 ? split<float>(grad, result) : split<double>(grad, result);
  return result;
}

}  // namespace weft
