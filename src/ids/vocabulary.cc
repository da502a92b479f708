#include <algorithm>
#include <atomic>

#include "base/thread_pool.h"
#include "ids/call.h"
#include "ids/hashing.h"
#include "weft/vocabulary.h"

namespace weft {
namespace {

constexpr int64_t kGrain = int64_t{1} << 13;  // ids that one thread goes through in about 20 us
constexpr int64_t kBlock = 256;               // ids that are gone through before some are replaced

std::string value_string(const Tensor& values, int64_t i) {
  if (values.dtype() == DType::kString) return "'" + escape_bytes(values.bytes()[i]) + "'";
  const auto place = static_cast<size_t>(i);
  if (values.dtype() == DType::kUInt64) return std::to_string(values.values<uint64_t>()[place]);
  return std::to_string(as_int64(values, "values").values<int64_t>()[place]);
}

[[noreturn]] void refuse(const FeatureRows& rows, int64_t i, const std::string& key) {
  throw OutOfRange("strict: " + value_string(rows.values, i) + " of column '" + escape_bytes(key) +
                       "' is out of vocabulary; give the column num_oov_buckets or a default_value",
                   place_of(rows, i, key));
}

// Replaces each -1 by what stands for a value out of vocabulary; returns how many there were.
int64_t replace_unknown(const Tensor& values, const OutOfVocabulary& out, int64_t size,
                        Tensor& found) {
  const Fingerprints fingerprints(values, out.num_oov_buckets);
  int64_t* ids = found.mutable_values<int64_t>().data();
  std::atomic<int64_t> unknown{0};
  base::parallel_for(found.size(), kGrain, [&](int64_t begin, int64_t end) {
    int64_t here = 0, places[kBlock], replacements[kBlock];
    std::fill_n(replacements, kBlock, out.default_value);
    for (; begin < end; begin += kBlock) {
      size_t count = 0;
      for (int64_t i = begin; i < std::min(begin + kBlock, end); ++i) {
        places[count] = i;
        count += ids[i] < 0 ? 1 : 0;
      }
      here += static_cast<int64_t>(count);
      if (out.num_oov_buckets > 0) {
        fingerprints.write({places, count}, replacements);
        for (size_t i = 0; i < count; ++i) replacements[i] += size;
      }
      for (size_t i = 0; i < count; ++i) ids[places[i]] = replacements[i];
    }
    unknown += here;
  });
  return unknown;
}

IdWeightPair look_up(const Vocabulary& vocabulary, const OutOfVocabulary& out,
                     const std::string& key, DType dtype, const IdsCall& call) {
  FeatureRows rows = rows_of_dtype(call, key, dtype);
  Tensor found(DType::kInt64, {rows.values.size()});
  vocabulary.lookup(rows.values, found.mutable_values<int64_t>().data());
  const bool no_id = out.num_oov_buckets == 0 && out.default_value == -1;
  const int64_t unknown = replace_unknown(rows.values, out, vocabulary.size(), found);
  (no_id ? call.counters.out_of_vocabulary : call.counters.replaced) += unknown;
  if (no_id && unknown > 0 && call.options.strict) {
    const auto ids = found.values<int64_t>();
    refuse(rows, std::ranges::find(ids, -1) - ids.begin(), key);
  }
  return finish_ids(std::move(rows), std::move(found), call);
}

}  // namespace

IdWeightPair VocabularyListCategoricalColumn::ids(const IdsCall& call) const {
  return look_up(vocabulary_, out_, key_, dtype_, call);
}

IdWeightPair VocabularyFileCategoricalColumn::ids(const IdsCall& call) const {
  return look_up(vocabulary(), out_, key_, dtype_, call);
}

}  // namespace weft
