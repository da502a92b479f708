// Records between Python and weft.
#pragma once

#include "convert.h"
#include "weft/column.h"
#include "weft/example.h"
#include "weft/record.h"

namespace weft::python {

// records, bytes, skipped, skipped_bytes.
nb::dict counters_to_python(const RecordCounters& counters);
nb::list records_to_python(const RecordBatch& batch);
// What RecordOptions::poll is: throws what a signal handler of Python raised. Called without the
// GIL.
void check_signals();

ParseSpec parse_spec_from_python(nb::handle value, const char* argument);
// Context, lists, lengths: three dicts.
nb::tuple parsed_to_python(ParsedSequenceExamples parsed);

}  // namespace weft::python
