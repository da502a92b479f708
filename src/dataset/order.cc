#include "dataset/order.h"

#include <numeric>
#include <utility>

#include "base/philox.h"
#include "dataset/stage.h"

namespace weft::dataset {
namespace {

using FileStep = Dataset::Description::FileStep;

void shuffle(std::vector<size_t>& files, int64_t seed, uint64_t step) {
  const base::Philox random(seed, "shuffle_files", step);
  for (size_t i = files.size(); i > 1; --i) {
    // 64 bits over at most as many files as fit in memory: the bias is below 2^-32.
    std::swap(files[i - 1], files[random.bits(static_cast<int64_t>(i)) % i]);
  }
}

void shard(std::vector<size_t>& files, const FileStep& step) {
  std::vector<size_t> mine;
  for (size_t i = static_cast<size_t>(step.index); i < files.size();
       i += static_cast<size_t>(step.num_shards)) {
    mine.push_back(files[i]);
  }
  files = std::move(mine);
}

}  // namespace

std::vector<size_t> file_order(const Dataset::Description& description, int64_t iteration,
                               int64_t pass) {
  std::vector<size_t> files(description.paths.size());
  std::iota(files.begin(), files.end(), size_t{0});
  for (const FileStep& step : description.file_steps) {
    if (step.kind == FileStep::Kind::kShuffle) {
      shuffle(files, step.seed, random_step(step.reshuffle, iteration, pass));
    } else {
      shard(files, step);
    }
  }
  return files;
}

}  // namespace weft::dataset
