#include "example/canonical.h"

#include <utility>

#include "example/wire.h"
#include "weft/error.h"

namespace weft {

void RecordMeaning::read(std::string_view record, const ParseOptions& options) {
  for (FeatureValue& value : slots_) value.offset = -1;
  foreign_ = read_record(record, options.limits.max_keys,
                         [this](const std::string& key, FeatureValue& value) {
                           const int64_t slot = plan_.find(key);
                           if (slot >= 0) std::swap(slots_[static_cast<size_t>(slot)], value);
                         });
}

std::string RecordMeaning::canonical() const {
  std::string features;
  for (size_t i = 0; i < slots_.size(); ++i) {
    const FeatureValue& value = slots_[i];
    const Slot& slot = plan_.slots()[i];
    const KeyPattern& pattern = plan_.patterns()[i];
    if (!value.present() || value.tag == 0) continue;
    if (value.tag != pattern.kind) {
      throw InvalidArgument(std::string("the record holds a list of ") + tag_name(value.tag) +
                                " where the spec reads " + dtype_name(slot.dtype),
                            {.key = slot.key, .offset = value.offset});
    }
    std::string list, feature;
    if (value.tag == kBytesTag) {
      list = value.values;
    } else if (!value.values.empty()) {
      append_bytes(list, 0x0a, value.values);
    }
    append_bytes(feature, value.tag, list);
    std::string entry(reinterpret_cast<const char*>(pattern.whole), pattern.length);
    append_varint(entry, feature.size());
    append_bytes(features, 0x0a, entry + feature);
  }
  std::string record;
  append_bytes(record, 0x0a, features);
  if (record.size() > 0x7fffffff) throw LimitExceeded("a record of more than 2 GiB");
  return record;
}

}  // namespace weft
