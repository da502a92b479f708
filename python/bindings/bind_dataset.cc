// Reading record files.
#include <memory>

#include "convert_record.h"
#include "convert_strings.h"
#include "weft/dataset.h"

namespace weft::python {
namespace {

// A Python object that C++ may copy and drop without the GIL.
std::shared_ptr<nb::object> held(nb::handle object) {
  return {new nb::object(nb::borrow(object)), [](nb::object* owned) {
            nb::gil_scoped_acquire acquire;
            if (acquire.is_valid()) delete owned;  // at exit of the interpreter it is leaked
          }};
}

std::function<void(const Error&)> on_skip_of(nb::handle callable) {
  if (callable.is_none()) return {};
  return [function = held(callable)](const Error& error) {
    nb::gil_scoped_acquire acquire;
    (*function)(error_to_python(error));
  };
}

std::vector<std::string> texts_from_python(nb::list texts, const char* argument) {
  std::vector<std::string> made;
  for (nb::handle text : texts) made.emplace_back(text_from_python(text, argument));
  return made;
}

Dataset records(nb::list paths, Compression compression, bool verify_crc, bool skip,
                nb::handle on_skip, nb::handle limits) {
  return Dataset::records(texts_from_python(paths, "filenames"),
                          {.compression = compression,
                           .verify_crc = verify_crc,
                           .on_error = skip ? OnError::kSkip : OnError::kRaise,
                           .on_skip = on_skip_of(on_skip),
                           .poll = check_signals,
                           .limits = limits_from_python(limits)});
}

nb::list integers(const std::vector<int64_t>& numbers) {
  nb::list made;
  for (int64_t number : numbers) made.append(number);
  return made;
}

nb::dict state_to_python(const DatasetState& state) {
  nb::list position;
  for (const auto& step : state.position) {
    nb::list entry;
    entry.append(text_to_python(step.name));
    entry.extend(integers(step.numbers));
    position.append(entry);
  }
  nb::dict made;
  made["version"] = DatasetState::kVersion;
  made["steps"] = text_to_python(state.steps);
  made["num_files"] = state.num_files;
  made["file_names"] = text_to_python(state.file_names);
  made["file_sizes"] = text_to_python(state.file_sizes);
  made["iteration"] = state.iteration;
  made["seeds"] = integers(state.seeds);
  made["position"] = position;
  made["skip"] = state.skip;
  return made;
}

nb::list list_of(nb::handle value, const char* name) {
  if (!nb::isinstance<nb::list>(value))
    throw WrongType(std::string(name) + " must be a list, got " + describe(value));
  return nb::borrow<nb::list>(value);
}

nb::object entry_of(nb::handle state, const char* name) {
  PyObject* found =
      PyMapping_Check(state.ptr()) ? PyMapping_GetItemString(state.ptr(), name) : nullptr;
  if (found != nullptr) return nb::steal(found);
  PyErr_Clear();
  throw InvalidArgument(std::string("this is no state of a dataset: it has no '") + name + "'");
}

int64_t integer_of(nb::handle state, const char* name) {
  return int_from_python(entry_of(state, name), name);
}

std::string text_of(nb::handle state, const char* name) {
  return std::string(text_from_python(entry_of(state, name), name));
}

DatasetState state_from_python(nb::handle state) {
  if (const int64_t version = integer_of(state, "version"); version != DatasetState::kVersion) {
    throw InvalidArgument("this state has version " + std::to_string(version) +
                          ", which this version of weft does not know");
  }
  DatasetState made{.steps = text_of(state, "steps"),
                    .num_files = integer_of(state, "num_files"),
                    .file_names = text_of(state, "file_names"),
                    .file_sizes = text_of(state, "file_sizes"),
                    .iteration = integer_of(state, "iteration"),
                    .seeds = shape_from_python(entry_of(state, "seeds"), "seeds"),
                    .position = {},
                    .skip = integer_of(state, "skip")};
  const nb::object position = entry_of(state, "position");
  for (nb::handle step : list_of(position, "position")) {
    const nb::list entry = list_of(step, "position");
    if (entry.size() == 0) throw InvalidArgument("position: a step without a name");
    DatasetState::Step made_step{.name = std::string(text_from_python(entry[0], "position")),
                                 .numbers = {}};
    for (size_t i = 1; i < entry.size(); ++i)
      made_step.numbers.push_back(int_from_python(entry[i], "position"));
    made.position.push_back(std::move(made_step));
  }
  return made;
}

// A stream whose calls come without the GIL, from any thread.
template <class S>
class Locked {
 public:
  Locked(const Dataset& dataset, int64_t iteration) : stream_(dataset, iteration) {}
  Locked(const Dataset& dataset, const DatasetState& state) : stream_(dataset, state) {}

