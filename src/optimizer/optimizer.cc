#include "weft/optimizer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "base/cpu.h"
#include "base/thread_pool.h"
#include "optimizer/optimizer_kernel.h"
#include "optimizer/rule.h"

namespace weft {
namespace {

using optimizers::Adagrad;
using optimizers::Adam;
using optimizers::Ftrl;
using optimizers::RMSprop;
using optimizers::SGD;

constexpr int64_t kGrain = int64_t{1} << 15;  // elements that one thread updates in about 20 us
constexpr const char* kIterations = "iterations";

double squared_norm(const Tensor& x) {
  double sum = 0;
  const auto add = [&](auto values) {
    for (auto value : values) sum += static_cast<double>(value) * static_cast<double>(value);
  };
  x.dtype() == DType::kFloat32 ? add(x.values<float>()) : add(x.values<double>());
  return sum;
}

void check_update(const WeightUpdate& update) {
  const auto* slices = std::get_if<IndexedSlices>(update.gradient);
  const Shape& shape = slices ? slices->dense_shape : std::get<Tensor>(*update.gradient).shape();
  const std::string whose = "the gradient of '" + escape_bytes(update.name) + "'";
  if (values_of(*update.gradient).dtype() != update.value.dtype() ||
      (update.value.dtype() != DType::kFloat32 && update.value.dtype() != DType::kFloat64)) {
    throw WrongType(whose + " is " + dtype_name(values_of(*update.gradient).dtype()) +
                    ", the weight " + dtype_name(update.value.dtype()));
  }
  if (shape != update.value.shape()) {
    throw InvalidArgument(whose + " has shape " + shape_string(shape) + ", the weight " +
                          shape_string(update.value.shape()));
  }
  if (!slices) return;
  int64_t before = -1;
  for (int64_t id : slices->ids.values<int64_t>()) {
    if (id <= before || id >= shape[0]) {
      throw InvalidArgument(whose + " has ids that do not rise from 0 to " +
                            std::to_string(shape[0]) + ", such as " + std::to_string(id));
    }
    before = id;
  }
}

// Those of an earlier step, or loaded.
void check_states(const WeightUpdate& update, std::span<const Tensor> states) {
  const Tensor& value = update.value;
  for (const Tensor& state : states) {
    const std::string had = "weight '" + escape_bytes(update.name) + "' had ";
    if (state.dtype() != value.dtype()) {
      throw WrongType(had + dtype_name(state.dtype()) + " states in an earlier step, and is " +
                      dtype_name(value.dtype()));
    }
    if (state.shape() != value.shape()) {
      throw InvalidArgument(had + "shape " + shape_string(state.shape()) +
                            " in an earlier step, got " + shape_string(value.shape()));
    }
  }
}

// Ftrl with a power of its own.
template <class T>
void any_ftrl(const OptimizerStep<T>& s, T power) {
  for (int64_t i = 0; i < s.n; ++i) {
    const T given = s.grad == nullptr ? T(0) : s.grad[i] * s.scale;
    const T g = std::clamp(given, -s.limit, s.limit), w = s.weight[i] * s.keep;
    T &sum = s.states[0][i], &linear = s.states[1][i];
    const T before = std::pow(sum, -power), after = std::pow(sum + g * g, -power);
    sum += g * g;
    linear += g + s.d * w - (after - before) / s.a * w;
    s.weight[i] = (std::clamp(linear, -s.c, s.c) - linear) / (after / s.a + 2 * s.b);
  }
}

}  // namespace

struct Optimizer::Impl {
  OptimizerRule rule;
  OptimizerOptions options;
  std::vector<StateSpec> specs;
  int64_t iterations = 0;
  std::map<std::string, std::vector<Tensor>> states;  // of a weight, one for each spec

