// Where Python values become weft's and back: the only place that knows both. A binding converts
// its arguments, calls the library with the GIL released, and converts the result; errors that the
// library throws become Python exceptions by themselves (bind_error.cc).
//
// Arguments come in as `nb::handle` and are converted by the functions below, never by nanobind's
// casters: a wrong dtype, rank or layout is then refused in weft's words, with the argument's name,
// and nothing is ever converted or copied silently.
//
// nanobind refuses None, with a text of its own, for every argument that is not declared with
// `nb::arg("name").none()`.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "weft/ragged.h"
#include "weft/tensor.h"

namespace weft::python {

namespace nb = nanobind;

inline constexpr int64_t kAnyRank = -1;

// Runs `body` without the GIL and returns its result. Inside, no Python object may be touched;
// tensors that borrow from Python may be dropped (they take the GIL for it).
template <class F>
auto without_gil(F&& body) {
  nb::gil_scoped_release release;
  return std::forward<F>(body)();
}

// An object that is changed without the GIL: one thread at a time.
template <class T>
class Shared {
 public:
  template <class... Args>
    requires std::is_constructible_v<T, Args...>
  explicit Shared(Args&&... args) : value_(std::forward<Args>(args)...) {}

  // f(value), without the GIL.
  template <class F>
  auto with(F&& f) {
    return without_gil([&] {
      std::lock_guard lock(mutex_);
      return f(value_);
    });
  }

 private:
  T value_;
  std::mutex mutex_;
};

// --- dtypes ------------------------------------------------------------------------------------

// weft.int64 and its like, numpy dtypes and scalar types, names ("int64"), and Python's str and
// bytes (string), int (int64), float (float32), bool. Throws WrongType naming `argument`.
DType dtype_from_python(nb::handle value, const char* argument);
nb::object dtype_to_python(DType dtype);  // weft.int64, ...

// --- arrays ------------------------------------------------------------------------------------

// numpy arrays, anything else with the buffer protocol or DLPack on the CPU, nested lists of equal
// lengths, and scalars. Numeric C-contiguous memory is borrowed, not copied. Strings come from
// object, 'S' and 'U' arrays, and lists of bytes or str (UTF-8). Lists of int give int64, of float
// float32, empty ones `empty`. Throws WrongType or InvalidArgument naming `argument`.
Tensor tensor_from_python(nb::handle value, const char* argument, DType empty = DType::kFloat32);

// The same for one dtype and, unless kAnyRank, one rank. Arrays must have that dtype exactly; lists
// of Python numbers are made into it, if every number fits.
Tensor tensor_of_dtype(nb::handle value, DType dtype, const char* argument,
                       int64_t rank = kAnyRank);

// The same memory, to be written to. Throws WrongType naming `argument` unless it is an array of
// float32 or float64, InvalidArgument if it is read-only.
Tensor writable_tensor_from_python(nb::handle value, const char* argument);

enum class Access { kWritable, kReadOnly };

// A numpy.ndarray, for signatures.
class Array : public nb::object {
  NB_OBJECT_DEFAULT(Array, nb::object, "numpy.ndarray", nb::ndarray_check)
};

// A numpy.ndarray over the tensor's memory, which lives as long as the array does. Memory borrowed
// from elsewhere is writable only if it was there. Strings: a new object array of bytes.
Array tensor_to_python(const Tensor& tensor, Access access = Access::kWritable);

// --- ragged, sparse, batches ------------------------------------------------------------------

// A weft.Ragged; nested lists (rows may be numpy arrays); an object array of rows (None or NaN: an
// empty one); a pair (padded array, lengths); a pandas column of lists; a torch jagged tensor; an
// Arrow list array. `empty` is the dtype of lists without any value.
Ragged ragged_from_python(nb::handle value, const char* argument, DType empty = DType::kFloat32);

// Nested lists of any depth >= 1 levels, rows of the innermost level being lists or numpy arrays.
Ragged ragged_from_lists(nb::handle value, const char* argument, DType empty);
// The same, made into `dtype` as tensor_of_dtype does.
Ragged ragged_from_lists_of(nb::handle value, DType dtype, const char* argument);
nb::list lists_from_ragged(const Ragged& ragged);  // strings as bytes

// What one feature of a batch may be: a SparseTensor, everything ragged_from_python takes, an array
// (dense), a flat list (a dense array of rank 1). Lists without any value are int64.
Feature feature_from_python(nb::handle value, const char* name);
nb::object feature_to_python(Feature feature);

// A mapping from feature name to feature, a pandas DataFrame, or an Arrow record batch or table.
// Throws WrongType naming `argument`.
Features features_from_python(nb::handle batch, const char* argument);
nb::dict features_to_python(Features features);

// --- errors ------------------------------------------------------------------------------------

// The exception of weft.errors that the error becomes when it is thrown.
nb::object error_to_python(const Error& error);

// --- small things ------------------------------------------------------------------------------

// An int, or a sequence of them. Throws WrongType for others and InvalidArgument for None within.
Shape shape_from_python(nb::handle value, const char* argument);
nb::tuple shape_to_python(const Shape& shape);

// The bytes of a bytes object or the UTF-8 of a str; valid while `value` lives.
std::string_view text_from_python(nb::handle value, const char* argument);
// A str; bytes that are not UTF-8 become surrogates, as in file names.
nb::object text_to_python(std::string_view text);
// weft.Limits, or None for the defaults.
Limits limits_from_python(nb::handle value);

// An int, numpy's included. Throws WrongType for anything else, bool and float too.
int64_t int_from_python(nb::handle value, const char* argument);

// A batch of serialized records: a list, tuple or array of bytes, held while views() are in use.
class Serialized {
 public:
  Serialized(nb::handle value, const char* argument);
  const std::vector<std::string_view>& views() const { return views_; }

 private:
  nb::object held_;
  std::vector<std::string_view> views_;
};

// What messages call it, for instance "numpy.ndarray of float64 with shape (3,)".
std::string describe(nb::handle value);

}  // namespace weft::python
