#include <cstdio>
#include <exception>

#include "check.h"

/** Runs every test of the program; the exit status is 1 when one failed or there is none. */
int main() {
  int failed = 0;
  for (const check::Test& test : check::tests()) {
    try {
      test.body();
      std::printf("ok      %s\n", test.name);
    } catch (const std::exception& error) {
      std::printf("FAILED  %s\n        %s\n", test.name, error.what());
      failed++;
    }
  }
  std::printf("%zu tests, %d failed\n", check::tests().size(), failed);
  return failed > 0 || check::tests().empty() ? 1 : 0;
}
