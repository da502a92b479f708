#include "sampled_softmax/label_rows.h"

namespace weft {
namespace {

[[noreturn]] void refuse(const std::string& got) {
  throw InvalidArgument(
      "labels are an array [B] or [B, n], or rows of them: ragged, of one level; got " + got);
}

Ragged rows_of(const Feature& labels) {
  if (const auto* tensor = std::get_if<Tensor>(&labels)) {
    if (tensor->rank() < 1 || tensor->rank() > 2) refuse("shape " + shape_string(tensor->shape()));
    const int64_t each = tensor->rank() == 1 ? 1 : tensor->dim(1);
    return Ragged::trusted(as_int64(tensor->reshaped({tensor->size()}), "labels"),
                           {even_splits(tensor->dim(0), each)});
  }
  const auto* sparse = std::get_if<SparseTensor>(&labels);
  const Ragged* ragged = sparse != nullptr ? sparse->rows() : &std::get<Ragged>(labels);
  if (ragged == nullptr) refuse("a sparse tensor with holes");
  if (ragged->levels() != 1 || ragged->values().rank() != 1)
    refuse(std::to_string(ragged->levels()) + " levels of shape " +
           shape_string(ragged->values().shape()));
  return ragged->with_values(as_int64(ragged->values(), "labels"));
}

}  // namespace

Ragged label_rows(const Feature& labels, int64_t num_classes) {
  Ragged rows = rows_of(labels);
  // A copy: borrowed labels could change after the check.
  rows = rows.with_values(Tensor::of<int64_t>({rows.values().size()}, rows.values<int64_t>()));
  const auto ids = rows.values<int64_t>();
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] >= 0 && ids[i] < num_classes) continue;
    throw OutOfRange("label " + std::to_string(ids[i]) + " at position " + std::to_string(i) +
                     " is outside [0, " + std::to_string(num_classes) + ")");
  }
  return rows;
}

DType check_scored(const Tensor& weights, const Tensor* biases, const Tensor& inputs) {
  const DType dtype = weights.dtype();
  if ((dtype != DType::kFloat32 && dtype != DType::kFloat64) || inputs.dtype() != dtype ||
      (biases != nullptr && biases->dtype() != dtype)) {
    throw WrongType(
        std::string("weights, biases and inputs must all be float32 or all float64; "
                    "the weights are ") +
        dtype_name(dtype) + ", the inputs " + dtype_name(inputs.dtype()) +
        (biases == nullptr ? "" : std::string(", the biases ") + dtype_name(biases->dtype())));
  }
  const bool fit = weights.rank() == 2 && inputs.rank() == 2 && weights.dim(1) == inputs.dim(1) &&
                   (biases == nullptr || biases->shape() == Shape{weights.dim(0)});
  if (fit) return dtype;
  throw InvalidArgument("weights [V, D], biases [V] and inputs [B, D] do not fit one another: " +
                        shape_string(weights.shape()) + ", " +
                        (biases == nullptr ? "none" : shape_string(biases->shape())) + " and " +
                        shape_string(inputs.shape()));
}

}  // namespace weft
