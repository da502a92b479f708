// _core.Column: a column of any kind, made of the fields of its class. The classes that users see
// are in weft/feature_column/.
#include <vector>

#include "convert_column.h"
#include "convert_initializer.h"

namespace weft::python {
namespace {

// A normalizer_fn, shared by the columns that have an equal one: what makes them equal. It is
// dropped with the GIL held.
struct Callable {
  explicit Callable(nb::handle function) : object(function.inc_ref()), hash(hash_of(function)) {}
  Callable(const Callable&) = delete;
  Callable& operator=(const Callable&) = delete;
  ~Callable() {
    if (nb::detail::cleanup_guard guard{}) object.dec_ref();
  }

  // -1, which is nobody's hash, if it has none: then it equals nothing but itself.
  static Py_hash_t hash_of(nb::handle function) {
    const Py_hash_t hash = PyObject_Hash(function.ptr());
    if (hash == -1) PyErr_Clear();
    return hash;
  }
  bool equals(nb::handle other, Py_hash_t other_hash) const {
    if (object.is(other)) return true;
    if (hash == -1 || hash != other_hash) return false;
    const int same = PyObject_RichCompareBool(object.ptr(), other.ptr(), Py_EQ);
    if (same < 0) PyErr_Clear();  // what cannot be compared is not equal
    return same == 1;
  }

