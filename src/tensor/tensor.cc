#include "weft/tensor.h"

#include <cstring>
#include <utility>

#include "base/buffer_pool.h"

namespace weft {
namespace {

struct DTypeInfo {
  const char* name;
  int64_t size;
};

constexpr DTypeInfo kDTypes[] = {
    {"bool", 1},    {"int8", 1},    {"int16", 2},  {"int32", 4},  {"int64", 8},
    {"uint8", 1},   {"uint16", 2},  {"uint32", 4}, {"uint64", 8}, {"float16", 2},
    {"float32", 4}, {"float64", 8}, {"string", 0},
};

}  // namespace

const char* dtype_name(DType dtype) { return kDTypes[static_cast<size_t>(dtype)].name; }

int64_t dtype_size(DType dtype) { return kDTypes[static_cast<size_t>(dtype)].size; }

bool is_integer(DType dtype) { return dtype >= DType::kInt8 && dtype <= DType::kUInt64; }

bool is_floating(DType dtype) { return dtype >= DType::kFloat16 && dtype <= DType::kFloat64; }

Buffer Buffer::allocate(int64_t size) {
  if (size < 0) throw InvalidArgument("a buffer of negative size " + std::to_string(size));
  std::shared_ptr<uint8_t> block = base::allocate_block(size);
  Buffer buffer;
  buffer.data_ = block.get();
  buffer.size_ = size;
  buffer.owner_ = std::move(block);
  return buffer;
}

Buffer Buffer::zeros(int64_t size) {
  Buffer buffer = allocate(size);
  std::memset(buffer.data_, 0, static_cast<size_t>(size));
  return buffer;
}

Buffer Buffer::copy_of(const void* data, int64_t size) {
  Buffer buffer = allocate(size);
  if (size > 0) std::memcpy(buffer.data_, data, static_cast<size_t>(size));
  return buffer;
}

Buffer Buffer::borrow(const void* data, int64_t size, std::shared_ptr<const void> owner) {
  if (size < 0) throw InvalidArgument("a buffer of negative size " + std::to_string(size));
  Buffer buffer;
  buffer.data_ = const_cast<uint8_t*>(static_cast<const uint8_t*>(data));
  buffer.size_ = size;
  buffer.owner_ = std::move(owner);
  buffer.borrowed_ = true;
  return buffer;
}

Buffer Buffer::share(void* data, int64_t size, std::shared_ptr<const void> owner) {
  Buffer buffer = borrow(data, size, std::move(owner));
  buffer.borrowed_ = false;
  return buffer;
}

uint8_t* Buffer::mutable_data() {
  if (borrowed_) throw InvalidArgument("borrowed memory is read-only");
  return data_;
}

Bytes Bytes::from(std::span<const std::string_view> strings) {
  const auto n = static_cast<int64_t>(strings.size());
  Bytes bytes;
  bytes.offsets_ = Buffer::allocate((n + 1) * 8);
  auto* offsets = reinterpret_cast<int64_t*>(bytes.offsets_.mutable_data());
  offsets[0] = 0;
  for (int64_t i = 0; i < n; ++i) {
    offsets[i + 1] = offsets[i] + static_cast<int64_t>(strings[static_cast<size_t>(i)].size());
  }
  bytes.data_ = Buffer::allocate(offsets[n]);
  uint8_t* to = bytes.data_.mutable_data();
  for (std::string_view text : strings) {
    if (!text.empty()) std::memcpy(to, text.data(), text.size());
    to += text.size();
  }
  return bytes;
}

Bytes Bytes::from_buffers(Buffer data, const Buffer& offsets) {
  if (offsets.size() % 8 != 0 || offsets.size() == 0) {
    throw InvalidArgument("string offsets must be at least one int64, got " +
                          std::to_string(offsets.size()) + " bytes");
  }
  // Copied before they are checked: whoever owns them could change them afterwards.
  Buffer own = Buffer::copy_of(offsets.data(), offsets.size());
  const auto* at = reinterpret_cast<const int64_t*>(own.data());
  const int64_t n = own.size() / 8 - 1;
  if (at[0] != 0)
    throw InvalidArgument("string offsets must start at 0, got " + std::to_string(at[0]));
  for (int64_t i = 0; i < n; ++i) {
    if (at[i + 1] < at[i]) {
      throw InvalidArgument("string offsets decrease from " + std::to_string(at[i]) + " to " +
                            std::to_string(at[i + 1]) + " at position " + std::to_string(i + 1));
    }
  }
  if (at[n] > data.size()) {
    throw InvalidArgument("string offsets end at " + std::to_string(at[n]) + ", past the " +
                          std::to_string(data.size()) + " bytes of the buffer");
  }
  return trusted(std::move(data), std::move(own));
}

Bytes Bytes::trusted(Buffer data, Buffer offsets) {
  Bytes bytes;
  bytes.data_ = std::move(data);
  bytes.offsets_ = std::move(offsets);
  return bytes;
}

int64_t num_elements(const Shape& shape) {
  int64_t product = 1;
  for (int64_t dim : shape) {
    if (dim < 0) throw InvalidArgument("negative dimension in shape " + shape_string(shape));
    if (__builtin_mul_overflow(product, dim, &product)) {
      throw InvalidArgument("shape " + shape_string(shape) + " has more than 2^63 elements");
    }
  }
  return product;
}

std::string shape_string(const Shape& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  return text + "]";
}

namespace {

int64_t bytes_of(DType dtype, const Shape& shape) {
  int64_t bytes = 0;
  if (__builtin_mul_overflow(num_elements(shape), dtype_size(dtype), &bytes)) {
    throw InvalidArgument("shape " + shape_string(shape) + " of " + dtype_name(dtype) +
                          " has more than 2^63 bytes");
  }
  return bytes;
}

}  // namespace

Tensor::Tensor(DType dtype, Shape shape) : dtype_(dtype), shape_(std::move(shape)) {
  size_ = num_elements(shape_);
  if (dtype == DType::kString) {
    (void)bytes_of(DType::kInt64, shape_);
    bytes_ = Bytes::trusted(Buffer(), Buffer::zeros((size_ + 1) * 8));
  } else {
    buffer_ = Buffer::allocate(bytes_of(dtype, shape_));
  }
}

Tensor Tensor::zeros(DType dtype, Shape shape) {
  Tensor tensor(dtype, std::move(shape));
  if (tensor.buffer_.size() > 0) {
    std::memset(tensor.buffer_.mutable_data(), 0, static_cast<size_t>(tensor.buffer_.size()));
  }
  return tensor;
}

Tensor Tensor::from_buffer(DType dtype, Shape shape, Buffer buffer) {
  if (dtype == DType::kString) throw WrongType("strings need Tensor::strings");
  const int64_t bytes = bytes_of(dtype, shape);
  if (buffer.size() < bytes) {
    throw InvalidArgument("shape " + shape_string(shape) + " of " + dtype_name(dtype) + " needs " +
                          std::to_string(bytes) + " bytes, the buffer has " +
                          std::to_string(buffer.size()));
  }
  if (reinterpret_cast<uintptr_t>(buffer.data()) % static_cast<uintptr_t>(dtype_size(dtype)) != 0) {
    throw InvalidArgument(std::string("the buffer is not aligned for ") + dtype_name(dtype));
  }
  Tensor tensor;
  tensor.dtype_ = dtype;
  tensor.size_ = num_elements(shape);
  tensor.shape_ = std::move(shape);
  tensor.buffer_ = std::move(buffer);
  return tensor;
}

Tensor Tensor::strings(Shape shape, Bytes bytes) {
  if (num_elements(shape) != bytes.size()) {
    throw InvalidArgument("shape " + shape_string(shape) + " for " + std::to_string(bytes.size()) +
                          " strings");
  }
  Tensor tensor;
  tensor.dtype_ = DType::kString;
  tensor.size_ = bytes.size();
  tensor.shape_ = std::move(shape);
  tensor.bytes_ = std::move(bytes);
  return tensor;
}

const Bytes& Tensor::bytes() const {
  check_dtype(DType::kString);
  return bytes_;
}

Tensor Tensor::reshaped(Shape shape) const {
  if (num_elements(shape) != size_) {
    throw InvalidArgument("cannot reshape " + shape_string(shape_) + " to " + shape_string(shape));
  }
  Tensor tensor = *this;
  tensor.shape_ = std::move(shape);
  return tensor;
}

void Tensor::check_dtype(DType wanted) const {
  if (dtype_ != wanted) {
    throw WrongType(std::string("a tensor of ") + dtype_name(dtype_) + " where " +
                    dtype_name(wanted) + " was expected");
  }
}

}  // namespace weft
