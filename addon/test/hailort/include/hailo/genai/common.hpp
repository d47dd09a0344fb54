#pragma once

#include <string>

namespace hailort {
namespace genai {

const std::string BUILTIN = "<builtin>";

}  // namespace genai
}  // namespace hailort
