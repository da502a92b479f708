// The example of TensorFlow's documentation for sequence columns, line by line, on a file that
// TensorFlow wrote.
//
//   documented_example FILE.tfrecord [NUMBERS.txt]
//
// NUMBERS.txt holds weights and what TensorFlow makes of the file with them; the example is then
// run once more with those weights, and the largest difference is printed.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "weft/column.h"
#include "weft/example.h"
#include "weft/record.h"
#include "weft/rnn.h"
#include "weft/sequence.h"

namespace {

using Numbers = std::map<std::string, weft::Tensor>;

// Blocks of "NAME ROWS COLUMNS" and that many lines of numbers.
Numbers read_numbers(const char* path) {
  std::ifstream file(path);
  Numbers numbers;
  std::string name;
  int64_t rows = 0, columns = 0;
  while (file >> name >> rows >> columns) {
    weft::Tensor tensor(weft::DType::kFloat32, {rows, columns});
    for (float& number : tensor.mutable_values<float>()) file >> number;
    numbers.emplace(name, std::move(tensor));
  }
  return numbers;
}

float largest_difference(const weft::Tensor& a, const weft::Tensor& b) {
  const auto x = a.values<float>(), y = b.values<float>();
  float largest = x.size() == y.size() ? 0.0f : INFINITY;
  for (size_t i = 0; i < x.size() && i < y.size(); ++i)
    largest = std::max(largest, std::abs(x[i] - y[i]));
  return largest;
}

int run(const char* path, const char* numbers_path) {
  using namespace weft;
  const int64_t hidden_size = 32;
  RecordBatch serialized;
  RecordReader(path).next(serialized, 1024);

  Column watches = sequence_categorical_column_with_identity("watches", /*num_buckets=*/1000);
  Column watches_embedding = embedding_column(watches, /*dimension=*/10);
  std::vector<Column> columns = {watches_embedding};

  Features features = parse_example(serialized.records(), make_parse_example_spec(columns));
  SequenceFeatures sequence_feature_layer(columns);
  auto [sequence_input, sequence_length, pad] = sequence_feature_layer(features);
  Tensor sequence_length_mask = sequence_mask(sequence_length);

  SimpleRNNCell rnn_cell(hidden_size);
  RNN rnn_layer(rnn_cell);
  auto [outputs, state] = rnn_layer(sequence_input, {.mask = sequence_length_mask});

  std::printf("sequence_input  %s\n", shape_string(sequence_input.shape()).c_str());
  std::printf("sequence_length %s\n", shape_string(sequence_length.shape()).c_str());
  std::printf("outputs         %s\n", shape_string(outputs.shape()).c_str());
  std::printf("state           %s\n", shape_string(state[0].shape()).c_str());
  if (numbers_path == nullptr) return 0;

  Numbers numbers = read_numbers(numbers_path);
  sequence_feature_layer.parameters()[0].value = numbers.at("watches_embedding");
  rnn_cell.set_weights({{numbers.at("kernel"), numbers.at("recurrent_kernel"),
                         numbers.at("bias").reshaped({hidden_size})}});
  sequence_input = sequence_feature_layer(features).data;
  States states = rnn_layer(sequence_input, {.mask = sequence_length_mask});
  const float difference = std::max(largest_difference(states.outputs, numbers.at("outputs")),
                                    largest_difference(states.state[0], numbers.at("state")));
  std::printf("largest difference from TensorFlow: %.2g\n", difference);
  return difference <= 1e-5f ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "usage: %s FILE.tfrecord [NUMBERS.txt]\n", argv[0]);
    return 2;
  }
  try {
    return run(argv[1], argc == 3 ? argv[2] : nullptr);
  } catch (const weft::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
