#include "weft/tensor.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "expect_error.h"
#include "reference.h"
#include "weft/config.h"

namespace weft {
namespace {

TEST(DType, NamesAndSizes) {
  EXPECT_STREQ(dtype_name(DType::kInt64), "int64");
  EXPECT_STREQ(dtype_name(DType::kString), "string");
  EXPECT_EQ(dtype_size(DType::kFloat16), 2);
  EXPECT_EQ(dtype_size(DType::kString), 0);
  EXPECT_TRUE(is_integer(DType::kUInt64));
  EXPECT_FALSE(is_integer(DType::kBool));
  EXPECT_FALSE(is_integer(DType::kFloat16));
  EXPECT_TRUE(is_floating(DType::kFloat16));
  EXPECT_FALSE(is_floating(DType::kString));
}

TEST(Buffer, IsAlignedAndPadded) {
  for (int64_t size : {0, 1, 63, 64, 65, 1000, 1 << 20}) {
    const Buffer buffer = Buffer::zeros(size);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.data()) % 64, 0u) << size;
    volatile uint8_t last = buffer.data()[size + 63];  // readable, whatever it holds
    (void)last;
    for (int64_t i = 0; i < size; ++i) ASSERT_EQ(buffer.data()[i], 0);
  }
  EXPECT_ERROR(InvalidArgument, "-1", Buffer::allocate(-1));
}

TEST(Buffer, BorrowedMemoryStaysAndIsReadOnly) {
  auto owner = std::make_shared<std::vector<int64_t>>(std::vector<int64_t>{1, 2, 3});
  std::weak_ptr<std::vector<int64_t>> alive = owner;
  Buffer buffer = Buffer::borrow(owner->data(), 24, owner);
  owner.reset();
  EXPECT_FALSE(alive.expired());
  EXPECT_TRUE(buffer.borrowed());
  EXPECT_ERROR(InvalidArgument, "read-only", buffer.mutable_data());
  buffer = Buffer();
  EXPECT_TRUE(alive.expired());
}

TEST(Buffer, ComesFromThePoolOnAnyThread) {
  trim();
  const int64_t before = config().used_bytes;
  std::thread([] { std::vector<Buffer> held(10, Buffer::allocate(100000)); }).join();
  EXPECT_EQ(config().used_bytes, before);
  EXPECT_GE(config().pooled_bytes, 100000);
  EXPECT_GE(trim(), 100000);
  EXPECT_EQ(config().pooled_bytes, 0);
}

TEST(Bytes, HoldsAnyBytes) {
  const std::string nul("a\0b\0", 4);
  const std::vector<std::string_view> strings{"", nul, "x", ""};
  const Bytes bytes = Bytes::from(strings);
  ASSERT_EQ(bytes.size(), 4);
  for (size_t i = 0; i < strings.size(); ++i) EXPECT_EQ(bytes[static_cast<int64_t>(i)], strings[i]);
  EXPECT_EQ(Bytes().size(), 0);
  EXPECT_EQ(Bytes::from({}).size(), 0);
}

Bytes bytes_of(std::string_view data, std::vector<int64_t> offsets) {
  return Bytes::from_buffers(
      Buffer::copy_of(data.data(), static_cast<int64_t>(data.size())),
      Buffer::copy_of(offsets.data(), static_cast<int64_t>(offsets.size() * 8)));
}

TEST(Bytes, ChecksOffsets) {
  EXPECT_EQ(bytes_of("abc", {0, 1, 1, 3})[2], "bc");
  EXPECT_EQ(bytes_of("abc", {0}).size(), 0);
  EXPECT_EQ(bytes_of("abc", {0, 2}).size(), 1);  // bytes may be left over
  EXPECT_ERROR(InvalidArgument, "start at 0", bytes_of("abc", {1, 3}));
  EXPECT_ERROR(InvalidArgument, "decrease from 3 to 2 at position 2", bytes_of("abc", {0, 3, 2}));
  EXPECT_ERROR(InvalidArgument, "past the 3 bytes", bytes_of("abc", {0, 4}));
  EXPECT_ERROR(InvalidArgument, "decrease", bytes_of("abc", {0, INT64_MIN}));
  EXPECT_ERROR(InvalidArgument, "at least one", bytes_of("abc", {}));
  EXPECT_ERROR(InvalidArgument, "at least one", Bytes::from_buffers(Buffer(), Buffer::zeros(12)));
}

