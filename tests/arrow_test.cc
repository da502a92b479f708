#include "weft/arrow.h"

#include <gtest/gtest.h>

#include "arrow_array.h"
#include "expect_error.h"
#include "same_features.h"

namespace weft {
namespace {

using testing::Arrow;
using testing::batch_array;
using testing::bits_of;
using testing::bytes_of;
using testing::int64_array;
using testing::list_array;
using testing::MadeArray;
using testing::named;
using testing::text_array;
using testing::text_of;
using testing::with_nulls;

Feature imported(const MadeArray& made) {
  Arrow arrow(made);
  return import_array(std::move(arrow.array), arrow.schema, "a");
}

std::string text(const MadeArray& made) { return text_of(imported(made)); }

TEST(Arrow, NumbersAreBorrowedAndReleasedOnce) {
  MadeArray made = int64_array({9, 1, 2, 3});
  made.offset = 1;
  made.length = 3;
  Arrow arrow(made);
  const void* data = static_cast<const int64_t*>(arrow.array.buffers[1]) + 1;
  {
    Feature feature = import_array(std::move(arrow.array), arrow.schema, "a");
    EXPECT_EQ(arrow.array.release, nullptr);
    EXPECT_EQ(text_of(feature), "int64[3] 1 2 3 ");
    EXPECT_EQ(std::get<Tensor>(feature).buffer().data(), data);
    const Feature copy = feature;
    feature = Tensor();
    EXPECT_EQ(arrow.released(), 0);
  }
  EXPECT_EQ(arrow.released(), 1);
}

TEST(Arrow, EveryNumber) {
  const auto dtype = [](const char* format, int64_t size) {
    const Feature feature =
        imported({format, 2, {{}, std::string(static_cast<size_t>(2 * size), '\1')}});
    EXPECT_EQ(std::get<Tensor>(feature).size(), 2) << format;
    EXPECT_EQ(dtype_size(feature_dtype(feature)), size) << format;
    return std::string(dtype_name(feature_dtype(feature)));
  };
  EXPECT_EQ(dtype("c", 1), "int8");
  EXPECT_EQ(dtype("C", 1), "uint8");
  EXPECT_EQ(dtype("s", 2), "int16");
  EXPECT_EQ(dtype("S", 2), "uint16");
  EXPECT_EQ(dtype("i", 4), "int32");
  EXPECT_EQ(dtype("I", 4), "uint32");
  EXPECT_EQ(dtype("l", 8), "int64");
  EXPECT_EQ(dtype("L", 8), "uint64");
  EXPECT_EQ(dtype("e", 2), "float16");
  EXPECT_EQ(dtype("f", 4), "float32");
  EXPECT_EQ(dtype("g", 8), "float64");
  for (const char* format : {"tdm", "ttu", "ttn", "tss:", "tsm:UTC", "tsu:", "tsn:Europe/Berlin",
                             "tDs", "tDm", "tDu", "tDn"})
    EXPECT_EQ(dtype(format, 8), "int64");
  for (const char* format : {"tdD", "tts", "ttm"}) EXPECT_EQ(dtype(format, 4), "int32");
}

TEST(Arrow, MisalignedNumbersAreCopied) {
  Arrow arrow(int64_array({1, 2, 3}));
  std::string shifted = "x" + bytes_of<int64_t>({7, 8});
  arrow.array.buffers[1] = shifted.data() + 1;
  arrow.array.length = 2;
  const Feature feature = import_array(std::move(arrow.array), arrow.schema, "a");
  EXPECT_EQ(text_of(feature), "int64[2] 7 8 ");
  EXPECT_FALSE(std::get<Tensor>(feature).buffer().borrowed());
}

TEST(Arrow, Bools) {
  const Feature feature =
      imported({"b", 3, {{}, bits_of({false, true, true, false})}, {}, {}, 0, 1});
  EXPECT_EQ(std::get<Tensor>(feature).values<bool>()[0], true);
  EXPECT_EQ(std::get<Tensor>(feature).values<bool>()[2], false);
}

TEST(Arrow, Lists) {
  EXPECT_EQ(text(list_array({0, 2, 2, 3}, int64_array({1, 2, 3}))),
            "ragged 0 2 2 3 | int64[3] 1 2 3 ");
  MadeArray slice = list_array({0, 2, 2, 3, 4}, int64_array({1, 2, 3, 4}));
  slice.offset = 1;
  slice.length = 2;
  EXPECT_EQ(text(slice), "ragged 0 0 1 | int64[1] 3 ");
  MadeArray large{"+L", 2, {{}, bytes_of<int64_t>({1, 2, 3})}, {int64_array({1, 2, 3})}};
  EXPECT_EQ(text(large), "ragged 0 1 2 | int64[2] 2 3 ");
  MadeArray inner{"+L", 4, {{}, bytes_of<int64_t>({0, 0, 1, 1, 3})}, {int64_array({4, 5, 6})}};
  MadeArray outer = list_array({0, 1, 3, 4}, inner);
  outer.offset = 1;
  outer.length = 2;
  EXPECT_EQ(text(outer), "ragged 0 2 3 | 0 1 1 3 | int64[3] 4 5 6 ");
}

TEST(Arrow, NoRowsNeedNoBuffers) {
  EXPECT_EQ(text({"+l", 0, {{}, {}}, {{"l", 0, {{}, {}}}}}), "ragged 0 | int64[0] ");
  EXPECT_EQ(text({"u", 0, {{}, {}, {}}}), "string[0] ");
  EXPECT_EQ(text(list_array({0, 0}, {"U", 0, {{}, {}, {}}})), "ragged 0 0 | string[0] ");
}

TEST(Arrow, NullListsAreEmptyWhateverTheirOffsetsSay) {
  EXPECT_EQ(text(with_nulls(list_array({0, 2, 3, 5}, int64_array({1, 2, 3, 4, 5})),
                            {true, false, true}, 1)),
            "ragged 0 2 2 4 | int64[4] 1 2 4 5 ");
  MadeArray inner = with_nulls(list_array({0, 1, 3}, int64_array({1, 2, 3})), {false, true});
  EXPECT_EQ(text(list_array({0, 2}, inner)), "ragged 0 2 | 0 0 2 | int64[2] 2 3 ");
}

TEST(Arrow, ListViews) {
  const MadeArray views{"+vl",
                        3,
                        {{}, bytes_of<int32_t>({2, 0, 1}), bytes_of<int32_t>({2, 0, 2})},
                        {int64_array({1, 2, 3, 4})}};
  EXPECT_EQ(text(views), "ragged 0 2 2 4 | int64[4] 3 4 2 3 ");
  MadeArray large{"+vL",
                  2,
                  {bits_of({true, false}), bytes_of<int64_t>({1, 99}), bytes_of<int64_t>({1, 99})},
                  {int64_array({1, 2})},
                  {},
                  1};
  EXPECT_EQ(text(large), "ragged 0 1 1 | int64[1] 2 ");
}

TEST(Arrow, FixedSizeListsAreDimensions) {
  const MadeArray pairs{"+w:2", 2, {{}}, {int64_array({1, 2, 3, 4})}};
  EXPECT_EQ(text(pairs), "int64[2, 2] 1 2 3 4 ");
  EXPECT_EQ(text(list_array({0, 0, 2}, pairs)), "ragged 0 0 2 | int64[2, 2] 1 2 3 4 ");
  EXPECT_EQ(text({"+w:1", 2, {{}}, {pairs}}), "int64[2, 1, 2] 1 2 3 4 ");
  MadeArray slice = pairs;
  slice.offset = 1;
  slice.length = 1;
  EXPECT_EQ(text(slice), "int64[1, 2] 3 4 ");
  // Around lists: a level.
  EXPECT_EQ(text({"+w:2", 1, {{}}, {list_array({0, 1, 3}, int64_array({1, 2, 3}))}}),
            "ragged 0 2 | 0 1 3 | int64[3] 1 2 3 ");
  // A null one is empty.
  EXPECT_EQ(text(with_nulls(pairs, {true, false})), "ragged 0 2 2 | int64[2] 1 2 ");
  EXPECT_EQ(text({"+w:0", 3, {{}}, {int64_array({})}}), "int64[3, 0] ");
}

TEST(Arrow, NullValuesAreAbsent) {
  EXPECT_EQ(text(with_nulls(int64_array({1, 2, 3}), {true, false, true})),
            "sparse [3] at int64[2, 1] 0 2 int64[2] 1 3 ");
  EXPECT_EQ(text(with_nulls(int64_array({1, 2}), {true, true})), "int64[2] 1 2 ");
  const MadeArray values = with_nulls(int64_array({1, 2, 3, 4}), {true, false, true, false});
  EXPECT_EQ(text(list_array({0, 3, 3, 4}, values)),
            "sparse [3, 3] at int64[2, 2] 0 0 0 2 int64[2] 1 3 ");
  EXPECT_EQ(text(list_array({0, 1, 2}, list_array({0, 1, 4}, values))),
            "sparse [2, 1, 3] at int64[2, 3] 0 0 0 1 0 1 int64[2] 1 3 ");
  EXPECT_EQ(text({"+w:2", 2, {{}}, {values}}),
            "sparse [2, 2] at int64[2, 2] 0 0 1 0 int64[2] 1 3 ");
  EXPECT_EQ(text(with_nulls(text_array({0, 1, 2, 4}, "abcc"), {false, true, true})),
            "sparse [3] at int64[2, 1] 1 2 string[2] 'b' 'cc' ");
  MadeArray long_ones = int64_array(std::vector<int64_t>(200, 7));
  std::vector<bool> valid(200, true);
  valid[130] = false;
  EXPECT_EQ(std::get<SparseTensor>(imported(with_nulls(long_ones, valid))).values().size(), 199);
}

TEST(Arrow, TheNullTypeHasNoValues) {
  EXPECT_EQ(text({"n", 2, {}, {}, {}, 2}), "sparse [2] at int64[0, 1] int64[0] ");
  EXPECT_EQ(text(list_array({0, 0, 0}, {"n", 0, {}})), "ragged 0 0 0 | int64[0] ");
  EXPECT_EQ(text(list_array({0, 2}, {"n", 2, {}})), "sparse [1, 2] at int64[0, 2] int64[0] ");
}

TEST(Arrow, Strings) {
  EXPECT_EQ(text(text_array({1, 1, 3}, "abb")), "string[2] '' 'bb' ");
  MadeArray large{"Z", 1, {{}, bytes_of<int64_t>({0, 1, 3}), "abb"}, {}, {}, 0, 1};
  EXPECT_EQ(text(large), "string[1] 'bb' ");
  EXPECT_EQ(text({"w:2", 2, {{}, "aabbcc"}, {}, {}, 0, 1}), "string[2] 'bb' 'cc' ");
  EXPECT_EQ(text(list_array({0, 0, 2}, text_array({0, 1, 3}, "abb"))),
            "ragged 0 0 2 | string[2] 'a' 'bb' ");
  EXPECT_EQ(text(with_nulls(list_array({0, 1, 2, 3}, text_array({0, 1, 2, 3}, "abc")),
                            {true, false, true})),
            "ragged 0 1 1 2 | string[2] 'a' 'c' ");
}

std::string view(const std::string& text) {
  std::string bytes = bytes_of<int32_t>({static_cast<int32_t>(text.size())}) + text;
  bytes.resize(16, '\0');
  return bytes;
}

std::string far_view(int32_t length, int32_t buffer, int32_t offset) {
  return bytes_of<int32_t>({length, 0, buffer, offset});
}

TEST(Arrow, StringViews) {
  const std::string bytes = "the first one is long";
  MadeArray made{"vu",
                 3,
                 {{},
                  view("short") + far_view(17, 0, 4) + view("twelve bytes"),
                  bytes,
                  bytes_of<int64_t>({static_cast<int64_t>(bytes.size())})}};
  EXPECT_EQ(text(made), "string[3] 'short' 'first one is long' 'twelve bytes' ");
  EXPECT_EQ(text(with_nulls(made, {false, true, false})),
            "sparse [3] at int64[1, 1] 1 string[1] 'first one is long' ");
  MadeArray without{"vz", 1, {{}, view("a"), ""}};
  EXPECT_EQ(text(without), "string[1] 'a' ");
  for (const std::string& bad : {far_view(17, 1, 0), far_view(17, -1, 0), far_view(22, 0, 0),
                                 far_view(17, 0, 5), far_view(17, 0, -1), far_view(-1, 0, 0)}) {
    made.buffers[1] = view("x") + bad + view("y");
    EXPECT_ERROR(CorruptData, "an Arrow string view of", text(made));
    EXPECT_ERROR(CorruptData, "row 1", text(made));
  }
}

TEST(Arrow, Dictionaries) {
  MadeArray made{"c", 4, {{}, bytes_of<int8_t>({1, 0, 1, 1})}, {}, {text_array({0, 1, 3}, "abb")}};
  EXPECT_EQ(text(made), "string[4] 'bb' 'a' 'bb' 'bb' ");
  EXPECT_EQ(text(list_array({0, 1, 1, 4}, made)), "ragged 0 1 1 4 | string[4] 'bb' 'a' 'bb' 'bb' ");
  EXPECT_EQ(text(with_nulls(made, {true, false, true, true})),
            "sparse [4] at int64[3, 1] 0 2 3 string[3] 'bb' 'bb' 'bb' ");
  made.dictionary = {with_nulls(int64_array({5, 6, 7}), {true, false, true})};
  made.buffers[1] = bytes_of<int8_t>({2, 1, 0, 2});
  EXPECT_EQ(text(made), "sparse [4] at int64[3, 1] 0 2 3 int64[3] 7 5 7 ");
  made.buffers[1] = bytes_of<int8_t>({2, 3, 0, 2});
  EXPECT_ERROR(CorruptData, "index 3 into an Arrow dictionary of 3 values", text(made));
  EXPECT_ERROR(CorruptData, "row 1", text(made));
  made.buffers[1] = bytes_of<int8_t>({2, 2, -1, 2});
  EXPECT_ERROR(CorruptData, "index -1 into", text(made));
  MadeArray fallen{"c", 3, {{}, bytes_of<int8_t>({0, 0, 1})}, {}, {text_array({0, 3, 1}, "abc")}};
  EXPECT_ERROR(CorruptData, "from byte 3 to 1 (key 'a', row 2)", text(fallen));
  EXPECT_ERROR(CorruptData, "row 2", text(with_nulls(fallen, {true, false, true})));
  EXPECT_ERROR(CorruptData, "row 1", text(list_array({0, 2, 3}, fallen)));
  std::vector<int32_t> offsets(100, 3);
  offsets.insert(offsets.end(), {1, 2, 3});
  fallen.dictionary = {text_array(offsets, "abc")};
  EXPECT_EQ(text(fallen), "string[3] '' '' '' ");  // of so many only those in use are looked at
  fallen.buffers[1] = bytes_of<int8_t>({101, 100, 99});
  EXPECT_ERROR(CorruptData, "from byte 3 to 1 (key 'a', row 2)", text(fallen));
  fallen.buffers[1] = bytes_of<int8_t>({101, 0, 100});
  EXPECT_EQ(text(with_nulls(fallen, {true, false, true})),
            "sparse [3] at int64[2, 1] 0 2 string[2] 'c' 'b' ");
  made.format = "L";
  made.length = 1;
  made.buffers[1] = bytes_of<uint64_t>({uint64_t{1} << 63});
  EXPECT_ERROR(CorruptData, "into an Arrow dictionary of 3 values", text(made));
  made.format = "f";
  EXPECT_ERROR(CorruptData, "no integers", text(made));
  made.format = "c";
  made.dictionary = {list_array({0, 1}, int64_array({1}))};
  EXPECT_ERROR(WrongType, "dictionary of lists", text(made));
}

TEST(Arrow, TypesThatAreNotTakenAreNamed) {
  EXPECT_ERROR(WrongType, "Arrow type map '+m' is not taken", text({"+m", 0, {{}, {}}}));
  EXPECT_ERROR(WrongType, "union '+us:0,1'", text({"+us:0,1", 0, {}}));
  EXPECT_ERROR(WrongType, "decimal 'd:10,2'", text({"d:10,2", 0, {{}, {}}}));
  EXPECT_ERROR(WrongType, "interval 'tin'", text({"tin", 0, {{}, {}}}));
  EXPECT_ERROR(WrongType, "run-end encoded '+r'", text({"+r", 0, {}}));
  EXPECT_ERROR(WrongType, "struct '+s'", text({"+s", 0, {{}}}));
  EXPECT_ERROR(WrongType, "'nonsense'", text({"nonsense", 0, {}}));
  EXPECT_ERROR(WrongType, "key 'a'", text({"+m", 0, {{}, {}}}));
  EXPECT_ERROR(CorruptData, "has no size", text({"+w:x", 0, {{}}}));
  EXPECT_ERROR(CorruptData, "has no size", text({"w:-1", 0, {{}, {}}}));
}

// --- record batches and streams ------------------------------------------------------------------

TEST(Arrow, Batches) {
  MadeArray made =
      batch_array(2, {named(list_array({0, 1, 3, 3}, int64_array({1, 2, 3})), "items"),
                      named(int64_array({4, 5, 6}), "age"), named({"+m", 3, {{}, {}}}, "other")});
  made.offset = 1;
  Arrow arrow(made);
  Features features =
      import_batch(std::move(arrow.array), arrow.schema,
                   {.columns = std::vector<std::string>{"age", "items", "nothing"}});
  EXPECT_EQ(text_of(features), "age: int64[2] 5 6 \nitems: ragged 0 2 2 | int64[2] 2 3 \n");
  EXPECT_EQ(arrow.released(), 1);
  EXPECT_ERROR(WrongType, "key 'other'",
               import_batch(std::move(Arrow(made).array), Arrow(made).schema));
}

Features imported_batch(const MadeArray& made) {
  Arrow arrow(made);
  return import_batch(std::move(arrow.array), arrow.schema);
}

TEST(Arrow, BatchesThatContradictThemselves) {
  const MadeArray age = named(int64_array({4, 5}), "age");
  EXPECT_ERROR(InvalidArgument, "two columns of one name",
               imported_batch(batch_array(2, {age, age})));
  EXPECT_ERROR(CorruptData, "a column of 2 rows in a record batch of 3",
               imported_batch(batch_array(3, {age})));
  EXPECT_ERROR(InvalidArgument, "a row of the record batch is null (row 1)",
               imported_batch(with_nulls(batch_array(2, {age}), {true, false})));
  EXPECT_ERROR(WrongType, "where a record batch is wanted", imported_batch(age));
  Arrow fewer(batch_array(2, {age}));
  fewer.array.n_children = 0;
  EXPECT_ERROR(CorruptData, "its schema has 1", import_batch(std::move(fewer.array), fewer.schema));
  EXPECT_EQ(fewer.released(), 1);
  EXPECT_ERROR(InvalidArgument, "released already",
               import_batch(std::move(fewer.array), fewer.schema));
}

// A stream of MadeArrays, which fails after the last if it is told to.
class MadeStream {
 public:
  explicit MadeStream(const std::vector<MadeArray>& made, std::string error = "")
      : error_(std::move(error)) {
    for (const MadeArray& one : made) arrows_.push_back(std::make_unique<Arrow>(one));
    stream.private_data = this;
    stream.get_schema = [](ArrowArrayStream* from, ArrowSchema* schema) {
      *schema = self(from).arrows_.at(0)->schema;
      return 0;
    };
    stream.get_next = [](ArrowArrayStream* from, ArrowArray* array) {
      MadeStream& me = self(from);
      *array = {};
      if (me.at_ == me.arrows_.size()) return me.error_.empty() ? 0 : 5;
      std::swap(*array, me.arrows_[me.at_++]->array);
      return 0;
    };
    stream.get_last_error = [](ArrowArrayStream* from) { return self(from).error_.c_str(); };
    stream.release = [](ArrowArrayStream* from) {
      ++self(from).released;
      from->release = nullptr;
    };
  }

