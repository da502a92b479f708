// An initializer as Keras's get_config gives it: a class name and fields.
#include <algorithm>
#include <cctype>

#include "weft/initializer.h"

namespace weft {
namespace {

namespace in = initializers;

struct Entry {
  const char* name;        // Keras's class
  const char* short_name;  // what Keras takes in strings
  Initializer::Kind kind;  // with its defaults
};

const std::vector<Entry>& entries() {
  static const std::vector<Entry> all = {
      {"Zeros", "zeros", in::Zeros{}},
      {"Ones", "ones", in::Ones{}},
      {"Constant", "constant", in::Constant{}},
      {"RandomUniform", "random_uniform", in::RandomUniform{}},
      {"RandomNormal", "random_normal", in::RandomNormal{}},
      {"TruncatedNormal", "truncated_normal", in::TruncatedNormal{}},
      {"VarianceScaling", "variance_scaling", in::VarianceScaling{}},
      {"GlorotUniform", "glorot_uniform", in::GlorotUniform{}},
      {"GlorotNormal", "glorot_normal", in::GlorotNormal{}},
      {"HeUniform", "he_uniform", in::HeUniform{}},
      {"HeNormal", "he_normal", in::HeNormal{}},
      {"LecunUniform", "lecun_uniform", in::LecunUniform{}},
      {"LecunNormal", "lecun_normal", in::LecunNormal{}},
      {"Orthogonal", "orthogonal", in::Orthogonal{}},
      {"Identity", "identity", in::Identity{}},
  };
  return all;
}

// Keras's other names for them.
constexpr std::pair<std::string_view, std::string_view> kAliases[] = {
    {"zero", "zeros"}, {"one", "ones"}, {"uniform", "random_uniform"}, {"normal", "random_normal"}};

// Throws for an unknown name.
const Entry& entry_of(std::string_view name) {
  std::string_view wanted = name;
  if (wanted.ends_with("V2")) wanted.remove_suffix(2);  // "ZerosV2", as Keras saves it
  for (const auto& [alias, short_name] : kAliases) {
    if (name == alias) wanted = short_name;
  }
  std::string known;
  for (const Entry& entry : entries()) {
    if (wanted == entry.name || wanted == entry.short_name) return entry;
    known += (known.empty() ? "" : ", ") + std::string(entry.short_name);
  }
  throw InvalidArgument("unknown initializer '" + escape_bytes(name) + "'; known are " + known);
}

// Calls visit(name, field) for each field of `kind`, in Keras's order.
template <class T, class Visit>
void each_field(T& kind, Visit visit) {
  if constexpr (requires { kind.value; }) visit("value", kind.value);
  if constexpr (requires { kind.minval; }) visit("minval", kind.minval);
  if constexpr (requires { kind.maxval; }) visit("maxval", kind.maxval);
  if constexpr (requires { kind.mean; }) visit("mean", kind.mean);
  if constexpr (requires { kind.stddev; }) visit("stddev", kind.stddev);
  if constexpr (requires { kind.scale; }) visit("scale", kind.scale);
  if constexpr (requires { kind.mode; }) visit("mode", kind.mode);
  if constexpr (requires { kind.distribution; }) visit("distribution", kind.distribution);
  if constexpr (requires { kind.gain; }) visit("gain", kind.gain);
  if constexpr (requires { kind.seed; }) visit("seed", kind.seed);
}

Initializer::Field field_of(double value) { return value; }
Initializer::Field field_of(const std::string& value) { return value; }
Initializer::Field field_of(in::Seed seed) {
  return seed ? Initializer::Field(*seed) : Initializer::Field(std::monostate());
}

bool assign(double& to, const Initializer::Field& from) {
  if (const auto* integer = std::get_if<int64_t>(&from)) {
    to = static_cast<double>(*integer);
    return true;
  }
  const auto* number = std::get_if<double>(&from);
  if (number != nullptr) to = *number;
  return number != nullptr;
}

bool assign(std::string& to, const Initializer::Field& from) {
  const auto* text = std::get_if<std::string>(&from);
  if (text == nullptr) return false;
  to = *text;
  std::transform(to.begin(), to.end(), to.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (to == "normal") to = "truncated_normal";  // Keras's alias
  return true;
}

bool assign(in::Seed& to, const Initializer::Field& from) {
  if (std::holds_alternative<std::monostate>(from)) {
    to.reset();
    return true;
  }
  const auto* integer = std::get_if<int64_t>(&from);
  if (integer != nullptr) to = *integer;
  return integer != nullptr;
}

}  // namespace

const char* Initializer::name() const {
  for (const Entry& entry : entries()) {
    if (entry.kind.index() == kind_.index()) return entry.name;
  }
  return "Custom";
}

Initializer::Fields Initializer::config() const {
  Fields fields;
  std::visit(
      [&](const auto& kind) {
        each_field(kind, [&](const char* name, const auto& value) {
          fields.emplace_back(name, field_of(value));
        });
      },
      kind_);
  return fields;
}

const char* Initializer::class_name(std::string_view name) { return entry_of(name).name; }

Initializer Initializer::from_config(std::string_view name, const Fields& fields) {
  const Entry& entry = entry_of(name);
  Initializer result;
  result.kind_ = entry.kind;
  for (const auto& [key, value] : fields) {
    bool known = false;
    std::visit(
        [&](auto& kind) {
          each_field(kind, [&](const char* field, auto& to) {
            if (key != field) return;
            known = true;
            if (!assign(to, value)) {
              throw WrongType("initializer " + std::string(entry.name) +
                              " does not take this type for '" + key + "'");
            }
          });
        },
        result.kind_);
    if (!known) {
      throw InvalidArgument("initializer " + std::string(entry.name) + " has no field '" +
                            escape_bytes(key) + "'");
    }
  }
  result.check();
  return result;
}

}  // namespace weft
