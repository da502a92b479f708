#include "sequence/number_gradients.h"

#include <numeric>

namespace weft {
namespace {

// The gradient of value p is slopes[p] * grad[cell][j], where shown[cell][j] is p: that of a value
// that is not shown is zero.
template <class T>
Tensor gathered(const Tensor& shown, const Tensor& slopes, const T* grad, int64_t width,
                int64_t stride) {
  Tensor gradient = Tensor::zeros(kDTypeOf<T>, slopes.shape());
  const auto places = shown.values<double>(), slope = slopes.values<double>();
  const auto to = gradient.mutable_values<T>();
  for (size_t at = 0; at < places.size(); grad += stride) {
    for (int64_t j = 0; j < width; ++j, ++at) {
      if (places[at] < 0) continue;
      const auto place = static_cast<size_t>(places[at]);
      to[place] = static_cast<T>(slope[place] * static_cast<double>(grad[j]));
    }
  }
  return gradient;
}

Feature with_places(const Feature& feature) {
  Tensor places(DType::kFloat64, {feature_values(feature).size()});
  const auto to = places.mutable_values<double>();
  std::iota(to.begin(), to.end(), 0.0);
  return with_values(feature, places);
}

}  // namespace

void NumberGradients::add(const DenseColumn& column, int64_t begin,
                          const std::function<Tensor(const NumberColumn&, const Feature&)>& shown) {
  const auto* numbers = dynamic_cast<const NumberColumn*>(&column);
  if (numbers == nullptr) return;
  const Feature& feature = find_feature(features_, numbers->key());
  const auto slopes = numbers->slopes(feature_values(feature));
  if (!slopes) return;
  const Tensor places = shown(*numbers, with_places(feature));
  const int64_t width = num_elements(numbers->shape()), stride = grad_.shape().back();
  const auto gather = [&](auto type) {
    using T = decltype(type);
    return gathered(places, *slopes, grad_.values<T>().data() + begin, width, stride);
  };
  const Tensor gradient = grad_.dtype() == DType::kFloat32 ? gather(float()) : gather(double());
  gradients_.emplace(numbers->key(), with_values(feature, gradient));
}

}  // namespace weft