  ArrowArrayStream stream{};
  int released = 0;

 private:
  static MadeStream& self(ArrowArrayStream* from) {
    return *static_cast<MadeStream*>(from->private_data);
  }
  std::vector<std::unique_ptr<Arrow>> arrows_;
  std::string error_;
  size_t at_ = 0;
};

TEST(Arrow, StreamsBatchByBatch) {
  const MadeArray one = batch_array(1, {named(int64_array({1}), "a")});
  const MadeArray two = batch_array(2, {named(int64_array({2, 3}), "a")});
  MadeStream made({one, two});
  {
    ArrowReader reader(std::move(made.stream));
    EXPECT_TRUE(reader.has_columns());
    EXPECT_EQ(text_of(*reader.next()), "a: int64[1] 1 \n");
    EXPECT_EQ(text_of(*reader.next()), "a: int64[2] 2 3 \n");
    EXPECT_FALSE(reader.next());
    EXPECT_ERROR(InvalidArgument, "not of one column", reader.read_column("a"));
    EXPECT_EQ(made.released, 0);
  }
  EXPECT_EQ(made.released, 1);
  EXPECT_ERROR(InvalidArgument, "released already", ArrowReader(std::move(made.stream)));
}

TEST(Arrow, WholeStreams) {
  const auto chunk = [](const MadeArray& lists) {
    return batch_array(lists.length, {named(lists, "a")});
  };
  MadeStream made({chunk(list_array({0, 2}, int64_array({1, 2}))),
                   chunk(list_array({0}, int64_array({}))),
                   chunk(list_array({1, 1, 2}, int64_array({3, 4})))});
  EXPECT_EQ(text_of(ArrowReader(std::move(made.stream)).read_all()),
            "a: ragged 0 2 2 3 | int64[3] 1 2 4 \n");
  MadeStream nulls({list_array({0, 2}, int64_array({1, 2})),
                    list_array({0, 2}, with_nulls(int64_array({3, 4}), {false, true}))});
  EXPECT_EQ(text_of(ArrowReader(std::move(nulls.stream)).read_column("a")),
            "sparse [2, 2] at int64[3, 2] 0 0 0 1 1 1 int64[3] 1 2 4 ");
  MadeArray first{"c", 1, {{}, bytes_of<int8_t>({0})}, {}, {text_array({0, 1}, "a")}};
  MadeArray second{"c", 1, {{}, bytes_of<int8_t>({1})}, {}, {text_array({0, 1, 2}, "bc")}};
  MadeStream dictionaries({first, second});
  ArrowReader reader(std::move(dictionaries.stream));
  EXPECT_FALSE(reader.has_columns());
  EXPECT_EQ(text_of(reader.read_column("a")), "string[2] 'a' 'c' ");
}

TEST(Arrow, StreamsThatFail) {
  MadeStream made({batch_array(1, {named(int64_array({1}), "a")})}, "no more disk");
  ArrowReader reader(std::move(made.stream));
  EXPECT_TRUE(reader.next());
  EXPECT_ERROR(InvalidArgument, "failed with error 5: no more disk", reader.next());
}

}  // namespace
}  // namespace weft
