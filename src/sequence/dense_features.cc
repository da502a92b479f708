#include <algorithm>

#include "base/thread_pool.h"
#include "sequence/parts.h"
#include "weft/sequence.h"

namespace weft {
namespace {

constexpr int64_t kGrainBytes = int64_t{1} << 17;

void check_rows(const std::vector<Column>& columns, const std::vector<DensePartPtr>& parts) {
  for (size_t i = 1; i < parts.size(); ++i) {
    if (parts[i]->rows() == parts[0]->rows()) continue;
    throw InvalidArgument(
        "Batch size (first dimension) of each feature must be same. Batch size of columns ('" +
        escape_bytes(columns[0]->name()) + "', '" + escape_bytes(columns[i]->name()) + "'): (" +
        std::to_string(parts[0]->rows()) + ", " + std::to_string(parts[i]->rows()) + ")");
  }
}

template <class T>
void write_rows(const std::vector<DensePartPtr>& parts, Tensor& out) {
  T* data = out.mutable_values<T>().data();
  const int64_t width = out.dim(1);
  const int64_t grain =
      std::max<int64_t>(1, kGrainBytes / (width * static_cast<int64_t>(sizeof(T))));
  base::parallel_for(out.dim(0), grain, [&](int64_t begin, int64_t end) {
    T* to = data + begin * width;
    for (const DensePartPtr& part : parts) {
      part->write(begin, end, {to, width, false});
      to += part->width();
    }
  });
}

}  // namespace

DenseFeatures::DenseFeatures(std::vector<Column> columns, Options options)
    : FeatureLayer(std::move(columns), std::move(options), Role::kDense) {}

void DenseFeatures::operator()(const Features& features, Tensor& out) const {
  BatchIds ids(features, options().ids);
  std::vector<DensePartPtr> parts;
  for (size_t i = 0; i < columns().size(); ++i) {
    parts.push_back(dense_column(i).dense_part({ids, parameter(i), options().dtype}));
  }
  check_rows(columns(), parts);
  Shape shape{parts[0]->rows(), width()};
  int64_t size = 0;
  if (__builtin_mul_overflow(shape[0], shape[1], &size) || size > Limits{}.max_batch_values) {
    throw LimitExceeded("a block of " + shape_string(shape) + " values; the limit is " +
                        std::to_string(Limits{}.max_batch_values));
  }
  if (out.dtype() != options().dtype || out.shape() != shape || out.buffer().borrowed()) {
    out = Tensor(options().dtype, std::move(shape));
  }
  if (options().dtype == DType::kFloat64) {
    write_rows<double>(parts, out);
  } else {
    write_rows<float>(parts, out);
  }
  count(ids);
}

Tensor DenseFeatures::operator()(const Features& features) const {
  Tensor out;
  (*this)(features, out);
  return out;
}

}  // namespace weft
