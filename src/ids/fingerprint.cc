#include "base/fingerprint.h"

#include "weft/ids.h"

namespace weft {

uint64_t fingerprint64(std::string_view bytes) { return base::fingerprint64(bytes); }

}  // namespace weft
