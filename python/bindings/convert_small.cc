// dtypes, shapes, text, ints and serialized records.

#include <array>
#include <optional>

#include "convert_parts.h"
#include "convert_strings.h"

namespace weft::python {
namespace {

constexpr int kDTypes = static_cast<int>(DType::kString) + 1;

// weft.int64 and its like, in the order of DType. They live as long as the process.
std::array<PyObject*, kDTypes> dtype_objects{};

std::optional<DType> dtype_of_name(std::string_view name) {
  for (int i = 0; i < kDTypes; ++i) {
    if (name == dtype_name(static_cast<DType>(i))) return static_cast<DType>(i);
  }
  return std::nullopt;
}

std::optional<DType> dtype_of_builtin(nb::handle value) {
  const auto is = [&](PyTypeObject& type) {
    return value.ptr() == reinterpret_cast<PyObject*>(&type);
  };
  if (is(PyBytes_Type) || is(PyUnicode_Type)) return DType::kString;
  if (is(PyBool_Type)) return DType::kBool;
  if (is(PyLong_Type)) return DType::kInt64;
  if (is(PyFloat_Type)) return DType::kFloat32;
  return std::nullopt;
}

// What numpy makes a dtype of. Object, 'S' and 'U' arrays are how numpy holds strings.
std::optional<DType> dtype_of_numpy(nb::handle value) {
  try {
    nb::object dtype = nb::module_::import_("numpy").attr("dtype")(value);
    const auto kind = nb::cast<std::string>(dtype.attr("kind"));
    if (kind == "O" || kind == "S" || kind == "U" || kind == "T") return DType::kString;
    return dtype_of_name(nb::cast<std::string>(dtype.attr("name")));
  } catch (const nb::python_error&) {
    return std::nullopt;
  }
}

std::string text_of(nb::object value) {
  nb::object text = nb::steal(PyObject_Str(value.ptr()));
  if (!text.is_valid()) throw nb::python_error();
  return nb::cast<std::string>(text);
}

const char* dtype_name_of(nb::handle self) { return dtype_name(nb::cast<DTypeObject>(self).value); }

}  // namespace

std::optional<DType> find_dtype(nb::handle value) {
  if (nb::isinstance<DTypeObject>(value)) return nb::cast<DTypeObject>(value).value;
  if (value.is_none()) return std::nullopt;  // numpy would read it as float64
  if (std::optional<DType> dtype = dtype_of_builtin(value)) return dtype;
  if (PyUnicode_Check(value.ptr())) {
    nb::object name = nb::steal(PyUnicode_AsUTF8String(value.ptr()));
    if (!name.is_valid()) PyErr_Clear();  // a lone surrogate: no name of a dtype
    if (!name.is_valid()) return std::nullopt;
    if (std::optional<DType> dtype = dtype_of_name(PyBytes_AsString(name.ptr()))) return dtype;
  }
  if (nb::hasattr(value, "as_numpy_dtype")) return dtype_of_numpy(value.attr("as_numpy_dtype"));
  return dtype_of_numpy(value);
}

DType dtype_from_python(nb::handle value, const char* argument) {
  if (std::optional<DType> dtype = find_dtype(value)) return *dtype;
  throw WrongType(std::string("'") + argument +
                  "' must be a dtype such as weft.int64, weft.string or numpy.float32, got " +
                  nb::cast<std::string>(nb::repr(value)));
}

nb::object dtype_to_python(DType dtype) {
  return nb::borrow(dtype_objects[static_cast<size_t>(dtype)]);
}

void bind_dtypes(nb::module_& m) {
  nb::class_<DTypeObject>(m, "DType", "The type of the elements of a tensor. As tf.DType.")
      .def_prop_ro("name", [](nb::handle self) { return dtype_name_of(self); })
      .def_prop_ro("size", [](const DTypeObject& self) { return dtype_size(self.value); })
      .def_prop_ro("is_integer", [](const DTypeObject& self) { return is_integer(self.value); })
      .def_prop_ro("is_floating", [](const DTypeObject& self) { return is_floating(self.value); })
      .def_prop_ro("as_numpy_dtype",
                   [](const DTypeObject& self) {
                     nb::module_ numpy = nb::module_::import_("numpy");
                     const char* name =
                         self.value == DType::kString ? "object" : dtype_name(self.value);
                     return nb::object(numpy.attr("dtype")(name).attr("type"));
                   })
      .def_prop_ro("__numpy_dtype__",
                   [](const DTypeObject& self) {
                     nb::module_ numpy = nb::module_::import_("numpy");
                     return nb::object(numpy.attr("dtype")(
                         self.value == DType::kString ? "object" : dtype_name(self.value)));
                   })
      .def(
          "__eq__",
          [](const DTypeObject& self, nb::handle other) -> nb::object {
            const std::optional<DType> dtype = find_dtype(other);
            if (!dtype) return nb::borrow(Py_NotImplemented);
            return nb::bool_(*dtype == self.value);
          },
          nb::arg("other").none(), nb::is_operator())
      .def("__hash__", [](const DTypeObject& self) { return static_cast<int64_t>(self.value); })
      .def("__repr__",
           [](nb::handle self) {
             return nb::str((std::string("weft.") + dtype_name_of(self)).c_str());
           })
      .def("__reduce__", [](nb::handle self) {
        return nb::make_tuple(nb::module_::import_("weft.dtypes").attr("_restore"),
                              nb::make_tuple(dtype_name_of(self)));
      });
  nb::dict by_name;
  for (int i = 0; i < kDTypes; ++i) {
    const auto dtype = static_cast<DType>(i);
    nb::object made = nb::cast(DTypeObject{dtype});
    by_name[dtype_name(dtype)] = made;
    dtype_objects[static_cast<size_t>(i)] = made.release().ptr();
  }
  m.attr("dtypes") =
      by_name;  // not one by one: a `bool` of the module would be in the way in its stub
}

Shape shape_from_python(nb::handle value, const char* argument) {
  if (PyIndex_Check(value.ptr()) != 0 && !nb::hasattr(value, "__len__"))
    return {int_from_python(value, argument)};
  Shape shape;
  if (value.is_none() || PyUnicode_Check(value.ptr()) || PySequence_Check(value.ptr()) == 0) {
    throw WrongType(std::string("'") + argument + "' must be an int or a sequence of ints, got " +
                    describe(value));
  }
  for (nb::handle dim : value) {
    if (dim.is_none())
      throw InvalidArgument(std::string("'") + argument +
                            "' must be fully defined, got a None in it");
    shape.push_back(int_from_python(dim, argument));
  }
  return shape;
}

nb::tuple shape_to_python(const Shape& shape) {
  nb::list dims;
  for (int64_t dim : shape) dims.append(dim);
  return nb::tuple(dims);
}

std::string_view text_from_python(nb::handle value, const char* argument) {
  if (PyBytes_Check(value.ptr())) {
    return {PyBytes_AsString(value.ptr()), static_cast<size_t>(PyBytes_Size(value.ptr()))};
  }
  if (!PyUnicode_Check(value.ptr())) {
    throw WrongType(std::string("'") + argument + "' must be str or bytes, got " + describe(value));
  }
  Py_ssize_t size = 0;
  const char* text = PyUnicode_AsUTF8AndSize(value.ptr(), &size);
  if (text == nullptr) {  // a lone surrogate
    PyErr_Clear();
    throw InvalidArgument(std::string("'") + argument + "' holds characters that UTF-8 has not: " +
                          nb::cast<std::string>(nb::repr(value)));
  }
  return {text, static_cast<size_t>(size)};
}

nb::object text_to_python(std::string_view text) {
  PyObject* made =
      PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "surrogateescape");
  if (made == nullptr) throw nb::python_error();
  return nb::steal(made);
}

