// Messages that parse as one of another type.
//
//   Example                { Features features = 1 }
//   SequenceExample        { Features context = 1; FeatureLists feature_lists = 2 }
//   FeatureLists           { map<string, FeatureList> feature_list = 1 }
//   FeatureList            { Feature* feature = 1 }
//   ExampleListWithContext { Example* examples = 1; Example context = 2 }
#include "example/record_reader.h"
#include "example/wire.h"
#include "weft/error.h"

namespace weft {
namespace {

using Message = void (*)(WireReader);

[[noreturn]] void refuse(const WireReader& reader) { reader.fail("another message type"); }

void read_list(WireReader list) {
  while (!list.at_end()) {
    const auto field = list.next();
    if (field.number != 1) refuse(list);
    list.skip(field);
  }
}

void read_feature(WireReader feature) {
  while (!feature.at_end()) {
    const auto field = feature.next();
    if (field.number > 3 || field.type != WireReader::kBytes) refuse(feature);
    read_list(feature.message());
  }
}

void read_feature_list(WireReader list) {
  while (!list.at_end()) {
    if (!list.next().is(1, WireReader::kBytes)) refuse(list);
    read_feature(list.message());
  }
}

// map<string, M> = 1, where each entry has both fields.
void read_map(WireReader map, Message value) {
  while (!map.at_end()) {
    if (!map.next().is(1, WireReader::kBytes)) refuse(map);
    WireReader entry = map.message();
    bool has_key = false, has_value = false;
    while (!entry.at_end()) {
      const auto field = entry.next();
      if (field.is(1, WireReader::kBytes)) {
        has_key = is_utf8(entry.bytes());
      } else if (field.is(2, WireReader::kBytes)) {
        value(entry.message());
        has_value = true;
      } else {
        refuse(entry);
      }
    }
    if (!has_key || !has_value) refuse(entry);
  }
}

void read_features(WireReader features) { read_map(features, read_feature); }
void read_feature_lists(WireReader lists) { read_map(lists, read_feature_list); }

// An Example that holds something.
void read_inner_example(WireReader example) {
  if (example.at_end()) refuse(example);
  while (!example.at_end()) {
    if (!example.next().is(1, WireReader::kBytes)) refuse(example);
    WireReader features = example.message();
    if (features.at_end()) refuse(features);
    read_features(features);
  }
}

// Whether the record has fields 1 and 2 only, all of the right types, and `least` of each number.
bool is_message(std::string_view record, Message first, Message second, int least_first,
                int least_second) {
  int firsts = 0, seconds = 0;
  try {
    WireReader reader(record);
    while (!reader.at_end()) {
      const auto field = reader.next();
      if (field.type != WireReader::kBytes || field.number > 2) return false;
      WireReader inner = reader.message();
      if (!inner.at_end()) ++(field.number == 1 ? firsts : seconds);
      (field.number == 1 ? first : second)(inner);
    }
  } catch (const CorruptData&) {
    return false;
  }
  return firsts >= least_first && seconds >= least_second;
}

}  // namespace

void throw_foreign(ForeignName foreign, const char* type) {
  throw InvalidArgument("the record is " + std::string(foreign) + ", not a " + type +
                        " (strict=False reads it as one)");
}

ForeignName foreign_to_example(std::string_view record) {
  if (is_message(record, read_features, read_feature_lists, 0, 1)) return "a SequenceExample";
  return foreign_to_sequence_example(record);
}

ForeignName foreign_to_sequence_example(std::string_view record) {
  return is_message(record, read_inner_example, read_inner_example, 1, 0)
             ? "an ExampleListWithContext"
             : nullptr;
}

}  // namespace weft
