// weft.StringArray.
#include "convert_strings.h"

namespace weft::python {
namespace {

constexpr const char* kMade = "_array";

nb::object array_of(nb::handle self) {
  nb::object made = made_array(self);
  if (!made.is_none()) return made;
  made = tensor_to_python(nb::cast<const StringArray&>(self).strings());
  self.attr("__dict__")[kMade] = made;
  return made;
}

nb::object as_array(nb::handle self, nb::handle dtype, nb::handle copy) {
  nb::object made = array_of(self);
  if (!dtype.is_none()) return made.attr("astype")(dtype);
  const bool fresh = !copy.is_none() && nb::cast<bool>(copy);
  return fresh ? made.attr("copy")() : made;
}

// numpy's operators, comparisons included; not those that work in place, which need an ndarray.
void take_operators(nb::handle type) {
  nb::object mixin = nb::module_::import_("numpy.lib.mixins").attr("NDArrayOperatorsMixin");
  nb::dict members = nb::steal<nb::dict>(PyDict_New());
  members.update(mixin.attr("__dict__"));
  for (auto [key, member] : members) {
    const auto name = nb::cast<std::string>(key);
    if (!PyCallable_Check(member.ptr()) || name == "__hash__") continue;
    if (name.starts_with("__i") && name != "__invert__") continue;
    type.attr(name.c_str()) = member;
  }
}

int64_t length_of(const StringArray& self) { return self.shape().front(); }

}  // namespace

nb::object made_array(nb::handle value) { return value.attr("__dict__").attr("get")(kMade); }

void bind_strings(nb::module_& m) {
  nb::class_<StringArray> type(
      m, "StringArray", nb::dynamic_attr(),
      "An array of bytes. numpy.asarray makes it an object array, and everything that such an "
      "array\n"
      "can do it does by making one: the first time that costs as much as its strings are many.\n"
      "Operators are numpy's; their results are numpy.ndarrays.");
  type.def_prop_ro("shape", [](const StringArray& self) { return shape_to_python(self.shape()); })
      .def_prop_ro("ndim", [](const StringArray& self) { return self.shape().size(); })
      .def_prop_ro("size", [](const StringArray& self) { return num_elements(self.shape()); })
      .def("__len__", &length_of)
      .def("__array__", &as_array, nb::arg("dtype").none() = nb::none(),
           nb::arg("copy").none() = nb::none())
      .def(
          "__getitem__", [](nb::handle self, nb::handle key) { return array_of(self)[key]; },
          nb::arg("key").none())
      .def(
          "__setitem__",
          [](nb::handle self, nb::handle key, nb::handle value) { array_of(self)[key] = value; },
          nb::arg("key").none(), nb::arg("value").none())
      .def("__iter__", [](nb::handle self) { return nb::iter(array_of(self)); })
      .def("__getattr__",
           [](nb::handle self, nb::handle name) { return array_of(self).attr(name); })
      .def("__repr__", [](nb::handle self) { return nb::repr(array_of(self)); })
      .def("__reduce__", [](nb::handle self) { return array_of(self).attr("__reduce__")(); })
      .attr("__hash__") = nb::none();
  take_operators(type);
}

}  // namespace weft::python
