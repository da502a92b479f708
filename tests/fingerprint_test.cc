#include "base/fingerprint.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/guarded.h"

namespace weft::base {
namespace {

// The texts of the array `name` of golden/fingerprint64.json: what TensorFlow answered for byte
// strings of lengths 0 to 200 and some more.
std::vector<std::string> golden(const std::string& name) {
  std::ifstream file(WEFT_SOURCE_DIR "/tests/golden/fingerprint64.json");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const size_t begin = text.find("\"" + name + "\":[");
  if (begin == std::string::npos) return {};
  const size_t open = text.find('[', begin), close = text.find(']', open);
  std::vector<std::string> found;
  for (size_t quote = text.find('"', open); quote < close; quote = text.find('"', quote + 1)) {
    const size_t end = text.find('"', quote + 1);
    found.push_back(text.substr(quote + 1, end - quote - 1));
    quote = end;
  }
  return found;
}

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

TEST(FingerprintTest, AsTensorFlow) {
  const auto inputs = golden("inputs"), fingerprints = golden("fingerprints");
  ASSERT_GT(inputs.size(), 201u);
  ASSERT_EQ(inputs.size(), fingerprints.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string bytes = from_hex(inputs[i]);
    for (bool at_end : {true, false}) {
      testing::Guarded guarded(bytes, at_end);
      EXPECT_EQ(std::to_string(fingerprint64(guarded.view())), fingerprints[i])
          << bytes.size() << " bytes";
    }
  }
}

}  // namespace
}  // namespace weft::base
