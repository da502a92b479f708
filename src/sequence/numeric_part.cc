#include <algorithm>
#include <cstring>

#include "sequence/numbers.h"
#include "sequence/parts.h"

namespace weft {
namespace {

// The rows of a ragged feature that holds `each` values in every row.
int64_t rows_of_ragged(const Ragged& ragged, int64_t each, const std::string& key) {
  const int64_t inner =
      ragged.values().dim(0) == 0 ? 1 : ragged.values().size() / ragged.values().dim(0);
  for (int64_t row = 0; row < ragged.rows(); ++row) {
    auto begin = static_cast<size_t>(row), end = begin + 1;
    for (int64_t level = 0; level < ragged.levels(); ++level) {
      begin = static_cast<size_t>(ragged.row_splits(level)[begin]);
      end = static_cast<size_t>(ragged.row_splits(level)[end]);
    }
    const int64_t found = static_cast<int64_t>(end - begin) * inner;
    if (found == each) continue;
    refuse(key,
           "numeric_column '" + escape_bytes(key) + "' needs " + std::to_string(each) +
               " values in a row, got " + std::to_string(found),
           row);
  }
  return ragged.rows();
}

// [B * each] values of any dtype, and B.
std::pair<Tensor, int64_t> rows_of(const Feature& feature, int64_t each, const std::string& key) {
  if (const auto* ragged = std::get_if<Ragged>(&feature)) {
    const int64_t rows = rows_of_ragged(*ragged, each, key);
    return {ragged->values().reshaped({ragged->values().size()}), rows};
  }
  const auto* tensor = std::get_if<Tensor>(&feature);
  if (tensor == nullptr) {
    refuse(key,
           "The corresponding Tensor of numerical column must be a Tensor. SparseTensor is not "
           "supported. key: " +
               escape_bytes(key));
  }
  if (tensor->rank() == 0)
    refuse(key, "Feature (key: " + escape_bytes(key) + ") cannot have rank 0.");
  int64_t size = 0;
  if (__builtin_mul_overflow(tensor->dim(0), each, &size) || size != tensor->size()) {
    refuse(key, "numeric_column '" + escape_bytes(key) + "' needs " + std::to_string(each) +
                    " values in a row, got an array of shape " + shape_string(tensor->shape()));
  }
  return {tensor->reshaped({tensor->size()}), tensor->dim(0)};
}

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
  const int64_t each = num_elements(shape_);
  auto [values, rows] = rows_of(find_feature(source.ids.features(), key_), each, key_);
  return std::make_unique<NumericDense>(numbers_of(values, normalizer_fn_, source.dtype, key_),
                                        rows, each);
}

}  // namespace weft
