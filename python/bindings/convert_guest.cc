// Ragged data of other libraries, recognised without importing them.
#include "convert_parts.h"

namespace weft::python {
namespace {

bool is_from(nb::handle value, std::string_view package) {
  nb::object module = nb::getattr(nb::handle(reinterpret_cast<PyObject*>(Py_TYPE(value.ptr()))),
                                  "__module__", nb::none());
  if (!PyUnicode_Check(module.ptr())) return false;
  const auto name = nb::cast<std::string>(module);
  return name == package || name.starts_with(std::string(package) + ".");
}

// torch.nested.nested_tensor(..., layout=torch.jagged): torch checks neither order nor end of the
// offsets, Ragged does.
Ragged ragged_from_torch(nb::handle jagged, const char* argument) {
  if (!nb::hasattr(jagged, "offsets")) {
    throw WrongType(std::string("'") + argument +
                    "': of torch's nested tensors only those with layout torch.jagged are taken");
  }
  if (nb::hasattr(jagged, "lengths") && !jagged.attr("lengths")().is_none()) {
    throw InvalidArgument(std::string("'") + argument +
                          "': a jagged tensor with gaps between its rows is not taken");
  }
  const Tensor values = tensor_from_python(jagged.attr("values")().attr("detach")(), argument);
  const Tensor offsets = tensor_from_python(jagged.attr("offsets")(), argument);
  return Ragged::from_row_splits(values, offsets);
}

}  // namespace

std::optional<Feature> feature_from_guest(nb::handle value, const char* argument) {
  if (is_from(value, "torch") && nb::hasattr(value, "is_nested") &&
      nb::cast<bool>(value.attr("is_nested"))) {
    return ragged_from_torch(value, argument);
  }
  return feature_from_arrow(value, argument);
}

}  // namespace weft::python
