#include <cstring>
#include <string>

#include "weft/initializer.h"

namespace weft {
namespace {

void check_weights(std::span<const Parameter> parameters, std::span<const Tensor> weights,
                   std::string_view owner) {
  if (weights.size() != parameters.size()) {
    throw InvalidArgument(std::string(owner) + " has " + std::to_string(parameters.size()) +
                          " weights, got " + std::to_string(weights.size()));
  }
  for (size_t i = 0; i < weights.size(); ++i) {
    const Tensor& value = parameters[i].value;
    const std::string name = "weight '" + parameters[i].name + "'";
    if (weights[i].dtype() != value.dtype()) {
      throw WrongType(name + " is " + dtype_name(value.dtype()) + ", got " +
                      dtype_name(weights[i].dtype()));
    }
    if (weights[i].shape() != value.shape()) {
      throw InvalidArgument(name + " has shape " + shape_string(value.shape()) + ", got " +
                            shape_string(weights[i].shape()));
    }
  }
}

}  // namespace

void set_weights(std::span<Parameter> parameters, std::span<const Tensor> weights,
                 std::string_view owner) {
  check_weights(parameters, weights, owner);
  for (size_t i = 0; i < weights.size(); ++i) {
    Buffer memory = parameters[i].value.buffer();
    const int64_t bytes = parameters[i].value.size() * dtype_size(parameters[i].value.dtype());
    if (bytes == 0) continue;
    std::memmove(memory.mutable_data(), weights[i].buffer().data(), static_cast<size_t>(bytes));
  }
}

std::vector<Parameter> parameters_over(std::span<const Parameter> parameters,
                                       std::span<const Tensor> weights, std::string_view owner) {
  check_weights(parameters, weights, owner);
  std::vector<Parameter> made(parameters.begin(), parameters.end());
  for (size_t i = 0; i < made.size(); ++i) made[i].value = weights[i];
  return made;
}

}  // namespace weft
