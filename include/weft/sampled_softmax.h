// The softmax over more classes than a training step can score, the items of a shop: classes to
// compare with are drawn, the loss is that over them, and the best of all classes can be asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "weft/export.h"
#include "weft/gradient.h"
#include "weft/loss.h"
#include "weft/ragged.h"
#include "weft/tensor.h"

namespace weft {

// How likely each of V classes is to be drawn. An immutable value.
class WEFT_API ClassDistribution {
 public:
  // 1 / V, as tf.random.uniform_candidate_sampler. Throws InvalidArgument if num_classes < 1.
  static ClassDistribution uniform(int64_t num_classes);
  // log((c + 2) / (c + 1)) / log(V + 1), Zipf's law for classes by falling frequency, as
  // tf.random.log_uniform_candidate_sampler. Throws InvalidArgument if num_classes < 1.
  static ClassDistribution log_uniform(int64_t num_classes);
  // As these numbers [V], as tf.random.fixed_unigram_candidate_sampler. Throws InvalidArgument
  // naming the class whose count is not a number > 0, and for another rank or no classes; WrongType
  // for strings.
  static ClassDistribution of_counts(const Tensor& counts);

  int64_t num_classes() const { return num_classes_; }  // V
  double probability(int64_t id) const;                 // of 0 <= id < V
  int64_t draw(uint64_t random_bits) const;

 private:
  enum class Kind : uint8_t { kUniform, kLogUniform, kCounts };
  ClassDistribution(Kind kind, int64_t num_classes);

  Kind kind_;
  int64_t num_classes_;
  Tensor counts_, sums_;  // float64 [V] of kCounts: of each class, and of all up to it
};

// The classes that all rows of a batch are compared with, and how often each class was to be
// expected among them, which the loss corrects for.
struct SampledClasses {
  Tensor classes;        // int64 [S], in [0, V)
  Tensor expected;       // float64 [S]
  Tensor true_expected;  // float64 [N]: of each label
};

struct SampleOptions {
  int64_t num_sampled = 0;  // S
  bool unique = true;       // each class once
  int64_t seed = 0;         // with the name and the step it decides what is drawn
  std::string name = "sampled_softmax";
  uint64_t step = 0;
};

// Labels of B rows are int64 [B] or [B, n], or the rows of a Ragged of one level or of a
// SparseTensor made of rows: those with several labels give each the weight 1 / n, those without
// any contribute nothing. All functions throw OutOfRange naming a label that is no class and its
// position, WrongType unless labels are integers, InvalidArgument for another shape.

// Draws S classes with TensorFlow's expected counts: p S or, where classes are drawn until S are
// different, 1 - (1 - p)^draws. A distribution so uneven that 1000 S draws have not met S classes
// gives those they have met. Throws InvalidArgument for S < 1, or S > V with `unique`.
WEFT_API SampledClasses sample_classes(const ClassDistribution& distribution, const Feature& labels,
                                       const SampleOptions& options);
// In the place of drawn ones, the different labels of the batch, which come by this distribution:
// 1 - (1 - p)^N is expected of each. For a loss that removes accidental hits.
WEFT_API SampledClasses batch_classes(const ClassDistribution& distribution, const Feature& labels);

struct SampledSoftmaxOptions {
  // Compares no row with a class that is one of its labels, however often that was drawn;
  // TensorFlow leaves out one of several equal ones.
  bool remove_accidental_hits = true;
  std::optional<Tensor> sample_weight = {};  // [B]: each row's loss is multiplied by its weight
  Reduction reduction = Reduction::kMean;    // over all B rows
};

struct SampledSoftmaxLoss {
  double value = 0;  // reduced
  Tensor samples;    // [B], weighted
  // Gradients of `value`: of the inputs [B, D], and, for classes that were labels or drawn, of the
  // weights [V, D] and biases [V].
  Tensor inputs;
  IndexedSlices weights;
  std::optional<IndexedSlices> biases;
};

// As tf.nn.sampled_softmax_loss: the crossentropy of a row's labels with the softmax over its
// labels and the sampled classes, whose logits are inputs weights^T + biases - log(expected). Of
// the weights [V, D] only these classes' rows are read: time and memory do not grow with V, and
// results do not depend on the number of threads. `biases` [V] may be null.
// Throws InvalidArgument for shapes that do not fit and expected counts that are not > 0,
// OutOfRange for sampled classes outside [0, V), WrongType unless weights, biases and inputs are
// all float32 or all float64.
WEFT_API SampledSoftmaxLoss sampled_softmax(const Tensor& weights, const Tensor* biases,
                                            const Feature& labels, const Tensor& inputs,
                                            const SampledClasses& sampled,
                                            const SampledSoftmaxOptions& options = {});

// The logits of all classes, inputs weights^T + biases: [B, V]. Throws as sampled_softmax().
WEFT_API Tensor class_scores(const Tensor& weights, const Tensor* biases, const Tensor& inputs);

struct TopClasses {
  Tensor ids;     // int64 [B, k]
  Tensor scores;  // [B, k], falling; of equal ones the lower id comes first; NaN counts as -inf
};
// The k best of them, without [B, V] in memory. Throws InvalidArgument unless 1 <= k <= V, and as
// above.
WEFT_API TopClasses top_classes(const Tensor& weights, const Tensor* biases, const Tensor& inputs,
                                int64_t k);

}  // namespace weft