  std::vector<Tensor>& states_for(const WeightUpdate& update);
  double scale_of(const Gradient& gradient) const;
  template <class T>
  OptimizerStep<T> numbers(double learning_rate) const;
  template <class T>
  void run(const OptimizerStep<T>& step) const;
  template <class T>
  void update(const WeightUpdate& update, std::vector<Tensor>& own, double learning_rate,
              double scale) const;
};

std::vector<Tensor>& Optimizer::Impl::states_for(const WeightUpdate& update) {
  const auto [at, made] = states.try_emplace(update.name);
  if (!made) return at->second;
  for (const StateSpec& spec : specs) {
    Tensor& state = at->second.emplace_back(update.value.dtype(), update.value.shape());
    if (state.dtype() == DType::kFloat32) {
      std::ranges::fill(state.mutable_values<float>(), static_cast<float>(spec.initial));
    } else {
      std::ranges::fill(state.mutable_values<double>(), spec.initial);
    }
  }
  return at->second;
}

// What clipnorm multiplies a gradient by.
double Optimizer::Impl::scale_of(const Gradient& gradient) const {
  if (!options.clipnorm) return 1;
  const double norm = std::sqrt(squared_norm(values_of(gradient)));
  return norm > *options.clipnorm ? *options.clipnorm / norm : 1;
}

// The rule's numbers, as optimizer_kernel.h has them.
template <class T>
OptimizerStep<T> Optimizer::Impl::numbers(double lr) const {
  double a = lr, b = 0, c = 0, d = 0;
  bool nesterov = false;
  if (const auto* sgd = std::get_if<SGD>(&rule)) {
    b = sgd->momentum;
    nesterov = sgd->nesterov;
  } else if (const auto* rms = std::get_if<RMSprop>(&rule)) {
    b = rms->rho, c = rms->epsilon, d = rms->momentum;
  } else if (const auto* adagrad = std::get_if<Adagrad>(&rule)) {
    c = adagrad->epsilon;
  } else if (const auto* adam = std::get_if<Adam>(&rule)) {
    const double step = static_cast<double>(iterations + 1);
    a = lr * std::sqrt(1 - std::pow(adam->beta_2, step)) / (1 - std::pow(adam->beta_1, step));
    b = 1 - adam->beta_1, c = adam->epsilon, d = 1 - adam->beta_2;
  } else {
    const Ftrl& ftrl = std::get<Ftrl>(rule);
    b = ftrl.l2_regularization_strength + ftrl.beta / (2 * lr);
    c = ftrl.l1_regularization_strength;
    d = 2 * ftrl.l2_shrinkage_regularization_strength;
  }
  return {.weight = nullptr,
          .states = {},
          .grad = nullptr,
          .scale = 1,
          .limit = static_cast<T>(options.clipvalue.value_or(HUGE_VAL)),
          .keep = static_cast<T>(1 - options.weight_decay.value_or(0) * lr),
          .a = static_cast<T>(a),
          .b = static_cast<T>(b),
          .c = static_cast<T>(c),
          .d = static_cast<T>(d),
          .nesterov = nesterov,
          .n = 0};
}

const OptimizerFunctions<float>& functions(float) { return WEFT_KERNEL(optimizer_kernel).f32; }
const OptimizerFunctions<double>& functions(double) { return WEFT_KERNEL(optimizer_kernel).f64; }

template <class T>
void Optimizer::Impl::run(const OptimizerStep<T>& step) const {
  const OptimizerFunctions<T>& kernel = functions(T());
  if (std::holds_alternative<SGD>(rule)) return kernel.sgd(step);
  if (std::holds_alternative<RMSprop>(rule)) return kernel.rmsprop(step);
  if (std::holds_alternative<Adagrad>(rule)) return kernel.adagrad(step);
  if (std::holds_alternative<Adam>(rule)) return kernel.adam(step);
  const double power = std::get<Ftrl>(rule).learning_rate_power;
  power == -0.5 ? kernel.ftrl(step) : any_ftrl(step, static_cast<T>(power));
}

template <class T>
void Optimizer::Impl::update(const WeightUpdate& update, std::vector<Tensor>& own,
                             double learning_rate, double scale) const {
  Tensor value = update.value;
  const T* const grad = values_of(*update.gradient).values<T>().data();
  OptimizerStep<T> whole = numbers<T>(learning_rate);
  whole.weight = value.mutable_values<T>().data();
  whole.scale = static_cast<T>(scale);
  for (size_t i = 0; i < specs.size(); ++i)
    whole.states[specs[i].place] = own[i].mutable_values<T>().data();
  // Elements [begin, begin + n); their gradients at `from`, null for zeros.
  const auto piece = [&](int64_t begin, int64_t n, const T* from) {
    OptimizerStep<T> step = whole;
    step.weight += begin;
    for (T*& state : step.states) state = state == nullptr ? nullptr : state + begin;
    step.grad = from;
    step.n = n;
    run(step);
  };
  const auto* slices = std::get_if<IndexedSlices>(update.gradient);
  if (slices == nullptr) {
    return base::parallel_for(value.size(), kGrain, [&](int64_t begin, int64_t end) {
      piece(begin, end - begin, grad + begin);
    });
  }
  const auto ids = slices->ids.values<int64_t>();
  const int64_t width = slices->width();
  const int64_t grain = std::max<int64_t>(1, kGrain / std::max<int64_t>(1, width));
  if (options.lazy || (rests_at_zero(rule) && !options.weight_decay)) {
    return base::parallel_for(std::ssize(ids), grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        piece(ids[static_cast<size_t>(i)] * width, width, grad + i * width);
    });
  }
  base::parallel_for(slices->dense_shape[0], grain, [&](int64_t begin, int64_t end) {
    auto at = std::ranges::lower_bound(ids, begin) - ids.begin();
    for (int64_t row = begin; row < end;) {
      const int64_t next = at < std::ssize(ids) ? std::min(end, ids[static_cast<size_t>(at)]) : end;
      if (next > row) piece(row * width, (next - row) * width, nullptr);
      row = next;
      if (row == end) break;
      piece(row * width, width, grad + at++ * width);
      ++row;
    }
  });
}

