#include <optional>

#include "sequence/sequence_batch.h"
#include "weft/sequence.h"

namespace weft {

// What the columns read, without the steps after the row's reference time.
Features SequenceFeatures::cut_off(const Features& features) const {
  const Cutoff& cutoff = sequence_options_.cutoff.value();
  const Ragged kept = steps_until(features, cutoff.key, cutoff.reference_key);
  Features before;
  for (const auto& [key, steps] : read_keys_) {
    const Feature& feature = find_feature(features, key);
    try {
      before.emplace(key, steps ? keep_steps(feature, kept) : feature);
    } catch (Error& error) {
      error.locate({.key = key});
      throw;
    }
  }
  return before;
}

SequenceFeatures::SequenceFeatures(std::vector<Column> columns, SequenceFeaturesOptions options)
    : FeatureLayer(std::move(columns), options, Role::kSequence),
      sequence_options_(std::move(options)) {
  static_cast<Options&>(sequence_options_) = FeatureLayer::options();
  for (const Column& column : this->columns()) {
    for (const auto& [key, spec] : column->parse_example_spec())
      read_keys_[key] = std::holds_alternative<VarLenFeature>(spec);
  }
  const PadTo& pad_to = sequence_options_.pad_to;
  if (sequence_options_.max_length && *sequence_options_.max_length < 1) {
    throw InvalidArgument("max_length must be greater than 0, got " +
                          std::to_string(*sequence_options_.max_length));
  }
  if (pad_to.kind != PadTo::Kind::kBatch && pad_to.n < 1) {
    throw InvalidArgument("pad_to must be greater than 0, got " + std::to_string(pad_to.n));
  }
}

// Calls `write` with the parts of the columns.
void SequenceFeatures::run(const Features& features,
                           const std::function<void(SequenceBatch&)>& write) const {
  std::optional<Features> before;
  if (sequence_options_.cutoff) before = cut_off(features);
  BatchIds ids(ids_places(), before ? *before : features, sequence_options_.ids);
  SequenceBatch batch(columns(), sequence_options_);
  for (size_t i = 0; i < columns().size(); ++i) {
    batch.add(dense_column(i).sequence_part({ids, parameter(i), sequence_options_.dtype}));
  }
  write(batch);
  count(ids);
}

void SequenceFeatures::operator()(const Features& features, Sequence& out) const {
  run(features, [&](SequenceBatch& batch) {
    batch.measure(out.lengths);
    batch.write(out.data);
  });
  out.pad = sequence_options_.pad;
}

Sequence SequenceFeatures::operator()(const Features& features) const {
  Sequence out;
  (*this)(features, out);
  return out;
}

SequenceBlocks SequenceFeatures::blocks(const Features& features) const {
  std::optional<Blocks> data;
  Tensor lengths;
  run(features, [&](SequenceBatch& batch) {
    batch.measure(lengths);
    data = batch.blocks();
  });
  return {std::move(*data), std::move(lengths), sequence_options_.pad};
}

// A call that stays for its way back.
struct SequenceFeatures::Call {
  Features features;
  BatchIds ids;
  SequenceBatch batch;
  Tensor lengths;

  Call(const SequenceFeatures& layer, const Features& given)
      : features(layer.sequence_options_.cutoff ? layer.cut_off(given) : given),
        ids(layer.ids_places(), features, layer.sequence_options_.ids),
        batch(layer.columns(), layer.sequence_options_) {
    for (size_t i = 0; i < layer.columns().size(); ++i) {
      batch.add(layer.dense_column(i).sequence_part(
          {ids, layer.parameter(i), layer.sequence_options_.dtype}));
    }
    batch.measure(lengths);
  }
};

FeaturesVjp<Sequence> SequenceFeatures::vjp(const Features& features) const {
  const auto call = std::make_shared<Call>(*this, features);
  Sequence out{{}, call->lengths, sequence_options_.pad};
  call->batch.write(out.data);
  count(call->ids);
  return {std::move(out), [this, call](const Tensor& grad) {
            return sum_gradients(call->batch.backward(grad, false));
          }};
}

FeaturesVjp<SequenceBlocks> SequenceFeatures::blocks_vjp(const Features& features) const {
  const auto call = std::make_shared<Call>(*this, features);
  SequenceBlocks out{call->batch.blocks(), call->lengths, sequence_options_.pad};
  count(call->ids);
  return {std::move(out), [this, call](const Tensor& grad) {
            return sum_gradients(call->batch.backward(grad, true));
          }};
}

}  // namespace weft
