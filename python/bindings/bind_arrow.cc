// weft.arrow: what weft takes from and gives to Arrow's PyCapsule interface.
#include <memory>
#include <utility>

#include "convert_arrow.h"
#include "weft/arrow.h"

namespace weft::python {
namespace {

std::optional<std::vector<std::string>> columns_from_python(nb::handle value) {
  if (value.is_none()) return std::nullopt;
  if (PyUnicode_Check(value.ptr()) != 0 || PyBytes_Check(value.ptr()) != 0) {
    throw WrongType("'columns' must be a list of names, got " + describe(value));
  }
  std::vector<std::string> names;
  for (nb::handle name : nb::iter(value)) names.emplace_back(text_from_python(name, "columns"));
  return names;
}

nb::object from_arrow(nb::handle value, nb::handle columns) {
  ArrowReader reader = reader_from_arrow(value, columns_from_python(columns));
  if (reader.has_columns())
    return features_to_python(without_gil([&] { return reader.read_all(); }));
  return feature_to_python(without_gil([&] { return reader.read_column("obj"); }));
}

// --- out ---------------------------------------------------------------------------------------

// A capsule that releases what nobody has taken out of it.
template <class T>
nb::object capsule_of(T held, const char* name) {
  const auto destroy = [](PyObject* capsule) {
    auto* inside = static_cast<T*>(PyCapsule_GetPointer(capsule, PyCapsule_GetName(capsule)));
    if (inside->release != nullptr) inside->release(inside);
    delete inside;
  };
  auto* inside = new T(held);
  PyObject* capsule = PyCapsule_New(inside, name, destroy);
  if (capsule == nullptr) {
    inside->release(inside);
    delete inside;
    throw nb::python_error();
  }
  return nb::steal(capsule);
}

nb::tuple array_capsules(const Feature& feature) {
  ArrowSchema schema{};
  ArrowArray array{};
  without_gil([&] { export_feature(feature, "", schema, array); });
  nb::object first = capsule_of(schema, "arrow_schema");
  return nb::make_tuple(std::move(first), capsule_of(array, "arrow_array"));
}

// A record batch that is given to whoever asks, any number of times.
struct ArrowBatch {
  Features features;

  // Another representation of the same data may be asked for and need not be given; other data is
  // refused.
  void check_request(nb::handle requested) const {
    if (requested.is_none()) return;
    const void* pointer = PyCapsule_GetPointer(requested.ptr(), "arrow_schema");
    if (pointer == nullptr) throw nb::python_error();
    const auto& schema = *static_cast<const ArrowSchema*>(pointer);
    if (schema.n_children == static_cast<int64_t>(features.size())) return;
    throw InvalidArgument("requested_schema has " + std::to_string(schema.n_children) +
                          " fields, the batch " + std::to_string(features.size()));
  }

  nb::tuple capsules(nb::handle requested) const {
    check_request(requested);
    ArrowSchema schema{};
    ArrowArray array{};
    without_gil([&] { export_batch(features, schema, array); });
    nb::object first = capsule_of(schema, "arrow_schema");
    return nb::make_tuple(std::move(first), capsule_of(array, "arrow_array"));
  }

  nb::object stream(nb::handle requested) const {
    check_request(requested);
    ArrowArrayStream stream{};
    export_stream([rest = std::optional<Features>(
                       features)]() mutable { return std::exchange(rest, std::nullopt); },
                  stream);
    return capsule_of(stream, "arrow_array_stream");
  }
};

// A Python iterator of batches, asked and dropped on any thread.
class Batches {
 public:
  explicit Batches(nb::handle iterable) : iterator_(nb::iter(iterable)) {}
  Batches(const Batches&) = delete;
  Batches& operator=(const Batches&) = delete;
  ~Batches() {
    if (nb::detail::cleanup_guard guard{}) {
      iterator_.reset();
    } else {
      (void)iterator_.release();
    }
  }

  std::optional<Features> next() {
    nb::gil_scoped_acquire gil;
    nb::object batch = nb::steal(PyIter_Next(iterator_.ptr()));
    if (batch.is_valid()) return features_from_python(batch, "batch");
    if (PyErr_Occurred() != nullptr) throw nb::python_error();
    return std::nullopt;
  }

 private:
  nb::object iterator_;
};

nb::object stream_of(nb::handle iterable) {
  ArrowArrayStream stream{};
  auto batches = std::make_shared<Batches>(iterable);
  export_stream([batches] { return batches->next(); }, stream);
  return capsule_of(stream, "arrow_array_stream");
}

template <class T>
void add_export() {
  auto type = nb::borrow<nb::class_<T>>(nb::type<T>());
  type.def(
      "__arrow_c_array__", [](const T& self, nb::handle) { return array_capsules(self); },
      nb::arg("requested_schema").none() = nb::none(),
      "As Arrow's PyCapsule interface has it; `requested_schema` has no effect.");
}

}  // namespace

void bind_arrow(nb::module_& m) {
  m.def("from_arrow", &from_arrow, nb::arg("obj").none(), nb::arg("columns").none());
  nb::class_<ArrowReader>(m, "ArrowReader").def("next", [](ArrowReader& self) -> nb::object {
    std::optional<Features> batch = without_gil([&] { return self.next(); });
    if (!batch) return nb::none();
    return features_to_python(*std::move(batch));
  });
  m.def(
      "arrow_reader",
      [](nb::handle value, nb::handle columns) {
        return reader_from_arrow(value, columns_from_python(columns));
      },
      nb::arg("obj").none(), nb::arg("columns").none());
  nb::class_<ArrowBatch>(m, "ArrowBatch", "A batch as Arrow's PyCapsule interface wants it.")
      .def(
          "__init__",
          [](ArrowBatch* self, nb::handle features) {
            new (self) ArrowBatch{features_from_python(features, "features")};
          },
          nb::arg("features").none())
      .def("__arrow_c_schema__",
           [](const ArrowBatch& self) { return nb::object(self.capsules(nb::none())[0]); })
      .def("__arrow_c_array__", &ArrowBatch::capsules,
           nb::arg("requested_schema").none() = nb::none())
      .def("__arrow_c_stream__", &ArrowBatch::stream,
           nb::arg("requested_schema").none() = nb::none());
  m.def("arrow_stream", &stream_of, nb::arg("batches").none(),
        "A capsule that holds a stream of the batches of an iterable.");
  add_export<Ragged>();
  add_export<SparseTensor>();
}

}  // namespace weft::python
