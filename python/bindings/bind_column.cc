// _core.Column and what makes one; the classes that users see are in weft/feature_column.py.
#include "convert_column.h"
#include "convert_initializer.h"

namespace weft::python {
namespace {

// Holds a Python object from C++; the GIL is taken to let go of it.
std::shared_ptr<const void> hold(nb::handle object) {
  object.inc_ref();
  return {object.ptr(), [](const void* held) {
            if (nb::detail::cleanup_guard guard{})
              Py_DECREF(static_cast<PyObject*>(const_cast<void*>(held)));
          }};
}

// A callable over the 1-D array of values, which it may not change. Equal to another column's if it
// is the same object.
std::optional<Normalizer> normalizer_from_python(nb::handle function) {
  if (function.is_none()) return std::nullopt;
  if (PyCallable_Check(function.ptr()) == 0) {
    throw WrongType("normalizer_fn must be a callable. Given: " + describe(function));
  }
  Normalizer normalizer;
  normalizer.tag = hold(function);
  normalizer.name = nb::hasattr(function, "__name__")
                        ? nb::cast<std::string>(nb::str(function.attr("__name__")))
                        : "";
  normalizer.function = [tag = normalizer.tag](const Tensor& values) {
    nb::gil_scoped_acquire acquire;
    const nb::handle callable(static_cast<PyObject*>(const_cast<void*>(tag.get())));
    const nb::object result = callable(tensor_to_python(values, Access::kReadOnly));
    return tensor_from_python(result, "what normalizer_fn returns", values.dtype());
  };
  return normalizer;
}

std::optional<int64_t> optional_int(nb::handle value, const char* argument) {
  if (value.is_none()) return std::nullopt;
  return int_from_python(value, argument);
}

std::optional<std::string> optional_text(nb::handle value, const char* argument) {
  if (value.is_none()) return std::nullopt;
  return std::string(text_from_python(value, argument));
}

double number_from_python(nb::handle value, const char* argument) {
  if (PyFloat_Check(value.ptr()) != 0) return PyFloat_AsDouble(value.ptr());
  return static_cast<double>(int_from_python(value, argument));
}

// Numbers as weft/feature_column.py leaves them: Python's, nested as `shape`.
std::optional<Tensor> default_from_python(nb::handle value) {
  if (value.is_none()) return std::nullopt;
  const Tensor found = tensor_from_python(value, "default_value", DType::kFloat64);
  if (found.dtype() == DType::kInt64) return found;
  return tensor_of_dtype(value, DType::kFloat64, "default_value");
}

ColumnHandle identity(nb::handle key, nb::handle num_buckets, nb::handle default_value) {
  return {categorical_column_with_identity(std::string(text_from_python(key, "key")),
                                           int_from_python(num_buckets, "num_buckets"),
                                           optional_int(default_value, "default_value"))};
}

ColumnHandle embedding(const ColumnHandle& categorical, nb::handle dimension, nb::handle combiner,
                       nb::handle initializer, nb::handle ckpt, nb::handle tensor,
                       nb::handle max_norm, bool trainable, bool safe) {
  EmbeddingOptions options;
  options.combiner = combiner_from(text_from_python(combiner, "combiner"));
  if (!initializer.is_none())
    options.initializer = initializer_from_python(initializer, "initializer");
  options.ckpt_to_load_from = optional_text(ckpt, "ckpt_to_load_from");
  options.tensor_name_in_ckpt = optional_text(tensor, "tensor_name_in_ckpt");
  if (!max_norm.is_none()) options.max_norm = number_from_python(max_norm, "max_norm");
  options.trainable = trainable;
  options.use_safe_embedding_lookup = safe;
  return {embedding_column(categorical.column, int_from_python(dimension, "dimension"),
                           std::move(options))};
}

ColumnHandle numeric(nb::handle key, nb::handle shape, nb::handle default_value, nb::handle dtype,
                     nb::handle normalizer_fn) {
  return {numeric_column(std::string(text_from_python(key, "key")),
                         shape_from_python(shape, "shape"), default_from_python(default_value),
                         dtype_from_python(dtype, "dtype"), normalizer_from_python(normalizer_fn))};
}

ColumnHandle sequence_numeric(nb::handle key, nb::handle shape, nb::handle default_value,
                              nb::handle dtype, nb::handle normalizer_fn) {
  return {sequence_numeric_column(
      std::string(text_from_python(key, "key")), shape_from_python(shape, "shape"),
      number_from_python(default_value, "default_value"), dtype_from_python(dtype, "dtype"),
      normalizer_from_python(normalizer_fn))};
}

// The initializer that a column has when none was given.
nb::object initializer_of(const ColumnHandle& handle) {
  return initializer_to_python(
      *static_cast<const EmbeddingColumn&>(*handle.column).options().initializer);
}

void check_specs(nb::list columns) {
  std::vector<Column> all;
  for (nb::handle column : columns) all.push_back(nb::cast<const ColumnHandle&>(column).column);
  (void)make_parse_example_spec(all);
}

}  // namespace

Column column_from_python(nb::handle value, const char* text) {
  const nb::object held =
      nb::hasattr(value, "_core") ? nb::object(value.attr("_core")) : nb::borrow(value);
  ColumnHandle* handle = nullptr;
  if (!nb::try_cast(held, handle) || handle == nullptr) {
    throw InvalidArgument(std::string(text) + " Given (type " +
                          nb::cast<std::string>(nb::str(value.type().attr("__name__"))) +
                          "): " + nb::cast<std::string>(nb::str(value)));
  }
  return handle->column;
}

void bind_column(nb::module_& m) {
  nb::class_<ColumnHandle>(m, "Column", "A feature column; see weft.feature_column.")
      .def_prop_ro("name",
                   [](const ColumnHandle& self) { return text_to_python(self.column->name()); })
      .def(
          "keys",
          [](const ColumnHandle& self) {
            nb::list keys;
            for (const auto& [key, spec] : self.column->parse_example_spec())
              keys.append(text_to_python(key));
            return keys;
          },
          "The names of the features that it reads.")
      .def("is_sequence",
           [](const ColumnHandle& self) {
             return static_cast<const DenseColumn&>(*self.column).is_sequence();
           })
      .def("initializer", &initializer_of)
      .def("__eq__", [](const ColumnHandle& self,
                        const ColumnHandle& other) { return *self.column == *other.column; })
      .def("__hash__",
           [](const ColumnHandle& self) { return static_cast<int64_t>(self.column->hash() >> 2); });
  m.def("identity_column", &identity, nb::arg("key").none(), nb::arg("num_buckets").none(),
        nb::arg("default_value").none());
  m.def("sequence_column", [](const ColumnHandle& categorical) {
    return ColumnHandle{std::make_shared<SequenceCategoricalColumn>(categorical.column)};
  });
  m.def("embedding_column", &embedding, nb::arg("categorical_column"), nb::arg("dimension").none(),
        nb::arg("combiner").none(), nb::arg("initializer").none(),
        nb::arg("ckpt_to_load_from").none(), nb::arg("tensor_name_in_ckpt").none(),
        nb::arg("max_norm").none(), nb::arg("trainable"), nb::arg("use_safe_embedding_lookup"));
  m.def("indicator_column", [](const ColumnHandle& categorical) {
    return ColumnHandle{indicator_column(categorical.column)};
  });
  m.def("numeric_column", &numeric, nb::arg("key").none(), nb::arg("shape").none(),
        nb::arg("default_value").none(), nb::arg("dtype").none(), nb::arg("normalizer_fn").none());
  m.def("sequence_numeric_column", &sequence_numeric, nb::arg("key").none(),
        nb::arg("shape").none(), nb::arg("default_value").none(), nb::arg("dtype").none(),
        nb::arg("normalizer_fn").none());
  m.def("check_parse_example_spec", &check_specs);
}

}  // namespace weft::python
