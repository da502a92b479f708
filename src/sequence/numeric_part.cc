#include <cstring>

#include "sequence/parts.h"

namespace weft {
namespace {

class NumericDense final : public DensePart {
 public:
  NumericDense(Tensor values, int64_t rows, int64_t width)
      : DensePart(rows, width), values_(std::move(values)), size_(dtype_size(values_.dtype())) {}

  void write(int64_t begin, int64_t end, const Cells& out) const override {
    const auto bytes = static_cast<size_t>(width() * size_);
    for (int64_t row = begin; row < end; ++row) {
      std::memcpy(static_cast<uint8_t*>(out.data) + (row - begin) * out.stride * size_,
                  values_.buffer().data() + row * width() * size_, bytes);
    }
  }

 private:
  Tensor values_;
  int64_t size_;
};

}  // namespace

DensePartPtr NumericColumn::dense_part(const PartSource& source) const {
  Tensor values = std::get<Tensor>(numbers(source.ids.features(), source.dtype));
  const int64_t rows = values.dim(0), width = values.dim(1);
  return std::make_unique<NumericDense>(std::move(values), rows, width);
}

}  // namespace weft
