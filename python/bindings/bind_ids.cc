#include "convert_column.h"
#include "convert_ids.h"

namespace weft::python {

IdsOptions ids_options_from_python(nb::dict given) {
  IdsOptions options;
  const nb::object integer = given["integer"], text = given["text"];
  options.missing.integer.reset();
  options.missing.text.reset();
  if (!integer.is_none()) options.missing.integer = int_from_python(integer, "missing");
  if (!text.is_none()) options.missing.text = std::string(text_from_python(text, "missing"));
  options.missing.everywhere = nb::cast<bool>(given["everywhere"]);
  options.strict = nb::cast<bool>(given["strict"]);
  return options;
}

void bind_ids(nb::module_& m) {
  m.def(
      "column_ids",
      [](const ColumnHandle& column, nb::handle features, nb::dict options) {
        const Features batch = features_from_python(features, "features");
        const IdsOptions ids = ids_options_from_python(std::move(options));
        return without_gil([&] { return column_ids(*column.column, batch, ids); });
      },
      nb::arg("column"), nb::arg("features").none(), nb::arg("options"));
  m.def(
      "fingerprint64",
      [](nb::handle data) {
        if (PyBytes_Check(data.ptr()) == 0) {
          throw WrongType("fingerprint64 takes bytes, got " + describe(data));
        }
        return fingerprint64(text_from_python(data, "data"));
      },
      nb::arg("data").none());
}

}  // namespace weft::python
