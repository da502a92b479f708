// What a stranger writes first: one header of an installed weft, one call into the library.
#include <weft/config.h>

#include <cstdio>

int main() {
  const weft::Config config = weft::config();
  std::printf("weft %s (%s)\n", config.version.c_str(), config.instruction_set.c_str());
  return config.version.empty() ? 1 : 0;
}
