#include "example/canonical.h"

#include <utility>

#include "example/wire.h"
#include "weft/error.h"

namespace weft {

void RecordMeaning::read(std::string_view record, const ParseOptions& options) {
  for (FeatureValue& value : features_) value.offset = -1;
  for (FeatureListValue& value : lists_) value.offset = -1;
  if (plan_.sequence()) return read_sequence(record, options);
  foreign_ = read_example(record, options.limits.max_keys,
                          [this](const std::string& key, FeatureValue& value) {
                            const int64_t slot = plan_.keys().find(key);
                            if (slot >= 0) std::swap(features_[static_cast<size_t>(slot)], value);
                          });
}

// An Example reads as a SequenceExample without feature lists. It is one if what is to be read as a
// feature list is found among its features.
void RecordMeaning::read_sequence(std::string_view record, const ParseOptions& options) {
  bool has_lists = false, list_as_feature = false;
  foreign_ = read_sequence_example(
      record, options.limits.max_keys,
      [&](const std::string& key, FeatureValue& value) {
        const int64_t at = plan_.keys().find(key);
        list_as_feature |= at < 0 && plan_.list_keys().find(key) >= 0;
        if (at >= 0) std::swap(features_[static_cast<size_t>(at)], value);
      },
      [&](const std::string& key, FeatureListValue& value) {
        const int64_t at = plan_.list_keys().find(key);
        if (at >= 0) std::swap(lists_[static_cast<size_t>(at)], value);
      },
      &has_lists);
  if (foreign_ == nullptr && list_as_feature && !has_lists) foreign_ = "a tf.Example";
}

int64_t RecordMeaning::offset_of(size_t slot) const {
  return slot < features_.size() ? features_[slot].offset : list_of(slot).offset;
}

// A Feature, without its own tag and size.
std::string RecordMeaning::feature_of(const FeatureValue& value, size_t slot, int64_t step) const {
  const Slot& what = plan_.slots()[slot];
  const KeyTable& keys = what.steps ? plan_.list_keys() : plan_.keys();
  const KeyPattern& pattern = keys.patterns()[what.steps ? slot - features_.size() : slot];
  if (value.tag == 0) return {};
  if (value.tag != pattern.kind) {
    throw InvalidArgument(std::string("the record holds a list of ") + tag_name(value.tag) +
                              " where the spec reads " + dtype_name(what.dtype),
                          {.key = what.key, .step = step, .offset = value.offset});
  }
  std::string list, feature;
  if (value.tag == kBytesTag) {
    list = value.values;
  } else if (!value.values.empty()) {
    append_bytes(list, 0x0a, value.values);
  }
  append_bytes(feature, value.tag, list);
  return feature;
}

namespace {

// One map entry, its key as the scan looks for it.
void append_entry(std::string& map, const KeyPattern& key, std::string_view value) {
  std::string entry(reinterpret_cast<const char*>(key.whole), key.length);
  append_varint(entry, value.size());
  append_bytes(map, 0x0a, entry.append(value));
}

}  // namespace

std::string RecordMeaning::canonical() const {
  std::string features, lists, record;
  for (size_t i = 0; i < features_.size(); ++i) {
    if (!features_[i].present() || features_[i].tag == 0) continue;
    append_entry(features, plan_.keys().patterns()[i], feature_of(features_[i], i, -1));
  }
  append_bytes(record, 0x0a, features);
  if (plan_.sequence()) {
    for (size_t i = 0; i < lists_.size(); ++i) {
      if (!lists_[i].present()) continue;
      std::string steps;
      for (size_t step = 0; step < lists_[i].steps.size(); ++step) {
        append_bytes(
            steps, 0x0a,
            feature_of(lists_[i].steps[step], features_.size() + i, static_cast<int64_t>(step)));
      }
      append_entry(lists, plan_.list_keys().patterns()[i], steps);
    }
    append_bytes(record, 0x12, lists);
  }
  if (record.size() > 0x7fffffff) throw LimitExceeded("a record of more than 2 GiB");
  return record;
}

}  // namespace weft
