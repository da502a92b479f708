// Nested Python lists, read into one flat tensor and the lengths of the lists at each level.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "convert.h"

namespace weft::python {

// Reads once, then gives the values in the dtype they have or in one that is asked for. Leaves are
// bool, int, float, str or bytes (numpy's scalars too), all of one kind but for int with float;
// or numpy arrays of rank >= 1, each a row, which are concatenated.
class ListReader {
 public:
  // Throws WrongType or InvalidArgument with the position at fault.
  ListReader(nb::handle lists, const char* argument);

  // Lengths of the lists at each level; level 0 is the outermost list itself, one length. A scalar
  // has no levels.
  const std::vector<std::vector<int64_t>>& lengths() const { return lengths_; }
  // All leaves, in order: [N], or [N, inner...] where the rows are arrays of higher rank.
  Tensor values(DType empty) const;
  // The same in `dtype`. Throws OutOfRange for an int that does not fit, WrongType for another
  // kind.
  Tensor values_of(DType dtype) const;

 private:
  enum class Kind { kNone, kBool, kInt, kFloat, kString, kArray };

  void visit(PyObject* node);
  void visit_list(PyObject* node, bool is_list);
  void visit_array(PyObject* node);
  void visit_leaf(PyObject* node);
  void set_kind(Kind kind);
  nb::object array_of_torch(PyObject* node) const;
  void add_text(PyObject* node, bool is_bytes);
  void add_int(PyObject* node);
  void leaf_here();
  std::string place() const;
  template <class T>
  Tensor ints_as(DType dtype) const;
  Tensor floats_as(DType dtype) const;
  nb::object joined() const;
  Tensor concatenated() const;

  const char* argument_;
  Kind kind_ = Kind::kNone;
  int64_t leaf_level_ = -1;
  std::vector<int64_t> path_;
  std::vector<std::vector<int64_t>> lengths_;
  std::vector<int64_t> ints_;  // bools too
  std::vector<double> floats_;
  std::vector<std::string_view> texts_;
  nb::list arrays_;
  nb::list held_;  // what the views in texts_ point into, where the lists themselves do not hold it
};

}  // namespace weft::python
