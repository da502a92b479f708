// How weights begin: Keras's initializers over a counter-based generator. Parameter, a named
// weight.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "weft/tensor.h"

namespace weft {

// Keras's classes of the same names, with its fields and defaults. `seed` unset: the seed that the
// call is given.
namespace initializers {

using Seed = std::optional<int64_t>;

struct Zeros {
  bool operator==(const Zeros&) const = default;
};
struct Ones {
  bool operator==(const Ones&) const = default;
};
struct Constant {
  double value = 0;
  bool operator==(const Constant&) const = default;
};
struct RandomUniform {
  double minval = -0.05, maxval = 0.05;
  Seed seed = {};
  bool operator==(const RandomUniform&) const = default;
};
struct RandomNormal {
  double mean = 0, stddev = 0.05;
  Seed seed = {};
  bool operator==(const RandomNormal&) const = default;
};
// The normal distribution cut at two standard deviations; `stddev` is that of the uncut one.
struct TruncatedNormal {
  double mean = 0, stddev = 0.05;
  Seed seed = {};
  bool operator==(const TruncatedNormal&) const = default;
};
// Variance scale / n, where n is fan_in, fan_out or their mean (`fan_avg`): for a shape
// [k..., in, out], fan_in = prod(k) * in and fan_out = prod(k) * out; both are n for a shape [n].
// `distribution`: truncated_normal (its variance after the cut), untruncated_normal, uniform.
struct VarianceScaling {
  double scale = 1;
  std::string mode = "fan_in";
  std::string distribution = "truncated_normal";
  Seed seed = {};
  bool operator==(const VarianceScaling&) const = default;
};
// VarianceScaling: Glorot is scale 1 over fan_avg, He 2 over fan_in, Lecun 1 over fan_in.
#define WEFT_SCALED_INITIALIZER(Name)             \
  struct Name {                                   \
    Seed seed = {};                               \
    bool operator==(const Name&) const = default; \
  }
WEFT_SCALED_INITIALIZER(GlorotUniform);
WEFT_SCALED_INITIALIZER(GlorotNormal);
WEFT_SCALED_INITIALIZER(HeUniform);
WEFT_SCALED_INITIALIZER(HeNormal);
WEFT_SCALED_INITIALIZER(LecunUniform);
WEFT_SCALED_INITIALIZER(LecunNormal);
#undef WEFT_SCALED_INITIALIZER
// `gain` times a matrix [prod(shape[:-1]), shape[-1]] with orthonormal columns (rows, if it has
// fewer rows than columns). Rank 2 and more.
struct Orthogonal {
  double gain = 1;
  Seed seed = {};
  bool operator==(const Orthogonal&) const = default;
};
// `gain` on the main diagonal of a matrix. Rank 2.
struct Identity {
  double gain = 1;
  bool operator==(const Identity&) const = default;
};
// Whatever `function` returns; it runs on the calling thread. Equal only to its own copies.
struct Custom {
  std::shared_ptr<const std::function<Tensor(const Shape&, DType)>> function;
  bool operator==(const Custom&) const = default;
};

}  // namespace initializers

// One of the above: an immutable value.
class WEFT_API Initializer {
 public:
  using Kind =
      std::variant<initializers::GlorotUniform, initializers::Zeros, initializers::Ones,
                   initializers::Constant, initializers::RandomUniform, initializers::RandomNormal,
                   initializers::TruncatedNormal, initializers::VarianceScaling,
                   initializers::GlorotNormal, initializers::HeUniform, initializers::HeNormal,
                   initializers::LecunUniform, initializers::LecunNormal, initializers::Orthogonal,
                   initializers::Identity, initializers::Custom>;
  // A field as Keras's get_config gives it; monostate is None.
  using Field = std::variant<std::monostate, int64_t, double, std::string>;
  using Fields = std::vector<std::pair<std::string, Field>>;

  Initializer() = default;  // GlorotUniform
  // Throws InvalidArgument for a field that cannot work: VarianceScaling with scale <= 0 or an
  // unknown mode or distribution, minval > maxval, a negative stddev, an empty function.
  template <class T>
    requires std::constructible_from<Kind, T>
  Initializer(T kind) : kind_(std::move(kind)) {  // NOLINT: implicit on purpose
    check();
  }
  static Initializer from(std::function<Tensor(const Shape&, DType)> function) {
    return initializers::Custom{
        std::make_shared<const std::function<Tensor(const Shape&, DType)>>(std::move(function))};
  }
  // `name` is one of Keras's: a class, its short form or an alias ("GlorotUniform",
  // "glorot_uniform", "GlorotUniformV2", "normal"); fields left out keep their defaults. Throws
  // InvalidArgument for an unknown name or field, WrongType for a field of another type.
  static Initializer from_config(std::string_view name, const Fields& fields = {});

  // Keras's class for any name that from_config takes. Throws InvalidArgument for an unknown one.
  static const char* class_name(std::string_view name);

  // The initial values of the weight `parameter_name`: float32 or float64 of this shape.
  // Element i depends on the seed, the name and i alone: not on threads, and two weights of one
  // model differ although they share a seed. The initializer's own seed goes before `seed`.
  // Throws InvalidArgument for a shape that the kind does not take or a Custom result of another
  // shape; WrongType for another dtype; std::bad_alloc if the values do not fit into memory.
  Tensor operator()(const Shape& shape, DType dtype, std::string_view parameter_name,
                    int64_t seed = 0) const;

  const Kind& kind() const { return kind_; }
  const char* name() const;  // Keras's class name; "Custom"
  Fields config() const;     // every field, in Keras's order; empty for Custom
  bool operator==(const Initializer&) const = default;

 private:
  void check() const;

  Kind kind_;
};

// A weight: what a layer owns, loads and trains. Names are Keras's ("kernel", "recurrent_kernel").
struct Parameter {
  std::string name;
  Tensor value;
  Initializer initializer;
  bool trainable = true;
};

// Copies `weights` into the values of the parameters, in their order. Throws InvalidArgument for
// another number or shape, WrongType for another dtype, naming `owner`; then nothing has changed.
WEFT_API void set_weights(std::span<Parameter> parameters, std::span<const Tensor> weights,
                          std::string_view owner);
// The parameters with `weights` themselves as their values. Throws as above.
WEFT_API std::vector<Parameter> parameters_over(std::span<const Parameter> parameters,
                                                std::span<const Tensor> weights,
                                                std::string_view owner);

}  // namespace weft