Limits limits_from_python(nb::handle value) {
  Limits limits;
  if (value.is_none()) return limits;
  if (!nb::isinstance(value, nb::module_::import_("weft.config").attr("Limits")))
    throw WrongType("'limits' must be a weft.Limits or None, got " + describe(value));
  const auto read = [&](const char* name, int64_t& limit) {
    const nb::object field = value.attr(name);
    if (!field.is_none()) limit = int_from_python(field, name);
  };
  read("max_record_bytes", limits.max_record_bytes);
  read("max_batch_values", limits.max_batch_values);
  read("max_keys", limits.max_keys);
  read("max_empty_rows", limits.max_empty_rows);
  return limits;
}

int64_t int_from_python(nb::handle value, const char* argument) {
  if (PyBool_Check(value.ptr()) || PyIndex_Check(value.ptr()) == 0) {
    throw WrongType(std::string("'") + argument + "' must be an integer, got " + describe(value));
  }
  nb::object index = nb::steal(PyNumber_Index(value.ptr()));
  if (!index.is_valid()) {
    PyErr_Clear();
    throw WrongType(std::string("'") + argument + "' must be an integer, got " + describe(value));
  }
  int overflow = 0;
  const long long number = PyLong_AsLongLongAndOverflow(index.ptr(), &overflow);
  if (overflow != 0) throw OutOfRange(std::string("'") + argument + "' does not fit into int64");
  return number;
}