Optimizer::Optimizer(OptimizerRule rule, OptimizerOptions options)
    : impl_(std::make_unique<Impl>()) {
  check_rule(rule);
  check_options(options);
  impl_->specs = states_of(rule);
  impl_->rule = rule;
  impl_->options = options;
}
Optimizer::Optimizer(Optimizer&&) noexcept = default;
Optimizer& Optimizer::operator=(Optimizer&&) noexcept = default;
Optimizer::~Optimizer() = default;

const OptimizerRule& Optimizer::rule() const { return impl_->rule; }
const OptimizerOptions& Optimizer::options() const { return impl_->options; }
int64_t Optimizer::iterations() const { return impl_->iterations; }

void Optimizer::apply(std::span<const WeightUpdate> updates, double learning_rate) {
  std::set<std::string_view> names;
  double squared = 0;
  for (const WeightUpdate& update : updates) {
    check_update(update);
    if (!names.insert(update.name).second) {
      throw InvalidArgument("two weights of a step are called '" + escape_bytes(update.name) + "'");
    }
    const auto known = impl_->states.find(update.name);
    if (known != impl_->states.end()) check_states(update, known->second);
    if (impl_->options.global_clipnorm) squared += squared_norm(values_of(*update.gradient));
  }
  std::optional<double> scale;
  if (const auto most = impl_->options.global_clipnorm) {
    const double norm = std::sqrt(squared);
    scale = norm > *most ? *most / norm : 1;
  }
  for (const WeightUpdate& update : updates) {
    std::vector<Tensor>& states = impl_->states_for(update);
    const double own = scale ? *scale : impl_->scale_of(*update.gradient);
    if (update.value.dtype() == DType::kFloat32) {
      impl_->update<float>(update, states, learning_rate, own);
    } else {
      impl_->update<double>(update, states, learning_rate, own);
    }
  }
  ++impl_->iterations;
}

std::vector<std::pair<std::string, Tensor>> Optimizer::state() const {
  std::vector<std::pair<std::string, Tensor>> all;
  all.emplace_back(kIterations, Tensor::of<int64_t>({}, {impl_->iterations}));
  for (const auto& [name, states] : impl_->states) {
    for (size_t i = 0; i < states.size(); ++i)
      all.emplace_back(name + "/" + impl_->specs[i].name, states[i]);
  }
  return all;
}

void Optimizer::load_state(std::span<const std::pair<std::string, Tensor>> state) {
  std::map<std::string, std::vector<Tensor>> loaded;
  std::map<std::string, size_t> found;
  std::optional<int64_t> iterations;
  for (const auto& [name, value] : state) {
    if (name == kIterations) {
      if (value.size() != 1 || as_int64(value, "iterations").values<int64_t>()[0] < 0)
        throw InvalidArgument("`iterations` must be one integer that is not negative");
      iterations = as_int64(value, "iterations").values<int64_t>()[0];
      continue;
    }
    const size_t slash = name.rfind('/');
    const std::string weight = name.substr(0, slash == std::string::npos ? 0 : slash);
    const std::string own = slash == std::string::npos ? name : name.substr(slash + 1);
    const auto spec = std::ranges::find(impl_->specs, own,
                                        [](const StateSpec& s) { return std::string(s.name); });
    if (spec == impl_->specs.end() || weight.empty())
      throw InvalidArgument("'" + escape_bytes(name) + "' is no state of this optimizer");
    std::vector<Tensor>& states = loaded[weight];
    states.resize(impl_->specs.size());
    states[static_cast<size_t>(spec - impl_->specs.begin())] =
        Tensor::from_buffer(value.dtype(), value.shape(),
                            Buffer::copy_of(value.buffer().data(), value.buffer().size()));
    ++found[weight];
  }
  if (!iterations) throw InvalidArgument("the state lacks `iterations`");
  for (const auto& [weight, states] : loaded) {
    if (found[weight] != impl_->specs.size())
      throw InvalidArgument("the state lacks some of weight '" + escape_bytes(weight) + "'");
  }
  impl_->states = std::move(loaded);
  impl_->iterations = *iterations;
}

}  // namespace weft
