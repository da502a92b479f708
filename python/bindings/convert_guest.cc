// Ragged data of other libraries, recognised without importing them.
#include "convert_arrow.h"
#include "convert_parts.h"

namespace weft::python {
namespace {

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
  // Another dimension than the first after the rows is the ragged one.
  if (nb::hasattr(jagged, "_ragged_idx") && nb::cast<int64_t>(jagged.attr("_ragged_idx")) != 1) {
    throw InvalidArgument(std::string("'") + argument +
                          "': a transposed jagged tensor is not taken");
  }
  const Tensor values = tensor_from_python(jagged.attr("values")().attr("detach")(), argument);
  const Tensor offsets = tensor_from_python(jagged.attr("offsets")(), argument);
  return Ragged::from_row_splits(values, offsets);
}

// A column of numpy's dtypes is what its array is; what only pandas has (missing integers, strings,
// categories, dates) comes as Arrow, for which pandas itself needs pyarrow.
Feature feature_from_series(nb::handle series, const char* argument) {
  nb::object dtype = series.attr("dtype");
  const auto kind = nb::cast<std::string>(dtype.attr("kind"));
  if (!is_from(dtype, "numpy") || kind == "M" || kind == "m") {
    nb::object frame = series.attr("to_frame")(argument);
    if (nb::hasattr(frame, "__arrow_c_stream__")) {
      try {
        ArrowReader reader = reader_from_arrow(frame, std::vector<std::string>{argument});
        return without_gil([&] { return reader.read_all(); }).at(argument);
      } catch (nb::python_error& error) {
        if (!error.matches(PyExc_ImportError)) throw;
      }
    }
  }
  nb::object values = series.attr("to_numpy")();
  return feature_from_python(nb::module_::import_("numpy").attr("ascontiguousarray")(values),
                             argument);
}

}  // namespace

bool is_from(nb::handle value, std::string_view package) {
  nb::object module = nb::getattr(nb::handle(reinterpret_cast<PyObject*>(Py_TYPE(value.ptr()))),
                                  "__module__", nb::none());
  if (!PyUnicode_Check(module.ptr())) return false;
  const auto name = nb::cast<std::string>(module);
  return name == package || name.starts_with(std::string(package) + ".");
}

std::optional<Feature> feature_from_guest(nb::handle value, const char* argument) {
  if (is_from(value, "torch") && nb::hasattr(value, "is_nested")) {
    if (nb::cast<bool>(value.attr("is_nested"))) return ragged_from_torch(value, argument);
    if (nb::cast<bool>(value.attr("requires_grad")))
      return tensor_from_memory(value.attr("detach")(), argument);
    return std::nullopt;
  }
  if (is_from(value, "pandas") && nb::hasattr(value, "to_frame") && nb::hasattr(value, "dtype"))
    return feature_from_series(value, argument);
  if (is_arrow(value)) return feature_from_arrow(value, argument);
  return std::nullopt;
}

}  // namespace weft::python
