#include "arrow/node.h"

#include <array>

namespace weft::arrow {
namespace {

// Buffers of length 0 get an address too: some readers want one.
alignas(64) constexpr std::array<uint8_t, 64> kNothing{};

// What an exported schema or array points into. Its children belong to it until somebody moves
// them out by clearing their `release`.
template <class T>
struct Exported {
  std::string format, name;
  std::vector<const void*> buffers;
  std::vector<std::shared_ptr<const void>> held;
  std::vector<T> children;
  std::vector<T*> pointers;

  // Leaves `owned` to `it`, whose release callback deletes it, and sets the children, all of them
  // empty.
  static Exported& give(std::unique_ptr<Exported> owned, size_t count, T& it) {
    owned->children.resize(count);
    for (T& child : owned->children) owned->pointers.push_back(&child);
    Exported& self = *owned.release();
    it.n_children = static_cast<int64_t>(count);
    it.children = self.pointers.empty() ? nullptr : self.pointers.data();
    it.private_data = &self;
    it.release = [](T* exported) {
      auto* mine = static_cast<Exported*>(exported->private_data);
      for (T& child : mine->children) {
        if (child.release != nullptr) child.release(&child);
      }
      exported->release = nullptr;
      delete mine;
    };
    return self;
  }
};

// Releases what has been made if making the rest fails.
template <class T>
struct Unfinished {
  T it{};
  Unfinished() = default;
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  ~Unfinished() {
    if (it.release != nullptr) it.release(&it);
  }
  void finish(T& to) {
    to = it;
    it.release = nullptr;
  }
};

}  // namespace

std::string type_text(const Node& node) {
  std::string text = escape_bytes(node.name) + ": " + node.format;
  for (const Node& child : node.children) text += " (" + type_text(child) + ")";
  return text;
}

void export_schema(const Node& node, ArrowSchema& schema) {
  auto exported = std::make_unique<Exported<ArrowSchema>>();
  exported->format = node.format;
  exported->name = node.name;
  Unfinished<ArrowSchema> made;
  made.it.format = exported->format.c_str();
  made.it.name = exported->name.c_str();
  made.it.flags = ARROW_FLAG_NULLABLE;
  auto& self = Exported<ArrowSchema>::give(std::move(exported), node.children.size(), made.it);
  for (size_t i = 0; i < node.children.size(); ++i)
    export_schema(node.children[i], self.children[i]);
  made.finish(schema);
}

void export_array(Node node, ArrowArray& array) {
  auto exported = std::make_unique<Exported<ArrowArray>>();
  exported->buffers = std::move(node.buffers);
  exported->held = std::move(node.held);
  for (size_t i = 1; i < exported->buffers.size(); ++i) {
    if (exported->buffers[i] == nullptr) exported->buffers[i] = kNothing.data();
  }
  Unfinished<ArrowArray> made;
  made.it.length = node.length;
  made.it.null_count = node.null_count;
  made.it.n_buffers = static_cast<int64_t>(exported->buffers.size());
  made.it.buffers = exported->buffers.data();
  auto& self = Exported<ArrowArray>::give(std::move(exported), node.children.size(), made.it);
  for (size_t i = 0; i < node.children.size(); ++i)
    export_array(std::move(node.children[i]), self.children[i]);
  made.finish(array);
}

}  // namespace weft::arrow
