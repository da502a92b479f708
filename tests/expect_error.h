// EXPECT_ERROR(OutOfRange, "row 2", layer(batch)): the statement throws that class, and its text
// holds those words.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "weft/error.h"

namespace weft::testing {

template <class Expected, class Body>
void expect_error(const Body& body, const std::string& words, const char* file, int line) {
  try {
    body();
  } catch (const Expected& error) {
    if (std::string(error.what()).find(words) == std::string::npos) {
      ADD_FAILURE_AT(file, line) << "\"" << words << "\" is not in: " << error.what();
    }
    return;
  } catch (const std::exception& error) {
    ADD_FAILURE_AT(file, line) << "another class of error: " << error.what();
    return;
  }
  ADD_FAILURE_AT(file, line) << "no error";
}

}  // namespace weft::testing

#define EXPECT_ERROR(Class, words, ...) \
  ::weft::testing::expect_error<Class>([&] { (void)(__VA_ARGS__); }, words, __FILE__, __LINE__)
