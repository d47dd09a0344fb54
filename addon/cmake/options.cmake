# Compiler settings shared by the addon and its tests.
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O3")
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

add_library(hailstream_options INTERFACE)
target_compile_features(hailstream_options INTERFACE cxx_std_20)
target_compile_options(hailstream_options INTERFACE -Wall -Wextra)
# Scalable vectors have no size at compile time, so that no struct can hold one; no board we know needs them: Arm takes NEON.
target_compile_definitions(hailstream_options INTERFACE
  "HWY_DISABLED_TARGETS=(HWY_SVE|HWY_SVE2|HWY_SVE_256|HWY_SVE2_128|HWY_RVV)")
