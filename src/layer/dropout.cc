#include <algorithm>
#include <string>
#include <utility>

#include "base/dropout.h"
#include "base/thread_pool.h"
#include "weft/layer.h"

namespace weft {
namespace {

constexpr int64_t kGrain = 1 << 14;  // elements: ~50 us
constexpr int64_t kPiece = 256;      // of the mask, at a time

// Where the elements of x are in a mask of this shape: runs of elements that follow one another.
struct Places {
  const Shape &shape, &noise;
  int64_t run = 1;
  size_t outer;  // dimensions in front of the runs

  Places(const Shape& of, const Shape& mask) : shape(of), noise(mask), outer(of.size()) {
    while (outer > 0 && shape[outer - 1] == noise[outer - 1]) run *= shape[--outer];
  }
  int64_t of(int64_t i) const {
    int64_t place = i % run, stride = run, index = i / run;
    for (size_t d = outer; d-- > 0; index /= shape[d]) {
      if (noise[d] != 1) place += index % shape[d] * stride;
      stride *= noise[d];
    }
    return place;
  }
};

template <class T>
void drop(const base::DropoutMask& mask, const Places& places, const Tensor& x, Tensor& out) {
  const T* const from = x.values<T>().data();
  T* const to = out.mutable_values<T>().data();
  base::parallel_for(x.size(), kGrain, [&](int64_t begin, int64_t end) {
    T piece[kPiece];
    for (int64_t i = begin; i < end;) {
      const int64_t n = std::min({kPiece, end - i, places.run - i % places.run});
      mask.fill(static_cast<uint64_t>(places.of(i)), n, piece);
      for (int64_t j = 0; j < n; ++j, ++i) to[i] = piece[j] == 0 ? 0 : from[i] * piece[j];
    }
  });
}

// The shape of the mask. Throws unless it fits.
Shape mask_shape(const Shape& shape, const DropoutOptions& options) {
  Shape noise = options.noise_shape.value_or(shape);
  bool fits = noise.size() == shape.size();
  for (size_t d = 0; fits && d < noise.size(); ++d) {
    if (noise[d] == -1) noise[d] = shape[d];
    fits = noise[d] == 1 || noise[d] == shape[d];
  }
  if (fits) return noise;
  throw InvalidArgument("the noise_shape of '" + options.name + "' is " + shape_string(noise) +
                        ", which does not fit inputs " + shape_string(shape));
}

}  // namespace

Dropout::Dropout(double rate, DropoutOptions options) : rate_(rate), options_(std::move(options)) {
  if (!(rate >= 0 && rate <= 1)) {
    throw InvalidArgument("`rate` must be between 0 and 1, got " + std::to_string(rate));
  }
}

Tensor Dropout::operator()(const Tensor& x, uint64_t step) const {
  if (x.dtype() != DType::kFloat32 && x.dtype() != DType::kFloat64) {
    throw WrongType("inputs of '" + options_.name + "' must be float32 or float64, got " +
                    dtype_name(x.dtype()));
  }
  if (rate_ == 1) {
    throw InvalidArgument("the rate of '" + options_.name + "' is 1: to train it must be less");
  }
  const Shape noise = mask_shape(x.shape(), options_);
  const base::DropoutMask mask(rate_, base::Philox(options_.seed, options_.name, step));
  if (!mask) return x;
  const Places places(x.shape(), noise);
  Tensor out(x.dtype(), x.shape());
  if (x.dtype() == DType::kFloat32) {
    drop<float>(mask, places, x, out);
  } else {
    drop<double>(mask, places, x, out);
  }
  return out;
}

DropoutVjp Dropout::vjp(const Tensor& x, uint64_t step) const {
  return {(*this)(x, step),
          [layer = *this, dtype = x.dtype(), shape = x.shape(), step](const Tensor& grad) {
            check_gradient(grad, dtype, shape, "a Dropout's output");
            return layer(grad, step);
          }};
}

}  // namespace weft