TEST(Bytes, OwnsItsOffsets) {
  auto offsets = std::make_shared<std::vector<int64_t>>(std::vector<int64_t>{0, 1, 3});
  const Bytes bytes =
      Bytes::from_buffers(Buffer::copy_of("abc", 3), Buffer::borrow(offsets->data(), 24, offsets));
  (*offsets)[1] = 1000000;
  EXPECT_EQ(bytes[1], "bc");
}

TEST(Shape, CountsElements) {
  EXPECT_EQ(num_elements({}), 1);
  EXPECT_EQ(num_elements({2, 3, 0}), 0);
  EXPECT_EQ(shape_string({2, 3}), "[2, 3]");
  EXPECT_ERROR(InvalidArgument, "negative", num_elements({2, -1}));
  EXPECT_ERROR(InvalidArgument, "2^63", num_elements({int64_t{1} << 40, int64_t{1} << 40}));
}

TEST(Tensor, HoldsNumbers) {
  const Tensor tensor = Tensor::of<int32_t>({2, 2}, {1, 2, 3, 4});
  EXPECT_EQ(tensor.dtype(), DType::kInt32);
  EXPECT_EQ(tensor.rank(), 2);
  EXPECT_EQ(tensor.dim(1), 2);
  EXPECT_EQ(testing::to_vector<int32_t>(tensor), (std::vector<int32_t>{1, 2, 3, 4}));
  EXPECT_EQ(tensor.reshaped({4}).rank(), 1);
  EXPECT_EQ(tensor.reshaped({4}).buffer().data(), tensor.buffer().data());
  EXPECT_ERROR(InvalidArgument, "cannot reshape", tensor.reshaped({3}));
  EXPECT_ERROR(WrongType, "int64", tensor.values<int64_t>());
  EXPECT_ERROR(WrongType, "string", tensor.bytes());
  EXPECT_EQ(Tensor().size(), 0);
  EXPECT_EQ(Tensor(DType::kFloat64, {}).size(), 1);
}

TEST(Tensor, ChecksBuffers) {
  EXPECT_ERROR(InvalidArgument, "needs 16 bytes",
               Tensor::from_buffer(DType::kInt64, {2}, Buffer::zeros(15)));
  const Buffer block = Buffer::zeros(64);
  EXPECT_ERROR(
      InvalidArgument, "aligned",
      Tensor::from_buffer(DType::kInt64, {2}, Buffer::borrow(block.data() + 1, 16, block.owner())));
  EXPECT_ERROR(WrongType, "Tensor::strings", Tensor::from_buffer(DType::kString, {0}, Buffer()));
  EXPECT_ERROR(InvalidArgument, "bytes", Tensor(DType::kInt64, {int64_t{1} << 61}));
  EXPECT_ERROR(InvalidArgument, "bytes", Tensor(DType::kString, {int64_t{1} << 61}));
}

TEST(Tensor, HoldsStrings) {
  const std::vector<std::string_view> strings{"a", "bc"};
  EXPECT_EQ(Tensor::strings({2, 1}, Bytes::from(strings)).bytes()[1], "bc");
  EXPECT_ERROR(InvalidArgument, "2 strings", Tensor::strings({3}, Bytes::from(strings)));
  const Tensor empty(DType::kString, {3});
  EXPECT_EQ(empty.bytes()[2], "");
}

}  // namespace
}  // namespace weft
