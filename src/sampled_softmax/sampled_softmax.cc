#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "base/matrix.h"
#include "base/row_groups.h"
#include "base/thread_pool.h"
#include "sampled_softmax/label_rows.h"
#include "weft/layer.h"

namespace weft {
namespace {

// f over `start` and all of x, in an order that lets vectors do it.
template <class T, class F>
T reduce(const T* x, int64_t n, T start, const F& f) {
  constexpr int64_t kLanes = 16;
  T lanes[kLanes];
  std::fill_n(lanes, kLanes, start);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] = f(lanes[lane], x[i + lane]);
  }
  for (; i < n; ++i) lanes[0] = f(lanes[0], x[i]);
  return std::accumulate(lanes + 1, lanes + kLanes, lanes[0], f);
}

int64_t grain_of(int64_t depth, int64_t width) {
  const double flops = 2 * static_cast<double>(depth + 1) * static_cast<double>(width + 1);
  return base::grain_of_flops(flops);
}

void check_counts(const Tensor& expected, int64_t size, const char* name) {
  if (expected.dtype() != DType::kFloat64 || expected.shape() != Shape{size}) {
    throw InvalidArgument(std::string(name) + " must be float64 [" + std::to_string(size) +
                          "], got " + dtype_name(expected.dtype()) + " " +
                          shape_string(expected.shape()));
  }
  for (double count : expected.values<double>()) {
    if (!(count > 0))
      throw InvalidArgument(std::string(name) + " must be greater than 0, got " +
                            std::to_string(count));
  }
}

void check_sampled(const SampledClasses& sampled, int64_t labels, int64_t num_classes) {
  const auto classes = sampled.classes.values<int64_t>();
  check_counts(sampled.expected, std::ssize(classes), "expected");
  check_counts(sampled.true_expected, labels, "true_expected");
  for (int64_t id : classes) {
    if (id >= 0 && id < num_classes) continue;
    throw OutOfRange("the sampled class " + std::to_string(id) + " is outside [0, " +
                     std::to_string(num_classes) + ")");
  }
}

// A row's loss is multiplied by its weight; the value is `share` of their sum.
struct RowWeights {
  std::vector<double> weights;
  double share;
};

RowWeights row_weights(const SampledSoftmaxOptions& options, int64_t rows) {
  RowWeights made{
      std::vector<double>(static_cast<size_t>(rows), 1.0),
      options.reduction == Reduction::kMean && rows > 0 ? 1 / static_cast<double>(rows) : 1};
  if (!options.sample_weight) return made;
  const Tensor given = as_floating(*options.sample_weight, DType::kFloat64, "sample_weight");
  if (given.shape() != Shape{rows}) {
    throw InvalidArgument("sample_weight has shape " + shape_string(given.shape()) +
                          ", the samples [" + std::to_string(rows) + "]");
  }
  std::ranges::copy(given.values<double>(), made.weights.begin());
  return made;
}

// S columns of a batch [B, S] are the classes that all rows share; a row's labels stand beside
// them.
template <class T>
class Batch {
 public:
  Batch(const Tensor& weights, const Tensor* biases, const Ragged& labels, const Tensor& inputs,
        const SampledClasses& sampled, bool remove_accidental_hits);

  SampledSoftmaxLoss run(const RowWeights& weights);

 private:
  void pack();
  void run_rows(int64_t begin, int64_t end, const RowWeights& weights, SampledSoftmaxLoss& loss);
  T run_row(int64_t row, T factor);
  void gradient_of_inputs(int64_t begin, int64_t end, T* tile) const;
  void gradient_of_sampled();
  IndexedSlices gradient_of_weights() const;
  IndexedSlices gradient_of_biases() const;

  const T* class_row(int64_t id) const { return weights_ + id * depth_; }

