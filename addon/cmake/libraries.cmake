# Finds the system's libraries; says which Debian package brings one that is not there.
find_package(PkgConfig)
if(NOT PkgConfig_FOUND)
  message(FATAL_ERROR "Expected pkg-config. Run: sudo apt-get install pkg-config")
endif()

function(require_library target module package)
  pkg_check_modules(${target} IMPORTED_TARGET ${module})
  if(NOT ${target}_FOUND)
    message(FATAL_ERROR "Expected ${module}, which the Debian package ${package} brings. Run: sudo apt-get install ${package}")
  endif()
  set(${target}_FOUND TRUE PARENT_SCOPE)
endfunction()

require_library(highway libhwy libhwy-dev)
require_library(turbojpeg libturbojpeg libturbojpeg0-dev)
