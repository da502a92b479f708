// One level of lists: from the runs that hold them to the runs of their elements.
#pragma once

#include "arrow/slots.h"

namespace weft::arrow {

inline bool is_list(Layout layout) {
  return layout == Layout::kList || layout == Layout::kListView || layout == Layout::kFixedList;
}

int64_t count_of(const Runs& runs);

// Follows `runs` with more slots, joined to the last run where they touch.
void append(Runs& runs, const Run& more);

// Adds the level of these lists to `column` and returns where their elements stand, the children's
// lengths checked. Null lists are empty.
Runs open_lists(const Runs& runs, const Type& type, Column& column);

}  // namespace weft::arrow