  const T *weights_, *biases_, *inputs_;
  const int64_t num_classes_, depth_, rows_, sampled_;
  const bool remove_hits_;
  std::span<const int64_t> classes_, labels_, splits_;
  std::span<const double> expected_, true_expected_;
  const base::PanelLayout of_sampled_, of_depth_;  // of rows of S and of D numbers
  const int64_t ld_sampled_, ld_depth_;
  std::vector<std::pair<int64_t, int64_t>> places_;  // sampled classes and where they stand, sorted
  std::vector<T> picked_, picked_transposed_;        // their weights, [S][D] and [D][S]
  base::Matrix<T> to_logits_, to_inputs_;
  std::vector<T> start_;         // [S]: biases - log(expected)
  std::vector<T> grad_sampled_;  // [B][S]: of logits, which it holds before
  std::vector<T> grad_labels_;   // [N]
  std::vector<T> terms_;         // the inputs, then the gradients of picked_: [B + S][D]
};

template <class T>
Batch<T>::Batch(const Tensor& weights, const Tensor* biases, const Ragged& labels,
                const Tensor& inputs, const SampledClasses& sampled, bool remove_accidental_hits)
    : weights_(weights.values<T>().data()),
      biases_(biases == nullptr ? nullptr : biases->values<T>().data()),
      inputs_(inputs.values<T>().data()),
      num_classes_(weights.dim(0)),
      depth_(weights.dim(1)),
      rows_(inputs.dim(0)),
      sampled_(sampled.classes.size()),
      remove_hits_(remove_accidental_hits),
      classes_(sampled.classes.values<int64_t>()),
      labels_(labels.values<int64_t>()),
      splits_(labels.row_splits()),
      expected_(sampled.expected.values<double>()),
      true_expected_(sampled.true_expected.values<double>()),
      of_sampled_(base::grouped_layout<T>(1, sampled_)),
      of_depth_(base::grouped_layout<T>(1, depth_)),
      ld_sampled_(base::padded<T>(sampled_)),
      ld_depth_(base::padded<T>(depth_)),
      start_(static_cast<size_t>(ld_sampled_), T(0)),
      grad_sampled_(static_cast<size_t>(rows_ * ld_sampled_), T(0)),
      grad_labels_(labels_.size(), T(0)),
      terms_(static_cast<size_t>((rows_ + sampled_) * ld_depth_), T(0)) {
  pack();
  for (int64_t row = 0; row < rows_; ++row)
    std::copy_n(inputs_ + row * depth_, depth_, terms_.data() + row * ld_depth_);
}

template <class T>
void Batch<T>::pack() {
  picked_.resize(static_cast<size_t>(sampled_ * depth_));
  for (int64_t i = 0; i < sampled_; ++i) {
    const int64_t id = classes_[static_cast<size_t>(i)];
    std::copy_n(class_row(id), depth_, picked_.data() + i * depth_);
    const T bias = biases_ == nullptr ? T(0) : biases_[id];
    start_[static_cast<size_t>(i)] =
        bias - static_cast<T>(std::log(expected_[static_cast<size_t>(i)]));
    if (remove_hits_) places_.emplace_back(id, i);
  }
  constexpr int64_t kAtOnce = 16;  // rows of which the cache holds a line each
  picked_transposed_.resize(picked_.size());
  for (int64_t first = 0; first < sampled_; first += kAtOnce) {
    const int64_t end = std::min(first + kAtOnce, sampled_);
    for (int64_t k = 0; k < depth_; ++k) {
      T* const to = picked_transposed_.data() + k * sampled_;
      for (int64_t i = first; i < end; ++i) to[i] = picked_[static_cast<size_t>(i * depth_ + k)];
    }
  }
  std::ranges::sort(places_);
  to_logits_ = {picked_transposed_.data(), depth_, sampled_, of_sampled_};
  to_inputs_ = {picked_.data(), sampled_, depth_, of_depth_};
}

