// Arrays that contradict themselves: an error that names the column, never a read outside.
#include <gtest/gtest.h>

#include "arrow_array.h"
#include "expect_error.h"
#include "weft/arrow.h"

namespace weft {
namespace {

using testing::Arrow;
using testing::bytes_of;
using testing::int64_array;
using testing::list_array;
using testing::MadeArray;
using testing::text_array;
using testing::with_nulls;

Feature imported(const MadeArray& made) {
  Arrow arrow(made);
  return import_array(std::move(arrow.array), arrow.schema, "a");
}

// Imports `made` after `change` has had its way with it, and expects it to be taken over.
template <class Change>
Feature changed(const MadeArray& made, const Change& change) {
  Arrow arrow(made);
  change(arrow.array, arrow.schema);
  struct Check {
    const Arrow& arrow;
    ~Check() { EXPECT_EQ(arrow.array.release, nullptr); }
  } check{arrow};
  return import_array(std::move(arrow.array), arrow.schema, "a");
}

MadeArray lists() { return list_array({0, 2, 2, 3}, int64_array({1, 2, 3})); }

TEST(ArrowMalformed, Offsets) {
  const auto with = [](const std::vector<int32_t>& offsets) {
    return imported(list_array(offsets, int64_array({1, 2, 3})));
  };
  EXPECT_ERROR(CorruptData, "an Arrow list from 2 to 1 of 3 elements (key 'a', row 1)",
               with({0, 2, 1, 3}));
  EXPECT_ERROR(CorruptData, "from -1 to 2 of 3 elements (key 'a', row 0)", with({-1, 2, 2, 3}));
  EXPECT_ERROR(CorruptData, "from 2 to 4 of 3 elements (key 'a', row 2)", with({0, 2, 2, 4}));
  EXPECT_ERROR(CorruptData, "row 1", with({0, 2, 2147483647, 3}));
  MadeArray wide{"+L", 1, {{}, bytes_of<int64_t>({0, INT64_MAX})}, {int64_array({1})}};
  EXPECT_ERROR(CorruptData, "to 9223372036854775807 of 1", imported(wide));
  wide.buffers[1] = bytes_of<int64_t>({INT64_MIN, INT64_MAX});
  EXPECT_ERROR(CorruptData, "from -9223372036854775808", imported(wide));
  // The row of an inner list is that of the list around it.
  EXPECT_ERROR(CorruptData, "from 1 to 0 of 3 elements (key 'a', row 2)",
               imported(list_array({0, 1, 1, 2}, list_array({0, 1, 0}, int64_array({1, 2, 3})))));
  EXPECT_ERROR(
      CorruptData, "row 1",
      imported(with_nulls(list_array({0, 2, 1, 3}, int64_array({1, 2, 3})), {false, false, true})));
}

TEST(ArrowMalformed, ListViews) {
  const auto with = [](int32_t offset, int32_t size) {
    return imported({"+vl",
                     1,
                     {{}, bytes_of<int32_t>({offset}), bytes_of<int32_t>({size})},
                     {int64_array({1, 2})}});
  };
  EXPECT_NO_THROW(with(2, 0));
  EXPECT_ERROR(CorruptData, "an Arrow list of 2 elements at 1 of 2 elements (key 'a', row 0)",
               with(1, 2));
  EXPECT_ERROR(CorruptData, "at -1", with(-1, 1));
  EXPECT_ERROR(CorruptData, "an Arrow list", with(0, -1));
  EXPECT_ERROR(CorruptData, "an Arrow list", with(INT32_MAX, INT32_MAX));
}

TEST(ArrowMalformed, StringOffsets) {
  EXPECT_ERROR(CorruptData, "an Arrow string from byte 2 to 1 (key 'a', row 1)",
               imported(text_array({0, 2, 1, 3}, "abc")));
  EXPECT_ERROR(CorruptData, "from byte -1", imported(text_array({-1, 2}, "abc")));
  EXPECT_ERROR(CorruptData, "row 1",
               imported(list_array({0, 1, 3}, text_array({0, 2, 1, 3}, "abc"))));
  EXPECT_ERROR(CorruptData, "buffer 2 is missing",
               imported({"u", 1, {{}, bytes_of<int32_t>({0, 1}), {}}}));
  EXPECT_ERROR(CorruptData, "an Arrow string from byte 0 to 9223372036854775807",
               imported({"U", 1, {{}, bytes_of<int64_t>({0, INT64_MAX}), "x"}}));
}

TEST(ArrowMalformed, LengthsAndCounts) {
  const auto at = [](auto field, int64_t value) {
    return changed(lists(), [&](ArrowArray& array, ArrowSchema&) { array.*field = value; });
  };
  EXPECT_ERROR(CorruptData, "length -1", at(&ArrowArray::length, -1));
  EXPECT_ERROR(CorruptData, "length 9223372036854775807", at(&ArrowArray::length, INT64_MAX));
  EXPECT_ERROR(CorruptData, "at offset -1", at(&ArrowArray::offset, -1));
  EXPECT_ERROR(CorruptData, "at offset 9223372036854775807", at(&ArrowArray::offset, INT64_MAX));
  EXPECT_ERROR(CorruptData, "4 nulls in an Arrow array of length 3",
               at(&ArrowArray::null_count, 4));
  EXPECT_ERROR(CorruptData, "-2 nulls", at(&ArrowArray::null_count, -2));
  EXPECT_ERROR(CorruptData, "1 nulls, but no validity bits", at(&ArrowArray::null_count, 1));
  EXPECT_NO_THROW(at(&ArrowArray::null_count, -1));
  EXPECT_ERROR(CorruptData, "of 1 buffers; its type has 2", at(&ArrowArray::n_buffers, 1));
  EXPECT_ERROR(CorruptData, "of 3 buffers", at(&ArrowArray::n_buffers, 3));
  EXPECT_ERROR(CorruptData, "without its one child", at(&ArrowArray::n_children, 0));
  EXPECT_ERROR(CorruptData, "without its one child", at(&ArrowArray::n_children, 2));
}

TEST(ArrowMalformed, MissingParts) {
  using Schema = ArrowSchema;
  const auto after = [](auto change) { return changed(lists(), change); };
  EXPECT_ERROR(CorruptData, "without its buffers",
               after([](ArrowArray& array, Schema&) { array.buffers = nullptr; }));
  EXPECT_ERROR(CorruptData, "buffer 1 is missing",
               after([](ArrowArray& array, Schema&) { array.buffers[1] = nullptr; }));
  EXPECT_ERROR(CorruptData, "buffer 1 is missing",
               after([](ArrowArray& array, Schema&) { array.children[0]->buffers[1] = nullptr; }));
  EXPECT_ERROR(CorruptData, "without its one child",
               after([](ArrowArray& array, Schema&) { array.children = nullptr; }));
  EXPECT_ERROR(CorruptData, "of 1 elements",
               after([](ArrowArray& array, Schema&) { array.children[0]->length = 1; }));
  EXPECT_ERROR(CorruptData, "of -1 elements",
               after([](ArrowArray& array, Schema&) { array.children[0]->length = -1; }));
  EXPECT_ERROR(CorruptData, "at offset -1",
               after([](ArrowArray& array, Schema&) { array.children[0]->offset = -1; }));
  EXPECT_ERROR(InvalidArgument, "released already (key 'a')", after([](ArrowArray& array, Schema&) {
                 array.children[0]->release(array.children[0]);
               }));
  EXPECT_ERROR(CorruptData, "list type without its one child",
               after([](ArrowArray&, Schema& schema) { schema.n_children = 0; }));
  EXPECT_ERROR(CorruptData, "list type without its one child",
               after([](ArrowArray&, Schema& schema) { schema.children = nullptr; }));
  EXPECT_ERROR(CorruptData, "without a format",
               after([](ArrowArray&, Schema& schema) { schema.format = nullptr; }));
  EXPECT_ERROR(InvalidArgument, "schema has been released",
               after([](ArrowArray&, Schema& schema) { schema.release = nullptr; }));
  const MadeArray words{"c", 1, {{}, bytes_of<int8_t>({0})}, {}, {text_array({0, 1}, "a")}};
  EXPECT_ERROR(CorruptData, "without its dictionary",
               changed(words, [](ArrowArray& array, Schema&) { array.dictionary = nullptr; }));
}

TEST(ArrowMalformed, FixedSizes) {
  EXPECT_ERROR(CorruptData, "fixed-size lists of 2 up to list 2 over 3 elements",
               imported({"+w:2", 2, {{}}, {int64_array({1, 2, 3})}}));
  EXPECT_ERROR(CorruptData, "fixed-size lists",
               imported({"+w:9223372036854775807", 2, {{}}, {int64_array({1, 2, 3})}}));
  EXPECT_ERROR(CorruptData, "fixed-size strings",
               imported({"w:9223372036854775807", 2, {{}, "ab"}}));
  EXPECT_ERROR(CorruptData, "of -1 buffers",
               changed({"vu", 1, {{}, std::string(16, 0), ""}},
                       [](ArrowArray& array, ArrowSchema&) { array.n_buffers = -1; }));
}

// --- more than anything allocates ----------------------------------------------------------------

TEST(ArrowMalformed, ManyRowsOfNothing) {
  EXPECT_ERROR(LimitExceeded, "an Arrow array of 1099511627776 values; the limit",
               imported({"n", int64_t{1} << 40, {}}));
  EXPECT_ERROR(LimitExceeded, "1099511627776 lists",
               imported({"+w:0", int64_t{1} << 40, {{}}, {int64_array({})}}));
}

TEST(ArrowMalformed, ListViewsThatRepeatEverything) {
  MadeArray level = int64_array(std::vector<int64_t>(1000));
  for (int i = 0; i < 5; ++i) {
    const auto rows = static_cast<int32_t>(1000);
    level = {
        "+vl",
        rows,
        {{}, bytes_of(std::vector<int32_t>(1000, 0)), bytes_of(std::vector<int32_t>(1000, rows))},
        {level}};
  }
  EXPECT_ERROR(LimitExceeded, "elements; the limit is 2147483648 (key 'a')", imported(level));
}

TEST(ArrowMalformed, LongStringsThatAreRepeated) {
  const std::string text(1 << 20, 'x');
  const MadeArray words{"i",
                        1 << 15,
                        {{}, bytes_of(std::vector<int32_t>(1 << 15, 0))},
                        {},
                        {text_array({0, 1 << 20}, text)}};
  EXPECT_ERROR(LimitExceeded, "times 8 bytes of text", imported(words));
  const MadeArray views{
      "+vl",
      1 << 15,
      {{}, bytes_of(std::vector<int32_t>(1 << 15, 0)), bytes_of(std::vector<int32_t>(1 << 15, 1))},
      {text_array({0, 1 << 20}, text)}};
  EXPECT_ERROR(LimitExceeded, "times 8 bytes of text", imported(views));
}

TEST(ArrowMalformed, DeepNesting) {
  MadeArray made = int64_array({1});
  for (int i = 0; i < 32; ++i) made = list_array({0, 1}, made);
  EXPECT_EQ(std::get<Ragged>(imported(made)).levels(), 32);
  EXPECT_ERROR(LimitExceeded, "nested deeper than 32", imported(list_array({0, 1}, made)));
  // A list that is its own child.
  EXPECT_ERROR(
      LimitExceeded, "nested deeper than 32",
      changed(list_array({0, 1}, int64_array({1})), [](ArrowArray& array, ArrowSchema& schema) {
        static ArrowSchema* children[1];
        children[0] = &schema;
        schema.children = children;
        array.children[0]->n_children = 1;
        static ArrowArray* lists[1];
        lists[0] = array.children[0];
        array.children[0]->children = lists;
        static int32_t offsets[2] = {0, 1};
        array.children[0]->buffers[1] = offsets;
      }));
}

}  // namespace
}  // namespace weft
