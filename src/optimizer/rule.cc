#include "optimizer/rule.h"

#include <string>
#include <utility>

namespace weft {

using optimizers::Adagrad;
using optimizers::Adam;
using optimizers::Ftrl;
using optimizers::RMSprop;
using optimizers::SGD;

namespace {

void check(bool good, const char* what, double given) {
  if (good) return;
  throw InvalidArgument(std::string(what) + ", got " + std::to_string(given));
}

}  // namespace

void check_rule(const OptimizerRule& rule) {
  const auto fraction = [](double x, const char* text) { check(x >= 0 && x <= 1, text, x); };
  const auto positive = [](double x, const char* text) { check(x >= 0, text, x); };
  if (const auto* sgd = std::get_if<SGD>(&rule))
    fraction(sgd->momentum, "`momentum` must be between [0, 1]");
  if (const auto* rms = std::get_if<RMSprop>(&rule)) {
    fraction(rms->rho, "`rho` must be between [0, 1]");
    fraction(rms->momentum, "`momentum` must be between [0, 1]");
    positive(rms->epsilon, "`epsilon` must not be negative");
  }
  if (const auto* adagrad = std::get_if<Adagrad>(&rule)) {
    positive(adagrad->initial_accumulator_value,
             "`initial_accumulator_value` must not be negative");
    positive(adagrad->epsilon, "`epsilon` must not be negative");
  }
  if (const auto* adam = std::get_if<Adam>(&rule)) {
    check(adam->beta_1 >= 0 && adam->beta_1 < 1, "`beta_1` must be in [0, 1)", adam->beta_1);
    check(adam->beta_2 >= 0 && adam->beta_2 < 1, "`beta_2` must be in [0, 1)", adam->beta_2);
    positive(adam->epsilon, "`epsilon` must not be negative");
  }
  if (const auto* ftrl = std::get_if<Ftrl>(&rule)) {
    check(ftrl->learning_rate_power <= 0, "`learning_rate_power` needs to be negative or zero",
          ftrl->learning_rate_power);
    positive(ftrl->initial_accumulator_value,
             "`initial_accumulator_value` needs to be positive or zero");
    positive(ftrl->l1_regularization_strength,
             "`l1_regularization_strength` needs to be positive or zero");
    positive(ftrl->l2_regularization_strength,
             "`l2_regularization_strength` needs to be positive or zero");
    positive(ftrl->l2_shrinkage_regularization_strength,
             "`l2_shrinkage_regularization_strength` needs to be positive or zero");
  }
}

void check_options(const OptimizerOptions& options) {
  int clips = 0;
  for (const auto& [clip, text] :
       {std::pair{options.clipnorm, "`clipnorm` must be greater than 0"},
        std::pair{options.global_clipnorm, "`global_clipnorm` must be greater than 0"},
        std::pair{options.clipvalue, "`clipvalue` must be greater than 0"}}) {
    if (!clip) continue;
    ++clips;
    check(*clip > 0, text, *clip);
  }
  if (clips > 1)
    throw InvalidArgument("only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set");
  if (options.weight_decay)
    check(*options.weight_decay >= 0, "`weight_decay` must not be negative", *options.weight_decay);
}

std::vector<StateSpec> states_of(const OptimizerRule& rule) {
  std::vector<StateSpec> specs;
  if (const auto* sgd = std::get_if<SGD>(&rule)) {
    if (sgd->momentum > 0) specs.push_back({0, "m"});
  } else if (const auto* rms = std::get_if<RMSprop>(&rule)) {
    specs.push_back({0, "velocity"});
    if (rms->momentum > 0) specs.push_back({1, "momentum"});
    if (rms->centered) specs.push_back({2, "average_gradient"});
  } else if (const auto* adagrad = std::get_if<Adagrad>(&rule)) {
    specs.push_back({0, "accumulator", adagrad->initial_accumulator_value});
  } else if (const auto* adam = std::get_if<Adam>(&rule)) {
    specs = {{0, "m"}, {1, "v"}};
    if (adam->amsgrad) specs.push_back({2, "vhat"});
  } else {
    const Ftrl& ftrl = std::get<Ftrl>(rule);
    specs = {{0, "accumulator", ftrl.initial_accumulator_value}, {1, "linear"}};
  }
  return specs;
}

bool rests_at_zero(const OptimizerRule& rule) {
  if (const auto* sgd = std::get_if<SGD>(&rule)) return sgd->momentum == 0;
  return std::holds_alternative<Adagrad>(rule);
}

}  // namespace weft
