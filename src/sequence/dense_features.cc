#include <algorithm>

#include "base/thread_pool.h"
#include "sequence/number_gradients.h"
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

IdCounts counts_of(const DensePart& part, const IdBounds& bounds, DType dtype) {
  CountsWriter writer(bounds.width, part.rows(), bounds.most, dtype);
  part.count(0, part.rows(), writer);
  return writer.finish();
}

// With `lookups` tables are not read: their columns are blocks of ids too.
Blocks blocks_of(const std::vector<DensePartPtr>& parts, DType dtype, bool lookups = false) {
  std::vector<Blocks::Block> made;
  for (size_t i = 0, next = 0; i < parts.size(); i = next) {
    next = i + 1;
    if (const auto bounds = counted_ids(*parts[i], lookups)) {
      made.emplace_back(counts_of(*parts[i], *bounds, dtype));
      continue;
    }
    while (next < parts.size() && !counted_ids(*parts[next], lookups)) ++next;
    Tensor dense;
    write(std::span(parts).subspan(i, next - i), dtype, dense);
    made.emplace_back(std::move(dense));
  }
  return {{parts[0]->rows()}, std::move(made)};
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

DenseFeatures DenseFeatures::over(std::span<const Tensor> tables) const {
  DenseFeatures made = *this;
  made.read_from(tables);
  return made;
}

Tensor DenseFeatures::operator()(const Features& features) const {
  Tensor out;
  (*this)(features, out);
  return out;
}

Blocks DenseFeatures::blocks(const Features& features) const { return blocks(features, false); }
Blocks DenseFeatures::lookups(const Features& features) const { return blocks(features, true); }

Blocks DenseFeatures::blocks(const Features& features, bool lookups) const {
  BatchIds ids(ids_places(), features, options().ids);
  Blocks made = blocks_of(parts_of(ids), options().dtype, lookups);
  count(ids);
  return made;
}

// A call that stays for its way back.
struct DenseFeatures::Call {
  const DenseFeatures& layer;
  Features features;
  BatchIds ids;
  std::vector<DensePartPtr> parts;

  Call(const DenseFeatures& made_by, const Features& given)
      : layer(made_by),
        features(given),
        ids(layer.ids_places(), features, layer.options().ids),
        parts(layer.parts_of(ids)) {}

  // Where the parts' columns are in `grad`, which is checked.
  GradientColumns columns_of(const Tensor& grad, bool dense_only) const {
    GradientColumns columns = gradient_columns(parts, dense_only);
    check_gradient(grad, layer.options().dtype, {parts[0]->rows(), columns.width}, kOutput);
    return columns;
  }

  std::vector<Gradient> backward(const Tensor& grad, bool dense_only) const {
    const auto [begins, width] = columns_of(grad, dense_only);
    std::vector<std::optional<IndexedSlices>> gradients(parts.size());
    for (size_t i = 0; i < parts.size(); ++i) {
      if (begins[i] < 0) continue;
      gradients[i] =
          parts[i]->backward(grad.buffer().data() + begins[i] * dtype_size(grad.dtype()), width);
    }
    return layer.sum_gradients(std::move(gradients));
  }

  Features feature_gradients(const Tensor& grad, bool dense_only) const {
    const GradientColumns columns = columns_of(grad, dense_only);
    NumberGradients gradients(features, grad);
    for (size_t i = 0; i < parts.size(); ++i) {
      gradients.add(
          layer.dense_column(i), columns.begins[i],
          [](const NumberColumn&, const Feature& places) { return feature_values(places); });
    }
    return gradients.take();
  }

  template <class T>
  static FeaturesVjp<T> vjp(T result, std::shared_ptr<const Call> call, bool dense_only) {
    call->layer.count(call->ids);
    return {std::move(result),
            [call, dense_only](const Tensor& grad) { return call->backward(grad, dense_only); },
            [call, dense_only](const Tensor& grad) {
              return call->feature_gradients(grad, dense_only);
            }};
  }
};

FeaturesVjp<Tensor> DenseFeatures::vjp(const Features& features) const {
  const auto call = std::make_shared<const Call>(*this, features);
  Tensor out;
  write(call->parts, options().dtype, out);
  return Call::vjp(std::move(out), call, false);
}

FeaturesVjp<Blocks> DenseFeatures::blocks_vjp(const Features& features) const {
  const auto call = std::make_shared<const Call>(*this, features);
  return Call::vjp(blocks_of(call->parts, options().dtype), call, true);
}

}  // namespace weft