Serialized::Serialized(nb::handle value, const char* argument) {
  nb::object items = nb::borrow(value);
  if (nb::isinstance<StringArray>(value) && made_array(value).is_none()) {
    const auto& strings = nb::cast<const StringArray&>(value);
    if (strings.records) {  // as they were read: they never become Python objects
      held_ = items;
      views_.assign(strings.records->records().begin(), strings.records->records().end());
      return;
    }
  }
  if (PyBytes_Check(value.ptr()) || PyUnicode_Check(value.ptr())) {
    throw WrongType(std::string("'") + argument + "' must be a list or array of bytes, got " +
                    describe(value) + " alone");
  }
  if (nb::hasattr(value, "tolist")) {
    if (nb::hasattr(value, "ndim") && nb::cast<int64_t>(value.attr("ndim")) != 1) {
      throw InvalidArgument(std::string("'") + argument + "' must be a vector of bytes, got " +
                            describe(value));
    }
    if (nb::hasattr(value, "dtype") && nb::hasattr(value.attr("dtype"), "char") &&
        nb::cast<std::string>(value.attr("dtype").attr("char")) == "S") {
      throw WrongType(
          std::string("'") + argument +
          "' is an array of dtype 'S', which cuts NULs off the end of records; give the "
          "list itself, or an object array");
    }
    items = value.attr("tolist")();
  }
  // A tuple of our own: while the GIL is released another thread may change the caller's list.
  held_ = nb::steal(PySequence_Tuple(items.ptr()));
  if (!held_.is_valid()) {
    PyErr_Clear();
    throw WrongType(std::string("'") + argument + "' must be a list or array of bytes, got " +
                    describe(value));
  }
  const Py_ssize_t size = PyTuple_Size(held_.ptr());
  views_.reserve(static_cast<size_t>(size));
  for (Py_ssize_t i = 0; i < size; ++i) {
    PyObject* item = PyTuple_GetItem(held_.ptr(), i);
    if (!PyBytes_Check(item)) {
      throw WrongType(std::string("'") + argument + "'[" + std::to_string(i) +
                      "] must be bytes, got " + describe(item));
    }
    views_.emplace_back(PyBytes_AsString(item), static_cast<size_t>(PyBytes_Size(item)));
  }
}

std::string describe(nb::handle value) {
  if (value.is_none()) return "None";
  std::string name = nb::cast<std::string>(value.type().attr("__qualname__"));
  const std::string module = text_of(value.type().attr("__module__"));
  if (module != "builtins") name = (module.starts_with("weft.") ? "weft" : module) + "." + name;
  if (!nb::hasattr(value, "dtype") || !nb::hasattr(value, "shape"))
    return "a value of type " + name;
  return name + " of " + text_of(value.attr("dtype")) + " with shape " +
         text_of(value.attr("shape"));
}

}  // namespace weft::python