// The loss of a row, whose logits of sampled classes are there; leaves the gradients of all logits,
// times `factor`.
template <class T>
T Batch<T>::run_row(int64_t row, T factor) {
  T* const logits = grad_sampled_.data() + row * ld_sampled_;
  const auto begin = static_cast<size_t>(splits_[static_cast<size_t>(row)]),
             end = static_cast<size_t>(splits_[static_cast<size_t>(row) + 1]);
  if (begin == end) {
    std::fill_n(logits, sampled_, T(0));
    return 0;
  }
  const auto hits = [&](int64_t id, T value) {
    const auto equal =
        std::ranges::equal_range(places_, id, {}, &std::pair<int64_t, int64_t>::first);
    for (const auto& [hit, place] : equal) logits[place] = value;
  };
  T largest = std::numeric_limits<T>::lowest(), mean = 0;
  const T share = T(1) / static_cast<T>(end - begin);
  for (size_t i = begin; i < end; ++i) {
    const int64_t id = labels_[i];
    const T logit = std::inner_product(class_row(id), class_row(id) + depth_,
                                       inputs_ + row * depth_, biases_ ? biases_[id] : T(0)) -
                    static_cast<T>(std::log(true_expected_[i]));
    grad_labels_[i] = logit;
    largest = std::max(largest, logit);
    mean += logit * share;
    hits(id, std::numeric_limits<T>::lowest());
  }
  largest = reduce(logits, sampled_, largest, [](T a, T b) { return a < b ? b : a; });
  for (int64_t j = 0; j < sampled_; ++j) logits[j] -= largest;
  activate(Activation::kExponential, logits, 1, sampled_, sampled_);
  for (size_t i = begin; i < end; ++i) {
    hits(labels_[i], T(0));
    grad_labels_[i] = std::exp(grad_labels_[i] - largest);
  }
  const auto add = [](T a, T b) { return a + b; };
  const T sum = reduce(grad_labels_.data() + begin, static_cast<int64_t>(end - begin), T(0), add) +
                reduce(logits, sampled_, T(0), add);
  for (int64_t j = 0; j < sampled_; ++j) logits[j] *= factor / sum;
  for (size_t i = begin; i < end; ++i) grad_labels_[i] = (grad_labels_[i] / sum - share) * factor;
  return std::log(sum) + largest - mean;
}

// Into `tile`, [rows][ld_depth_].
template <class T>
void Batch<T>::gradient_of_inputs(int64_t begin, int64_t end, T* tile) const {
  std::fill_n(tile, (end - begin) * ld_depth_, T(0));
  for (int64_t row = begin; row < end; ++row) {
    T* const to = tile + (row - begin) * ld_depth_;
    for (auto i = static_cast<size_t>(splits_[static_cast<size_t>(row)]);
         i < static_cast<size_t>(splits_[static_cast<size_t>(row) + 1]); ++i) {
      const T* const from = class_row(labels_[i]);
      for (int64_t k = 0; k < depth_; ++k) to[k] += grad_labels_[i] * from[k];
    }
  }
  to_inputs_.multiply(end - begin, grad_sampled_.data() + begin * ld_sampled_, ld_sampled_, tile,
                      ld_depth_, tile, ld_depth_);
}

template <class T>
void Batch<T>::run_rows(int64_t begin, int64_t end, const RowWeights& weights,
                        SampledSoftmaxLoss& loss) {
  const int64_t n = end - begin;
  to_logits_.multiply(n, inputs_ + begin * depth_, depth_, start_.data(), 0,
                      grad_sampled_.data() + begin * ld_sampled_, ld_sampled_);
  T* const samples = loss.samples.mutable_values<T>().data();
  for (int64_t row = begin; row < end; ++row) {
    const double weight = weights.weights[static_cast<size_t>(row)];
    samples[row] = static_cast<T>(weight) * run_row(row, static_cast<T>(weight * weights.share));
  }
  std::vector<T> tile(static_cast<size_t>(n * ld_depth_));
  gradient_of_inputs(begin, end, tile.data());
  T* const to = loss.inputs.mutable_values<T>().data();
  for (int64_t i = 0; i < n; ++i)
    std::copy_n(tile.data() + i * ld_depth_, depth_, to + (begin + i) * depth_);
}

// Threads have classes of their own, and add their rows in order.
template <class T>
void Batch<T>::gradient_of_sampled() {
  T* const to = terms_.data() + rows_ * ld_depth_;
  base::parallel_for(sampled_, grain_of(depth_, rows_), [&](int64_t begin, int64_t end) {
    base::add_transposed(end - begin, rows_, grad_sampled_.data() + begin, ld_sampled_,
                         terms_.data(), ld_depth_, of_depth_, to + begin * ld_depth_, ld_depth_);
  });
}

