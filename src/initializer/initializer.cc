#include "weft/initializer.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/thread_pool.h"
#include "initializer/distribution.h"
#include "initializer/orthogonal.h"

namespace weft {
namespace {

namespace in = initializers;

constexpr double kTruncatedStddev = 0.87962566103423978;  // of a normal cut at two deviations
constexpr int64_t kGrain = 4096;                          // ~10 ns an element

// What each kind draws from: everything that it needs beside its own fields.
struct Draw {
  const Shape& shape;
  DType dtype;
  std::string_view name;
  int64_t seed;

  base::Philox stream(const in::Seed& own) const { return {own.value_or(seed), name}; }
};

template <class T, class Element>
void fill_as(Tensor& tensor, const Element& element) {
  const std::span<T> values = tensor.mutable_values<T>();
  base::parallel_for(tensor.size(), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      values[static_cast<size_t>(i)] = static_cast<T>(element(i));
  });
}

// The tensor whose element i is element(i), a double.
template <class Element>
Tensor filled(const Draw& draw, const Element& element) {
  Tensor tensor(draw.dtype, draw.shape);
  if (draw.dtype == DType::kFloat32) {
    fill_as<float>(tensor, element);
  } else {
    fill_as<double>(tensor, element);
  }
  return tensor;
}

Tensor uniform(const Draw& draw, const in::Seed& seed, double minval, double maxval) {
  const base::Philox stream = draw.stream(seed);
  return filled(draw,
                [&](int64_t i) { return minval + (maxval - minval) * uniform_at(stream, i); });
}

Tensor normal(const Draw& draw, const in::Seed& seed, double mean, double stddev) {
  const base::Philox stream = draw.stream(seed);
  return filled(draw, [&](int64_t i) { return mean + stddev * normal_at(stream, i); });
}

Tensor truncated_normal(const Draw& draw, const in::Seed& seed, double mean, double stddev) {
  const base::Philox stream = draw.stream(seed);
  return filled(draw, [&](int64_t i) { return mean + stddev * truncated_normal_at(stream, i); });
}

double fan(const Shape& shape, const std::string& mode) {
  double fan_in = 1, fan_out = 1;
  if (!shape.empty()) {
    const size_t rank = shape.size();
    fan_in = static_cast<double>(shape[rank == 1 ? 0 : rank - 2]);
    fan_out = static_cast<double>(shape[rank - 1]);
    for (size_t i = 0; i + 2 < rank; ++i) {
      fan_in *= static_cast<double>(shape[i]);
      fan_out *= static_cast<double>(shape[i]);
    }
  }
  const double n = mode == "fan_in" ? fan_in : mode == "fan_out" ? fan_out : (fan_in + fan_out) / 2;
  return std::max(1.0, n);
}

Tensor draw_values(const in::VarianceScaling& kind, const Draw& draw) {
  const double variance = kind.scale / fan(draw.shape, kind.mode);
  if (kind.distribution == "uniform") {
    const double limit = std::sqrt(3 * variance);
    return uniform(draw, kind.seed, -limit, limit);
  }
  if (kind.distribution == "untruncated_normal") {
    return normal(draw, kind.seed, 0, std::sqrt(variance));
  }
  return truncated_normal(draw, kind.seed, 0, std::sqrt(variance) / kTruncatedStddev);
}

Tensor draw_values(const in::Zeros&, const Draw& draw) {
  return Tensor::zeros(draw.dtype, draw.shape);
}
Tensor draw_values(const in::Ones&, const Draw& draw) {
  return filled(draw, [](int64_t) { return 1.0; });
}
Tensor draw_values(const in::Constant& kind, const Draw& draw) {
  return filled(draw, [&](int64_t) { return kind.value; });
}
Tensor draw_values(const in::RandomUniform& kind, const Draw& draw) {
  return uniform(draw, kind.seed, kind.minval, kind.maxval);
}
Tensor draw_values(const in::RandomNormal& kind, const Draw& draw) {
  return normal(draw, kind.seed, kind.mean, kind.stddev);
}
Tensor draw_values(const in::TruncatedNormal& kind, const Draw& draw) {
  return truncated_normal(draw, kind.seed, kind.mean, kind.stddev);
}
Tensor draw_values(const in::GlorotUniform& kind, const Draw& draw) {
  return draw_values(in::VarianceScaling{1, "fan_avg", "uniform", kind.seed}, draw);
}
Tensor draw_values(const in::GlorotNormal& kind, const Draw& draw) {
  return draw_values(in::VarianceScaling{1, "fan_avg", "truncated_normal", kind.seed}, draw);
}
Tensor draw_values(const in::HeUniform& kind, const Draw& draw) {
  return draw_values(in::VarianceScaling{2, "fan_in", "uniform", kind.seed}, draw);
}
Tensor draw_values(const in::HeNormal& kind, const Draw& draw) {
  return draw_values(in::VarianceScaling{2, "fan_in", "truncated_normal", kind.seed}, draw);
}
Tensor draw_values(const in::LecunUniform& kind, const Draw& draw) {
  return draw_values(in::VarianceScaling{1, "fan_in", "uniform", kind.seed}, draw);
}
Tensor draw_values(const in::LecunNormal& kind, const Draw& draw) {
  return draw_values(in::VarianceScaling{1, "fan_in", "truncated_normal", kind.seed}, draw);
}

Tensor draw_values(const in::Orthogonal& kind, const Draw& draw) {
  if (draw.shape.size() < 2) {
    throw InvalidArgument("Orthogonal needs a shape of rank 2 or more, got " +
                          shape_string(draw.shape));
  }
  const int64_t total = num_elements(draw.shape), cols = draw.shape.back();
  if (total == 0) return Tensor::zeros(draw.dtype, draw.shape);
  const int64_t rows = total / cols, m = std::max(rows, cols), n = std::min(rows, cols);
  const OrthonormalColumns columns(draw.stream(kind.seed), m, n);
  return filled(draw, [&](int64_t i) {
    const int64_t row = i / cols, col = i % cols;
    return kind.gain * (rows >= cols ? columns(row, col) : columns(col, row));
  });
}

Tensor draw_values(const in::Identity& kind, const Draw& draw) {
  if (draw.shape.size() != 2) {
    throw InvalidArgument("Identity needs a shape of rank 2, got " + shape_string(draw.shape));
  }
  const int64_t cols = draw.shape[1];
  return filled(draw, [&](int64_t i) { return i / cols == i % cols ? kind.gain : 0.0; });
}

Tensor draw_values(const in::Custom& kind, const Draw& draw) {
  Tensor values = (*kind.function)(draw.shape, draw.dtype);
  if (values.shape() != draw.shape) {
    throw InvalidArgument("the initializer of '" + escape_bytes(draw.name) + "' returned shape " +
                          shape_string(values.shape()) + ", expected " + shape_string(draw.shape));
  }
  if (values.dtype() != draw.dtype) {
    throw WrongType("the initializer of '" + escape_bytes(draw.name) + "' returned " +
                    dtype_name(values.dtype()) + ", expected " + dtype_name(draw.dtype));
  }
  // A weight is written to: the memory must not be anybody else's.
  return Tensor::from_buffer(
      draw.dtype, draw.shape,
      Buffer::copy_of(values.buffer().data(), values.size() * dtype_size(draw.dtype)));
}

}  // namespace

