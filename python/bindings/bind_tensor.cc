#include <array>

#include "convert_parts.h"

namespace weft::python {
namespace {

// The struct module's characters. 'l' and 'L' are what numpy calls int64 and uint64; 'q' would be
// its longlong, another type of the same size.
const char* format_of(DType dtype) {
  static_assert(sizeof(long) == 8);
  static constexpr const char* kFormats[] = {"?", "b", "h", "i", "l", "B",
                                             "H", "I", "L", "e", "f", "d"};
  return kFormats[static_cast<size_t>(dtype)];
}

int get_buffer(PyObject* self, Py_buffer* view, int flags) {
  Block& block = *nb::inst_ptr<Block>(self);
  alignas(64) static std::array<uint8_t, 64> nothing{};
  if ((flags & PyBUF_WRITABLE) != 0 && !block.writable) {
    PyErr_SetString(PyExc_BufferError, "this memory is read-only");
    return -1;
  }
  const Tensor& tensor = block.tensor;
  const auto rank = static_cast<size_t>(tensor.rank());
  auto* sizes = static_cast<Py_ssize_t*>(PyMem_Malloc(2 * sizeof(Py_ssize_t) * (rank + 1)));
  if (sizes == nullptr) {
    PyErr_NoMemory();
    return -1;
  }
  const Py_ssize_t item = dtype_size(tensor.dtype());
  Py_ssize_t step = item;
  for (size_t i = rank; i-- > 0;) {
    sizes[i] = tensor.shape()[i];
    sizes[rank + i] = step;
    step *= tensor.shape()[i];
  }
  const uint8_t* data = tensor.buffer().data();
  view->buf = const_cast<uint8_t*>(data == nullptr ? nothing.data() : data);
  view->obj = nb::handle(self).inc_ref().ptr();
  view->len = tensor.size() * item;
  view->itemsize = item;
  view->readonly = block.writable ? 0 : 1;
  view->ndim = static_cast<int>(rank);
  view->format =
      (flags & PyBUF_FORMAT) != 0 ? const_cast<char*>(format_of(tensor.dtype())) : nullptr;
  view->shape = (flags & PyBUF_ND) != 0 ? sizes : nullptr;
  view->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? sizes + rank : nullptr;
  view->suboffsets = nullptr;
  view->internal = sizes;
  return 0;
}

void release_buffer(PyObject*, Py_buffer* view) { PyMem_Free(view->internal); }

}  // namespace

void bind_tensor(nb::module_& m) {
  static PyType_Slot slots[] = {{Py_bf_getbuffer, reinterpret_cast<void*>(get_buffer)},
                                {Py_bf_releasebuffer, reinterpret_cast<void*>(release_buffer)},
                                {0, nullptr}};
  nb::class_<Block>(m, "_Block", nb::type_slots(slots), "Memory that a numpy array stands over.");
  bind_dtypes(m);
  m.def(
      "as_dtype",
      [](nb::handle value) { return dtype_to_python(dtype_from_python(value, "dtype")); },
      nb::arg("value").none(), nb::sig("def as_dtype(value: object) -> DType"),
      "The weft dtype of a numpy dtype, a name or a Python type.");
}

}  // namespace weft::python
