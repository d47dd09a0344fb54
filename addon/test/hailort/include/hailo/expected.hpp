#pragma once

#include <cassert>
#include <functional>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

#include "hailo/hailort.h"

namespace hailort {

class hailort_error : public std::runtime_error {
 public:
  template <typename... Args>
  hailort_error(hailo_status status, Args&&... args)
      : std::runtime_error(std::forward<Args>(args)...), m_status(status) {}
  hailo_status status() const { return m_status; }

 private:
  hailo_status m_status;
};

class Unexpected final {
 public:
  explicit Unexpected(hailo_status status) : m_status(status) {}
  operator hailo_status() { return m_status; }
  hailo_status m_status;
};

inline Unexpected make_unexpected(hailo_status status) {
  return Unexpected(status);
}

/** A value or a status other than HAILO_SUCCESS. Asking for a value that is not there is an assertion. */
template <typename T>
class Expected final {
 public:
  template <class>
  friend class Expected;

  Expected(Unexpected unexpected) : m_status(unexpected.m_status) { assert(m_status != HAILO_SUCCESS); }
  explicit Expected(const Expected<T>& other) : m_value(other.m_value), m_status(other.m_status) {}
  template <typename U>
  Expected(const Expected<U>& other) : m_status(other.m_status) {
    if (other.has_value()) m_value.emplace(*other.m_value);
  }
  Expected(Expected<T>&& other) : m_status(other.m_status) {
    if (other.has_value()) m_value.emplace(std::move(*other.m_value));
  }
  Expected(T&& value) : m_value(std::in_place, std::move(value)), m_status(HAILO_SUCCESS) {}
  Expected(hailo_status status) = delete;
  template <typename... Args, std::enable_if_t<std::is_constructible_v<T, Args...>, int> = 0>
  explicit Expected(Args&&... args) : m_value(std::in_place, std::forward<Args>(args)...), m_status(HAILO_SUCCESS) {}

  Expected& operator=(const Expected&) = delete;
  Expected& operator=(Expected&&) = delete;
  Expected& operator=(const T&) = delete;
  Expected& operator=(T&&) = delete;
  Expected& operator=(hailo_status) = delete;
  ~Expected() = default;

  void make_unexpected(hailo_status status) {
    assert(status != HAILO_SUCCESS);
    m_value.reset();
    m_status = status;
  }
  bool has_value() const { return m_status == HAILO_SUCCESS; }
  hailo_status status() const { return m_status; }
  T& value() & {
    assert(has_value());
    return *m_value;
  }
  const T& value() const& {
    assert(has_value());
    return *m_value;
  }
  T release() {
    assert(has_value());
    T taken = std::move(*m_value);
    make_unexpected(HAILO_UNINITIALIZED);
    return taken;
  }
  T expect(const std::string& message) && {
    if (has_value()) return release();
    std::ostringstream text;
    text << "Expected a value, received status " << m_status << ": " << message;
    throw hailort_error(m_status, text.str());
  }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  explicit operator bool() const { return has_value(); }

 private:
  std::optional<T> m_value;
  hailo_status m_status;
};

template <typename T>
using ExpectedRef = Expected<std::reference_wrapper<T>>;

}  // namespace hailort
