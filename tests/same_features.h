// Equality of batches, bit by bit, as text: what two features hold.
#pragma once

#include <cstring>
#include <sstream>
#include <string>
#include <variant>

#include "weft/ragged.h"

namespace weft::testing {

inline std::string text_of(const Tensor& tensor) {
  std::ostringstream out;
  out << dtype_name(tensor.dtype()) << shape_string(tensor.shape()) << " ";
  for (int64_t i = 0; i < tensor.size(); ++i) {
    const auto at = static_cast<size_t>(i);
    if (tensor.dtype() == DType::kInt64) out << tensor.values<int64_t>()[at] << " ";
    if (tensor.dtype() == DType::kString)
      out << "'" << escape_bytes(tensor.bytes()[i], 1 << 20) << "' ";
    if (tensor.dtype() == DType::kFloat32) {
      uint32_t bits;
      std::memcpy(&bits, &tensor.values<float>()[at], 4);
      out << tensor.values<float>()[at] << ":" << std::hex << bits << std::dec << " ";
    }
  }
  return out.str();
}

inline std::string text_of(const Feature& feature) {
  std::ostringstream out;
  if (const auto* tensor = std::get_if<Tensor>(&feature)) return text_of(*tensor);
  if (const auto* ragged = std::get_if<Ragged>(&feature)) {
    out << "ragged ";
    for (int64_t level = 0; level < ragged->levels(); ++level) {
      for (int64_t split : ragged->row_splits(level)) out << split << " ";
      out << "| ";
    }
    return out.str() + text_of(ragged->values());
  }
  const auto& sparse = std::get<SparseTensor>(feature);
  return "sparse " + shape_string(sparse.dense_shape()) + " at " + text_of(sparse.indices()) +
         text_of(sparse.values());
}

inline std::string text_of(const Features& features) {
  std::string text;
  for (const auto& [name, feature] : features)
    text += escape_bytes(name) + ": " + text_of(feature) + "\n";
  return text;
}

}  // namespace weft::testing
