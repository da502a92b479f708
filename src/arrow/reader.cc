#include <utility>

#include "arrow/batch.h"

namespace weft {

class ArrowReader::Impl {
 public:
  Impl(ArrowArrayStream&& stream, ArrowOptions options)
      : stream_(stream), options_(std::move(options)) {
    stream.release = nullptr;
    if (stream_.release == nullptr)
      throw InvalidArgument("the Arrow stream has been released already");
    open([this] { check(stream_.get_schema(&stream_, &schema_)); });
  }
  Impl(ArrowArray&& array, ArrowSchema&& schema, ArrowOptions options)
      : options_(std::move(options)), schema_(schema) {
    schema.release = nullptr;
    open([&] { single_ = arrow::own(array, ""); });
  }
  ~Impl() { release(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  bool has_columns() const { return arrow::is_batch(schema_); }

  std::optional<Features> next() {
    check_columns(true);
    const std::shared_ptr<const ArrowArray> batch = next_array();
    if (batch == nullptr) return std::nullopt;
    std::vector<arrow::Selected> selected = selected_;
    arrow::add_batch(schema_, *batch, selected);
    return arrow::read_batch(selected, options_.limits);
  }

  Features read_all() {
    check_columns(true);
    std::vector<arrow::Selected> selected = selected_;
    while (const std::shared_ptr<const ArrowArray> batch = next_array())
      arrow::add_batch(schema_, *batch, selected);
    return arrow::read_batch(selected, options_.limits);
  }

  Feature read_column(std::string_view name) {
    check_columns(false);
    std::vector<arrow::Chunk> chunks;
    while (const std::shared_ptr<const ArrowArray> array = next_array())
      chunks.push_back({array, 0, array->length});
    return arrow::read_column(schema_, chunks, name, options_.limits);
  }

 private:
  template <class Body>
  void open(const Body& body) {
    try {
      body();
      if (has_columns()) selected_ = arrow::select_columns(schema_, options_);
    } catch (...) {
      release();
      throw;
    }
  }

  void release() {
    if (schema_.release != nullptr) schema_.release(&schema_);
    if (stream_.release != nullptr) stream_.release(&stream_);
  }

  void check(int code) {
    if (code == 0) return;
    const char* text = stream_.get_last_error(&stream_);
    throw InvalidArgument("the Arrow stream failed with error " + std::to_string(code) +
                          (text == nullptr ? "" : std::string(": ") + text));
  }

  void check_columns(bool wanted) const {
    if (has_columns() == wanted) return;
    throw InvalidArgument(wanted ? "an Arrow stream of one column, not of record batches"
                                 : "an Arrow stream of record batches, not of one column");
  }

  // Nothing after the last.
  std::shared_ptr<const ArrowArray> next_array() {
    if (stream_.release == nullptr) return std::exchange(single_, nullptr);
    ArrowArray array{};
    check(stream_.get_next(&stream_, &array));
    return array.release == nullptr ? nullptr : arrow::own(array, "");
  }

  ArrowArrayStream stream_{};
  std::shared_ptr<const ArrowArray> single_;  // all there is, where there is no stream
  ArrowOptions options_;
  ArrowSchema schema_{};
  std::vector<arrow::Selected> selected_;
};

ArrowReader::ArrowReader(ArrowArrayStream&& stream, ArrowOptions options)
    : impl_(std::make_unique<Impl>(std::move(stream), std::move(options))) {}
ArrowReader::ArrowReader(ArrowArray&& array, ArrowSchema&& schema, ArrowOptions options)
    : impl_(std::make_unique<Impl>(std::move(array), std::move(schema), std::move(options))) {}
ArrowReader::ArrowReader(ArrowReader&&) noexcept = default;
ArrowReader& ArrowReader::operator=(ArrowReader&&) noexcept = default;
ArrowReader::~ArrowReader() = default;

bool ArrowReader::has_columns() const { return impl_->has_columns(); }
std::optional<Features> ArrowReader::next() { return impl_->next(); }
Features ArrowReader::read_all() { return impl_->read_all(); }
Feature ArrowReader::read_column(std::string_view name) { return impl_->read_column(name); }

}  // namespace weft
