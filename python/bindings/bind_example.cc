// Parsing and writing Examples. The classes of a parse spec are in weft/io/parsing.py; what comes
// here are their objects.
#include "weft/example.h"

#include "convert_record.h"
#include "convert_strings.h"

namespace weft::python {
namespace {

using Kind = RowPartition::Kind;

// As the name of an argument, which messages quote: 'shape' of feature 'a'.
std::string of_feature(const char* field, const std::string& name) {
  return std::string(field) + "' of feature '" + escape_bytes(name);
}

DType dtype_field(nb::handle feature, const std::string& name) {
  const nb::object dtype = feature.attr("dtype");
  if (dtype.is_none()) {
    throw InvalidArgument("Missing type for feature '" + escape_bytes(name) + "'", {.key = name});
  }
  return dtype_from_python(dtype, of_feature("dtype", name).c_str());
}

Shape shape_field(nb::handle feature, const std::string& name) {
  const nb::object shape = feature.attr("shape");
  if (shape.is_none()) {
    throw InvalidArgument("Missing shape for feature '" + escape_bytes(name) + "'", {.key = name});
  }
  return shape_from_python(shape, of_feature("shape", name).c_str());
}

std::optional<Tensor> default_field(nb::handle feature, DType dtype, const std::string& name) {
  const nb::object value = feature.attr("default_value");
  if (value.is_none()) return std::nullopt;
  Tensor tensor = tensor_of_dtype(value, dtype, of_feature("default_value", name).c_str());
  // A copy: the spec outlives what the array's owner does to it.
  if (dtype != DType::kString) {
    tensor = Tensor::from_buffer(dtype, tensor.shape(),
                                 Buffer::copy_of(tensor.buffer().data(), tensor.buffer().size()));
  }
  return tensor;
}

FixedLenFeature fixed_len(nb::handle feature, const std::string& name) {
  const DType dtype = dtype_field(feature, name);
  return {shape_field(feature, name), dtype, default_field(feature, dtype, name)};
}

FixedLenSequenceFeature fixed_len_sequence(nb::handle feature, const std::string& name) {
  const DType dtype = dtype_field(feature, name);
  return {shape_field(feature, name), dtype,
          nb::cast<bool>(nb::bool_(feature.attr("allow_missing"))),
          default_field(feature, dtype, name)};
}

RowPartition partition_of(nb::handle partition, const std::string& name) {
  static constexpr std::pair<std::string_view, Kind> kKinds[] = {
      {"RowSplits", Kind::kRowSplits},     {"RowLengths", Kind::kRowLengths},
      {"RowStarts", Kind::kRowStarts},     {"RowLimits", Kind::kRowLimits},
      {"ValueRowIds", Kind::kValueRowIds}, {"UniformRowLength", Kind::kUniformRowLength},
  };
  const auto type = nb::cast<std::string>(partition.type().attr("__name__"));
  for (const auto& [kind_name, kind] : kKinds) {
    if (type != kind_name) continue;
    if (kind == Kind::kUniformRowLength) {
      return {
          kind, "",
          int_from_python(partition.attr("length"), of_feature("UniformRowLength", name).c_str())};
    }
    return {kind,
            std::string(text_from_python(partition.attr("key"),
                                         of_feature("a partition's key", name).c_str())),
            0};
  }
  throw WrongType("'" + of_feature("partitions", name) + "'" +
                  " must be RaggedFeature.RowSplits and the like, got " + describe(partition));
}

RaggedFeature ragged(nb::handle feature, const std::string& name) {
  RaggedFeature made{.dtype = dtype_field(feature, name)};
  const nb::object value_key = feature.attr("value_key");
  if (!value_key.is_none())
    made.value_key = text_from_python(value_key, of_feature("value_key", name).c_str());
  for (nb::handle partition : feature.attr("partitions"))
    made.partitions.push_back(partition_of(partition, name));
  made.row_splits_dtype = dtype_from_python(feature.attr("row_splits_dtype"),
                                            of_feature("row_splits_dtype", name).c_str());
  made.validate = nb::cast<bool>(nb::bool_(feature.attr("validate")));
  return made;
}

// `index_key` is a name with an int as `size`, or a list of names with a list of ints.
SparseFeature sparse(nb::handle feature, const std::string& name) {
  SparseFeature made{.dtype = dtype_field(feature, name)};
  const nb::object keys = feature.attr("index_key"), size = feature.attr("size");
  const std::string argument = of_feature("index_key", name);
  if (nb::isinstance<nb::str>(keys) || nb::isinstance<nb::bytes>(keys)) {
    if (nb::len(keys) > 0) made.index_key.emplace_back(text_from_python(keys, argument.c_str()));
    made.size = {int_from_python(size, of_feature("size", name).c_str())};
  } else {
    if (!nb::isinstance<nb::list>(keys) && !nb::isinstance<nb::tuple>(keys)) {
      throw WrongType("'" + argument + "' must be a name or a list of names, got " +
                      describe(keys));
    }
    for (nb::handle key : keys)
      made.index_key.emplace_back(text_from_python(key, argument.c_str()));
    if (!nb::isinstance<nb::list>(size) && !nb::isinstance<nb::tuple>(size)) {
      throw WrongType("'" + of_feature("size", name) + "' must be a list, as index_key is, got " +
                      describe(size));
    }
    made.size = shape_from_python(size, of_feature("size", name).c_str());
  }
  made.value_key =
      text_from_python(feature.attr("value_key"), of_feature("value_key", name).c_str());
  made.already_sorted = nb::cast<bool>(nb::bool_(feature.attr("already_sorted")));
  return made;
}

FeatureSpec feature_spec(nb::handle feature, const std::string& name) {
  const auto type = nb::cast<std::string>(feature.type().attr("__name__"));
  if (type == "VarLenFeature") return VarLenFeature{dtype_field(feature, name)};
  if (type == "FixedLenFeature") return fixed_len(feature, name);
  if (type == "FixedLenSequenceFeature") return fixed_len_sequence(feature, name);
  if (type == "RaggedFeature") return ragged(feature, name);
  if (type == "SparseFeature") return sparse(feature, name);
  throw InvalidArgument(
      "Unsupported " + describe(feature) + " for key '" + escape_bytes(name) +
          "': a VarLenFeature, FixedLenFeature, FixedLenSequenceFeature, RaggedFeature or "
          "SparseFeature is needed",
      {.key = name});
}

template <class Parser>
nb::list absent_keys(const Parser& parser) {
  nb::list keys;
  for (const std::string& key : parser.absent_keys()) keys.append(text_to_python(key));
  return keys;
}

ParseOptions options_of(bool strict, nb::handle limits) {
  return {.strict = strict, .limits = limits_from_python(limits)};
}

nb::list records_to_python(const Bytes& records) {
  nb::list list;
  for (int64_t i = 0; i < records.size(); ++i)
    list.append(nb::bytes(records[i].data(), records[i].size()));
  return list;
}

using Tensors = std::map<std::string, Tensor, std::less<>>;

nb::dict tensors_to_python(const Tensors& tensors) {
  nb::dict features;
  for (const auto& [key, tensor] : tensors)
    features[text_to_python(key)] = tensor_to_python(tensor);
  return features;
}

Tensors tensors_from_python(const nb::dict& features) {
  Tensors tensors;
  for (auto [key, value] : features) {
    const std::string name(text_from_python(key, "feature name"));
    tensors[name] = tensor_from_python(value, of_feature("the values", name).c_str());
  }
  return tensors;
}

// One record without a spec, and the writing of records.
void bind_records(nb::module_& m) {
  m.def(
      "decode_example",
      [](const nb::bytes& serialized, bool strict, nb::handle limits) {
        const std::string_view record(serialized.c_str(), serialized.size());
        const ParseOptions options = options_of(strict, limits);
        return tensors_to_python(without_gil([&] { return decode_example(record, options); }));
      },
      nb::arg("serialized"), nb::arg("strict"), nb::arg("limits").none());
  m.def(
      "encode_example",
      [](const nb::dict& features) {
        const Tensors tensors = tensors_from_python(features);
        const std::string record = without_gil([&] { return encode_example(tensors); });
        return nb::bytes(record.data(), record.size());
      },
      nb::arg("features"));
  m.def(
      "decode_sequence_example",
      [](const nb::bytes& serialized, bool strict, nb::handle limits) {
        const std::string_view record(serialized.c_str(), serialized.size());
        const ParseOptions options = options_of(strict, limits);
        const auto decoded = without_gil([&] { return decode_sequence_example(record, options); });
        nb::dict lists;
        for (const auto& [key, steps] : decoded.feature_lists)
          lists[text_to_python(key)] = nb::cast(Ragged(steps));
        return nb::make_tuple(tensors_to_python(decoded.context), lists);
      },
      nb::arg("serialized"), nb::arg("strict"), nb::arg("limits").none());
  m.def(
      "encode_sequence_example",
      [](const nb::dict& context, nb::handle lists) {
        const Tensors tensors = tensors_from_python(context);
        const Features steps = features_from_python(lists, "feature_lists");
        const std::string record =
            without_gil([&] { return encode_sequence_example(tensors, steps); });
        return nb::bytes(record.data(), record.size());
      },
      nb::arg("context"), nb::arg("feature_lists").none());
  m.def(
      "encode_examples",
      [](nb::handle columns) {
        const Features features = features_from_python(columns, "columns");
        return records_to_python(without_gil([&] { return encode_examples(features); }));
      },
      nb::arg("columns").none());
}

}  // namespace

ParseSpec parse_spec_from_python(nb::handle value, const char* argument) {
  if (PyMapping_Check(value.ptr()) == 0 || !nb::hasattr(value, "items")) {
    throw WrongType(std::string("'") + argument +
                    "' must be a dict from feature name to feature, got " + describe(value));
  }
  ParseSpec spec;
  for (nb::handle item : value.attr("items")()) {
    const std::string name(text_from_python(item[0], "feature name"));
    spec.insert_or_assign(name, feature_spec(item[1], name));
  }
  return spec;
}

nb::tuple parsed_to_python(ParsedSequenceExamples parsed) {
  return nb::make_tuple(features_to_python(std::move(parsed.context)),
                        features_to_python(std::move(parsed.lists)),
                        features_to_python(std::move(parsed.lengths)));
}

void bind_example(nb::module_& m) {
  bind_records(m);
  bind_strings(m);
  nb::class_<ExampleParser>(m, "ExampleParser",
                            "A parse spec, compiled; it learns the order of the keys.")
      .def(
          "__init__",
          [](ExampleParser* self, nb::handle features, bool strict, nb::handle limits) {
            new (self) ExampleParser(parse_spec_from_python(features, "features"),
                                     options_of(strict, limits));
          },
          nb::arg("features").none(), nb::arg("strict"), nb::arg("limits").none())
      .def(
          "parse",
          [](const ExampleParser& self, nb::handle serialized) {
            const Serialized records(serialized, "serialized");
            return features_to_python(without_gil([&] { return self.parse(records.views()); }));
          },
          nb::arg("serialized").none())
      .def(
          "parse_single",
          [](const ExampleParser& self, const nb::bytes& serialized) {
            const std::string_view record(serialized.c_str(), serialized.size());
            return features_to_python(without_gil([&] { return self.parse_single(record); }));
          },
          nb::arg("serialized"))
      .def_prop_ro("absent_keys", &absent_keys<ExampleParser>);
  nb::class_<SequenceExampleParser>(m, "SequenceExampleParser",
                                    "Two parse specs, compiled; it learns the order of the keys.")
      .def(
          "__init__",
          [](SequenceExampleParser* self, nb::handle context, nb::handle lists, bool strict,
             nb::handle limits) {
            new (self) SequenceExampleParser(parse_spec_from_python(context, "context_features"),
                                             parse_spec_from_python(lists, "sequence_features"),
                                             options_of(strict, limits));
          },
          nb::arg("context_features").none(), nb::arg("sequence_features").none(),
          nb::arg("strict"), nb::arg("limits").none())
      .def(
          "parse",
          [](const SequenceExampleParser& self, nb::handle serialized) {
            const Serialized records(serialized, "serialized");
            return parsed_to_python(without_gil([&] { return self.parse(records.views()); }));
          },
          nb::arg("serialized").none())
      .def(
          "parse_single",
          [](const SequenceExampleParser& self, const nb::bytes& serialized) {
            const std::string_view record(serialized.c_str(), serialized.size());
            return parsed_to_python(without_gil([&] { return self.parse_single(record); }));
          },
          nb::arg("serialized"))
      .def_prop_ro("absent_keys", &absent_keys<SequenceExampleParser>);
}

}  // namespace weft::python
