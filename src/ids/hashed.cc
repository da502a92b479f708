#include "base/thread_pool.h"
#include "ids/call.h"
#include "ids/hashing.h"

namespace weft {
namespace {

constexpr int64_t kGrain = int64_t{1} << 11;  // values that one thread hashes in about 20 us

}  // namespace

IdWeightPair HashedCategoricalColumn::ids(const IdsCall& call) const {
  FeatureRows rows = rows_of_dtype(call, key_, dtype_);
  const Fingerprints fingerprints(rows.values);
  const auto buckets = static_cast<uint64_t>(hash_bucket_size_);
  Tensor found(DType::kInt64, {fingerprints.size()});
  int64_t* ids = found.mutable_values<int64_t>().data();
  base::parallel_for(fingerprints.size(), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) ids[i] = static_cast<int64_t>(fingerprints[i] % buckets);
  });
  return finish_ids(std::move(rows), std::move(found), call);
}

}  // namespace weft
