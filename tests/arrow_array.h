// Arrow arrays made by hand: each buffer of exactly the size that it needs, between pages that may
// not be touched, so that one byte too far is a crash.
#pragma once

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "guarded.h"
#include "weft/arrow.h"

namespace weft::testing {

struct MadeArray {
  std::string format;
  int64_t length = 0;
  std::vector<std::optional<std::string>> buffers;  // nothing: a null pointer
  std::vector<MadeArray> children = {};
  std::vector<MadeArray> dictionary = {};  // none or one
  int64_t null_count = 0;
  int64_t offset = 0;
  std::string name = {};
};

// The bytes of some numbers.
template <class T>
std::string bytes_of(const std::vector<T>& numbers) {
  std::string bytes(numbers.size() * sizeof(T), '\0');
  if (!numbers.empty()) std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return bytes;
}

inline std::string bits_of(const std::vector<bool>& flags) {
  std::string bytes((flags.size() + 7) / 8, '\0');
  for (size_t i = 0; i < flags.size(); ++i) {
    if (flags[i]) bytes[i / 8] = static_cast<char>(bytes[i / 8] | 1 << (i % 8));
  }
  return bytes;
}

// Both sides of the interface over one MadeArray, and how often the array has been released. The
// memory goes with the last array that is not released, or this.
class Arrow {
 public:
  // `at_end`: whether the page that may not be touched is behind each buffer or before it.
  explicit Arrow(const MadeArray& made, bool at_end = true)
      : root_(std::make_shared<Node>(made, at_end)) {
    hold(*root_);
    schema = root_->schema;
    array = root_->array;
  }
  ~Arrow() {
    if (array.release != nullptr) array.release(&array);
  }
  Arrow(const Arrow&) = delete;
  Arrow& operator=(const Arrow&) = delete;

  int released() const { return root_->released; }

  ArrowSchema schema{};
  ArrowArray array{};

 private:
  struct Node {
    Node(const MadeArray& made, bool at_end) : format(made.format), name(made.name) {
      for (const auto& bytes : made.buffers) {
        if (bytes) memory.push_back(std::make_unique<Guarded>(*bytes, at_end));
        buffers.push_back(bytes ? memory.back()->data() : nullptr);
      }
      for (const MadeArray& child : made.children) {
        nodes.push_back(std::make_unique<Node>(child, at_end));
        schemas.push_back(&nodes.back()->schema);
        arrays.push_back(&nodes.back()->array);
      }
      for (const MadeArray& values : made.dictionary)
        dictionary = std::make_unique<Node>(values, at_end);
      schema.format = format.c_str();
      schema.name = name.c_str();
      schema.flags = ARROW_FLAG_NULLABLE;
      schema.n_children = static_cast<int64_t>(nodes.size());
      schema.children = schemas.data();
      schema.dictionary = dictionary ? &dictionary->schema : nullptr;
      schema.release = [](ArrowSchema* it) { it->release = nullptr; };
      array.length = made.length;
      array.null_count = made.null_count;
      array.offset = made.offset;
      array.n_buffers = static_cast<int64_t>(buffers.size());
      array.n_children = schema.n_children;
      array.buffers = buffers.data();
      array.children = arrays.data();
      array.dictionary = dictionary ? &dictionary->array : nullptr;
    }

    std::string format, name;
    std::vector<std::unique_ptr<Guarded>> memory;
    std::vector<const void*> buffers;
    std::vector<std::unique_ptr<Node>> nodes;
    std::vector<ArrowSchema*> schemas;
    std::vector<ArrowArray*> arrays;
    std::unique_ptr<Node> dictionary;
    ArrowSchema schema{};
    ArrowArray array{};
    int released = 0;
  };

  // Each array keeps the whole tree until it is released; releasing one releases what is below.
  void hold(Node& node) {
    for (const auto& child : node.nodes) hold(*child);
    if (node.dictionary) hold(*node.dictionary);
    node.array.private_data = new Held{root_, &node};
    node.array.release = [](ArrowArray* it) {
      const std::unique_ptr<Held> held(static_cast<Held*>(it->private_data));
      ++held->node->released;
      it->release = nullptr;
      for (const auto& child : held->node->nodes) {
        if (child->array.release != nullptr) child->array.release(&child->array);
      }
      if (held->node->dictionary) {
        ArrowArray& dictionary = held->node->dictionary->array;
        if (dictionary.release != nullptr) dictionary.release(&dictionary);
      }
    };
  }

  struct Held {
    std::shared_ptr<Node> root;
    Node* node;
  };

  std::shared_ptr<Node> root_;
};

inline MadeArray int64_array(const std::vector<int64_t>& values) {
  return {"l", static_cast<int64_t>(values.size()), {{}, bytes_of(values)}};
}

inline MadeArray list_array(const std::vector<int32_t>& offsets, MadeArray elements) {
  return {"+l",
          static_cast<int64_t>(offsets.size()) - 1,
          {{}, bytes_of(offsets)},
          {std::move(elements)}};
}

inline MadeArray text_array(const std::vector<int32_t>& offsets, const std::string& bytes) {
  return {"u", static_cast<int64_t>(offsets.size()) - 1, {{}, bytes_of(offsets), bytes}};
}

inline MadeArray with_nulls(MadeArray array, const std::vector<bool>& valid, int64_t nulls = -1) {
  array.buffers[0] = bits_of(valid);
  array.null_count = nulls;
  return array;
}

inline MadeArray named(MadeArray array, std::string name) {
  array.name = std::move(name);
  return array;
}

inline MadeArray batch_array(int64_t rows, std::vector<MadeArray> columns) {
  return {"+s", rows, {{}}, std::move(columns)};
}

}  // namespace weft::testing
