// Writing record files.
#include <algorithm>
#include <mutex>

#include "convert_record.h"

namespace weft::python {
namespace {

// Calls come without the GIL, from any thread.
class Writer {
 public:
  Writer(std::string path, RecordWriterOptions options) : writer_(std::move(path), options) {}

  template <class F>
  auto use(F&& body) {
    return without_gil([&] {
      std::lock_guard lock(mutex_);
      return body(writer_);
    });
  }

 private:
  std::mutex mutex_;
  RecordWriter writer_;
};

void write(Writer& self, nb::handle record) {
  const std::string_view bytes = text_from_python(record, "record");
  self.use([&](RecordWriter& writer) { writer.write(bytes); });
}

RecordFileOptions file_options(nb::handle index, bool verify_crc, nb::handle limits) {
  return {
      .index = index.is_none() ? std::string() : std::string(text_from_python(index, "index")),
      .record = {
          .verify_crc = verify_crc, .poll = check_signals, .limits = limits_from_python(limits)}};
}

nb::list read_records(const RecordFile& self, nb::handle which) {
  const std::vector<int64_t> wanted = shape_from_python(which, "index");
  RecordBatch batch;
  without_gil([&] { self.read(wanted, batch); });
  return records_to_python(batch);
}

void build_index_of(nb::handle path, nb::handle index, nb::handle limits) {
  const std::string name(text_from_python(path, "path"));
  const RecordFileOptions options = file_options(index, true, limits);
  without_gil([&] { build_index(name, options.index, options.record); });
}

}  // namespace

void check_signals() {
  nb::gil_scoped_acquire acquire;
  if (PyErr_CheckSignals() != 0) throw nb::python_error();
}

nb::list records_to_python(const RecordBatch& batch) {
  nb::list records;
  for (std::string_view record : batch.records())
    records.append(nb::bytes(record.data(), record.size()));
  return records;
}

nb::dict counters_to_python(const RecordCounters& counters) {
  nb::dict made;
  made["records"] = counters.records;
  made["bytes"] = counters.bytes;
  made["skipped"] = counters.skipped;
  made["skipped_bytes"] = counters.skipped_bytes;
  return made;
}

void bind_record(nb::module_& m) {
  m.def("build_index", &build_index_of, nb::arg("path"), nb::arg("index").none(),
        nb::arg("limits").none());
  nb::class_<RecordFile>(m, "RecordFile", "The records of a plain file, in any order.")
      .def(
          "__init__",
          [](RecordFile* self, nb::handle path, nb::handle index, bool verify_crc,
             nb::handle limits) {
            const std::string name(text_from_python(path, "path"));
            const RecordFileOptions options = file_options(index, verify_crc, limits);
            without_gil([&] { new (self) RecordFile(name, options); });
          },
          nb::arg("path"), nb::arg("index").none(), nb::arg("verify_crc"), nb::arg("limits").none())
      .def("size", &RecordFile::size)
      .def("read", &read_records, nb::arg("which"));
  nb::enum_<Compression>(m, "Compression")
      .value("AUTO", Compression::kAuto)
      .value("NONE", Compression::kNone)
      .value("GZIP", Compression::kGzip)
      .value("ZLIB", Compression::kZlib);
  nb::class_<Writer>(m, "RecordWriter", "Writes one record file, seen under its name once closed.")
      .def(
          "__init__",
          [](Writer* self, nb::handle path, Compression compression, nb::handle level) {
            const std::string name(text_from_python(path, "path"));
            // -1 is the default; what does not fit into an int is out of range all the same.
            const int64_t wanted =
                level.is_none() ? -1 : int_from_python(level, "compression_level");
            const RecordWriterOptions options{
                .compression = compression,
                .level = static_cast<int>(std::clamp<int64_t>(wanted, -2, 10))};
            without_gil([&] { new (self) Writer(name, options); });
          },
          nb::arg("path"), nb::arg("compression"), nb::arg("level").none())
      .def("write", &write, nb::arg("record").none())
      .def("flush", [](Writer& self) { self.use([](RecordWriter& writer) { writer.flush(); }); })
      .def("close", [](Writer& self) { self.use([](RecordWriter& writer) { writer.close(); }); })
      .def("discard",
           [](Writer& self) { self.use([](RecordWriter& writer) { writer.discard(); }); })
      .def("counters", [](Writer& self) {
        return counters_to_python(self.use([](RecordWriter& writer) { return writer.counters(); }));
      });
}

}  // namespace weft::python
