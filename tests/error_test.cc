#include "weft/error.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weft {
namespace {

TEST(Error, SaysWhatAndWhere) {
  const CorruptData error(
      "truncated varint",
      {.file = "a.tfrecord", .record = 3, .key = "ids", .row = 1, .offset = 17});
  EXPECT_STREQ(error.what(),
               "truncated varint (file 'a.tfrecord', record 3, key 'ids', row 1, byte 17)");
  EXPECT_EQ(error.message(), "truncated varint");
}

TEST(Error, WithoutAPlaceIsTheMessage) { EXPECT_STREQ(InvalidArgument("no").what(), "no"); }

TEST(Error, TheInnermostPlaceWins) {
  OutOfRange error("id 12", {.key = "ids", .row = 4});
  error.locate({.file = "f", .record = 9, .key = "other", .row = 0});
  EXPECT_EQ(error.where().key, "ids");
  EXPECT_EQ(error.where().row, 4);
  EXPECT_STREQ(error.what(), "id 12 (file 'f', record 9, key 'ids', row 4)");
}

TEST(Error, BytesAreEscapedAndCut) {
  EXPECT_EQ(escape_bytes(std::string_view("a\0\n\\\xff", 5)), "a\\x00\\x0a\\\\\\xff");
  EXPECT_EQ(escape_bytes("abcdef", 3), "abc...");
  EXPECT_EQ(escape_bytes("abc", 3), "abc");
}

TEST(Warnings, ReachTheHandlerUntilItIsTakenAway) {
  std::vector<std::string> seen;
  set_warning_handler([&](const std::string& message) { seen.push_back(message); });
  warn("one");
  set_warning_handler({});
  warn("two");
  EXPECT_EQ(seen, std::vector<std::string>{"one"});
}

}  // namespace
}  // namespace weft
