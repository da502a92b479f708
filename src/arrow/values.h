// The innermost values of a column.
#pragma once

#include "arrow/slots.h"

namespace weft::arrow {

struct Values {
  Tensor values;                 // [N] without the absent ones
  std::vector<uint8_t> present;  // one per slot; empty: all are, or `none`
  bool none = false;             // the null type: no slot has a value
  int64_t slots = 0;

  bool complete() const { return present.empty() && !(none && slots > 0); }
};

// `runs` are of the type of `schema`, which is no list. Numbers in one run without nulls are
// borrowed. Throws WrongType naming the column.
Values read_values(const ArrowSchema& schema, const Runs& runs, const Column& column);

// values.cc, for a type without dictionary.
Values read_plain(const Type& type, const Runs& runs, const Column& column);

// text.cc: the strings that are present. `present` as in Values.
Bytes read_text(const Type& type, const Runs& runs, const std::vector<uint8_t>& present,
                const Column& column);

// dictionary.cc.
Values read_dictionary(const ArrowSchema& schema, const Runs& runs, const Column& column);

// One flag a slot if any of them is null; nothing otherwise.
std::vector<uint8_t> read_present(const Runs& runs);

}  // namespace weft::arrow
