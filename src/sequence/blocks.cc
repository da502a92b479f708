#include <string>

#include "base/matrix.h"
#include "weft/sequence.h"

namespace weft {
namespace {

[[noreturn]] void refuse(size_t block, const std::string& text) {
  throw InvalidArgument("block " + std::to_string(block) + ": " + text);
}

void check_ids(const IdCounts& block, int64_t cells, size_t place) {
  const auto splits = block.splits.values<int64_t>();
  const auto ids = block.ids.values<int64_t>();
  if (std::ssize(splits) != cells + 1 || splits.front() != 0 || splits.back() != std::ssize(ids) ||
      block.counts.size() != std::ssize(ids)) {
    refuse(place, "splits must be the " + std::to_string(cells + 1) + " bounds of " +
                      std::to_string(cells) + " cells, from 0 to the number of ids and counts");
  }
  for (int64_t cell = 0; cell < cells; ++cell) {
    const int64_t begin = splits[static_cast<size_t>(cell)],
                  end = splits[static_cast<size_t>(cell) + 1];
    if (begin > end || end > std::ssize(ids)) refuse(place, "splits must not fall");
    int64_t before = -1;
    for (int64_t i = begin; i < end; ++i) {
      const int64_t id = ids[static_cast<size_t>(i)];
      if (id <= before || id >= block.width) {
        refuse(place, "the ids of cell " + std::to_string(cell) + " must rise within [0, " +
                          std::to_string(block.width) + "), got " + std::to_string(id));
      }
      before = id;
    }
  }
}

}  // namespace

Blocks::Blocks(Tensor tensor) : shape_(tensor.shape()), dtype_(tensor.dtype()) {
  blocks_.emplace_back(std::move(tensor));
}

Blocks::Blocks(Shape outer, std::vector<Block> blocks)
    : shape_(std::move(outer)), blocks_(std::move(blocks)) {
  if (blocks_.empty()) throw InvalidArgument("there must be at least one block");
  const int64_t cells = num_elements(shape_);
  int64_t width = 0;
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const auto* dense = std::get_if<Tensor>(&blocks_[i]);
    const auto* ids = std::get_if<IdCounts>(&blocks_[i]);
    const DType dtype = dense != nullptr ? dense->dtype() : ids->counts.dtype();
    if (i == 0) dtype_ = dtype;
    if (dtype != dtype_ || (dtype != DType::kFloat32 && dtype != DType::kFloat64)) {
      throw WrongType("block " + std::to_string(i) + " is " + dtype_name(dtype) +
                      "; blocks are all float32 or all float64");
    }
    int64_t own = 0;
    if (dense != nullptr) {
      Shape shape = dense->shape();
      if (!shape.empty()) own = shape.back(), shape.pop_back();
      if (dense->rank() == 0 || shape != shape_) {
        refuse(i, "its shape must be " + shape_string(shape_) + " and its width, got " +
                      shape_string(dense->shape()));
      }
    } else {
      own = ids->width;
      if (own < 0) refuse(i, "its width must not be negative, got " + std::to_string(own));
      check_ids(*ids, cells, i);
    }
    if (__builtin_add_overflow(width, own, &width))
      throw InvalidArgument("the blocks are more than 2^63 numbers wide");
  }
  shape_.push_back(width);
}

template <class T>
std::vector<base::Operand<T>> Blocks::operands() const {
  std::vector<base::Operand<T>> made;
  made.reserve(blocks_.size());
  for (const Block& block : blocks_) {
    if (const auto* dense = std::get_if<Tensor>(&block)) {
      const int64_t depth = dense->shape().back();
      made.push_back({.depth = depth, .dense = dense->values<T>().data(), .ld = depth});
    } else {
      const auto& ids = std::get<IdCounts>(block);
      made.push_back({.depth = ids.width,
                      .splits = ids.splits.values<int64_t>().data(),
                      .columns = ids.ids.values<int64_t>().data(),
                      .values = ids.counts.values<T>().data(),
                      .entries = ids.ids.size()});
    }
  }
  return made;
}

template std::vector<base::Operand<float>> Blocks::operands() const;
template std::vector<base::Operand<double>> Blocks::operands() const;

}  // namespace weft
