// Reading record files.
#include <memory>
#include <mutex>

#include "convert_record.h"
#include "convert_strings.h"
#include "weft/dataset.h"

namespace weft::python {
namespace {

// A Python object that C++ may copy and drop without the GIL.
std::shared_ptr<nb::object> held(nb::handle object) {
  return {new nb::object(nb::borrow(object)), [](nb::object* owned) {
            nb::gil_scoped_acquire acquire;
            if (acquire.is_valid()) delete owned;  // at exit of the interpreter it is leaked
          }};
}

std::function<void(const Error&)> on_skip_of(nb::handle callable) {
  if (callable.is_none()) return {};
  return [function = held(callable)](const Error& error) {
    nb::gil_scoped_acquire acquire;
    (*function)(error_to_python(error));
  };
}

void check_signals() {
  nb::gil_scoped_acquire acquire;
  if (PyErr_CheckSignals() != 0) throw nb::python_error();
}

Dataset records(nb::list paths, Compression compression, bool verify_crc, bool skip,
                nb::handle on_skip, nb::handle limits) {
  std::vector<std::string> names;
  for (nb::handle path : paths) names.emplace_back(text_from_python(path, "filenames"));
  return Dataset::records(std::move(names), {.compression = compression,
                                             .verify_crc = verify_crc,
                                             .on_error = skip ? OnError::kSkip : OnError::kRaise,
                                             .on_skip = on_skip_of(on_skip),
                                             .poll = check_signals,
                                             .limits = limits_from_python(limits)});
}

// A stream whose calls come without the GIL, from any thread.
template <class S>
class Locked {
 public:
  explicit Locked(const Dataset& dataset) : stream_(dataset) {}

  template <class T>
  bool next(T& value) {
    return without_gil([&] {
      std::lock_guard lock(mutex_);
      return stream_.next(value);
    });
  }
  nb::dict counters() {
    return counters_to_python(without_gil([&] {
      std::lock_guard lock(mutex_);
      return stream_.counters();
    }));
  }

 private:
  std::mutex mutex_;
  S stream_;
};

nb::object next_records(Locked<RecordStream>& self) {
  RecordBatch batch;
  if (!self.next(batch)) return nb::none();
  nb::list records;
  for (std::string_view record : batch.records())
    records.append(nb::bytes(record.data(), record.size()));
  return records;
}

nb::object next_batch(Locked<RecordStream>& self) {
  auto batch = std::make_shared<RecordBatch>();
  if (!self.next(*batch)) return nb::none();
  return nb::cast(StringArray{{}, std::move(batch)});
}

nb::object next_features(Locked<BatchStream>& self) {
  Features features;
  if (!self.next(features)) return nb::none();
  return features_to_python(std::move(features));
}

constexpr char kSeed[] = "seed", kShards[] = "num_shards", kIndex[] = "index",
               kCycle[] = "cycle_length", kBlock[] = "block_length", kCount[] = "count";

// A step with one integer, or two: an argument that is none is refused in weft's words.
template <auto step, const char* name>
Dataset with_number(const Dataset& self, nb::handle value) {
  return (self.*step)(int_from_python(value, name));
}

template <auto step, const char* first, const char* second>
Dataset with_numbers(const Dataset& self, nb::handle a, nb::handle b) {
  const int64_t one = int_from_python(a, first);
  return (self.*step)(one, int_from_python(b, second));
}

nb::list files(const Dataset& self) {
  nb::list names;
  for (const std::string& path : self.files()) names.append(text_to_python(path));
  return names;
}

}  // namespace

void bind_dataset(nb::module_& m) {
  nb::class_<Dataset>(m, "Dataset", "What to read, in which order: an immutable description.")
      .def_static("records", &records, nb::arg("paths"), nb::arg("compression"),
                  nb::arg("verify_crc"), nb::arg("skip"), nb::arg("on_skip").none(),
                  nb::arg("limits").none())
      .def("shuffle_files", &with_number<&Dataset::shuffle_files, kSeed>, nb::arg("seed").none())
      .def("shard_files", &with_numbers<&Dataset::shard_files, kShards, kIndex>,
           nb::arg("num_shards").none(), nb::arg("index").none())
      .def("interleave", &with_numbers<&Dataset::interleave, kCycle, kBlock>,
           nb::arg("cycle_length").none(), nb::arg("block_length").none())
      .def("shard", &with_numbers<&Dataset::shard, kShards, kIndex>, nb::arg("num_shards").none(),
           nb::arg("index").none())
      .def("skip", &with_number<&Dataset::skip, kCount>, nb::arg("count").none())
      .def("take", &with_number<&Dataset::take, kCount>, nb::arg("count").none())
      .def(
          "batch",
          [](const Dataset& self, nb::handle size, bool drop_remainder) {
            return self.batch(int_from_python(size, "batch_size"), drop_remainder);
          },
          nb::arg("batch_size").none(), nb::arg("drop_remainder"))
      .def(
          "parse",
          [](const Dataset& self, nb::handle spec, bool strict, nb::handle limits) {
            return self.parse(parse_spec_from_python(spec, "spec"),
                              {.strict = strict, .limits = limits_from_python(limits)});
          },
          nb::arg("spec").none(), nb::arg("strict"), nb::arg("limits").none())
      .def("files", &files)
      .def("batch_size", &Dataset::batch_size)
      .def("parses", &Dataset::parses);
  nb::class_<Locked<RecordStream>>(m, "RecordStream", "One pass over the records of a dataset.")
      .def(nb::init<const Dataset&>(), nb::arg("dataset"))
      .def("next", &next_batch, "The records as a StringArray; None at the end.")
      .def("next_list", &next_records, "The records as a list of bytes; None at the end.")
      .def("counters", &Locked<RecordStream>::counters);
  nb::class_<Locked<BatchStream>>(m, "BatchStream",
                                  "One pass over the parsed batches of a dataset.")
      .def(nb::init<const Dataset&>(), nb::arg("dataset"))
      .def("next", &next_features, "A dict of features; None at the end.")
      .def("counters", &Locked<BatchStream>::counters);
}

}  // namespace weft::python
