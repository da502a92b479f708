#include "list_reader.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "convert_parts.h"

namespace weft::python {
namespace {

// numpy's types, looked up once; Python holds them for the life of the process.
PyTypeObject* numpy_type(const char* name) {
  nb::object type = nb::module_::import_("numpy").attr(name);
  return reinterpret_cast<PyTypeObject*>(type.release().ptr());
}

bool is_numpy_array(PyObject* value) {
  static PyTypeObject* const type = numpy_type("ndarray");
  return PyObject_TypeCheck(value, type) != 0;
}

bool is_numpy_scalar(PyObject* value) {
  static PyTypeObject* const type = numpy_type("generic");
  return PyObject_TypeCheck(value, type) != 0;
}

// A list may hold itself.
constexpr size_t kMaxDepth = 32;

constexpr const char* kKindNames[] = {"nothing", "bool",         "int",
                                      "float",   "str or bytes", "numpy arrays"};

}  // namespace

ListReader::ListReader(nb::handle lists, const char* argument) : argument_(argument) {
  visit(lists.ptr());
}

std::string ListReader::place() const {
  std::string text = std::string("'") + argument_ + "'";
  for (int64_t i : path_) text += "[" + std::to_string(i) + "]";
  return text;
}

void ListReader::visit(PyObject* node) {
  if (PyList_Check(node)) return visit_list(node, true);
  if (PyTuple_Check(node)) return visit_list(node, false);
  if (is_numpy_array(node)) return visit_array(node);
  visit_leaf(node);
}

void ListReader::visit_list(PyObject* node, bool is_list) {
  const size_t level = path_.size();
  if (level == kMaxDepth)
    throw InvalidArgument(std::string("'") + argument_ + "' is nested more than 32 levels deep");
  if (leaf_level_ >= 0 && static_cast<int64_t>(level) >= leaf_level_) {
    throw InvalidArgument(
        place() +
        " is a list where values before it are not: every value must be nested equally deep");
  }
  if (lengths_.size() == level) lengths_.emplace_back();
  const Py_ssize_t size = is_list ? PyList_Size(node) : PyTuple_Size(node);
  lengths_[level].push_back(size);
  path_.push_back(0);
  for (Py_ssize_t i = 0; i < size; ++i) {
    path_.back() = i;
    // A borrowed reference: nothing here runs code that could change the list but numpy's item()
    // and what torch does, which hold theirs.
    PyObject* item = is_list ? PyList_GetItem(node, i) : PyTuple_GetItem(node, i);
    if (item == nullptr) throw nb::python_error();
    visit(item);
  }
  path_.pop_back();
}

void ListReader::leaf_here() {
  const auto level = static_cast<int64_t>(path_.size());
  const bool list_here = static_cast<int64_t>(lengths_.size()) > level;
  if (list_here || (leaf_level_ >= 0 && leaf_level_ != level)) {
    throw InvalidArgument(
        place() +
        " is not a list where values before it are: every value must be nested equally deep");
  }
  leaf_level_ = level;
}

void ListReader::visit_array(PyObject* node) {
  nb::object array = nb::borrow(node);
  const auto rank = nb::cast<int64_t>(array.attr("ndim"));
  if (rank == 0) return visit_leaf(node);
  const size_t level = path_.size();
  if (lengths_.size() == level) lengths_.emplace_back();
  lengths_[level].push_back(nb::cast<int64_t>(array.attr("shape")[0]));
  path_.push_back(0);
  leaf_here();
  path_.pop_back();
  set_kind(Kind::kArray);
  arrays_.append(array);
}

void ListReader::set_kind(Kind kind) {
  if (kind_ == kind || (kind_ == Kind::kFloat && kind == Kind::kInt)) return;
  if (kind_ == Kind::kInt && kind == Kind::kFloat) {
    floats_.assign(ints_.begin(), ints_.end());
    ints_.clear();
  } else if (kind_ != Kind::kNone) {
    throw WrongType(place() + " is " + kKindNames[static_cast<int>(kind)] +
                    " where values before it are " + kKindNames[static_cast<int>(kind_)]);
  }
  kind_ = kind;
}

void ListReader::visit_leaf(PyObject* node) {
  const bool is_bytes = PyBytes_Check(node);
  if (!is_bytes && !PyUnicode_Check(node) && (is_numpy_scalar(node) || is_numpy_array(node))) {
    nb::object item = nb::borrow(node).attr("item")();
    if (is_numpy_scalar(item.ptr()))
      throw WrongType(place() + " must be a number, bool or string, got " + describe(item));
    return visit_leaf(item.ptr());
  }
  const bool is_plain =
      is_bytes || PyUnicode_Check(node) || PyLong_Check(node) || PyFloat_Check(node);
  if (!is_plain && is_from(node, "torch") && nb::hasattr(node, "detach"))
    return visit(array_of_torch(node).ptr());
  leaf_here();
  if (is_bytes || PyUnicode_Check(node)) {
    set_kind(Kind::kString);
    add_text(node, is_bytes);
  } else if (PyBool_Check(node)) {
    set_kind(Kind::kBool);
    ints_.push_back(PyObject_IsTrue(node));
  } else if (PyFloat_Check(node)) {
    set_kind(Kind::kFloat);
    floats_.push_back(PyFloat_AsDouble(node));
  } else if (PyLong_Check(node)) {
    set_kind(Kind::kInt);
    add_int(node);
  } else {
    if (path_.empty())
      throw WrongType(place() + " must be an array or nested lists, got " + describe(node));
    throw WrongType(place() + " must be a number, bool or string, got " + describe(node) +
                    (node == Py_None ? "; a history that is missing is an empty list" : ""));
  }
}

// A tensor of torch as numpy's array, which shares its memory.
nb::object ListReader::array_of_torch(PyObject* node) const {
  const nb::object tensor = nb::borrow(node);
  try {
    return tensor.attr("detach")().attr("numpy")();
  } catch (const nb::python_error&) {
    throw WrongType(place() + " must be a tensor that numpy can hold, got " + describe(tensor));
  }
}

void ListReader::add_text(PyObject* node, bool is_bytes) {
  if (!is_bytes) {
    Py_ssize_t size = 0;
    const char* text = PyUnicode_AsUTF8AndSize(node, &size);
    if (text == nullptr) {  // a lone surrogate
      PyErr_Clear();
      throw InvalidArgument(place() + " holds characters that UTF-8 has not: " +
                            nb::cast<std::string>(nb::repr(nb::handle(node))));
    }
    texts_.emplace_back(text, static_cast<size_t>(size));
  } else {
    texts_.emplace_back(PyBytes_AsString(node), static_cast<size_t>(PyBytes_Size(node)));
  }
  held_.append(nb::handle(node));
}

void ListReader::add_int(PyObject* node) {
  int overflow = 0;
  const long long value = PyLong_AsLongLongAndOverflow(node, &overflow);
  if (overflow != 0) throw OutOfRange(place() + " does not fit into int64");
  if (kind_ == Kind::kFloat) {
    floats_.push_back(static_cast<double>(value));
  } else {
    ints_.push_back(value);
  }
}

Tensor ListReader::values(DType empty) const {
  switch (kind_) {
    case Kind::kBool:
      return values_of(DType::kBool);
    case Kind::kInt:
      return values_of(DType::kInt64);
    case Kind::kFloat:
      return values_of(DType::kFloat32);
    case Kind::kString:
      return values_of(DType::kString);
    case Kind::kArray:
      return concatenated();
    case Kind::kNone:
      break;
  }
  return Tensor(empty, {0});
}

template <class T>
Tensor ListReader::ints_as(DType dtype) const {
  Tensor tensor(dtype, {static_cast<int64_t>(ints_.size())});
  auto to = tensor.mutable_values<T>();
  for (size_t i = 0; i < ints_.size(); ++i) {
    to[i] = static_cast<T>(ints_[i]);
    if constexpr (std::is_integral_v<T>) {
      if (!std::in_range<T>(ints_[i])) {
        throw OutOfRange(std::string("'") + argument_ + "' holds " + std::to_string(ints_[i]) +
                         ", which does not fit into " + dtype_name(dtype));
      }
    }
  }
  return tensor;
}

Tensor ListReader::floats_as(DType dtype) const {
  Tensor tensor(dtype, {static_cast<int64_t>(floats_.size())});
  if (dtype == DType::kFloat64) {
    std::ranges::copy(floats_, tensor.mutable_values<double>().begin());
  } else {
    std::ranges::transform(floats_, tensor.mutable_values<float>().begin(),
                           [](double x) { return static_cast<float>(x); });
  }
  return tensor;
}

// All arrays as one; they must agree in all but the first dimension.
nb::object ListReader::joined() const {
  try {
    return nb::module_::import_("numpy").attr("concatenate")(arrays_);
  } catch (const nb::python_error&) {
    const auto inner = [](nb::handle array) {
      nb::object shape = array.attr("shape");
      return nb::object(shape[nb::slice(nb::int_(1), nb::none(), nb::none())]);
    };
    for (nb::handle array : arrays_) {
      if (inner(array).equal(inner(arrays_[0]))) continue;
      throw InvalidArgument(std::string("'") + argument_ + "' has rows of different shapes: " +
                            describe(arrays_[0]) + " and " + describe(array));
    }
    throw;
  }
}

Tensor ListReader::concatenated() const {
  nb::object joined = this->joined();
  for (nb::handle array : arrays_) {
    if (!array.attr("dtype").equal(joined.attr("dtype"))) {
      throw WrongType(std::string("'") + argument_ + "' has rows of different dtypes: " +
                      describe(array) + " and others that make " + describe(joined));
    }
  }
  return tensor_from_python(joined, argument_);
}

Tensor ListReader::values_of(DType dtype) const {
  if (kind_ == Kind::kNone) return Tensor(dtype, {0});
  if (kind_ == Kind::kArray) {
    return tensor_of_dtype(joined(), dtype, argument_);
  }
  if (kind_ == Kind::kString && dtype == DType::kString) {
    return Tensor::strings({static_cast<int64_t>(texts_.size())}, Bytes::from(texts_));
  }
  if (kind_ == Kind::kFloat && (dtype == DType::kFloat32 || dtype == DType::kFloat64))
    return floats_as(dtype);
  if (kind_ == Kind::kBool && dtype == DType::kBool) {
    Tensor tensor(dtype, {static_cast<int64_t>(ints_.size())});
    std::ranges::transform(ints_, tensor.mutable_values<bool>().begin(),
                           [](int64_t x) { return x != 0; });
    return tensor;
  }
  if (kind_ == Kind::kInt) {
    switch (dtype) {
      case DType::kInt8:
        return ints_as<int8_t>(dtype);
      case DType::kInt16:
        return ints_as<int16_t>(dtype);
      case DType::kInt32:
        return ints_as<int32_t>(dtype);
      case DType::kInt64:
        return ints_as<int64_t>(dtype);
      case DType::kUInt8:
        return ints_as<uint8_t>(dtype);
      case DType::kUInt16:
        return ints_as<uint16_t>(dtype);
      case DType::kUInt32:
        return ints_as<uint32_t>(dtype);
      case DType::kUInt64:
        return ints_as<uint64_t>(dtype);
      case DType::kFloat32:
        return ints_as<float>(dtype);
      case DType::kFloat64:
        return ints_as<double>(dtype);
      default:
        break;
    }
  }
  throw WrongType(std::string("'") + argument_ + "' must be " + dtype_name(dtype) +
                  ", got a list of " + kKindNames[static_cast<int>(kind_)]);
}

}  // namespace weft::python