template <class T>
IndexedSlices slices(const base::RowEntries<T>& entries, const T* rows, Shape dense_shape) {
  const base::RowGroups<T> groups(entries, dense_shape[0]);
  const int64_t n = std::ssize(groups.ids());
  Shape shape = dense_shape;
  shape[0] = n;
  IndexedSlices made{Tensor::of<int64_t>({n}, groups.ids()), Tensor(kDTypeOf<T>, std::move(shape)),
                     std::move(dense_shape)};
  groups.sum(rows, made.width(), made.values.template mutable_values<T>().data());
  return made;
}

template <class T>
IndexedSlices Batch<T>::gradient_of_weights() const {
  base::RowEntries<T> entries;
  for (int64_t j = 0; j < sampled_; ++j) {
    entries.ids.push_back(classes_[static_cast<size_t>(j)]);
    entries.sources.push_back((rows_ + j) * ld_depth_);
    entries.weights.push_back(1);
  }
  for (int64_t row = 0; row < rows_; ++row) {
    for (auto i = static_cast<size_t>(splits_[static_cast<size_t>(row)]);
         i < static_cast<size_t>(splits_[static_cast<size_t>(row) + 1]); ++i) {
      entries.ids.push_back(labels_[i]);
      entries.sources.push_back(row * ld_depth_);
      entries.weights.push_back(grad_labels_[i]);
    }
  }
  return slices(entries, terms_.data(), {num_classes_, depth_});
}

template <class T>
IndexedSlices Batch<T>::gradient_of_biases() const {
  std::vector<T> sums(static_cast<size_t>(ld_sampled_), T(0));
  const T one = 1;
  base::add_transposed(1, rows_, &one, 0, grad_sampled_.data(), ld_sampled_, of_sampled_,
                       sums.data(), ld_sampled_);
  sums.resize(static_cast<size_t>(sampled_));
  sums.insert(sums.end(), grad_labels_.begin(), grad_labels_.end());
  base::RowEntries<T> entries;
  entries.ids.assign(classes_.begin(), classes_.end());
  entries.ids.insert(entries.ids.end(), labels_.begin(), labels_.end());
  entries.sources.resize(sums.size());
  std::iota(entries.sources.begin(), entries.sources.end(), int64_t{0});
  return slices(entries, sums.data(), {num_classes_});
}

template <class T>
SampledSoftmaxLoss Batch<T>::run(const RowWeights& weights) {
  SampledSoftmaxLoss loss{.samples = Tensor(kDTypeOf<T>, {rows_}),
                          .inputs = Tensor(kDTypeOf<T>, {rows_, depth_})};
  const int64_t grain = std::min(base::kTileRows, grain_of(depth_, sampled_));
  base::parallel_for(rows_, grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row += base::kTileRows)
      run_rows(row, std::min(row + base::kTileRows, end), weights, loss);
  });
  const auto samples = loss.samples.values<T>();
  loss.value = std::accumulate(samples.begin(), samples.end(), 0.0) * weights.share;
  gradient_of_sampled();
  loss.weights = gradient_of_weights();
  if (biases_ != nullptr) loss.biases = gradient_of_biases();
  return loss;
}

}  // namespace

SampledSoftmaxLoss sampled_softmax(const Tensor& weights, const Tensor* biases,
                                   const Feature& labels, const Tensor& inputs,
                                   const SampledClasses& sampled,
                                   const SampledSoftmaxOptions& options) {
  const DType dtype = check_scored(weights, biases, inputs);
  const Ragged rows = label_rows(labels, weights.dim(0));
  if (rows.rows() != inputs.dim(0)) {
    throw InvalidArgument("labels have " + std::to_string(rows.rows()) + " rows, the inputs " +
                          std::to_string(inputs.dim(0)));
  }
  SampledClasses own = sampled;  // with classes that nobody else writes to
  own.classes = Tensor::of<int64_t>(own.classes.shape(), own.classes.values<int64_t>());
  check_sampled(own, rows.values().size(), weights.dim(0));
  const RowWeights each = row_weights(options, inputs.dim(0));
  const auto run = [&](auto type) {
    using T = decltype(type);
    return Batch<T>(weights, biases, rows, inputs, own, options.remove_accidental_hits).run(each);
  };
  return dtype == DType::kFloat32 ? run(float()) : run(double());
}

}  // namespace weft
