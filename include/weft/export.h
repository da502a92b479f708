// WEFT_API marks what the shared library exports; everything else is hidden.
#pragma once

#define WEFT_API __attribute__((visibility("default")))
// Of an exported class, but for the library alone.
#define WEFT_LOCAL __attribute__((visibility("hidden")))
