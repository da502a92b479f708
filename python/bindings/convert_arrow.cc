#include "convert_arrow.h"

namespace weft::python {
namespace {

// What the capsule holds, and goes on to hold: moving from it leaves it released.
template <class T>
T& held_by(nb::handle capsule, const char* name) {
  void* pointer = PyCapsule_GetPointer(capsule.ptr(), name);
  if (pointer == nullptr) throw nb::python_error();
  return *static_cast<T*>(pointer);
}

}  // namespace

bool is_arrow(nb::handle value) {
  return nb::hasattr(value, "__arrow_c_array__") || nb::hasattr(value, "__arrow_c_stream__");
}

ArrowReader reader_from_arrow(nb::handle value, std::optional<std::vector<std::string>> columns) {
  ArrowOptions options{.columns = std::move(columns)};
  if (nb::hasattr(value, "__arrow_c_array__")) {
    nb::object pair = value.attr("__arrow_c_array__")();
    nb::object first = pair[0], second = pair[1];
    return ArrowReader(std::move(held_by<ArrowArray>(second, "arrow_array")),
                       std::move(held_by<ArrowSchema>(first, "arrow_schema")), std::move(options));
  }
  if (!nb::hasattr(value, "__arrow_c_stream__")) {
    throw WrongType("an object with __arrow_c_array__ or __arrow_c_stream__ is wanted, got " +
                    describe(value));
  }
  nb::object capsule = value.attr("__arrow_c_stream__")();
  auto& stream = held_by<ArrowArrayStream>(capsule, "arrow_array_stream");
  return without_gil([&] { return ArrowReader(std::move(stream), std::move(options)); });
}

Feature feature_from_arrow(nb::handle value, const char* argument) {
  try {
    ArrowReader reader = reader_from_arrow(value, std::nullopt);
    return without_gil([&] { return reader.read_column(argument); });
  } catch (Error& error) {
    error.locate({.key = argument});
    throw;
  }
}

}  // namespace weft::python
