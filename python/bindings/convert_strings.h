// Arrays of strings that become Python objects only when somebody looks.
#pragma once

#include <memory>

#include "convert.h"
#include "weft/record.h"

namespace weft::python {

// weft.StringArray: what stands for an object array of bytes. It keeps the array once it is made;
// from then on that is what it holds, for whoever has the array may write to it.
struct StringArray {
  Tensor tensor;
  std::shared_ptr<const RecordBatch> records = nullptr;  // where set, these are the strings

  Shape shape() const { return records ? Shape{records->size()} : tensor.shape(); }
  Tensor strings() const {
    return records ? Tensor::strings(shape(), Bytes::from(records->records())) : tensor;
  }
};

// The array that `value`, a StringArray, has made, or nothing.
nb::object made_array(nb::handle value);

void bind_strings(nb::module_& m);

}  // namespace weft::python
