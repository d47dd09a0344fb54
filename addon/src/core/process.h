#pragma once

#include <string>

namespace hailstream {

/** This process gets SIGKILL when the thread's parent dies. Throws `closed` when the parent is no longer `parentPid`.
 */
void dieWithParent(int parentPid);

/** Sends `state` to systemd by the sd_notify protocol; false when NOTIFY_SOCKET is not set. Throws `unavailable`. */
bool notifySystemd(const std::string& state);

/**
 * Takes the lock of the open file (flock), and gives false when another open file has it, in this process or elsewhere.
 * The kernel lets go of it when the descriptor is closed or its process ends. Throws `unavailable`.
 */
bool lockFile(int fd);

/**
 * What the kernel may keep of what comes in, in bytes, for each connection that the socket listening on the TCP port
 * will accept; it takes about twice as much memory. False when this process has no such socket. Throws `unavailable`.
 */
bool limitReceiveBuffers(int port, int bytes);

/** Gives memory that was freed, in all of the allocator's arenas, back to the system; false when there was none. */
bool trimMemory();

/** From now on the allocator maps each block of so many bytes or more on its own, and keeps less than that at the end
 * of each heap: what is freed goes back to the system, and costs a page fault per page each time. At most 32 MiB, which
 * glibc can do. Smaller blocks are kept for reuse. */
void mapBlocksFrom(int bytes);

}  // namespace hailstream
