// Features as Arrow arrays: memory is shared, except for bits and what a SparseTensor with holes
// needs.
#include <algorithm>
#include <numeric>

#include "arrow/node.h"

namespace weft::arrow {
namespace {

const char* format_of(DType dtype) {
  static constexpr const char* kFormats[] = {"b", "c", "s", "i", "l", "C", "S",
                                             "I", "L", "e", "f", "g", "Z"};
  return kFormats[static_cast<size_t>(dtype)];
}

template <class T>
std::shared_ptr<const void> hold(T value) {
  return std::make_shared<const T>(std::move(value));
}

void set_bit(uint8_t* bits, int64_t i) {
  bits[i / 8] = static_cast<uint8_t>(bits[i / 8] | 1u << (i % 8));
}

Node node_of_bools(const bool* values, int64_t n) {
  Buffer bits = Buffer::zeros((n + 7) / 8);
  for (int64_t i = 0; i < n; ++i) {
    if (values[i]) set_bit(bits.mutable_data(), i);
  }
  return {.buffers = {nullptr, bits.data()}, .held = {bits.owner()}};
}

// The elements of `tensor`, flat.
Node node_of_values(const Tensor& tensor) {
  Node node;
  if (tensor.dtype() == DType::kBool) {
    node = node_of_bools(tensor.values<bool>().data(), tensor.size());
  } else if (tensor.dtype() == DType::kString) {
    node.buffers = {nullptr, tensor.bytes().offsets().data(), tensor.bytes().data().data()};
    node.held = {hold(tensor)};
  } else {
    node.buffers = {nullptr, tensor.buffer().data()};
    node.held = {tensor.buffer().owner()};
  }
  node.format = format_of(tensor.dtype());
  node.length = tensor.size();
  return node;
}

Node fixed_lists(int64_t lists, int64_t size, Node elements) {
  elements.name = "item";
  Node node{.format = "+w:" + std::to_string(size), .length = lists, .buffers = {nullptr}};
  node.children.push_back(std::move(elements));
  return node;
}

Node lists(const Tensor& splits, Node elements) {
  elements.name = "item";
  Node node{.format = "+L",
            .length = splits.size() - 1,
            .buffers = {nullptr, splits.buffer().data()},
            .held = {splits.buffer().owner()}};
  node.children.push_back(std::move(elements));
  return node;
}

// Each element of the first dimension is a value, or fixed-size lists of them.
Node node_of_tensor(const Tensor& tensor) {
  Node node = node_of_values(tensor);
  int64_t rows = 1;
  for (int64_t d = 0; d + 1 < tensor.rank(); ++d) rows *= tensor.dim(d);
  for (int64_t d = tensor.rank() - 1; d > 0; --d) {
    node = fixed_lists(rows, tensor.dim(d), std::move(node));
    rows = 1;
    for (int64_t outer = 0; outer + 1 < d; ++outer) rows *= tensor.dim(outer);
  }
  return node;
}

Node node_of_ragged(const Ragged& ragged) {
  Node node = node_of_tensor(ragged.values());
  for (int64_t level = ragged.levels(); level-- > 0;)
    node = lists(ragged.row_splits_tensor(level), std::move(node));
  return node;
}

// --- sparse ------------------------------------------------------------------------------------

void check_slots(int64_t slots) {
  const int64_t most = Limits{}.max_batch_values;
  if (slots <= most) return;
  throw LimitExceeded("a SparseTensor that needs " + std::to_string(slots) +
                      " places as an Arrow array; the limit is " + std::to_string(most));
}

// The lists of each level end with their last value. `slots`: where each value stands among the
// elements of the innermost level.
struct Places {
  std::vector<Tensor> splits;
  std::vector<int64_t> slots;
  int64_t count = 0;  // elements of the innermost level
};

Places places_of(const SparseTensor& sparse) {
  const Tensor indices = sparse.indices();
  const auto n = static_cast<size_t>(sparse.values().size()),
             rank = static_cast<size_t>(sparse.rank());
  const int64_t* at = indices.values<int64_t>().data();
  Places places{{}, std::vector<int64_t>(n), sparse.dense_shape()[0]};
  check_slots(places.count);
  for (size_t i = 0; i < n; ++i) places.slots[i] = at[i * rank];
  for (size_t d = 1; d < rank; ++d) {
    Tensor splits = Tensor::zeros(DType::kInt64, {places.count + 1});
    auto to = splits.mutable_values<int64_t>();
    for (size_t i = 0; i < n; ++i) {
      int64_t& length = to[static_cast<size_t>(places.slots[i]) + 1];
      length = std::max(length, at[i * rank + d] + 1);
    }
    places.count = 0;
    for (int64_t& split : to) {
      check_slots(split);
      places.count += split;
      check_slots(places.count);
      split = places.count;
    }
    for (size_t i = 0; i < n; ++i)
      places.slots[i] = to[static_cast<size_t>(places.slots[i])] + at[i * rank + d];
    places.splits.push_back(std::move(splits));
  }
  return places;
}

// Which value stands in each slot; -1: none.
std::vector<int64_t> order_of(const Places& places) {
  std::vector<int64_t> order(static_cast<size_t>(places.count), -1);
  for (size_t i = 0; i < places.slots.size(); ++i) {
    int64_t& value = order[static_cast<size_t>(places.slots[i])];
    if (value >= 0) {
      throw InvalidArgument("values " + std::to_string(value) + " and " + std::to_string(i) +
                            " of a SparseTensor have one index: an Arrow array has one place");
    }
    value = static_cast<int64_t>(i);
  }
  return order;
}

// The values in the order of their slots; zeros and empty strings where there is none.
Tensor spread(const Tensor& values, const std::vector<int64_t>& order) {
  const auto n = static_cast<int64_t>(order.size());
  if (values.dtype() == DType::kString) {
    std::vector<std::string_view> views;
    views.reserve(order.size());
    for (int64_t i : order) views.push_back(i < 0 ? std::string_view() : values.bytes()[i]);
    return Tensor::strings({n}, Bytes::from(views));
  }
  Tensor result = Tensor::zeros(values.dtype(), {n});
  const int64_t size = dtype_size(values.dtype());
  Buffer block = result.buffer();
  for (int64_t slot = 0; slot < n; ++slot) {
    const int64_t i = order[static_cast<size_t>(slot)];
    if (i >= 0)
      std::copy_n(values.buffer().data() + i * size, size, block.mutable_data() + slot * size);
  }
  return result;
}

Node node_of_sparse(const SparseTensor& sparse) {
  if (sparse.rows() != nullptr) return node_of_ragged(*sparse.rows());
  const Places places = places_of(sparse);
  const std::vector<int64_t> order = order_of(places);
  Node node = node_of_values(spread(sparse.values(), order));
  node.null_count = places.count - sparse.values().size();
  if (node.null_count > 0) {
    Buffer bits = Buffer::zeros((places.count + 7) / 8);
    for (int64_t slot : places.slots) set_bit(bits.mutable_data(), slot);
    node.buffers[0] = bits.data();
    node.held.push_back(bits.owner());
  }
  for (size_t level = places.splits.size(); level-- > 0;)
    node = lists(places.splits[level], std::move(node));
  return node;
}

}  // namespace

Node node_of(const Feature& feature, std::string_view name) {
  Node node;
  if (const auto* tensor = std::get_if<Tensor>(&feature)) {
    node = node_of_tensor(*tensor);
  } else if (const auto* ragged = std::get_if<Ragged>(&feature)) {
    node = node_of_ragged(*ragged);
  } else {
    node = node_of_sparse(std::get<SparseTensor>(feature));
  }
  node.name = std::string(name);
  return node;
}

Node node_of_batch(const Features& features) {
  Node batch{.format = "+s", .buffers = {nullptr}};
  for (const auto& [name, feature] : features) {
    const int64_t rows = feature_rows(feature);
    if (!batch.children.empty() && rows != batch.length) {
      throw InvalidArgument("feature '" + escape_bytes(name) + "' has " + std::to_string(rows) +
                                " rows, '" + escape_bytes(batch.children[0].name) + "' has " +
                                std::to_string(batch.length),
                            {.key = name});
    }
    batch.length = rows;
    batch.children.push_back(node_of(feature, name));
  }
  return batch;
}

}  // namespace weft::arrow

namespace weft {
namespace {

void export_node(arrow::Node node, ArrowSchema& schema, ArrowArray& array) {
  ArrowSchema made{};
  arrow::export_schema(node, made);
  try {
    arrow::export_array(std::move(node), array);
  } catch (...) {
    made.release(&made);
    throw;
  }
  schema = made;
}

}  // namespace

void export_feature(const Feature& feature, std::string_view name, ArrowSchema& schema,
                    ArrowArray& array) {
  export_node(arrow::node_of(feature, name), schema, array);
}

void export_batch(const Features& features, ArrowSchema& schema, ArrowArray& array) {
  export_node(arrow::node_of_batch(features), schema, array);
}

}  // namespace weft
