#include <hailo/hailort.hpp>

/** Exit status 0 when the library runs and finds no device. */
int main() {
  const auto devices = hailort::Device::scan();
  return devices && devices->empty() && hailort::VDevice::create().status() == HAILO_OUT_OF_PHYSICAL_DEVICES ? 0 : 1;
}
