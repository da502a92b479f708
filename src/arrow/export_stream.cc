#include <cerrno>
#include <new>
#include <utility>

#include "arrow/node.h"

namespace weft {
namespace {

// Calls `body`; what it throws becomes an error code and `error`.
template <class Body>
int attempt(std::string& error, const Body& body) noexcept {
  try {
    error.clear();
    try {
      body();
      return 0;
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& thrown) {
      error = thrown.what();
    } catch (...) {
      error = "an exception of no known class";
    }
    return EINVAL;
  } catch (...) {  // no memory, perhaps for the text itself
    return ENOMEM;
  }
}

// The type alone.
void drop_memory(arrow::Node& node) {
  node.held.clear();
  for (arrow::Node& child : node.children) drop_memory(child);
}

class Stream {
 public:
  explicit Stream(std::function<std::optional<Features>()> next) : next_(std::move(next)) {}

  int get_schema(ArrowSchema& schema) {
    return attempt(error_, [&] {
      open();
      arrow::export_schema(schema_, schema);
    });
  }

  int get_next(ArrowArray& array) {
    return attempt(error_, [&] {
      array.release = nullptr;
      open();
      fetch();
      if (!batch_) return;
      arrow::Node node = arrow::node_of_batch(*batch_);
      const std::string type = arrow::type_text(node);
      if (type != type_) {
        throw InvalidArgument("a batch of type " + type + " in a stream of type " + type_ +
                              ": an Arrow stream has one type");
      }
      arrow::export_array(std::move(node), array);
      batch_.reset();
    });
  }

  const char* last_error() const { return error_.c_str(); }

 private:
  // Asks for the first batch, for its type.
  void open() {
    if (opened_) return;
    fetch();
    schema_ = arrow::node_of_batch(batch_ ? *batch_ : Features{});
    drop_memory(schema_);
    type_ = arrow::type_text(schema_);
    opened_ = true;
  }

  void fetch() {
    if (batch_ || ended_) return;
    batch_ = next_();
    ended_ = !batch_;
  }

  std::function<std::optional<Features>()> next_;
  std::optional<Features> batch_;  // not yet handed out: whoever meets an error may ask again
  arrow::Node schema_;
  std::string type_, error_;
  bool opened_ = false, ended_ = false;
};

Stream& self_of(ArrowArrayStream* stream) { return *static_cast<Stream*>(stream->private_data); }

}  // namespace

void export_stream(std::function<std::optional<Features>()> next, ArrowArrayStream& stream) {
  auto made = std::make_unique<Stream>(std::move(next));
  stream.get_schema = [](ArrowArrayStream* from, ArrowSchema* schema) {
    return self_of(from).get_schema(*schema);
  };
  stream.get_next = [](ArrowArrayStream* from, ArrowArray* array) {
    return self_of(from).get_next(*array);
  };
  stream.get_last_error = [](ArrowArrayStream* from) { return self_of(from).last_error(); };
  stream.release = [](ArrowArrayStream* from) {
    delete &self_of(from);
    from->release = nullptr;
  };
  stream.private_data = made.release();
}

}  // namespace weft
