#include "convert.h"
#include "weft/config.h"

namespace weft::python {

void bind_config(nb::module_& m) {
  m.def("config", [] {
    const Config found = config();
    nb::dict fields;
    fields["version"] = found.version.c_str();
    fields["compiler"] = found.compiler.c_str();
    fields["instruction_set"] = found.instruction_set.c_str();
    fields["best_instruction_set"] = found.best_instruction_set.c_str();
    fields["extensions"] = found.extensions.c_str();
    fields["num_threads"] = found.num_threads;
    fields["pooled_bytes"] = found.pooled_bytes;
    fields["used_bytes"] = found.used_bytes;
    return fields;
  });
  m.def("num_threads", &num_threads);
  m.def(
      "set_num_threads",
      [](nb::handle n) {
        const int64_t wanted = int_from_python(n, "num_threads");
        const int count = static_cast<int>(std::min<int64_t>(wanted, 1 << 20));
        without_gil([&] { set_num_threads(count); });
      },
      nb::arg("n").none());
  m.def("trim", [] { return without_gil([] { return trim(); }); });
  m.attr("__version__") = config().version.c_str();
}

}  // namespace weft::python
