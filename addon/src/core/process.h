#pragma once

#include <string>

namespace hailstream {

/** This process gets SIGKILL when the thread's parent dies. Throws `closed` when the parent is no longer `parentPid`.
 */
void dieWithParent(int parentPid);

/** Sends `state` to systemd by the sd_notify protocol; false when NOTIFY_SOCKET is not set. Throws `unavailable`. */
bool notifySystemd(const std::string& state);

}  // namespace hailstream