Tensor Initializer::operator()(const Shape& shape, DType dtype, std::string_view parameter_name,
                               int64_t seed) const {
  if (dtype != DType::kFloat32 && dtype != DType::kFloat64) {
    throw WrongType("weight '" + escape_bytes(parameter_name) +
                    "' must be float32 or float64, got " + dtype_name(dtype));
  }
  (void)num_elements(shape);
  const Draw draw{shape, dtype, parameter_name, seed};
  return std::visit([&](const auto& kind) { return draw_values(kind, draw); }, kind_);
}

void Initializer::check() const {
  const auto fail = [&](const std::string& what) {
    throw InvalidArgument(std::string(name()) + ": " + what);
  };
  if (const auto* kind = std::get_if<in::VarianceScaling>(&kind_)) {
    const std::string &mode = kind->mode, &distribution = kind->distribution;
    if (!(kind->scale > 0))
      fail("scale must be greater than 0, got " + std::to_string(kind->scale));
    if (mode != "fan_in" && mode != "fan_out" && mode != "fan_avg") {
      fail("mode must be fan_in, fan_out or fan_avg, got '" + escape_bytes(mode) + "'");
    }
    if (distribution != "truncated_normal" && distribution != "untruncated_normal" &&
        distribution != "uniform") {
      fail("distribution must be truncated_normal, untruncated_normal or uniform, got '" +
           escape_bytes(distribution) + "'");
    }
  } else if (const auto* range = std::get_if<in::RandomUniform>(&kind_)) {
    if (!(range->minval <= range->maxval)) fail("minval must not exceed maxval");
  } else if (const auto* spread = std::get_if<in::RandomNormal>(&kind_)) {
    if (!(spread->stddev >= 0)) fail("stddev must not be negative");
  } else if (const auto* cut = std::get_if<in::TruncatedNormal>(&kind_)) {
    if (!(cut->stddev >= 0)) fail("stddev must not be negative");
  } else if (const auto* custom = std::get_if<in::Custom>(&kind_)) {
    if (custom->function == nullptr || !*custom->function) fail("the function is empty");
  }
}

}  // namespace weft
