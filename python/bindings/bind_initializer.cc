#include <map>
#include <memory>

#include "convert_initializer.h"

namespace weft::python {
namespace {

using Function = std::function<Tensor(const Shape&, DType)>;

// A Python callable as the library calls it. It is dropped with the GIL held.
struct PythonFunction {
  std::shared_ptr<PyObject> callable;

  Tensor operator()(const Shape& shape, DType dtype) const {
    nb::gil_scoped_acquire gil;
    nb::object numpy_dtype = nb::module_::import_("numpy").attr("dtype")(dtype_name(dtype));
    nb::object made = nb::handle(callable.get())(shape_to_python(shape), numpy_dtype);
    // Copied here: the library drops its tensor without the GIL.
    const Tensor values = tensor_from_python(made, "the initializer's result");
    if (values.dtype() == DType::kString) return values;
    return Tensor::from_buffer(
        values.dtype(), values.shape(),
        Buffer::copy_of(values.buffer().data(), values.size() * dtype_size(values.dtype())));
  }
};

// One function per callable, so that initializers made of it twice are equal. Guarded by the GIL.
std::shared_ptr<const Function> function_of(nb::handle callable) {
  static auto& known = *new std::map<PyObject*, std::weak_ptr<const Function>>;
  std::erase_if(known, [](const auto& entry) { return entry.second.expired(); });
  if (auto function = known[callable.ptr()].lock()) return function;
  std::shared_ptr<PyObject> held(callable.inc_ref().ptr(), [](PyObject* object) {
    nb::gil_scoped_acquire gil;
    Py_DECREF(object);
  });
  auto function = std::make_shared<const Function>(PythonFunction{std::move(held)});
  known[callable.ptr()] = function;
  return function;
}

Initializer::Field field_from_python(nb::handle value, const std::string& key) {
  if (value.is_none()) return std::monostate();
  if (PyUnicode_Check(value.ptr())) return std::string(text_from_python(value, key.c_str()));
  if (PyFloat_Check(value.ptr())) return PyFloat_AsDouble(value.ptr());
  if (nb::hasattr(value, "__index__")) return int_from_python(value, key.c_str());
  const double number = PyFloat_AsDouble(value.ptr());
  if (number == -1 && PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    throw WrongType("'" + key + "' of an initializer must be a number, got " + describe(value));
  }
  return number;
}

nb::object field_to_python(const Initializer::Field& field) {
  if (const auto* integer = std::get_if<int64_t>(&field)) return nb::cast(*integer);
  if (const auto* number = std::get_if<double>(&field)) return nb::cast(*number);
  if (const auto* text = std::get_if<std::string>(&field)) return nb::cast(*text);
  return nb::none();
}

Initializer from_fields(nb::handle name, nb::handle config) {
  Initializer::Fields fields;
  for (nb::handle key : config) {
    const std::string text(text_from_python(key, "a field of an initializer"));
    fields.emplace_back(text, field_from_python(config[key], text));
  }
  return Initializer::from_config(text_from_python(name, "name"), fields);
}

nb::dict config_of(const Initializer& initializer) {
  nb::dict config;
  for (const auto& [key, value] : initializer.config())
    config[key.c_str()] = field_to_python(value);
  return config;
}

}  // namespace

Initializer initializer_from_python(nb::handle value, const char* argument) {
  nb::module_ module = nb::module_::import_("weft.initializers");
  nb::object known = module.attr("_resolve")(value, argument);
  if (nb::isinstance<Initializer>(known)) return nb::cast<Initializer>(known);
  return initializers::Custom{function_of(known)};
}

nb::object initializer_to_python(const Initializer& initializer) {
  if (const auto* custom = std::get_if<initializers::Custom>(&initializer.kind())) {
    const auto* function = custom->function->target<PythonFunction>();
    if (function == nullptr) return nb::none();
    return nb::borrow(function->callable.get());
  }
  nb::module_ module = nb::module_::import_("weft.initializers");
  return module.attr(initializer.name())(**config_of(initializer));
}

void bind_initializer(nb::module_& m) {
  m.def("initializer_class", [](nb::handle name) {
    return Initializer::class_name(text_from_python(name, "identifier"));
  });
  m.def(
      "initial_weights",
      [](nb::handle initializer, nb::handle shape, nb::handle dtype, const std::string& name,
         nb::handle seed) {
        const Initializer draw = initializer_from_python(initializer, "initializer");
        const Shape wanted = shape_from_python(shape, "shape");
        const DType type = dtype_from_python(dtype, "dtype");
        const int64_t stream = int_from_python(seed, "seed");
        return tensor_to_python(without_gil([&] { return draw(wanted, type, name, stream); }));
      },
      nb::arg("initializer").none(), nb::arg("shape"), nb::arg("dtype"), nb::arg("name"),
      nb::arg("seed"));
  nb::class_<Initializer>(m, "_Initializer", "What an object of weft.initializers stands for.")
      .def("__init__", [](Initializer* self, nb::handle name,
                          nb::handle config) { new (self) Initializer(from_fields(name, config)); })
      .def_prop_ro("config", &config_of)
      .def(
          "__call__",
          [](const Initializer& self, nb::handle shape, nb::handle dtype) {
            const Shape wanted = shape_from_python(shape, "shape");
            const DType type = dtype_from_python(dtype, "dtype");
            return tensor_to_python(without_gil([&] { return self(wanted, type, ""); }));
          },
          nb::arg("shape").none(), nb::arg("dtype").none())
      .def("__eq__",
           [](const Initializer& self, const Initializer& other) { return self == other; });
}

}  // namespace weft::python
