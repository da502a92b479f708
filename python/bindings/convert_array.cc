// Arrays: the buffer protocol and DLPack in, numpy arrays out.
#include <array>
#include <memory>
#include <optional>

#include "convert_parts.h"
#include "convert_strings.h"

namespace weft::python {
namespace {

constexpr int64_t kMaxRank = 32;  // numpy before 2.0 has no more dimensions

// The deleter of what borrowed tensors share: also how tensor_to_python recognises such a tensor.
struct ReleaseView {
  std::shared_ptr<Py_buffer> view;
  void operator()(const void*) {
    if (nb::detail::cleanup_guard guard{}) PyBuffer_Release(view.get());
  }
};

struct ReleaseArray {
  std::shared_ptr<nb::ndarray<nb::ro>> array;
  void operator()(const void*) {
    if (nb::detail::cleanup_guard guard{}) *array = {};
  }
};

std::optional<DType> numeric_dtype(char kind, int64_t size) {
  static constexpr DType kSigned[] = {DType::kInt8, DType::kInt16, DType::kInt32, DType::kInt64};
  static constexpr DType kUnsigned[] = {DType::kUInt8, DType::kUInt16, DType::kUInt32,
                                        DType::kUInt64};
  if (kind == 'b' && size == 1) return DType::kBool;
  if (kind == 'f' && size == 2) return DType::kFloat16;
  if (kind == 'f' && size == 4) return DType::kFloat32;
  if (kind == 'f' && size == 8) return DType::kFloat64;
  if (kind == 'i' || kind == 'u') {
    for (int i = 0; i < 4; ++i) {
      if (size == int64_t{1} << i) return kind == 'i' ? kSigned[i] : kUnsigned[i];
    }
  }
  return std::nullopt;
}

// The dtype of a buffer's format: struct-module characters, in this machine's byte order.
std::optional<DType> format_dtype(const char* format, int64_t size) {
  if (format == nullptr) return DType::kUInt8;
  if (*format == '@' || *format == '=' || *format == '<' || (*format == '>' && size == 1)) ++format;
  if (format[0] == '\0' || format[1] != '\0') return std::nullopt;
  switch (*format) {
    case '?':
      return numeric_dtype('b', size);
    case 'b':
    case 'h':
    case 'i':
    case 'l':
    case 'q':
    case 'n':
      return numeric_dtype('i', size);
    case 'B':
    case 'H':
    case 'I':
    case 'L':
    case 'Q':
    case 'N':
      return numeric_dtype('u', size);
    case 'e':
    case 'f':
    case 'd':
      return numeric_dtype('f', size);
    default:
      return std::nullopt;
  }
}

[[noreturn]] void refuse_layout(nb::handle value, const char* argument) {
  throw InvalidArgument(
      std::string("'") + argument + "' must be C-contiguous, got " + describe(value) +
      " with gaps or in another order; copy it with numpy.ascontiguousarray first");
}

[[noreturn]] void refuse_dtype(nb::handle value, const char* argument) {
  throw WrongType(std::string("'") + argument + "' must hold numbers, bools or strings, got " +
                  describe(value));
}

Tensor tensor_from_view(nb::handle value, std::shared_ptr<Py_buffer> view, const char* argument) {
  if (is_from(value, "numpy.ma")) {
    throw WrongType(std::string("'") + argument +
                    "' is a masked array, whose mask would be lost: give its .filled(-1), or a "
                    "weft.SparseTensor of what is there");
  }
  Shape shape(view->shape, view->shape + view->ndim);
  const char* format = view->format == nullptr ? "B" : view->format;
  const char last = format[std::char_traits<char>::length(format) - 1];
  std::shared_ptr<const void> owner(view->buf == nullptr ? view.get() : view->buf,
                                    ReleaseView{view});
  if (last == 'O' || last == 's' || last == 'w')
    return strings_from_array(value, std::move(shape), argument);
  const std::optional<DType> dtype = format_dtype(format, view->itemsize);
  if (!dtype) refuse_dtype(value, argument);
  if (PyBuffer_IsContiguous(view.get(), 'C') == 0) refuse_layout(value, argument);
  return Tensor::from_buffer(*dtype, std::move(shape),
                             Buffer::borrow(view->buf, view->len, std::move(owner)));
}

Tensor tensor_from_dlpack(nb::handle value, const char* argument) {
  auto array = std::make_shared<nb::ndarray<nb::ro>>();
  if (!nb::try_cast(value, *array, false)) refuse_dtype(value, argument);
  if (array->device_type() != nb::device::cpu::value) {
    throw InvalidArgument(std::string("'") + argument + "' must be in the memory of the CPU, got " +
                          describe(value));
  }
  static constexpr char kKinds[] = {'i', 'u', 'f', '-', '-', '-', 'b'};
  const nb::dlpack::dtype type = array->dtype();
  const char kind = type.code < sizeof(kKinds) && type.lanes == 1 ? kKinds[type.code] : '-';
  const std::optional<DType> dtype = numeric_dtype(kind, type.bits / 8);
  if (!dtype) refuse_dtype(value, argument);
  Shape shape;
  int64_t step = 1;
  for (size_t i = array->ndim(); i-- > 0; step *= static_cast<int64_t>(array->shape(i))) {
    if (array->shape(i) > 1 && array->stride(i) != step && array->size() > 0)
      refuse_layout(value, argument);
    shape.insert(shape.begin(), static_cast<int64_t>(array->shape(i)));
  }
  const void* data = array->data();
  const auto bytes = static_cast<int64_t>(array->nbytes());
  std::shared_ptr<const void> owner(data == nullptr ? array.get() : data, ReleaseArray{array});
  return Tensor::from_buffer(*dtype, std::move(shape),
                             Buffer::borrow(data, bytes, std::move(owner)));
}

bool is_writable(const Buffer& buffer) {
  if (!buffer.borrowed()) return true;
  const auto* release = std::get_deleter<ReleaseView>(buffer.owner());
  return release != nullptr && release->view->readonly == 0;
}

// One numpy object array for any shape: filled flat, then reshaped.
Array numpy_strings(const Tensor& tensor) {
  nb::module_ numpy = nb::module_::import_("numpy");
  const Bytes& strings = tensor.bytes();
  nb::object list = nb::steal(PyList_New(strings.size()));
  if (!list.is_valid()) throw nb::python_error();
  for (int64_t i = 0; i < strings.size(); ++i) {
    PyObject* item =
        PyBytes_FromStringAndSize(strings[i].data(), static_cast<Py_ssize_t>(strings[i].size()));
    if (item == nullptr) throw nb::python_error();
    PyList_SetItem(list.ptr(), i, item);
  }
  nb::object array = numpy.attr("empty")(
      strings.size(),
      nb::arg("dtype") = nb::handle(reinterpret_cast<PyObject*>(&PyBaseObject_Type)));
  array[nb::ellipsis()] = list;
  if (tensor.rank() != 1) array = array.attr("reshape")(shape_to_python(tensor.shape()));
  return nb::borrow<Array>(array);
}

}  // namespace

std::optional<Tensor> tensor_from_memory(nb::handle value, const char* argument) {
  if (PyBytes_Check(value.ptr()) || PyByteArray_Check(value.ptr())) return std::nullopt;
  if (nb::isinstance<StringArray>(value)) {
    const nb::object made = made_array(value);
    if (!made.is_none()) return tensor_from_memory(made, argument);
    return nb::cast<const StringArray&>(value).strings();
  }
  if (PyObject_CheckBuffer(value.ptr()) != 0) {
    auto view = std::make_shared<Py_buffer>();
    if (PyObject_GetBuffer(value.ptr(), view.get(), PyBUF_FORMAT | PyBUF_STRIDES) == 0) {
      return tensor_from_view(value, std::move(view), argument);
    }
    PyErr_Clear();  // numpy refuses to export some dtypes: dates, strings of variable width
    refuse_dtype(value, argument);
  }
  if (nb::hasattr(value, "__dlpack__")) return tensor_from_dlpack(value, argument);
  return std::nullopt;
}

Tensor writable_tensor_from_python(nb::handle value, const char* argument) {
  const std::optional<Tensor> tensor = tensor_from_memory(value, argument);
  if (!tensor || (tensor->dtype() != DType::kFloat32 && tensor->dtype() != DType::kFloat64)) {
    throw WrongType(std::string("'") + argument + "' must be an array of float32 or float64, got " +
                    describe(value));
  }
  const Buffer& buffer = tensor->buffer();
  if (!is_writable(buffer))
    throw InvalidArgument(std::string("'") + argument + "' is read-only: " + describe(value));
  return Tensor::from_buffer(
      tensor->dtype(), tensor->shape(),
      Buffer::share(const_cast<uint8_t*>(buffer.data()), buffer.size(), buffer.owner()));
}

Array tensor_to_python(const Tensor& tensor, Access access) {
  if (tensor.rank() > kMaxRank) {
    throw InvalidArgument("an array of rank " + std::to_string(tensor.rank()) +
                          "; numpy has at most " + std::to_string(kMaxRank));
  }
  if (tensor.dtype() == DType::kString) return numpy_strings(tensor);
  const bool writable = access == Access::kWritable && is_writable(tensor.buffer());
  static PyObject* const asarray =
      nb::object(nb::module_::import_("numpy").attr("asarray")).release().ptr();
  return nb::borrow<Array>(nb::handle(asarray)(nb::cast(Block{tensor, writable})));
}

}  // namespace weft::python
