#pragma once

#include <cmath>
#include <functional>
#include <source_location>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

/** The few words that a C++ test needs. A test's name is a sentence about behaviour. */
namespace check {

struct Test {
  const char* name;
  std::function<void()> body;
};

/** All tests of the program; check_main.cc runs them. */
inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

struct Entry {
  Entry(const char* name, std::function<void()> body) { tests().push_back({name, std::move(body)}); }
};

struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

using Place = std::source_location;

[[noreturn]] inline void fail(const std::string& message, const Place& place) {
  std::ostringstream text;
  text << place.file_name() << ':' << place.line() << ": " << message;
  throw Failure(text.str());
}

inline void isTrue(bool value, const std::string& what, const Place place = Place::current()) {
  if (!value) fail("expected: " + what, place);
}

template <typename Actual, typename Expected>
void equals(const Actual& actual, const Expected& expected, const Place place = Place::current()) {
  if (actual == expected) return;
  std::ostringstream text;
  text << "expected " << expected << ", received " << actual;
  fail(text.str(), place);
}

inline void isNear(double actual, double expected, double tolerance, const Place place = Place::current()) {
  if (std::abs(actual - expected) <= tolerance) return;
  std::ostringstream text;
  text << "expected " << expected << " ± " << tolerance << ", received " << actual;
  fail(text.str(), place);
}

/** Calls `work`, which must throw `Expected`; gives what it threw. */
template <typename Expected>
Expected throws(const std::function<void()>& work, const Place place = Place::current()) {
  try {
    work();
  } catch (const Expected& error) {
    return error;
  }
  fail("expected an error, received none", place);
}

}  // namespace check

#define CHECK_JOIN_(a, b) a##b
#define CHECK_JOIN(a, b) CHECK_JOIN_(a, b)
/** TEST("keeps the newest") { … } */
#define TEST(name)                                                                         \
  static void CHECK_JOIN(test, __LINE__)();                                                \
  static const check::Entry CHECK_JOIN(entry, __LINE__){name, CHECK_JOIN(test, __LINE__)}; \
  static void CHECK_JOIN(test, __LINE__)()
