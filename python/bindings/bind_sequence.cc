// _core.SequenceFeatures and _core.DenseFeatures; the classes that users see are in
// weft/layers/feature.py.
#include <algorithm>

#include "convert_column.h"
#include "convert_gradient.h"
#include "convert_ids.h"
#include "weft/sequence.h"

namespace weft::python {
namespace {

constexpr const char* kNotAColumn = "Items of feature_columns must be a FeatureColumn.";

Pad pad_from_python(nb::handle value) {
  const std::string_view side = text_from_python(value, "pad");
  if (side == "right") return Pad::kRight;
  if (side == "left") return Pad::kLeft;
  throw InvalidArgument("pad must be 'right' or 'left', got '" + escape_bytes(side) + "'");
}

Keep keep_from_python(nb::handle value) {
  const std::string_view end = text_from_python(value, "keep");
  if (end == "last") return Keep::kLast;
  if (end == "first") return Keep::kFirst;
  throw InvalidArgument("keep must be 'last' or 'first', got '" + escape_bytes(end) + "'");
}

// 'batch', a fixed number of steps, or ('multiple', n).
PadTo pad_to_from_python(nb::handle value) {
  if (PyUnicode_Check(value.ptr()) != 0 && text_from_python(value, "pad_to") == "batch") return {};
  if (PyIndex_Check(value.ptr()) != 0)
    return {PadTo::Kind::kFixed, int_from_python(value, "pad_to")};
  if (PyTuple_Check(value.ptr()) != 0 || PyList_Check(value.ptr()) != 0) {
    if (nb::len(value) == 2 && PyUnicode_Check(nb::object(value[0]).ptr()) != 0 &&
        text_from_python(value[0], "pad_to") == "multiple") {
      return {PadTo::Kind::kMultiple, int_from_python(value[1], "pad_to")};
    }
  }
  throw InvalidArgument("pad_to must be 'batch', a number of steps or ('multiple', n), got " +
                        nb::cast<std::string>(nb::repr(value)));
}

// None, or (key, reference_key).
std::optional<Cutoff> cutoff_from_python(nb::handle value) {
  if (value.is_none()) return {};
  if ((PyTuple_Check(value.ptr()) != 0 || PyList_Check(value.ptr()) != 0) && nb::len(value) == 2) {
    return Cutoff{std::string(text_from_python(value[0], "cutoff")),
                  std::string(text_from_python(value[1], "cutoff"))};
  }
  throw InvalidArgument("cutoff must be (key, reference_key), got " +
                        nb::cast<std::string>(nb::repr(value)));
}

std::vector<Column> columns_from_python(nb::list given) {
  std::vector<Column> columns;
  for (nb::handle column : given) columns.push_back(column_from_python(column, kNotAColumn));
  return columns;
}

void set_options(FeatureLayer::Options& options, nb::dict given) {
  options.name = std::string(text_from_python(given["name"], "name"));
  options.trainable = nb::cast<bool>(given["trainable"]);
  options.dtype = dtype_from_python(given["dtype"], "dtype");
  options.seed = int_from_python(given["seed"], "seed");
  options.ids = ids_options_from_python(nb::cast<nb::dict>(given["ids"]));
}

nb::list parameters_of(const FeatureLayer& layer) {
  nb::list found;
  for (const Parameter& parameter : layer.parameters()) {
    found.append(nb::make_tuple(text_to_python(parameter.name), tensor_to_python(parameter.value),
                                parameter.trainable));
  }
  return found;
}

std::vector<Tensor> tables_from_python(const FeatureLayer& layer, nb::list weights) {
  const auto parameters = layer.parameters();
  std::vector<Tensor> given;
  for (size_t i = 0; i < std::min(parameters.size(), weights.size()); ++i) {
    const std::string name = "weight '" + parameters[i].name + "'";
    given.push_back(tensor_of_dtype(weights[i], parameters[i].value.dtype(), name.c_str()));
  }
  given.resize(weights.size());
  return given;
}

// Copies into the tables: arrays that were handed out keep standing for them.
void set_weights(FeatureLayer& layer, nb::list weights) {
  weft::set_weights(layer.parameters(), tables_from_python(layer, std::move(weights)),
                    "layer '" + layer.name() + "'");
}

template <class Layer>
Layer over(const Layer& layer, nb::list tables) {
  return layer.over(tables_from_python(layer, std::move(tables)));
}

nb::dict counters_of(const FeatureLayer& layer) {
  nb::dict found;
  for (const auto& [name, counters] : layer.counters()) {
    nb::dict each;
    each["seen"] = counters.seen;
    each["replaced"] = counters.replaced;
    each["dropped"] = counters.dropped;
    each["out_of_vocabulary"] = counters.out_of_vocabulary;
    found[text_to_python(name)] = each;
  }
  return found;
}

nb::tuple call_sequence(const SequenceFeatures& layer, nb::handle features) {
  const Features batch = features_from_python(features, "features");
  const Sequence out = without_gil([&] { return layer(batch); });
  return nb::make_tuple(tensor_to_python(out.data), tensor_to_python(out.lengths));
}

nb::object call_dense(const DenseFeatures& layer, nb::handle features) {
  const Features batch = features_from_python(features, "features");
  return tensor_to_python(without_gil([&] { return layer(batch); }));
}

nb::tuple sequence_blocks(const SequenceFeatures& layer, nb::handle features) {
  const Features batch = features_from_python(features, "features");
  SequenceBlocks out = without_gil([&] { return layer.blocks(batch); });
  return nb::make_tuple(nb::cast(std::move(out.data)), tensor_to_python(out.lengths));
}

nb::tuple outer_shape(const Blocks& blocks) {
  return shape_to_python({blocks.shape().begin(), blocks.shape().end() - 1});
}

// For each block an array or (width, splits, ids, counts).
nb::list blocks_to_python(const Blocks& blocks) {
  nb::list found;
  for (const Blocks::Block& block : blocks.blocks()) {
    if (const auto* dense = std::get_if<Tensor>(&block)) {
      found.append(tensor_to_python(*dense));
      continue;
    }
    const auto& counts = std::get<IdCounts>(block);
    found.append(nb::make_tuple(counts.width, tensor_to_python(counts.splits),
                                tensor_to_python(counts.ids), tensor_to_python(counts.counts)));
  }
  return found;
}

Blocks dense_blocks(const DenseFeatures& layer, nb::handle features) {
  const Features batch = features_from_python(features, "features");
  return without_gil([&] { return layer.blocks(batch); });
}

// The functions of the gradient of the data, or of the dense blocks: to those of the weights, and
// to those of features. They keep the layer.
template <class T>
nb::tuple pullbacks_of(const nb::object& layer, FeaturesVjp<T> made) {
  const DType dtype = nb::cast<const FeatureLayer&>(layer).options().dtype;
  const auto weights = [layer, dtype, back = std::move(made.pullback)](nb::handle grad) {
    const Tensor given = tensor_of_dtype(grad, dtype, "grad_data");
    return gradients_to_python(without_gil([&] { return back(given); }));
  };
  const auto features = [layer, dtype, back = std::move(made.feature_pullback)](nb::handle grad) {
    const Tensor given = tensor_of_dtype(grad, dtype, "grad_data");
    return features_to_python(without_gil([&] { return back(given); }));
  };
  return nb::make_tuple(nb::cpp_function(weights), nb::cpp_function(features));
}

// (data, lengths, pullbacks)
nb::tuple vjp_sequence(nb::object layer, nb::handle features) {
  const auto& self = nb::cast<const SequenceFeatures&>(layer);
  const Features batch = features_from_python(features, "features");
  auto made = without_gil([&] { return self.vjp(batch); });
  const nb::object data = tensor_to_python(made.result.data);
  const nb::object lengths = tensor_to_python(made.result.lengths);
  return nb::make_tuple(data, lengths, pullbacks_of(layer, std::move(made)));
}

nb::tuple blocks_vjp_sequence(nb::object layer, nb::handle features) {
  const auto& self = nb::cast<const SequenceFeatures&>(layer);
  const Features batch = features_from_python(features, "features");
  auto made = without_gil([&] { return self.blocks_vjp(batch); });
  const nb::object lengths = tensor_to_python(made.result.lengths);
  const nb::object data = nb::cast(std::move(made.result.data));
  return nb::make_tuple(data, lengths, pullbacks_of(layer, std::move(made)));
}

// (data, pullbacks)
nb::tuple vjp_dense(nb::object layer, nb::handle features) {
  const auto& self = nb::cast<const DenseFeatures&>(layer);
  const Features batch = features_from_python(features, "features");
  auto made = without_gil([&] { return self.vjp(batch); });
  const nb::object data = tensor_to_python(made.result);
  return nb::make_tuple(data, pullbacks_of(layer, std::move(made)));
}

nb::tuple blocks_vjp_dense(nb::object layer, nb::handle features) {
  const auto& self = nb::cast<const DenseFeatures&>(layer);
  const Features batch = features_from_python(features, "features");
  auto made = without_gil([&] { return self.blocks_vjp(batch); });
  const nb::object data = nb::cast(std::move(made.result));
  return nb::make_tuple(data, pullbacks_of(layer, std::move(made)));
}

// (shape without D, blocks, lengths)
nb::tuple sequence_lookups(const SequenceFeatures& layer, nb::handle features) {
  const Features batch = features_from_python(features, "features");
  const SequenceBlocks out = without_gil([&] { return layer.lookups(batch); });
  return nb::make_tuple(outer_shape(out.data), blocks_to_python(out.data),
                        tensor_to_python(out.lengths));
}

// (shape without D, blocks)
nb::tuple dense_lookups(const DenseFeatures& layer, nb::handle features) {
  const Features batch = features_from_python(features, "features");
  const Blocks out = without_gil([&] { return layer.lookups(batch); });
  return nb::make_tuple(outer_shape(out), blocks_to_python(out));
}

void make_sequence(SequenceFeatures* self, nb::list columns, nb::dict given) {
  SequenceFeaturesOptions options;
  set_options(options, given);
  if (!given["max_length"].is_none())
    options.max_length = int_from_python(given["max_length"], "max_length");
  options.keep = keep_from_python(given["keep"]);
  options.pad = pad_from_python(given["pad"]);
  options.pad_to = pad_to_from_python(given["pad_to"]);
  options.cutoff = cutoff_from_python(given["cutoff"]);
  std::vector<Column> given_columns = columns_from_python(std::move(columns));
  // Without the GIL: vocabularies are read, and a lock is held while a shared table is made, which
  // may call an initializer of Python's.
  without_gil([&] { new (self) SequenceFeatures(std::move(given_columns), std::move(options)); });
}

void make_dense(DenseFeatures* self, nb::list columns, nb::dict given) {
  FeatureLayer::Options options;
  set_options(options, std::move(given));
  std::vector<Column> given_columns = columns_from_python(std::move(columns));
  without_gil([&] { new (self) DenseFeatures(std::move(given_columns), std::move(options)); });
}

nb::object mask_of(nb::handle lengths, nb::handle maxlen, nb::handle dtype, nb::handle pad) {
  const Tensor of = tensor_from_python(lengths, "lengths", DType::kInt64);
  std::optional<int64_t> width;
  if (!maxlen.is_none()) width = int_from_python(maxlen, "maxlen");
  const DType wanted = dtype_from_python(dtype, "dtype");
  const Pad side = pad_from_python(pad);
  return tensor_to_python(without_gil([&] { return sequence_mask(of, width, wanted, side); }));
}

nb::object concatenate(nb::handle context_input, nb::handle sequence_input) {
  const Tensor sequence = tensor_from_python(sequence_input, "sequence_input");
  const Tensor context = tensor_from_python(context_input, "context_input");
  return tensor_to_python(
      without_gil([&] { return concatenate_context_input(context, sequence); }));
}

// (that of the context, that of the sequence).
nb::tuple concatenate_backward(nb::handle grad, nb::handle context_size) {
  const Tensor given = tensor_from_python(grad, "grad");
  const int64_t size = int_from_python(context_size, "context_size");
  const ContextGradients made =
      without_gil([&] { return concatenate_context_backward(given, size); });
  return nb::make_tuple(tensor_to_python(made.context_input),
                        tensor_to_python(made.sequence_input));
}

}  // namespace

void bind_sequence(nb::module_& m) {
  nb::class_<Blocks>(m, "Blocks",
                     "A feature layer's output with its indicators as ids: what an RNN or a Dense "
                     "takes like the array.")
      .def_prop_ro("shape", [](const Blocks& blocks) { return shape_to_python(blocks.shape()); })
      .def_prop_ro("dtype", [](const Blocks& blocks) { return dtype_to_python(blocks.dtype()); });
  nb::class_<FeatureLayer>(m, "FeatureLayer", "What both feature layers have.")
      .def_prop_ro("width", &FeatureLayer::width)
      .def_prop_ro("parameters", &parameters_of,
                   "(name, array, trainable) of each table; the arrays are the tables.")
      .def("set_weights", &set_weights)
      .def("counters", &counters_of)
      .def("reset_counters", &FeatureLayer::reset_counters);
  nb::class_<SequenceFeatures, FeatureLayer>(m, "SequenceFeatures")
      .def("__init__", &make_sequence)
      .def("over", &over<SequenceFeatures>)
      .def("__call__", &call_sequence, nb::arg("features").none())
      .def("blocks", &sequence_blocks, nb::arg("features").none())
      .def("lookups", &sequence_lookups, nb::arg("features").none())
      .def("vjp", &vjp_sequence, nb::arg("features").none())
      .def("blocks_vjp", &blocks_vjp_sequence, nb::arg("features").none());
  nb::class_<DenseFeatures, FeatureLayer>(m, "DenseFeatures")
      .def("__init__", &make_dense)
      .def("over", &over<DenseFeatures>)
      .def("__call__", &call_dense, nb::arg("features").none())
      .def("blocks", &dense_blocks, nb::arg("features").none())
      .def("lookups", &dense_lookups, nb::arg("features").none())
      .def("vjp", &vjp_dense, nb::arg("features").none())
      .def("blocks_vjp", &blocks_vjp_dense, nb::arg("features").none());
  m.def("sequence_mask", &mask_of, nb::arg("lengths").none(), nb::arg("maxlen").none(),
        nb::arg("dtype").none(), nb::arg("pad").none());
  m.def("concatenate_context_input", &concatenate, nb::arg("context_input").none(),
        nb::arg("sequence_input").none());
  m.def("concatenate_context_backward", &concatenate_backward, nb::arg("grad").none(),
        nb::arg("context_size").none());
}

}  // namespace weft::python