  const nb::handle object;
  const Py_hash_t hash;
};

// Guarded by the GIL, of which == may let go: so it is asked of a copy.
std::shared_ptr<const Callable> callable_of(nb::handle function) {
  static auto& known = *new std::vector<std::weak_ptr<const Callable>>;
  std::erase_if(known, [](const auto& callable) { return callable.expired(); });
  const Py_hash_t hash = Callable::hash_of(function);
  for (const auto& candidate : std::vector(known)) {
    auto callable = candidate.lock();
    if (callable && callable->equals(function, hash)) return callable;
  }
  auto callable = std::make_shared<const Callable>(function);
  known.push_back(callable);
  return callable;
}

// A callable over the 1-D array of values, which it may not change.
Normalizer normalizer_from_python(nb::handle function) {
  if (PyCallable_Check(function.ptr()) == 0)
    throw WrongType("normalizer_fn must be a callable. Given: " + describe(function));
  auto callable = callable_of(function);
  normalizers::Custom normalizer;
  normalizer.tag = callable;
  if (nb::hasattr(function, "__name__"))
    normalizer.name = nb::cast<std::string>(nb::str(function.attr("__name__")));
  normalizer.function = [callable](const Tensor& values) {
    nb::gil_scoped_acquire acquire;
    const nb::object result = callable->object(tensor_to_python(values, Access::kReadOnly));
    return tensor_from_python(result, "what normalizer_fn returns", values.dtype());
  };
  return Normalizer(std::move(normalizer));
}

// What Python takes for a float, bools apart; `name` is as messages have it.
double number_from_python(nb::handle value, const std::string& name) {
  if (PyBool_Check(value.ptr()) == 0) {
    const double number = PyFloat_AsDouble(value.ptr());
    if (PyErr_Occurred() == nullptr) return number;
    const bool large = PyErr_ExceptionMatches(PyExc_OverflowError) != 0;
    PyErr_Clear();
    if (large) throw OutOfRange(name + " does not fit into float64");
  }
  throw WrongType(name + " must be a number, got " + describe(value));
}

// [(class name, {field: number}), ...]
Normalizer declared_normalizer(nb::handle given) {
  std::vector<Normalizer::Step> steps;
  for (nb::handle step : given) {
    const std::string class_name(text_from_python(step[0], "a normalizer's class"));
    Normalizer::StepFields fields;
    for (const auto& [name, value] : nb::cast<nb::dict>(step[1])) {
      const auto field = nb::cast<std::string>(name);
      fields.emplace_back(field, number_from_python(value, "'" + field + "' of " + class_name));
    }
    steps.push_back(Normalizer::step_from_config(class_name, fields));
  }
  return Normalizer(std::move(steps));
}

CrossKeys keys_from_python(nb::handle given) {
  CrossKeys keys;
  for (nb::handle key : given) {
    if (PyUnicode_Check(key.ptr())) {
      keys.emplace_back(std::string(text_from_python(key, "keys")));
    } else {
      keys.emplace_back(column_from_python(key, "keys"));
    }
  }
  return keys;
}

bool is_array(nb::handle value) {
  return nb::isinstance(value, nb::module_::import_("numpy").attr("ndarray"));
}

// By the value's type; functions, which have none of their own, by the field's name.
FieldValue field_from_python(const std::string& name, nb::handle value) {
  if (value.is_none()) return {};
  if (name == "initializer") return initializer_from_python(value, "initializer");
  if (name == "normalizer_fn")
    return PyList_Check(value.ptr()) ? declared_normalizer(value) : normalizer_from_python(value);
  if (name == "keys") return keys_from_python(value);
  if (name == "vocabulary_list") return tensor_from_python(value, name.c_str());
  if (PyBool_Check(value.ptr())) return value.ptr() == Py_True;
  if (PyUnicode_Check(value.ptr()) || PyBytes_Check(value.ptr()))
    return std::string(text_from_python(value, name.c_str()));
  if (PyTuple_Check(value.ptr())) return shape_from_python(value, name.c_str());
  if (nb::isinstance(value, nb::module_::import_("weft._core").attr("DType")))
    return dtype_from_python(value, name.c_str());
  if (nb::isinstance<ColumnHandle>(value) || nb::hasattr(value, "_core"))
    return column_from_python(value, "'" + name + "'");
  if (is_array(value)) {
    if (nb::cast<int>(value.attr("ndim")) == 0)
      return field_from_python(name, value.attr("item")());
    return tensor_from_python(value, name.c_str());
  }
  if (PyIndex_Check(value.ptr()) != 0) return int_from_python(value, name.c_str());
  if (nb::hasattr(value, "__float__")) return number_from_python(value, "'" + name + "'");
  throw WrongType("'" + name + "' cannot be " + describe(value));
}

// Columns and what holds them, and declared normalizers are None: weft/feature_column has the
// objects.
struct FieldToPython {
  nb::object operator()(std::monostate) const { return nb::none(); }
  nb::object operator()(const std::string& text) const { return text_to_python(text); }
  nb::object operator()(const Shape& shape) const { return shape_to_python(shape); }
  nb::object operator()(DType dtype) const { return dtype_to_python(dtype); }
  nb::object operator()(const Tensor& tensor) const {
    return tensor_to_python(tensor).attr("tolist")();
  }
  nb::object operator()(const Column&) const { return nb::none(); }
  nb::object operator()(const Initializer& held) const { return initializer_to_python(held); }
  nb::object operator()(const CrossKeys&) const { return nb::none(); }
  nb::object operator()(const Normalizer& held) const {
    if (!held.is_custom()) return nb::none();
    const auto& custom = std::get<normalizers::Custom>(held.steps().front());
    return nb::borrow(static_cast<const Callable*>(custom.tag.get())->object);
  }
  template <class Number>
  nb::object operator()(Number value) const {
    return nb::cast(value);
  }
};

ColumnHandle make_column(const std::string& class_name, nb::dict given, SharedTables* shared) {
  Fields fields;
  for (const auto& [key, value] : given) {
    const auto name = nb::cast<std::string>(key);
    fields.emplace_back(name, field_from_python(name, value));
  }
  // Without the GIL: a vocabulary file may be counted.
  return {without_gil([&] { return column_from_config(class_name, fields, shared); })};
}

nb::dict config_of(const ColumnHandle& self) {
  nb::dict config;
  for (const auto& [name, value] : self.column->config())
    config[name.c_str()] = std::visit(FieldToPython{}, value);
  return config;
}

// (the class of weft.io, its arguments...): what columns ask for is one of two.
nb::object spec_to_python(const FeatureSpec& spec) {
  const auto* fixed = std::get_if<FixedLenFeature>(&spec);
  if (fixed == nullptr) {
    const auto& var = std::get<VarLenFeature>(spec);
    return nb::make_tuple("VarLenFeature", dtype_to_python(var.dtype));
  }
  nb::object value = nb::none();
  if (fixed->default_value) value = FieldToPython{}(*fixed->default_value);
  return nb::make_tuple("FixedLenFeature", shape_to_python(fixed->shape),
                        dtype_to_python(fixed->dtype), value);
}

nb::dict specs_of(const ColumnHandle& self) {
  nb::dict specs;
  for (const auto& [key, spec] : self.column->parse_example_spec())
    specs[text_to_python(key)] = spec_to_python(spec);
  return specs;
}

// The column as one of `Kind`. Throws InvalidArgument if it is none.
template <class Kind>
const Kind& as(const ColumnHandle& self) {
  if (const auto* column = dynamic_cast<const Kind*>(self.column.get())) return *column;
  throw InvalidArgument("a column of another kind: " + self.column->to_string());
}

std::vector<Column> columns_of(const nb::list& columns) {
  std::vector<Column> all;
  for (nb::handle column : columns) all.push_back(nb::cast<const ColumnHandle&>(column).column);
  return all;
}

void check_specs(const nb::list& columns) { (void)make_parse_example_spec(columns_of(columns)); }

// The collection's name that shared_embeddings gives to these columns, which it checks.
std::string shared_embedding_name(const nb::list& columns) {
  const std::vector<Column> shared = shared_embeddings(columns_of(columns), 1);
  return dynamic_cast<const SharedEmbeddingColumn&>(*shared[0]).shared_embedding_collection_name();
}

}  // namespace

Column column_from_python(nb::handle value, const std::string& text) {
  const nb::object held =
      nb::hasattr(value, "_core") ? nb::object(value.attr("_core")) : nb::borrow(value);
  ColumnHandle* handle = nullptr;
  if (!nb::try_cast(held, handle) || handle == nullptr) {
    throw InvalidArgument(text + " Given (type " +
                          nb::cast<std::string>(nb::str(value.type().attr("__name__"))) +
                          "): " + nb::cast<std::string>(nb::str(value)));
  }
  return handle->column;
}

void bind_column(nb::module_& m) {
  nb::class_<SharedTables>(m, "SharedTables", "The tables of shared embeddings, by name.")
      .def(nb::init<>());
  nb::class_<ColumnHandle>(m, "Column", "A feature column; see weft.feature_column.")
      .def(
          "__init__",
          [](ColumnHandle* self, const std::string& class_name, nb::dict fields,
             SharedTables* shared) {
            new (self) ColumnHandle(make_column(class_name, std::move(fields), shared));
          },
          nb::arg("class_name"), nb::arg("fields"), nb::arg("shared").none() = nb::none())
      .def_prop_ro("name",
                   [](const ColumnHandle& self) { return text_to_python(self.column->name()); })
      .def_prop_ro("is_sequence",
                   [](const ColumnHandle& self) { return self.column->is_sequence(); })
      .def_prop_ro("config", &config_of, "Its fields; None for columns.")
      .def_prop_ro("parse_example_spec", &specs_of, "(class, arguments...) by feature.")
      .def_prop_ro(
          "num_buckets",
          [](const ColumnHandle& self) { return as<CategoricalColumn>(self).num_buckets(); })
      .def_prop_ro("variable_shape",
                   [](const ColumnHandle& self) {
                     return shape_to_python(as<DenseColumn>(self).variable_shape());
                   })
      .def("__eq__", [](const ColumnHandle& self,
                        const ColumnHandle& other) { return *self.column == *other.column; })
      .def("__hash__",
           [](const ColumnHandle& self) { return static_cast<int64_t>(self.column->hash() >> 2); });
  m.def("check_parse_example_spec", &check_specs);
  m.def("shared_embedding_name",
        [](const nb::list& columns) { return text_to_python(shared_embedding_name(columns)); });
  m.def("columns_to_json",
        [](const nb::list& columns) { return columns_to_json(columns_of(columns)); });
  m.def("check_columns_json",
        [](nb::handle json) { (void)columns_from_json(text_from_python(json, "json")); });
  m.def("check_normalizer", [](const nb::list& steps) { (void)declared_normalizer(steps); });
  m.def(
      "log_boundaries",
      [](nb::handle first, nb::handle last, nb::handle count) {
        return tensor_to_python(log_boundaries(number_from_python(first, "'first'"),
                                               number_from_python(last, "'last'"),
                                               int_from_python(count, "count")));
      },
      nb::arg("first").none(), nb::arg("last").none(), nb::arg("count").none());
}

}  // namespace weft::python
