#include <atomic>
#include <mutex>
#include <string>
#include <utility>

#include "pooling/attention_pass.h"

namespace weft {

struct AttentionPooling::Data {
  AttentionPoolingOptions options;
  std::mutex building;
  std::atomic<int64_t> input_size{-1};  // set once, after the parameters
  std::vector<Parameter> parameters;

  std::string owner() const { return "layer '" + options.name + "'"; }
};

AttentionPooling::AttentionPooling(AttentionPoolingOptions options)
    : data_(std::make_shared<Data>()) {
  if (options.dtype != DType::kFloat32 && options.dtype != DType::kFloat64) {
    throw WrongType(std::string("the dtype of an AttentionPooling is float32 or float64, got ") +
                    dtype_name(options.dtype));
  }
  data_->options = std::move(options);
}

const AttentionPoolingOptions& AttentionPooling::options() const { return data_->options; }
int64_t AttentionPooling::input_size() const { return data_->input_size.load(); }
std::span<const Parameter> AttentionPooling::parameters() const { return data_->parameters; }

void AttentionPooling::build(int64_t key_size) {
  if (key_size < 0) {
    throw InvalidArgument("the size of keys must not be negative, got " + std::to_string(key_size));
  }
  Data& data = *data_;
  if (data.input_size.load() == key_size) return;
  std::lock_guard lock(data.building);
  const int64_t built_for = data.input_size.load();
  if (built_for == key_size) return;
  if (built_for >= 0) {
    throw InvalidArgument(data.owner() + " was built for keys of size " +
                          std::to_string(built_for) + ", got " + std::to_string(key_size));
  }
  std::vector<Parameter> made;
  const auto make = [&](const char* name, const Shape& shape, const Initializer& initializer) {
    const std::string stream = data.options.name + "/" + name;
    made.push_back({name, initializer(shape, data.options.dtype, stream, data.options.seed),
                    initializer, true});
  };
  if (data.options.learned_query) make("query", {key_size}, data.options.query_initializer);
  if (data.options.use_scale) make("scale", {}, initializers::Ones{});
  data.parameters = std::move(made);
  data.input_size.store(key_size);
}

void AttentionPooling::set_weights(std::span<const Tensor> weights) {
  if (!built()) throw InvalidArgument(data_->owner() + " has no weights yet: build it first");
  weft::set_weights(data_->parameters, weights, data_->owner());
}

AttentionPooling AttentionPooling::over(std::span<const Tensor> weights) const {
  if (!built()) throw InvalidArgument(data_->owner() + " has no weights yet: build it first");
  AttentionPooling made(options());
  made.data_->parameters = parameters_over(parameters(), weights, data_->owner());
  made.data_->input_size.store(input_size());
  return made;
}

namespace {

void check(const AttentionPoolingOptions& options, const Tensor& inputs,
           const AttentionArguments& arguments) {
  const auto check_dtype = [&](const Tensor& tensor, const char* what) {
    if (tensor.dtype() == options.dtype) return;
    throw WrongType(std::string(what) + " of '" + options.name + "' must be " +
                    dtype_name(options.dtype) + ", got " + dtype_name(tensor.dtype()));
  };
  check_histories(inputs, "inputs");
  check_dtype(inputs, "inputs");
  const Tensor& keys = arguments.keys ? *arguments.keys : inputs;
  check_histories(keys, "keys");
  check_dtype(keys, "keys");
  if (keys.dim(0) != inputs.dim(0) || keys.dim(1) != inputs.dim(1)) {
    throw InvalidArgument("keys must have a row and a step for each of the inputs, got " +
                          shape_string(keys.shape()) + " for " + shape_string(inputs.shape()));
  }
  if (options.learned_query != !arguments.query) {
    throw InvalidArgument(
        "'" + options.name + "' " +
        (options.learned_query ? "has a learned query and takes none" : "needs a query [B, D]"));
  }
  if (!arguments.query) return;
  check_dtype(*arguments.query, "the query");
  if (arguments.query->shape() != Shape{keys.dim(0), keys.dim(2)}) {
    throw InvalidArgument("the query must have shape " + shape_string({keys.dim(0), keys.dim(2)}) +
                          ", got " + shape_string(arguments.query->shape()));
  }
}

}  // namespace

Tensor AttentionPooling::operator()(const Tensor& inputs,
                                    const AttentionArguments& arguments) const {
  return vjp(inputs, arguments).result;
}

AttentionVjp AttentionPooling::vjp(const Tensor& inputs,
                                   const AttentionArguments& arguments) const {
  check(data_->options, inputs, arguments);
  AttentionPooling(*this).build((arguments.keys ? *arguments.keys : inputs).dim(2));
  const auto pass = AttentionPass::make(data_->options, data_->parameters, inputs, arguments);
  return {pass->result(), [pass](const Tensor& grad) { return pass->backward(grad); }};
}

}  // namespace weft
