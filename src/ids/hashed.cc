#include "base/thread_pool.h"
#include "ids/call.h"
#include "ids/hashing.h"

namespace weft {
namespace {

constexpr int64_t kGrain = int64_t{1} << 13;  // values that one thread hashes in about 20 us

}  // namespace

IdWeightPair HashedCategoricalColumn::ids(const IdsCall& call) const {
  FeatureRows rows = rows_of_dtype(call, key_, dtype_);
  const Fingerprints fingerprints(rows.values, hash_bucket_size_);
  Tensor found(DType::kInt64, {rows.values.size()});
  int64_t* ids = found.mutable_values<int64_t>().data();
  base::parallel_for(found.size(), kGrain, [&](int64_t begin, int64_t end) {
    fingerprints.write(begin, end, ids + begin);
  });
  return finish_ids(std::move(rows), std::move(found), call);
}

}  // namespace weft
