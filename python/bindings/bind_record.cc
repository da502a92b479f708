// Writing record files.
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

}  // namespace

nb::dict counters_to_python(const RecordCounters& counters) {
  nb::dict made;
  made["records"] = counters.records;
  made["bytes"] = counters.bytes;
  made["skipped"] = counters.skipped;
  made["skipped_bytes"] = counters.skipped_bytes;
  return made;
}

void bind_record(nb::module_& m) {
  nb::enum_<Compression>(m, "Compression")
      .value("AUTO", Compression::kAuto)
      .value("NONE", Compression::kNone)
      .value("GZIP", Compression::kGzip)
      .value("ZLIB", Compression::kZlib);
  nb::class_<Writer>(m, "RecordWriter", "Writes one record file, seen under its name once closed.")
      .def(
          "__init__",
          [](Writer* self, nb::handle path, Compression compression, int level) {
            const std::string name(text_from_python(path, "path"));
            without_gil(
                [&] { new (self) Writer(name, {.compression = compression, .level = level}); });
          },
          nb::arg("path"), nb::arg("compression"), nb::arg("level"))
      .def("write", &write, nb::arg("record").none())
      .def("flush", [](Writer& self) { self.use([](RecordWriter& writer) { writer.flush(); }); })
      .def("close", [](Writer& self) { self.use([](RecordWriter& writer) { writer.close(); }); })
      .def("counters", [](Writer& self) {
        return counters_to_python(self.use([](RecordWriter& writer) { return writer.counters(); }));
      });
}

}  // namespace weft::python
