#include <algorithm>
#include <cmath>

#include "weft/feature_column.h"

namespace weft {
namespace {

using normalizers::Clip;
using normalizers::Custom;
using normalizers::Log1p;
using normalizers::MinMax;
using normalizers::ZScore;

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

void check(bool good, const Normalizer::Step& step, const char* what) {
  if (good) return;
  throw InvalidArgument("normalizer " + Normalizer::step_name(step) + ": " + what);
}

void check_step(const Normalizer::Step& step) {
  for (const auto& [name, value] : Normalizer::step_fields(step))
    check(std::isfinite(value), step, "its parameters must be finite");
  if (const auto* z = std::get_if<ZScore>(&step))
    check(z->stddev > 0, step, "stddev must be greater than 0");
  if (const auto* m = std::get_if<MinMax>(&step))
    check(m->min < m->max, step, "min must be less than max");
  if (const auto* c = std::get_if<Clip>(&step))
    check(c->min <= c->max, step, "min must not be greater than max");
  if (const auto* f = std::get_if<Custom>(&step))
    check(static_cast<bool>(f->function), step, "no function");
}

Tensor call(const Custom& custom, const Tensor& present, const std::string& key) {
  Tensor values = custom.function(present);
  if (values.shape() == present.shape()) return values;
  throw InvalidArgument("normalizer_fn of column '" + escape_bytes(key) + "' was given shape " +
                            shape_string(present.shape()) + " and returned " +
                            shape_string(values.shape()),
                        {.key = key});
}

template <class F>
void for_each(std::span<double> values, const F& f) {
  for (double& value : values) value = f(value);
}

void apply(const Normalizer::Step& step, std::span<double> values) {
  std::visit(
      Overloaded{[&](const Log1p&) { for_each(values, [](double x) { return std::log1p(x); }); },
                 [&](const ZScore& z) {
                   for_each(values, [&](double x) { return (x - z.mean) / z.stddev; });
                 },
                 [&](const MinMax& m) {
                   for_each(values, [&](double x) { return (x - m.min) / (m.max - m.min); });
                 },
                 [&](const Clip& c) {  // std::clamp would be undefined for NaN
                   for_each(values,
                            [&](double x) { return x < c.min ? c.min : (x > c.max ? c.max : x); });
                 },
                 [](const Custom&) {}},
      step);
}

double slope(const Normalizer::Step& step, double x) {
  return std::visit(
      Overloaded{[&](const Log1p&) { return 1 / (1 + x); },
                 [](const ZScore& z) { return 1 / z.stddev; },
                 [](const MinMax& m) { return 1 / (m.max - m.min); },
                 [&](const Clip& c) { return x < c.min || x > c.max ? 0.0 : 1.0; },
                 [](const Custom&) -> double {
                   throw InvalidArgument("a function is no normalizer whose derivative is known");
                 }},
      step);
}

double take(Normalizer::StepFields& fields, std::string_view class_name, std::string_view name) {
  const auto at = std::ranges::find(fields, name, &Normalizer::StepFields::value_type::first);
  if (at == fields.end()) {
    throw InvalidArgument("normalizer " + escape_bytes(class_name) + " lacks '" +
                          std::string(name) + "'");
  }
  const double value = at->second;
  fields.erase(at);
  return value;
}

// A copy.
Tensor doubles_of(const Tensor& present) {
  const Tensor numbers = as_floating(present, DType::kFloat64, "what a normalizer is given");
  return Tensor::of<double>(numbers.shape(), numbers.values<double>());
}

}  // namespace

Normalizer::Normalizer(std::vector<Step> steps) : steps_(std::move(steps)) {
  if (steps_.empty()) throw InvalidArgument("a normalizer needs at least one step");
  std::ranges::for_each(steps_, check_step);
  const auto custom = [](const Step& step) { return std::holds_alternative<Custom>(step); };
  if (steps_.size() > 1 && std::ranges::any_of(steps_, custom))
    throw InvalidArgument(
        "a function cannot be one of several normalizers: let it call the others");
}

std::string Normalizer::step_name(const Step& step) {
  return std::visit(Overloaded{[](const Log1p&) { return std::string("Log1p"); },
                               [](const ZScore&) { return std::string("ZScore"); },
                               [](const MinMax&) { return std::string("MinMax"); },
                               [](const Clip&) { return std::string("Clip"); },
                               [](const Custom& custom) { return custom.name; }},
                    step);
}

Normalizer::StepFields Normalizer::step_fields(const Step& step) {
  if (const auto* z = std::get_if<ZScore>(&step)) return {{"mean", z->mean}, {"stddev", z->stddev}};
  if (const auto* m = std::get_if<MinMax>(&step)) return {{"min", m->min}, {"max", m->max}};
  if (const auto* c = std::get_if<Clip>(&step)) return {{"min", c->min}, {"max", c->max}};
  return {};
}

Normalizer::Step Normalizer::step_from_config(std::string_view class_name,
                                              const StepFields& fields) {
  StepFields rest = fields;
  const auto field = [&](std::string_view name) { return take(rest, class_name, name); };
  Step step;
  if (class_name == "ZScore") {
    step = ZScore{field("mean"), field("stddev")};
  } else if (class_name == "MinMax") {
    step = MinMax{field("min"), field("max")};
  } else if (class_name == "Clip") {
    step = Clip{field("min"), field("max")};
  } else if (class_name != "Log1p") {
    throw InvalidArgument("Unknown normalizer '" + escape_bytes(class_name) +
                          "': it is one of Log1p, ZScore, MinMax, Clip");
  }
  if (!rest.empty()) {
    throw InvalidArgument("normalizer " + escape_bytes(class_name) + " has no '" +
                          escape_bytes(rest.front().first) + "'");
  }
  return step;
}

Tensor Normalizer::operator()(const Tensor& present, const std::string& key) const {
  if (const auto* custom = std::get_if<Custom>(&steps_.front())) return call(*custom, present, key);
  Tensor values = doubles_of(present);
  for (const Step& step : steps_) apply(step, values.mutable_values<double>());
  return values;
}

Tensor Normalizer::slopes(const Tensor& present) const {
  Tensor values = doubles_of(present), slopes(DType::kFloat64, {present.size()});
  const auto x = values.mutable_values<double>(), to = slopes.mutable_values<double>();
  std::ranges::fill(to, 1.0);
  for (const Step& step : steps_) {
    for (size_t i = 0; i < to.size(); ++i) to[i] *= slope(step, x[i]);
    apply(step, x);
  }
  return slopes;
}

}  // namespace weft
