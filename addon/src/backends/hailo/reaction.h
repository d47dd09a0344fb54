#pragma once

#include <string_view>

#include "core/error.h"

namespace hailstream::hailo {

/**
 * What helps after a status. `report`: nothing, an operator or a caller must change something. `retry`: the same call
 * again, later. `evict`: memory is short, free some and try once more. `fallBack`: no device for now, look again
 * slowly. `recycle`: the connection is lost, this process must be replaced.
 */
enum class Reaction { report, retry, evict, fallBack, recycle };

struct Meaning {
  ErrorCode code;
  Reaction reaction;
};

/**
 * Our reading of a HailoRT status. The name (`HAILO_TIMEOUT`) decides, since numbers move between releases; a name that
 * we do not know means memory if it says so, else a failure of its own; without a name the number of 5.2 decides.
 */
Meaning meaningOf(int number, std::string_view name);

/** As `reaction` of an error's `hailo` in engine/native/hailo.ts. */
const char* spell(Reaction reaction);

}  // namespace hailstream::hailo
