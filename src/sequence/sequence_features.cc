#include <optional>

#include "sequence/number_gradients.h"
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

SequenceFeatures SequenceFeatures::over(std::span<const Tensor> tables) const {
  SequenceFeatures made = *this;
  made.read_from(tables);
  return made;
}

SequenceBlocks SequenceFeatures::blocks(const Features& features) const {
  return blocks(features, false);
}

SequenceBlocks SequenceFeatures::lookups(const Features& features) const {
  return blocks(features, true);
}

SequenceBlocks SequenceFeatures::blocks(const Features& features, bool lookups) const {
  std::optional<Blocks> data;
  Tensor lengths;
  run(features, [&](SequenceBatch& batch) {
    batch.measure(lengths);
    data = batch.blocks(lookups);
  });
  return {std::move(*data), std::move(lengths), sequence_options_.pad};
}

// A call that stays for its way back.
struct SequenceFeatures::Call {
  const SequenceFeatures& layer;
  Features given;
  Features features;  // without the steps that are cut off
  BatchIds ids;
  SequenceBatch batch;
  Tensor lengths;

  Call(const SequenceFeatures& made_by, const Features& all)
      : layer(made_by),
        given(all),
        features(layer.sequence_options_.cutoff ? layer.cut_off(given) : given),
        ids(layer.ids_places(), features, layer.sequence_options_.ids),
        batch(layer.columns(), layer.sequence_options_) {
    for (size_t i = 0; i < layer.columns().size(); ++i) {
      batch.add(layer.dense_column(i).sequence_part(
          {ids, layer.parameter(i), layer.sequence_options_.dtype}));
    }
    batch.measure(lengths);
  }

  Features feature_gradients(const Tensor& grad, bool dense_only) const {
    const auto& cutoff = layer.sequence_options_.cutoff;
    const GradientColumns columns = batch.columns_of(grad, dense_only);
    NumberGradients gradients(given, grad);
    std::optional<Ragged> kept;
    if (cutoff) kept = steps_until(given, cutoff->key, cutoff->reference_key);
    const auto shown = [&](const NumberColumn& column, const Feature& places) {
      const SequenceNumericColumn as_they_are(column.key(), column.shape(), -1, DType::kFloat64);
      const Feature left = kept ? keep_steps(places, *kept) : places;
      const Features alone{{column.key(), left}};
      const IdsPlaces no_ids;
      BatchIds source(no_ids, alone, layer.sequence_options_.ids);
      return batch.written(as_they_are.sequence_part({source, nullptr, DType::kFloat64}),
                           DType::kFloat64);
    };
    for (size_t i = 0; i < columns.begins.size(); ++i)
      gradients.add(layer.dense_column(i), columns.begins[i], shown);
    return gradients.take();
  }

  template <class T>
  static FeaturesVjp<T> vjp(T result, std::shared_ptr<const Call> call, bool dense_only) {
    call->layer.count(call->ids);
    return {std::move(result),
            [call, dense_only](const Tensor& grad) {
              return call->layer.sum_gradients(call->batch.backward(grad, dense_only));
            },
            [call, dense_only](const Tensor& grad) {
              return call->feature_gradients(grad, dense_only);
            }};
  }
};

FeaturesVjp<Sequence> SequenceFeatures::vjp(const Features& features) const {
  const auto call = std::make_shared<const Call>(*this, features);
  Sequence out{{}, call->lengths, sequence_options_.pad};
  call->batch.write(out.data);
  return Call::vjp(std::move(out), call, false);
}

FeaturesVjp<SequenceBlocks> SequenceFeatures::blocks_vjp(const Features& features) const {
  const auto call = std::make_shared<const Call>(*this, features);
  return Call::vjp(SequenceBlocks{call->batch.blocks(), call->lengths, sequence_options_.pad}, call,
                   true);
}

}  // namespace weft
