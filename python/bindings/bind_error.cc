// The library's exceptions as weft.errors' classes, and its warnings as Python's.
#include <exception>

#include "convert.h"
#include "weft/error.h"

namespace weft::python {
namespace {

// A place as keyword arguments of the exception classes; what does not apply is left out.
nb::dict place(const Where& where) {
  nb::dict fields;
  if (!where.file.empty()) fields["file"] = text_to_python(where.file);
  if (!where.key.empty()) fields["key"] = text_to_python(where.key);
  if (where.record >= 0) fields["record"] = where.record;
  if (where.row >= 0) fields["row"] = where.row;
  if (where.step >= 0) fields["step"] = where.step;
  if (where.offset >= 0) fields["offset"] = where.offset;
  return fields;
}

void raise(const char* class_name, const Error& error) {
  try {
    nb::object type = nb::module_::import_("weft.errors").attr(class_name);
    nb::object made = type(error.what(), **place(error.where()));
    PyErr_SetObject(type.ptr(), made.ptr());
  } catch (nb::python_error& failed) {
    failed.restore();
  }
}

void translate(const std::exception_ptr& pointer, void*) {
  try {
    std::rethrow_exception(pointer);
  } catch (const CorruptData& error) {
    raise("CorruptDataError", error);
  } catch (const OutOfRange& error) {
    raise("OutOfRangeError", error);
  } catch (const WrongType& error) {
    raise("WrongTypeError", error);
  } catch (const NotFound& error) {
    raise(error.where().file.empty() ? "MissingKeyError" : "MissingFileError", error);
  } catch (const IoError& error) {
    raise("IoError", error);
  } catch (const LimitExceeded& error) {
    raise("LimitExceededError", error);
  } catch (const InvalidArgument& error) {
    raise("InvalidArgumentError", error);
  } catch (const Error& error) {
    raise("Error", error);
  }
}

// `warn` runs on the thread that called into weft, with or without the GIL. Under `-W error` the
// warning becomes an exception, which then travels through the library to the caller.
void warn_in_python(const std::string& message) {
  nb::gil_scoped_acquire acquire;
  if (!acquire.is_valid()) return;
  if (PyErr_WarnEx(PyExc_UserWarning, message.c_str(), 1) != 0) throw nb::python_error();
}

}  // namespace

void bind_error(nb::module_& m) {
  nb::register_exception_translator(translate);
  set_warning_handler(warn_in_python);
  m.def("_escape_bytes", [](nb::bytes bytes) { return nb::str(escape_bytes({bytes.c_str(), bytes.size()}).c_str()); });
}

}  // namespace weft::python
