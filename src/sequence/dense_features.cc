#include <algorithm>

#include "base/thread_pool.h"
#include "sequence/parts.h"
#include "weft/sequence.h"

namespace weft {
namespace {

constexpr int64_t kGrainBytes = int64_t{1} << 17;

int64_t width_of(std::span<const DensePartPtr> parts) {
  int64_t width = 0;
  for (const DensePartPtr& part : parts) width += part->width();
  return width;
}

template <class T>
void write_rows(std::span<const DensePartPtr> parts, Tensor& out) {
  T* data = out.mutable_values<T>().data();
  const int64_t width = out.dim(1);
  const int64_t grain = std::max<int64_t>(
      1, kGrainBytes / std::max<int64_t>(1, width * static_cast<int64_t>(sizeof(T))));
  base::parallel_for(out.dim(0), grain, [&](int64_t begin, int64_t end) {
    T* to = data + begin * width;
    for (const DensePartPtr& part : parts) {
      part->write(begin, end, {to, width, false});
      to += part->width();
    }
  });
}

// Makes `out`, allocated again only if its shape changes, and fills it.
void write(std::span<const DensePartPtr> parts, DType dtype, Tensor& out) {
  Shape shape{parts[0]->rows(), width_of(parts)};
  int64_t size = 0;
  if (__builtin_mul_overflow(shape[0], shape[1], &size) || size > Limits{}.max_batch_values) {
    throw LimitExceeded("a block of " + shape_string(shape) + " values; the limit is " +
                        std::to_string(Limits{}.max_batch_values));
  }
  if (out.dtype() != dtype || out.shape() != shape || out.buffer().borrowed())
    out = Tensor(dtype, std::move(shape));
  if (dtype == DType::kFloat64) {
    write_rows<double>(parts, out);
  } else {
    write_rows<float>(parts, out);
  }
}

IdCounts counts_of(const DensePart& part, DType dtype) {
  CountsWriter writer(part.width(), part.rows(), part.counted(), dtype);
  part.count(0, part.rows(), writer);
  return writer.finish();
}

Blocks blocks_of(const std::vector<DensePartPtr>& parts, DType dtype) {
  std::vector<Blocks::Block> made;
  for (size_t i = 0, next = 0; i < parts.size(); i = next) {
    next = i + 1;
    if (parts[i]->counted() >= 0) {
      made.emplace_back(counts_of(*parts[i], dtype));
      continue;
    }
    while (next < parts.size() && parts[next]->counted() < 0) ++next;
    Tensor dense;
    write(std::span(parts).subspan(i, next - i), dtype, dense);
    made.emplace_back(std::move(dense));
  }
  return {{parts[0]->rows()}, std::move(made)};
}

// By part: the gradients of the tables, given that of the output or, with `dense_only`, of the
// dense blocks side by side.
std::vector<std::optional<IndexedSlices>> backward(std::span<const DensePartPtr> parts, DType dtype,
                                                   const Tensor& grad, bool dense_only) {
  const auto counts = [&](const DensePartPtr& part) { return dense_only && part->counted() >= 0; };
  int64_t width = 0;
  for (const DensePartPtr& part : parts) width += counts(part) ? 0 : part->width();
  check_gradient(grad, dtype, {parts[0]->rows(), width}, kOutput);
  const uint8_t* column = grad.buffer().data();
  std::vector<std::optional<IndexedSlices>> gradients;
  for (const DensePartPtr& part : parts) {
    if (counts(part)) {
      gradients.emplace_back();
      continue;
    }
    gradients.push_back(part->backward(column, width));
    column += part->width() * dtype_size(dtype);
  }
  return gradients;
}

}  // namespace

DenseFeatures::DenseFeatures(std::vector<Column> columns, Options options)
    : FeatureLayer(std::move(columns), std::move(options), Role::kDense) {}

std::vector<DensePartPtr> DenseFeatures::parts_of(BatchIds& ids) const {
  std::vector<DensePartPtr> parts;
  for (size_t i = 0; i < columns().size(); ++i)
    parts.push_back(dense_column(i).dense_part({ids, parameter(i), options().dtype}));
  check_rows(columns(), parts);
  return parts;
}

void DenseFeatures::operator()(const Features& features, Tensor& out) const {
  BatchIds ids(ids_places(), features, options().ids);
  write(parts_of(ids), options().dtype, out);
  count(ids);
}

Tensor DenseFeatures::operator()(const Features& features) const {
  Tensor out;
  (*this)(features, out);
  return out;
}

Blocks DenseFeatures::blocks(const Features& features) const {
  BatchIds ids(ids_places(), features, options().ids);
  Blocks made = blocks_of(parts_of(ids), options().dtype);
  count(ids);
  return made;
}

// A call that stays for its way back.
struct DenseFeatures::Call {
  Features features;
  BatchIds ids;
  std::vector<DensePartPtr> parts;

  Call(const DenseFeatures& layer, const Features& given)
      : features(given), ids(layer.ids_places(), features, layer.options().ids) {
    parts = layer.parts_of(ids);
  }
};

FeaturesVjp<Tensor> DenseFeatures::vjp(const Features& features) const {
  const auto call = std::make_shared<Call>(*this, features);
  Tensor out;
  write(call->parts, options().dtype, out);
  count(call->ids);
  return {std::move(out), [this, call](const Tensor& grad) {
            return sum_gradients(backward(call->parts, options().dtype, grad, false));
          }};
}

FeaturesVjp<Blocks> DenseFeatures::blocks_vjp(const Features& features) const {
  const auto call = std::make_shared<Call>(*this, features);
  Blocks out = blocks_of(call->parts, options().dtype);
  count(call->ids);
  return {std::move(out), [this, call](const Tensor& grad) {
            return sum_gradients(backward(call->parts, options().dtype, grad, true));
          }};
}

}  // namespace weft
