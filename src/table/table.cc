#include "weft/table.h"

#include <algorithm>

#include "base/cpu.h"
#include "base/thread_pool.h"
#include "table/table_kernel.h"

namespace weft {
namespace {

constexpr int64_t kStreamBytes = int64_t{16} << 20;  // outputs that no cache is going to hold

static_assert(static_cast<int>(CombineMode::kMean) == static_cast<int>(Combiner::kMean));
static_assert(static_cast<int>(CombineMode::kSqrtn) == static_cast<int>(Combiner::kSqrtn));
static_assert(static_cast<int>(CombineMode::kSum) == static_cast<int>(Combiner::kSum));

template <class T>
TableView<T> view_of(const Tensor& values, const LookupOptions& options) {
  return {values.values<T>().data(), values.dim(0), values.dim(1), options.max_norm.value_or(0)};
}

const int64_t* checked_ids(const Tensor& ids) {
  if (ids.dtype() != DType::kInt64) {
    throw WrongType(std::string("the ids of a lookup must be int64, got ") +
                    dtype_name(ids.dtype()));
  }
  return ids.values<int64_t>().data();
}

std::string outside_text(const EmbeddingTable& table, int64_t id, int64_t position) {
  return "id " + std::to_string(id) + " at position " + std::to_string(position) +
         " is outside the table's " + std::to_string(table.rows()) + " rows";
}

// `out` as a tensor of this dtype and shape: its own memory if nobody else holds it and it fits.
void make_room(Tensor& out, DType dtype, Shape shape) {
  if (out.dtype() == dtype && out.shape() == shape && !out.buffer().borrowed()) return;
  out = Tensor(dtype, std::move(shape));
}

template <class T>
void gather_all(const EmbeddingTable& table, const int64_t* ids, int64_t n, Tensor& out) {
  T* to = out.mutable_values<T>().data();
  const int64_t width = table.dimension(), bytes = width * static_cast<int64_t>(sizeof(T));
  const bool stream = n * bytes >= kStreamBytes;
  base::parallel_for(n, base::grain_of_bytes(bytes), [&](int64_t begin, int64_t end) {
    const int64_t done =
        table.gather({ids + begin, end - begin, n - begin}, to + begin * width, width, stream);
    if (done == end - begin) return;
    throw OutOfRange(outside_text(table, ids[begin + done], begin + done));
  });
}

template <class T>
void combine_all(const EmbeddingTable& table, const Ragged& ragged, const float* weights,
                 Tensor& out) {
  const int64_t* ids = checked_ids(ragged.values());
  const auto splits = ragged.row_splits(ragged.levels() - 1);
  const int64_t bags = static_cast<int64_t>(splits.size()) - 1, width = table.dimension();
  T* to = out.mutable_values<T>().data();
  const int64_t each =
      bags == 0 ? 0 : (splits.back() / bags + 1) * width * static_cast<int64_t>(sizeof(T));
  base::parallel_for(bags, base::grain_of_bytes(each), [&](int64_t begin, int64_t end) {
    const int64_t bad =
        table.combine(ids, weights, splits.data() + begin, end - begin, to + begin * width, width);
    if (bad < 0) return;
    Where where;
    where.row = std::ranges::upper_bound(splits, bad) - splits.begin() - 1;
    where.step = bad - splits[static_cast<size_t>(where.row)];
    throw OutOfRange(outside_text(table, ids[bad], bad), std::move(where));
  });
}

const float* checked_weights(const Tensor* weights, int64_t n) {
  if (weights == nullptr) return nullptr;
  if (weights->dtype() != DType::kFloat32) {
    throw WrongType(std::string("the weights of a lookup must be float32, got ") +
                    dtype_name(weights->dtype()));
  }
  if (weights->size() != n) {
    throw InvalidArgument(std::to_string(weights->size()) + " weights for " + std::to_string(n) +
                          " ids");
  }
  return weights->values<float>().data();
}

// Throws unless these are ids of bags and their weights, which are the result.
const float* checked_bags(const Ragged& ids, const Tensor* weights) {
  checked_ids(ids.values());
  if (ids.values().rank() != 1) {
    throw InvalidArgument("ragged ids must have 1-D values, got " +
                          shape_string(ids.values().shape()));
  }
  return checked_weights(weights, ids.values().size());
}

int64_t bags_of(const Ragged& ids) {
  return static_cast<int64_t>(ids.row_splits(ids.levels() - 1).size()) - 1;
}

// The numbers of `grad`, which must be the gradient of a result of `shape`.
const void* checked_gradient(const EmbeddingTable& table, const Tensor& grad, const Shape& shape) {
  check_gradient(grad, table.dtype(), shape, "a lookup's result");
  return grad.buffer().data();
}

}  // namespace

EmbeddingTable::EmbeddingTable(Tensor values, LookupOptions options)
    : values_(std::move(values)), options_(options) {
  if (values_.dtype() != DType::kFloat32 && values_.dtype() != DType::kFloat64) {
    throw WrongType(std::string("a table must be float32 or float64, got ") +
                    dtype_name(values_.dtype()));
  }
  if (values_.rank() != 2 || values_.dim(1) < 1) {
    throw InvalidArgument("a table must have shape [rows, dimension], got " +
                          shape_string(values_.shape()));
  }
  if (options_.max_norm && !(*options_.max_norm > 0)) {
    throw InvalidArgument("max_norm must be greater than 0, got " +
                          std::to_string(*options_.max_norm));
  }
}

int64_t EmbeddingTable::gather(const Ids& ids, void* out, int64_t stride,
                               bool stream) const noexcept {
  const TableKernel& kernel = WEFT_KERNEL(table_kernel);
  const GatherIds wanted{ids.ids, ids.count, ids.ahead};
  if (dtype() == DType::kFloat32) {
    return kernel.f32.gather(view_of<float>(values_, options_), wanted, static_cast<float*>(out),
                             stride, stream);
  }
  return kernel.f64.gather(view_of<double>(values_, options_), wanted, static_cast<double*>(out),
                           stride, stream);
}

int64_t EmbeddingTable::combine(const int64_t* ids, const float* weights, const int64_t* splits,
                                int64_t bags, void* out, int64_t stride) const noexcept {
  const TableKernel& kernel = WEFT_KERNEL(table_kernel);
  const auto mode = static_cast<CombineMode>(options_.combiner);
  if (dtype() == DType::kFloat32) {
    return kernel.f32.combine(view_of<float>(values_, options_), {ids, weights, splits, bags, mode},
                              static_cast<float*>(out), stride);
  }
  return kernel.f64.combine(view_of<double>(values_, options_), {ids, weights, splits, bags, mode},
                            static_cast<double*>(out), stride);
}

void lookup(const EmbeddingTable& table, const Tensor& ids, Tensor& out) {
  const int64_t* at = checked_ids(ids);
  Shape shape = ids.shape();
  shape.push_back(table.dimension());
  make_room(out, table.dtype(), std::move(shape));
  if (table.dtype() == DType::kFloat32) return gather_all<float>(table, at, ids.size(), out);
  gather_all<double>(table, at, ids.size(), out);
}

Tensor lookup(const EmbeddingTable& table, const Tensor& ids) {
  Tensor out;
  lookup(table, ids, out);
  return out;
}

void lookup(const EmbeddingTable& table, const Ragged& ids, const Tensor* weights, Tensor& out) {
  const float* given = checked_bags(ids, weights);
  make_room(out, table.dtype(), {bags_of(ids), table.dimension()});
  if (table.dtype() == DType::kFloat32) return combine_all<float>(table, ids, given, out);
  combine_all<double>(table, ids, given, out);
}

Tensor lookup(const EmbeddingTable& table, const Ragged& ids, const Tensor* weights) {
  Tensor out;
  lookup(table, ids, weights, out);
  return out;
}

IndexedSlices lookup_backward(const EmbeddingTable& table, const Tensor& ids, const Tensor& grad) {
  const int64_t* at = checked_ids(ids);
  Shape shape = ids.shape();
  shape.push_back(table.dimension());
  TableGradient gradient(table);
  gradient.gather(at, ids.size(), checked_gradient(table, grad, shape), table.dimension());
  return gradient.sum();
}

IndexedSlices lookup_backward(const EmbeddingTable& table, const Ragged& ids, const Tensor* weights,
                              const Tensor& grad) {
  const float* given = checked_bags(ids, weights);
  const int64_t bags = bags_of(ids);
  TableGradient gradient(table);
  gradient.combine(ids.values().values<int64_t>().data(), given,
                   ids.row_splits(ids.levels() - 1).data(), bags,
                   checked_gradient(table, grad, {bags, table.dimension()}), table.dimension());
  return gradient.sum();
}

}  // namespace weft
