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

// The class in weft.errors; what is no Error of ours is not asked.
const char* class_of(const Error& error) {
  if (dynamic_cast<const CorruptData*>(&error) != nullptr) return "CorruptDataError";
  if (dynamic_cast<const OutOfRange*>(&error) != nullptr) return "OutOfRangeError";
  if (dynamic_cast<const WrongType*>(&error) != nullptr) return "WrongTypeError";
  if (dynamic_cast<const NotFound*>(&error) != nullptr) {
    return error.where().file.empty() ? "MissingKeyError" : "MissingFileError";
  }
  if (dynamic_cast<const IoError*>(&error) != nullptr) return "IoError";
  if (dynamic_cast<const LimitExceeded*>(&error) != nullptr) return "LimitExceededError";
  if (dynamic_cast<const InvalidArgument*>(&error) != nullptr) return "InvalidArgumentError";
  return "Error";
}

void translate(const std::exception_ptr& pointer, void*) {
  try {
    std::rethrow_exception(pointer);
  } catch (const Error& error) {
    try {
      nb::object made = error_to_python(error);
      PyErr_SetObject(made.type().ptr(), made.ptr());
    } catch (nb::python_error& failed) {
      failed.restore();
    }
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

nb::object error_to_python(const Error& error) {
  nb::object type = nb::module_::import_("weft.errors").attr(class_of(error));
  // What a message quotes need not be UTF-8.
  const std::string_view text = error.what();
  nb::object message = nb::steal(
      PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "backslashreplace"));
  if (!message.is_valid()) throw nb::python_error();
  return type(message, **place(error.where()));
}

void bind_error(nb::module_& m) {
  nb::register_exception_translator(translate);
  set_warning_handler(warn_in_python);
  m.def("_escape_bytes", [](nb::bytes bytes) {
    return nb::str(escape_bytes({bytes.c_str(), bytes.size()}).c_str());
  });
}

}  // namespace weft::python