  template <class T>
  bool next(T& value) {
    return stream_.with([&](S& stream) { return stream.next(value); });
  }
  nb::dict state() {
    return state_to_python(stream_.with([](S& stream) { return stream.state(); }));
  }
  nb::dict state_after(int64_t records) {
    return state_to_python(stream_.with([&](S& stream) { return stream.state(records); }));
  }
  nb::list origins() {
    const RecordBatch records = stream_.with([](S& stream) { return stream.origins(); });
    nb::list made;
    for (int64_t i = 0; i < records.size(); ++i)
      made.append(nb::make_tuple(text_to_python(records.file(i)), records.number(i)));
    return made;
  }
  void close() {
    stream_.with([](S& stream) { stream.close(); });
  }
  nb::dict counters() {
    return counters_to_python(stream_.with([](S& stream) { return stream.counters(); }));
  }

 private:
  Shared<S> stream_;
};

nb::object next_records(Locked<RecordStream>& self) {
  RecordBatch batch;
  if (!self.next(batch)) return nb::none();
  return records_to_python(batch);
}

nb::object next_batch(Locked<RecordStream>& self) {
  auto batch = std::make_shared<RecordBatch>();
  if (!self.next(*batch)) return nb::none();
  return nb::cast(StringArray{{}, std::move(batch)});
}

nb::object next_features(Locked<BatchStream>& self) {
  Features features;
  if (!self.next(features)) return nb::none();
  return features_to_python(std::move(features));
}

nb::object next_sequences(Locked<BatchStream>& self) {
  ParsedSequenceExamples batch;
  if (!self.next(batch)) return nb::none();
  return parsed_to_python(std::move(batch));
}

constexpr char kSeed[] = "seed", kShards[] = "num_shards", kIndex[] = "index",
               kBatches[] = "buffer_size", kCycle[] = "cycle_length", kBlock[] = "block_length",
               kCount[] = "count";

// `state`: where to go on, or None.
template <class S>
void make_stream(Locked<S>* self, const Dataset& dataset, int64_t iteration, nb::handle state) {
  if (state.is_none()) {
    new (self) Locked<S>(dataset, iteration);
    return;
  }
  const DatasetState from = state_from_python(state);
  without_gil([&] { new (self) Locked<S>(dataset, from); });
}

Dataset shuffle_files(const Dataset& self, nb::handle seed, bool reshuffle) {
  return self.shuffle_files(int_from_python(seed, kSeed), reshuffle);
}

Dataset shuffle(const Dataset& self, nb::handle buffer_size, nb::handle seed, bool reshuffle) {
  const int64_t size = int_from_python(buffer_size, "buffer_size");
  return self.shuffle(size, int_from_python(seed, kSeed), reshuffle);
}

Dataset bucket_by_length(const Dataset& self, nb::list keys, nb::handle boundaries,
                         nb::handle batch_sizes, bool drop_remainder) {
  return self.bucket_by_length(texts_from_python(keys, "key"),
                               shape_from_python(boundaries, "boundaries"),
                               shape_from_python(batch_sizes, "batch_sizes"), drop_remainder);
}

// A step with one integer, or two: an argument that is none is refused in weft's words.
template <auto step, const char* name>
Dataset with_number(const Dataset& self, nb::handle value) {
  return (self.*step)(int_from_python(value, name));
}

template <auto step, const char* first, const char* second>
Dataset with_numbers(const Dataset& self, nb::handle a, nb::handle b) {
  const int64_t one = int_from_python(a, first);
  return (self.*step)(one, int_from_python(b, second));
}

nb::list files(const Dataset& self) {
  nb::list names;
  for (const std::string& path : self.files()) names.append(text_to_python(path));
  return names;
}

void bind_description(nb::module_& m) {
  nb::class_<Dataset>(m, "Dataset", "What to read, in which order: an immutable description.")
      .def_static("records", &records, nb::arg("paths"), nb::arg("compression"),
                  nb::arg("verify_crc"), nb::arg("skip"), nb::arg("on_skip").none(),
                  nb::arg("limits").none())
      .def("shuffle_files", &shuffle_files, nb::arg("seed").none(), nb::arg("reshuffle"))
      .def("shard_files", &with_numbers<&Dataset::shard_files, kShards, kIndex>,
           nb::arg("num_shards").none(), nb::arg("index").none())
      .def("interleave", &with_numbers<&Dataset::interleave, kCycle, kBlock>,
           nb::arg("cycle_length").none(), nb::arg("block_length").none())
      .def("shard", &with_numbers<&Dataset::shard, kShards, kIndex>, nb::arg("num_shards").none(),
           nb::arg("index").none())
      .def("skip", &with_number<&Dataset::skip, kCount>, nb::arg("count").none())
      .def("take", &with_number<&Dataset::take, kCount>, nb::arg("count").none())
      .def("repeat", &with_number<&Dataset::repeat, kCount>, nb::arg("count").none())
      .def("shuffle", &shuffle, nb::arg("buffer_size").none(), nb::arg("seed").none(),
           nb::arg("reshuffle"))
      .def("bucket_by_length", &bucket_by_length, nb::arg("keys"), nb::arg("boundaries").none(),
           nb::arg("batch_sizes").none(), nb::arg("drop_remainder"))
      .def("prefetch", &with_number<&Dataset::prefetch, kBatches>, nb::arg("batches").none())
      .def(
          "batch",
          [](const Dataset& self, nb::handle size, bool drop_remainder) {
            return self.batch(int_from_python(size, "batch_size"), drop_remainder);
          },
          nb::arg("batch_size").none(), nb::arg("drop_remainder"))
      .def(
          "parse",
          [](const Dataset& self, nb::handle spec, bool strict, nb::handle limits) {
            return self.parse(parse_spec_from_python(spec, "spec"),
                              {.strict = strict, .limits = limits_from_python(limits)});
          },
          nb::arg("spec").none(), nb::arg("strict"), nb::arg("limits").none())
      .def(
          "parse_sequence",
          [](const Dataset& self, nb::handle context, nb::handle lists, bool strict,
             nb::handle limits) {
            return self.parse_sequence(parse_spec_from_python(context, "context_features"),
                                       parse_spec_from_python(lists, "sequence_features"),
                                       {.strict = strict, .limits = limits_from_python(limits)});
          },
          nb::arg("context_features").none(), nb::arg("sequence_features").none(),
          nb::arg("strict"), nb::arg("limits").none())
      .def("files", &files)
      .def("batches", &Dataset::batches)
      .def("parses", &Dataset::parses)
      .def("parses_sequences", &Dataset::parses_sequences)
      .def("steps", &Dataset::steps);
}

void bind_streams(nb::module_& m) {
  nb::class_<Locked<RecordStream>>(m, "RecordStream", "One pass over the records of a dataset.")
      .def("__init__", &make_stream<RecordStream>, nb::arg("dataset"), nb::arg("iteration"),
           nb::arg("state").none())
      .def("next", &next_batch, "The records as a StringArray; None at the end.")
      .def("next_list", &next_records, "The records as a list of bytes; None at the end.")
      .def("state", &Locked<RecordStream>::state)
      .def("state_after", &Locked<RecordStream>::state_after, nb::arg("records"),
           "After that many records of the last batch.")
      .def("close", &Locked<RecordStream>::close)
      .def("counters", &Locked<RecordStream>::counters);
  nb::class_<Locked<BatchStream>>(m, "BatchStream",
                                  "One pass over the parsed batches of a dataset.")
      .def("__init__", &make_stream<BatchStream>, nb::arg("dataset"), nb::arg("iteration"),
           nb::arg("state").none())
      .def("next", &next_features, "A dict of features; None at the end.")
      .def("next_sequences", &next_sequences, "Context, lists and lengths; None at the end.")
      .def("origins", &Locked<BatchStream>::origins,
           "(file, number of the record) of each row of the last batch.")
      .def("state", &Locked<BatchStream>::state)
      .def("close", &Locked<BatchStream>::close)
      .def("counters", &Locked<BatchStream>::counters);
}

}  // namespace

void bind_dataset(nb::module_& m) {
  bind_description(m);
  bind_streams(m);
}

}  // namespace weft::python
