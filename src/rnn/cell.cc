#include "rnn/cell.h"

#include <cstring>

namespace weft {
namespace {

// The bytes of a recurrent kernel [units, 4 * units] can still be counted.
constexpr int64_t kMaxUnits = int64_t{1} << 28;

void check_rate(const char* what, double rate) {
  if (rate >= 0 && rate <= 1) return;
  throw InvalidArgument(std::string("`") + what + "` must be between 0 and 1, got " +
                        std::to_string(rate));
}

template <class Options>
std::shared_ptr<CellData> make_cell(CellKind kind, int64_t units, Options options) {
  if (units < 1 || units > kMaxUnits) {
    throw InvalidArgument("invalid value for argument `units`: expected a positive integer" +
                          std::string(units < 1 ? "" : " of at most 2^28") + ", got " +
                          std::to_string(units));
  }
  if (!is_floating(options.dtype) || options.dtype == DType::kFloat16) {
    throw WrongType(std::string("the dtype of a cell is float32 or float64, got ") +
                    dtype_name(options.dtype));
  }
  check_rate("dropout", options.dropout);
  check_rate("recurrent_dropout", options.recurrent_dropout);
  auto data = std::make_shared<CellData>();
  data->kind = kind;
  data->units = units;
  data->activation = options.activation;
  data->use_bias = options.use_bias;
  data->kernel_initializer = std::move(options.kernel_initializer);
  data->recurrent_initializer = std::move(options.recurrent_initializer);
  data->bias_initializer = std::move(options.bias_initializer);
  data->dropout = options.dropout;
  data->recurrent_dropout = options.recurrent_dropout;
  data->name = std::move(options.name);
  data->dtype = options.dtype;
  data->seed = options.seed;
  if constexpr (requires { options.recurrent_activation; }) {
    data->recurrent_activation = options.recurrent_activation;
  }
  if constexpr (requires { options.implementation; }) data->implementation = options.implementation;
  if constexpr (requires { options.reset_after; }) data->reset_after = options.reset_after;
  if constexpr (requires { options.unit_forget_bias; }) {
    data->unit_forget_bias = options.unit_forget_bias;
  }
  return data;
}

std::shared_ptr<CellData> make_stack(std::vector<Cell> cells) {
  if (cells.empty()) throw InvalidArgument("a stack needs at least one cell");
  auto data = std::make_shared<CellData>();
  data->kind = CellKind::kStacked;
  data->name = "stacked_rnn_cells";
  data->units = cells.back().units();
  data->dtype = cells.front().dtype();
  for (const Cell& cell : cells) {
    if (CellData::of(cell).kind == CellKind::kStacked) {
      throw InvalidArgument("a stack of cells cannot hold another stack: list all cells in one");
    }
    if (cell.dtype() != data->dtype) {
      throw InvalidArgument(std::string("the cells of a stack differ in dtype: ") +
                            dtype_name(data->dtype) + " and " + dtype_name(cell.dtype()));
    }
  }
  data->cells = std::move(cells);
  return data;
}

// The initial bias of an LSTM: [i, f, c, o] with f at one, the rest by the initializer.
Tensor unit_forget_bias(const CellData& cell, const std::string& name) {
  Tensor bias(cell.dtype, {4 * cell.units});
  const Initializer ones = initializers::Ones{};
  const auto fill = [&](int64_t from, int64_t n, const Initializer& initializer, const char* part) {
    const Tensor values = initializer({n}, cell.dtype, name + part, cell.seed);
    const int64_t bytes = dtype_size(cell.dtype);
    uint8_t* to = cell.dtype == DType::kFloat32
                      ? reinterpret_cast<uint8_t*>(bias.mutable_values<float>().data())
                      : reinterpret_cast<uint8_t*>(bias.mutable_values<double>().data());
    std::memcpy(to + from * bytes, values.buffer().data(), static_cast<size_t>(n * bytes));
  };
  fill(0, cell.units, cell.bias_initializer, "/i");
  fill(cell.units, cell.units, ones, "/f");
  fill(2 * cell.units, 2 * cell.units, cell.bias_initializer, "/co");
  return bias;
}

std::vector<Parameter> make_parameters(const CellData& cell, int64_t input_size,
                                       const std::string& prefix) {
  const int64_t width = cell.gates() * cell.units;
  const std::string scope = prefix + cell.name + "/";
  std::vector<Parameter> made;
  const auto make = [&](const char* name, const Shape& shape, const Initializer& initializer) {
    made.push_back(
        {name, initializer(shape, cell.dtype, scope + name, cell.seed), initializer, true});
  };
  make("kernel", {input_size, width}, cell.kernel_initializer);
  make("recurrent_kernel", {cell.units, width}, cell.recurrent_initializer);
  if (!cell.use_bias) return made;
  if (cell.kind == CellKind::kLstm && cell.unit_forget_bias) {
    made.push_back({"bias", unit_forget_bias(cell, scope + "bias"), cell.bias_initializer, true});
  } else if (cell.kind == CellKind::kGru && cell.reset_after) {
    make("bias", {2, width}, cell.bias_initializer);
  } else {
    make("bias", {width}, cell.bias_initializer);
  }
  return made;
}

void build_cell(CellData& cell, int64_t input_size, const std::string& prefix);

// Throws unless all places of a cell get inputs of one size.
void check_shared_cells(const CellData& stack, int64_t input_size) {
  const auto size_at = [&](size_t i) { return i == 0 ? input_size : stack.cells[i - 1].units(); };
  for (size_t i = 0; i < stack.cells.size(); ++i) {
    const size_t first = stack.first_place(i);
    if (size_at(first) == size_at(i)) continue;
    throw InvalidArgument("cell '" + stack.cells[i].name() + "' stands at places " +
                          std::to_string(first) + " and " + std::to_string(i) +
                          " of a stack, where inputs have size " + std::to_string(size_at(first)) +
                          " and " + std::to_string(size_at(i)) + ": make two cells");
  }
}

// A stack lists its cells' parameters, each cell's once; the values share memory.
std::vector<Parameter> build_stack(CellData& stack, int64_t input_size) {
  check_shared_cells(stack, input_size);
  std::vector<Parameter> all;
  for (size_t i = 0; i < stack.cells.size(); ++i) {
    const std::string prefix = "cell_" + std::to_string(i) + "/";
    CellData& cell = CellData::of(stack.cells[i]);
    build_cell(cell, input_size, prefix);
    input_size = cell.units;
    if (stack.first_place(i) != i) continue;
    for (Parameter parameter : cell.parameters) {
      parameter.name = prefix + parameter.name;
      all.push_back(std::move(parameter));
    }
  }
  return all;
}

void build_cell(CellData& cell, int64_t input_size, const std::string& prefix) {
  if (input_size < 0) {
    throw InvalidArgument("the input size must not be negative, got " + std::to_string(input_size));
  }
  if (cell.input_size.load() == input_size) return;
  std::lock_guard lock(cell.building);
  const int64_t built_for = cell.input_size.load();
  if (built_for == input_size) return;
  if (built_for >= 0) {
    throw InvalidArgument("cell '" + cell.name + "' was built for inputs of size " +
                          std::to_string(built_for) + ", got " + std::to_string(input_size));
  }
  cell.parameters = cell.kind == CellKind::kStacked ? build_stack(cell, input_size)
                                                    : make_parameters(cell, input_size, prefix);
  cell.input_size.store(input_size);
}

}  // namespace

SimpleRNNCell::SimpleRNNCell(int64_t units, SimpleRNNCellOptions options)
    : Cell(make_cell(CellKind::kSimple, units, std::move(options))) {}

GRUCell::GRUCell(int64_t units, GRUCellOptions options)
    : Cell(make_cell(CellKind::kGru, units, std::move(options))) {}

LSTMCell::LSTMCell(int64_t units, LSTMCellOptions options)
    : Cell(make_cell(CellKind::kLstm, units, std::move(options))) {}

StackedRNNCells::StackedRNNCells(std::vector<Cell> cells) : Cell(make_stack(std::move(cells))) {}

const std::string& Cell::name() const { return data_->name; }
DType Cell::dtype() const { return data_->dtype; }
int64_t Cell::units() const { return data_->units; }

std::vector<int64_t> Cell::state_sizes() const {
  if (data_->kind == CellKind::kLstm) return {units(), units()};
  if (data_->kind != CellKind::kStacked) return {units()};
  std::vector<int64_t> sizes;
  for (const Cell& cell : data_->cells) {
    for (int64_t size : cell.state_sizes()) sizes.push_back(size);
  }
  return sizes;
}

void Cell::build(int64_t input_size) { build_cell(*data_, input_size, ""); }
bool Cell::built() const { return input_size() >= 0; }
int64_t Cell::input_size() const { return data_->input_size.load(); }

std::span<const Parameter> Cell::parameters() const { return data_->parameters; }

void Cell::set_weights(std::span<const Tensor> weights) {
  if (!built()) throw InvalidArgument("cell '" + name() + "' has no weights yet: build it first");
  weft::set_weights(data_->parameters, weights, "cell '" + name() + "'");
}

Cell Cell::over(std::span<const Tensor> weights) const {
  if (!built()) throw InvalidArgument("cell '" + name() + "' has no weights yet: build it first");
  auto made = std::make_shared<CellData>();
  static_cast<CellFields&>(*made) = *data_;
  made->parameters = parameters_over(parameters(), weights, "cell '" + name() + "'");
  for (size_t i = 0; i < made->cells.size(); ++i) {
    const size_t first = data_->first_place(i);
    if (first != i) {
      made->cells[i] = made->cells[first];
      continue;
    }
    const size_t own = made->cells[i].parameters().size();
    made->cells[i] = made->cells[i].over(weights.first(own));
    weights = weights.subspan(own);
  }
  made->input_size.store(input_size());
  return CellData::handle(std::move(made));
}

}  // namespace weft
