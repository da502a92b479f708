#include "example/wire.h"

#include "base/cpu.h"
#include "base/varint.h"
#include "example/scan_kernel.h"
#include "weft/error.h"

namespace weft {
namespace {

std::string_view view(const uint8_t* begin, const uint8_t* end) {
  return {reinterpret_cast<const char*>(begin), static_cast<size_t>(end - begin)};
}

}  // namespace

WireReader::WireReader(std::string_view record, const char* type)
    : type_(type),
      begin_(reinterpret_cast<const uint8_t*>(record.data())),
      p_(begin_),
      end_(begin_ + record.size()) {}

void WireReader::fail_at(const uint8_t* p, const std::string& what) const {
  throw CorruptData("these bytes are no " + std::string(type_) + ": " + what,
                    {.offset = p - begin_});
}

WireReader::Field WireReader::next() {
  const uint8_t* const at = p_;
  uint64_t tag;
  p_ = base::read_varint(p_, end_, &tag, 5);
  if (p_ == nullptr) fail_at(at, "a field's tag is cut off or too long");
  if (tag > 0xffffffff) fail_at(at, "the number of a field is above 2^29 - 1");
  const auto number = static_cast<uint32_t>(tag) >> 3, type = static_cast<uint32_t>(tag) & 7;
  if (number == 0) fail_at(at, "a field has the number 0");
  if (type > kFixed32) fail_at(at, "a field has the wire type " + std::to_string(type));
  return {number, static_cast<Type>(type)};
}

std::string_view WireReader::varint() {
  const uint8_t* const at = p_;
  uint64_t value;
  p_ = base::read_varint(p_, end_, &value);
  if (p_ == nullptr) fail_at(at, "a varint is cut off or longer than 10 bytes");
  return view(at, p_);
}

uint32_t WireReader::length() {
  const uint8_t* const at = p_;
  uint64_t value;
  p_ = base::read_varint(p_, end_, &value, 5);
  if (p_ == nullptr) fail_at(at, "a length is cut off or longer than 5 bytes");
  if (value > static_cast<uint64_t>(end_ - p_)) {
    fail_at(at, "a length of " + std::to_string(value) + " where " + std::to_string(end_ - p_) +
                    " bytes are left");
  }
  return static_cast<uint32_t>(value);
}

std::string_view WireReader::bytes() {
  const uint32_t n = length();
  return fixed(static_cast<int>(n));
}

std::string_view WireReader::fixed(int n) {
  if (end_ - p_ < n) fail("a value of " + std::to_string(n) + " bytes is cut off");
  p_ += n;
  return view(p_ - n, p_);
}

WireReader WireReader::message() {
  const uint32_t n = length();
  WireReader inner = *this;
  inner.end_ = p_ + n;
  if (--inner.depth_ < 0) fail("messages nest more than 100 deep");
  p_ += n;
  return inner;
}

void WireReader::skip(Field field) {
  switch (field.type) {
    case kVarint:
      varint();
      break;
    case kFixed64:
      fixed(8);
      break;
    case kBytes:
      bytes();
      break;
    case kGroup:
      skip_group(field.number);
      break;
    case kEndGroup:
      fail("a group ends that never began");
    case kFixed32:
      fixed(4);
      break;
  }
}

void WireReader::skip_group(uint32_t number) {
  if (--depth_ < 0) fail("groups nest more than 100 deep");
  for (;;) {
    if (at_end()) fail("a group never ends");
    const Field field = next();
    if (field.type == kEndGroup) {
      if (field.number != number) fail("a group ends under another number");
      break;
    }
    skip(field);
  }
  ++depth_;
}

bool is_utf8(std::string_view text) {
  return WEFT_KERNEL(scan_kernel)
      .valid_utf8(reinterpret_cast<const uint8_t*>(text.data()), static_cast<int64_t>(text.size()));
}

void append_varint(std::string& to, uint64_t value) {
  uint8_t bytes[base::kMaxVarint];
  to.append(reinterpret_cast<char*>(bytes),
            static_cast<size_t>(base::write_varint(bytes, value) - bytes));
}

void append_bytes(std::string& to, uint8_t tag, std::string_view bytes) {
  to += static_cast<char>(tag);
  append_varint(to, bytes.size());
  to += bytes;
}

}  // namespace weft
