// Vocabularies and their builder; weft/vocabulary.py is what users see.
#include "weft/vocabulary.h"

#include <mutex>

#include "convert.h"

namespace weft::python {
namespace {

std::string path_from(nb::handle path) { return std::string(text_from_python(path, "path")); }

std::optional<int64_t> optional_int(nb::handle value, const char* argument) {
  if (value.is_none()) return {};
  return int_from_python(value, argument);
}

Vocabulary open(nb::handle path, nb::handle size, nb::handle dtype, bool verify) {
  const std::string name = path_from(path);
  VocabularyFileOptions options{.size = optional_int(size, "size"), .verify = verify};
  if (!dtype.is_none()) options.dtype = dtype_from_python(dtype, "dtype");
  return without_gil([&] { return Vocabulary::open(name, options); });
}

Vocabulary from_entries(nb::handle entries) {
  const Tensor tensor = tensor_from_python(entries, "entries", DType::kString);
  return without_gil([&] { return Vocabulary::from_entries(tensor); });
}

// Lists without any value have no dtype of their own.
Tensor ids_of(const Vocabulary& self, const Tensor& values) {
  Tensor ids(DType::kInt64, values.shape());
  if (values.size() > 0) self.lookup(values, ids.mutable_values<int64_t>().data());
  return ids;
}

// The values' ids in the values' place.
Feature ids_in_place(const Vocabulary& self, const Feature& feature) {
  if (const auto* tensor = std::get_if<Tensor>(&feature)) return ids_of(self, *tensor);
  if (const auto* ragged = std::get_if<Ragged>(&feature))
    return ragged->with_values(ids_of(self, ragged->values()));
  const auto& sparse = std::get<SparseTensor>(feature);
  const Tensor ids = ids_of(self, sparse.values());
  if (sparse.rows() != nullptr) return SparseTensor::from_ragged(sparse.rows()->with_values(ids));
  return SparseTensor::trusted(sparse.indices(), ids, sparse.dense_shape());
}

nb::object lookup(const Vocabulary& self, nb::handle values) {
  const Feature feature = feature_from_python(values, "values");
  return feature_to_python(without_gil([&] { return ids_in_place(self, feature); }));
}

nb::object entry(const Vocabulary& self, nb::handle id) {
  const int64_t place = int_from_python(id, "id");
  if (self.dtype() != DType::kString) return nb::int_(self.integer(place));
  const std::string_view text = self.string(place);
  return nb::bytes(text.data(), text.size());
}

// Calls come without the GIL, from any thread.
class Builder {
 public:
  Builder(DType dtype, int64_t max_bytes) : builder_(dtype, max_bytes) {}

  template <class F>
  auto use(F&& body) {
    return without_gil([&] {
      std::lock_guard lock(mutex_);
      return body(builder_);
    });
  }

 private:
  std::mutex mutex_;
  VocabularyBuilder builder_;
};

void make_builder(Builder* self, nb::handle dtype, nb::handle max_bytes) {
  new (self) Builder(dtype_from_python(dtype, "dtype"), int_from_python(max_bytes, "max_bytes"));
}

const Tensor& values_of(const Feature& feature) {
  if (const auto* tensor = std::get_if<Tensor>(&feature)) return *tensor;
  if (const auto* ragged = std::get_if<Ragged>(&feature)) return ragged->values();
  return std::get<SparseTensor>(feature).values();
}

void add(Builder& self, nb::handle values) {
  const Feature feature = feature_from_python(values, "values");
  if (values_of(feature).size() == 0) return;
  self.use([&](VocabularyBuilder& builder) { builder.add(values_of(feature)); });
}

Vocabulary build(Builder& self, nb::handle min_count, nb::handle top_k) {
  const VocabularyBuildOptions options{.min_count = int_from_python(min_count, "min_count"),
                                       .top_k = optional_int(top_k, "top_k")};
  return self.use([&](VocabularyBuilder& builder) { return builder.build(options); });
}

void bind_builder(nb::module_& m) {
  nb::class_<Builder>(m, "VocabularyBuilder", "Counts values.")
      .def("__init__", &make_builder, nb::arg("dtype").none(), nb::arg("max_bytes").none())
      .def("add", &add, nb::arg("values").none())
      .def(
          "add_counted",
          [](Builder& self, const Vocabulary& counted) {
            self.use([&](VocabularyBuilder& builder) { builder.add_counted(counted); });
          },
          nb::arg("counted"))
      .def("build", &build, nb::arg("min_count").none(), nb::arg("top_k").none())
      .def("__len__",
           [](Builder& self) { return self.use([](VocabularyBuilder& b) { return b.size(); }); })
      .def_prop_ro("total", [](Builder& self) {
        return self.use([](VocabularyBuilder& b) { return b.total(); });
      });
}

}  // namespace

void bind_vocabulary(nb::module_& m) {
  nb::class_<Vocabulary>(m, "Vocabulary", "Strings or integers with ids.")
      .def_static("from_entries", &from_entries, nb::arg("entries").none())
      .def_static("open", &open, nb::arg("path").none(), nb::arg("size").none(),
                  nb::arg("dtype").none(), nb::arg("verify"))
      .def_static(
          "count_entries",
          [](nb::handle path) {
            const std::string name = path_from(path);
            return without_gil([&] { return Vocabulary::count_entries(name); });
          },
          nb::arg("path").none())
      .def(
          "save",
          [](const Vocabulary& self, nb::handle path) {
            const std::string name = path_from(path);
            without_gil([&] { self.save(name); });
          },
          nb::arg("path").none())
      .def(
          "save_text",
          [](const Vocabulary& self, nb::handle path) {
            const std::string name = path_from(path);
            without_gil([&] { self.save_text(name); });
          },
          nb::arg("path").none())
      .def("lookup", &lookup, nb::arg("values").none())
      .def("entry", &entry, nb::arg("id").none())
      .def("entries", [](const Vocabulary& self) { return tensor_to_python(self.entries()); })
      .def("counts",
           [](const Vocabulary& self) {
             const std::optional<Tensor> counts = self.counts();
             return counts ? nb::object(tensor_to_python(*counts)) : nb::none();
           })
      .def_prop_ro("dtype", [](const Vocabulary& self) { return dtype_to_python(self.dtype()); })
      .def("__len__", &Vocabulary::size);
  bind_builder(m);
}

}  // namespace weft::python
