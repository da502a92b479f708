// Protobuf's wire format: reads any message, field by field, as strictly as the protobuf library
// does.
//
//   message := field*       field := tag payload       tag := varint(number << 3 | type)
//   type 0: varint; 1: 8 bytes; 2: length, bytes; 3: fields up to the tag of type 4 with the same
//   number; 5: 4 bytes. Tags and lengths have at most 5 bytes, numbers are 1 to 2^29 - 1, messages
//   and groups nest at most 100 deep.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weft {

class WireReader {
 public:
  enum Type : uint32_t {
    kVarint = 0,
    kFixed64 = 1,
    kBytes = 2,
    kGroup = 3,
    kEndGroup = 4,
    kFixed32 = 5
  };
  struct Field {
    uint32_t number;
    Type type;
    bool is(uint32_t n, Type t) const { return number == n && type == t; }
  };

  // `type`: of the message, for errors.
  explicit WireReader(std::string_view record, const char* type = "tf.Example");

  bool at_end() const { return p_ == end_; }
  int64_t offset() const { return p_ - begin_; }  // in the record

  // Each throws CorruptData, with the offset, for what cannot be read.
  Field next();
  std::string_view varint();      // its bytes
  std::string_view bytes();       // of a field of type kBytes
  std::string_view fixed(int n);  // n bytes
  WireReader message();           // over the bytes of a field of type kBytes, one deeper
  void skip(Field field);
  [[noreturn]] void fail(const std::string& what) const { fail_at(p_, what); }

 private:
  [[noreturn]] void fail_at(const uint8_t* p, const std::string& what) const;
  uint32_t length();
  void skip_group(uint32_t number);

  const char* type_;
  const uint8_t* begin_;  // of the record
  const uint8_t* p_;
  const uint8_t* end_;
  int depth_ = 100;
};

bool is_utf8(std::string_view text);

void append_varint(std::string& to, uint64_t value);
// tag, size, bytes.
void append_bytes(std::string& to, uint8_t tag, std::string_view bytes);

}  // namespace weft
