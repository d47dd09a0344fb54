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
