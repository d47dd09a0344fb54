#pragma once

#include <string>

namespace standin {

/** Where the device listens: HAILORT_STANDIN_SOCKET. Empty: there is no device. */
std::string socketPath();
/** "5.2.0", or HAILORT_STANDIN_LIBRARY_VERSION. */
std::string libraryVersion();
/** The only device there is, if there is one. */
inline constexpr const char* deviceId = "0001:01:00.0";
/** A line on standard error, unless HAILORT_CONSOLE_LOGGER_LEVEL asks for less. */
void logCritical(const std::string& message);

}  // namespace standin
