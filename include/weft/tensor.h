// Dense data: DType, Buffer (shared memory), Bytes (strings), Tensor.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weft/error.h"
#include "weft/export.h"

namespace weft {

enum class DType : uint8_t {
  kBool,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kUInt8,
  kUInt16,
  kUInt32,
  kUInt64,
  kFloat16,
  kFloat32,
  kFloat64,
  kString,
};

WEFT_API const char* dtype_name(DType dtype);  // TensorFlow's names: "int64", "string"
WEFT_API int64_t dtype_size(DType dtype);      // bytes of one element; 0 for kString
WEFT_API bool is_integer(DType dtype);         // any signed or unsigned integer, not bool
WEFT_API bool is_floating(DType dtype);

template <class T>
inline constexpr bool kHasDType = false;
template <class T>
inline constexpr DType kDTypeOf = DType::kString;
#define WEFT_DTYPE_OF(T, value)              \
  template <>                                \
  inline constexpr bool kHasDType<T> = true; \
  template <>                                \
  inline constexpr DType kDTypeOf<T> = value
WEFT_DTYPE_OF(bool, DType::kBool);
WEFT_DTYPE_OF(int8_t, DType::kInt8);
WEFT_DTYPE_OF(int16_t, DType::kInt16);
WEFT_DTYPE_OF(int32_t, DType::kInt32);
WEFT_DTYPE_OF(int64_t, DType::kInt64);
WEFT_DTYPE_OF(uint8_t, DType::kUInt8);
WEFT_DTYPE_OF(uint16_t, DType::kUInt16);
WEFT_DTYPE_OF(uint32_t, DType::kUInt32);
WEFT_DTYPE_OF(uint64_t, DType::kUInt64);
WEFT_DTYPE_OF(float, DType::kFloat32);
WEFT_DTYPE_OF(double, DType::kFloat64);
#undef WEFT_DTYPE_OF

// A block of memory with shared ownership. Blocks that weft allocates come from one process-wide
// pool, are 64-byte aligned and followed by at least 64 readable bytes; the last owner returns the
// block to the pool, on any thread. A borrowed block keeps its owner alive and is never written to.
class WEFT_API Buffer {
 public:
  Buffer() = default;
  // Contents are unspecified. Throws InvalidArgument if size < 0, std::bad_alloc if memory is
  // short.
  static Buffer allocate(int64_t size);
  static Buffer zeros(int64_t size);
  static Buffer copy_of(const void* data, int64_t size);
  static Buffer borrow(const void* data, int64_t size, std::shared_ptr<const void> owner);
  // As borrow(), of memory that its owner lets us write to: such a block does not count as
  // borrowed.
  static Buffer share(void* data, int64_t size, std::shared_ptr<const void> owner);

  int64_t size() const { return size_; }
  const uint8_t* data() const { return data_; }
  bool borrowed() const { return borrowed_; }
  // Throws InvalidArgument if the block is borrowed.
  uint8_t* mutable_data();
  const std::shared_ptr<const void>& owner() const { return owner_; }

 private:
  std::shared_ptr<const void> owner_;
  uint8_t* data_ = nullptr;
  int64_t size_ = 0;
  bool borrowed_ = false;
};

// N byte strings: one buffer, and N + 1 int64 offsets that start at 0 and never decrease.
class WEFT_API Bytes {
 public:
  Bytes() = default;
  static Bytes from(std::span<const std::string_view> strings);
  // Throws InvalidArgument unless the offsets fit the buffer as described above.
  static Bytes from_buffers(Buffer data, const Buffer& offsets);
  // As from_buffers, for offsets that weft has just written itself: not checked.
  static Bytes trusted(Buffer data, Buffer offsets);

  int64_t size() const { return offsets_.size() == 0 ? 0 : offsets_.size() / 8 - 1; }
  std::string_view operator[](int64_t i) const {
    const int64_t* at = reinterpret_cast<const int64_t*>(offsets_.data()) + i;
    return {reinterpret_cast<const char*>(data_.data()) + at[0],
            static_cast<size_t>(at[1] - at[0])};
  }
  const Buffer& data() const { return data_; }
  std::span<const int64_t> offsets() const {
    return {reinterpret_cast<const int64_t*>(offsets_.data()),
            static_cast<size_t>(offsets_.size() / 8)};
  }

 private:
  Buffer data_;
  Buffer offsets_;
};

using Shape = std::vector<int64_t>;

// The product of the dimensions. Throws InvalidArgument if one is negative or the product
// overflows.
WEFT_API int64_t num_elements(const Shape& shape);
WEFT_API std::string shape_string(const Shape& shape);  // "[2, 3]"

// A dense, contiguous, row-major array. Copies share memory.
class WEFT_API Tensor {
 public:
  Tensor() : shape_{0} {}  // float32 [0]
  // Contents are unspecified (strings: all empty).
  Tensor(DType dtype, Shape shape);
  static Tensor zeros(DType dtype, Shape shape);
  // Throws InvalidArgument if the buffer is smaller than the shape needs or misaligned for dtype.
  static Tensor from_buffer(DType dtype, Shape shape, Buffer buffer);
  // Throws InvalidArgument if the number of strings is not the shape's.
  static Tensor strings(Shape shape, Bytes bytes);
  template <class T>
  static Tensor of(Shape shape, std::span<const T> values);
  template <class T>
  static Tensor of(Shape shape, std::initializer_list<T> values) {
    return of<T>(std::move(shape), std::span<const T>(values.begin(), values.size()));
  }

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int64_t rank() const { return static_cast<int64_t>(shape_.size()); }
  int64_t dim(int64_t i) const { return shape_[static_cast<size_t>(i)]; }
  int64_t size() const { return size_; }

  // The elements, flat. Throws WrongType unless dtype() is T's.
  template <class T>
  std::span<const T> values() const {
    check_dtype(kDTypeOf<T>);
    return {reinterpret_cast<const T*>(buffer_.data()), static_cast<size_t>(size_)};
  }
  template <class T>
  std::span<T> mutable_values() {
    check_dtype(kDTypeOf<T>);
    return {reinterpret_cast<T*>(buffer_.mutable_data()), static_cast<size_t>(size_)};
  }
  // The strings, flat. Throws WrongType unless dtype() is kString.
  const Bytes& bytes() const;
  const Buffer& buffer() const { return buffer_; }

  // The same elements under another shape. Throws InvalidArgument if the sizes differ.
  Tensor reshaped(Shape shape) const;

 private:
  void check_dtype(DType wanted) const;

  DType dtype_ = DType::kFloat32;
  Shape shape_;
  int64_t size_ = 0;
  Buffer buffer_;
  Bytes bytes_;
};

template <class T>
Tensor Tensor::of(Shape shape, std::span<const T> values) {
  static_assert(kHasDType<T>, "not the type of a tensor element");
  return from_buffer(kDTypeOf<T>, std::move(shape),
                     Buffer::copy_of(values.data(), static_cast<int64_t>(values.size_bytes())));
}

// Values of any integer dtype as int64: int64 itself is shared, a uint64 beyond it becomes
// INT64_MAX. Throws WrongType for any other dtype, naming `what`.
WEFT_API Tensor as_int64(const Tensor& values, const char* what);
// Values of any number dtype or bool as `dtype`, float32 or float64; what is of it already is
// shared. Throws WrongType for strings, naming `what`.
WEFT_API Tensor as_floating(const Tensor& values, DType dtype, const char* what);

}  // namespace weft
