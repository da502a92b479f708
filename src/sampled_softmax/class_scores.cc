// Scores of all classes, a few classes at a time: their rows are the left operand of a product
// whose right one, the inputs, stays in the cache, so that the weights are read once and as they
// are.
#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <vector>

#include "base/matrix.h"
#include "base/thread_pool.h"
#include "sampled_softmax/label_rows.h"

namespace weft {
namespace {

constexpr int64_t kTileNumbers = int64_t{1} << 15;  // scores that stay in the cache

template <class T>
class Scores {
 public:
  Scores(const Tensor& weights, const Tensor* biases, const Tensor& inputs)
      : weights_(weights.values<T>().data()),
        biases_(biases == nullptr ? nullptr : biases->values<T>().data()),
        depth_(weights.dim(1)),
        rows_(inputs.dim(0)),
        columns_(static_cast<size_t>(inputs.size())) {
    const T* x = inputs.values<T>().data();
    for (int64_t row = 0; row < rows_; ++row) {
      for (int64_t k = 0; k < depth_; ++k) columns_[static_cast<size_t>(k * rows_ + row)] = *x++;
    }
    matrix_ = {columns_.data(), depth_, rows_, base::grouped_layout<T>(1, rows_)};
  }

  // How many classes are worth a thread.
  int64_t grain() const {
    const double flops = 2 * static_cast<double>(depth_ + 1) * static_cast<double>(rows_ + 1);
    return base::grain_of_flops(flops);
  }

  // Calls take(id, scores) for each class in [begin, end), with the scores [B] of the rows.
  template <class F>
  void each(int64_t begin, int64_t end, const F& take) const {
    const int64_t ld = base::padded<T>(rows_);
    const int64_t most = std::clamp<int64_t>(kTileNumbers / std::max<int64_t>(1, ld), 4, 96);
    std::vector<T> tile(static_cast<size_t>(std::min(most, end - begin) * ld));
    for (int64_t first = begin; first < end; first += most) {
      const int64_t n = std::min(most, end - first);
      for (int64_t i = 0; i < n; ++i)
        std::fill_n(tile.data() + i * ld, ld, biases_ == nullptr ? T(0) : biases_[first + i]);
      matrix_.multiply(n, weights_ + first * depth_, depth_, tile.data(), ld, tile.data(), ld);
      for (int64_t i = 0; i < n; ++i) take(first + i, tile.data() + i * ld);
    }
  }

 private:
  const T *weights_, *biases_;
  int64_t depth_, rows_;
  std::vector<T> columns_;  // the inputs, transposed
  base::Matrix<T> matrix_;
};

template <class T>
void write_scores(const Tensor& weights, const Tensor* biases, const Tensor& inputs, Tensor& out) {
  const Scores<T> scores(weights, biases, inputs);
  const int64_t classes = weights.dim(0), rows = inputs.dim(0);
  T* const to = out.mutable_values<T>().data();
  base::parallel_for(classes, scores.grain(), [&](int64_t begin, int64_t end) {
    scores.each(begin, end, [&](int64_t id, const T* of) {
      for (int64_t row = 0; row < rows; ++row) to[row * classes + id] = of[row];
    });
  });
}

template <class T>
struct Scored {
  T score;
  int64_t id;
  bool operator<(const Scored& other) const {  // comes before it
    return score > other.score || (score == other.score && id < other.id);
  }
};

// The k best that a row has met: a heap, the least of them in front.
template <class T>
class Best {
 public:
  void add(Scored<T> scored, size_t k) {
    if (heap_.size() == k) {
      if (!(scored < heap_.front())) return;
      std::pop_heap(heap_.begin(), heap_.end());
      heap_.pop_back();
    }
    heap_.push_back(scored);
    std::push_heap(heap_.begin(), heap_.end());
  }
  void add(const Best& other, size_t k) {
    for (const Scored<T>& scored : other.heap_) add(scored, k);
  }
  std::vector<Scored<T>> sorted() && {
    std::sort_heap(heap_.begin(), heap_.end());
    return std::move(heap_);
  }

 private:
  std::vector<Scored<T>> heap_;
};

// Each thread finds the best of its classes; what is best of those does not depend on who had them.
template <class T>
void write_top(const Tensor& weights, const Tensor* biases, const Tensor& inputs, TopClasses& top) {
  const Scores<T> scores(weights, biases, inputs);
  const int64_t classes = weights.dim(0), rows = inputs.dim(0);
  const auto k = static_cast<size_t>(top.ids.dim(1));
  std::vector<Best<T>> best(static_cast<size_t>(rows));
  std::mutex adding;
  const int64_t grain =
      std::max(scores.grain(), classes / (4 * static_cast<int64_t>(base::num_threads())));
  base::parallel_for(classes, grain, [&](int64_t begin, int64_t end) {
    std::vector<Best<T>> own(best.size());
    scores.each(begin, end, [&](int64_t id, const T* of) {
      for (size_t row = 0; row < own.size(); ++row) {
        const T score = std::isnan(of[row]) ? -std::numeric_limits<T>::infinity() : of[row];
        own[row].add({score, id}, k);
      }
    });
    std::lock_guard lock(adding);
    for (size_t row = 0; row < own.size(); ++row) best[row].add(own[row], k);
  });
  int64_t* ids = top.ids.mutable_values<int64_t>().data();
  T* to = top.scores.mutable_values<T>().data();
  for (Best<T>& of_row : best) {
    for (const Scored<T>& scored : std::move(of_row).sorted()) {
      *ids++ = scored.id;
      *to++ = scored.score;
    }
  }
}

}  // namespace

Tensor class_scores(const Tensor& weights, const Tensor* biases, const Tensor& inputs) {
  const DType dtype = check_scored(weights, biases, inputs);
  Tensor out(dtype, {inputs.dim(0), weights.dim(0)});
  if (out.size() == 0) return out;
  if (dtype == DType::kFloat32) {
    write_scores<float>(weights, biases, inputs, out);
  } else {
    write_scores<double>(weights, biases, inputs, out);
  }
  return out;
}

TopClasses top_classes(const Tensor& weights, const Tensor* biases, const Tensor& inputs,
                       int64_t k) {
  const DType dtype = check_scored(weights, biases, inputs);
  if (k < 1 || k > weights.dim(0)) {
    throw InvalidArgument("k must be from 1 to the " + std::to_string(weights.dim(0)) +
                          " classes, got " + std::to_string(k));
  }
  const Shape shape{inputs.dim(0), k};
  TopClasses top{Tensor(DType::kInt64, shape), Tensor(dtype, shape)};
  if (inputs.dim(0) == 0) return top;
  if (dtype == DType::kFloat32) {
    write_top<float>(weights, biases, inputs, top);
  } else {
    write_top<double>(weights, biases, inputs, top);
  }
  return top;
}

}  // namespace weft
