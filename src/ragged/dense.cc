// Ragged to padded.
#include <algorithm>
#include <cstring>

#include "base/cpu.h"
#include "base/thread_pool.h"
#include "ragged/pad_kernel.h"
#include "weft/ragged.h"

namespace weft {
namespace {

constexpr int64_t kGrainBytes = int64_t{1} << 18;    // what one thread writes in about 20 us
constexpr int64_t kStreamBytes = int64_t{16} << 20;  // outputs that no cache is going to hold

// `count` times the bytes of `element`.
Buffer repeated(const Buffer& element, int64_t count) {
  Buffer all = Buffer::allocate(element.size() * count);
  uint8_t* to = all.mutable_data();
  for (int64_t i = 0; i < count; ++i, to += element.size())
    std::memcpy(to, element.data(), static_cast<size_t>(element.size()));
  return all;
}

}  // namespace

Tensor to_tensor(const Ragged& ragged, const Tensor& filler) {
  Shape shape = ragged.values().shape();
  if (ragged.levels() != 1 ||
      !std::equal(shape.begin() + 1, shape.end(), filler.shape().begin(), filler.shape().end())) {
    throw InvalidArgument("a ragged of " + std::to_string(ragged.levels()) +
                          " levels with values of shape " + shape_string(shape) +
                          " cannot be padded with " + shape_string(filler.shape()));
  }
  if (filler.dtype() != ragged.dtype() || ragged.dtype() == DType::kString) {
    throw WrongType(std::string("values of ") + dtype_name(ragged.dtype()) +
                    " cannot be padded with " + dtype_name(filler.dtype()));
  }
  shape[0] = ragged.longest_row();
  shape.insert(shape.begin(), ragged.rows());
  if (num_elements(shape) > Limits{}.max_batch_values) {
    throw LimitExceeded("a ragged padded to " + shape_string(shape) + " values; the limit is " +
                        std::to_string(Limits{}.max_batch_values));
  }
  const int64_t each = filler.size() * dtype_size(filler.dtype()), width = shape[1] * each;
  Buffer dense = Buffer::allocate(shape[0] * width);
  if (dense.size() > 0) {
    const Buffer padding = repeated(filler.buffer(), shape[1]);
    const PadRows rows{
        ragged.values().buffer().data(), ragged.row_splits().data(), each, padding.data(), width,
        dense.size() >= kStreamBytes};
    uint8_t* to = dense.mutable_data();
    base::parallel_for(shape[0], kGrainBytes / width + 1, [&](int64_t begin, int64_t end) {
      WEFT_KERNEL(pad_kernel).pad(rows, begin, end, to);
    });
  }
  return Tensor::from_buffer(ragged.dtype(), std::move(shape), std::move(dense));
}

}  // namespace weft
