#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace standin {

/** A JSON value: what the library, the device and those who command it say to each other, one per line. */
class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::map<std::string, Json>;

  Json() = default;
  Json(bool value) : value_(value) {}
  Json(double value) : value_(value) {}
  Json(int value) : value_(static_cast<double>(value)) {}
  Json(unsigned value) : value_(static_cast<double>(value)) {}
  Json(std::int64_t value) : value_(static_cast<double>(value)) {}
  Json(std::uint64_t value) : value_(static_cast<double>(value)) {}
  Json(const char* value) : value_(std::string(value)) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(Array value) : value_(std::move(value)) {}
  Json(Object value) : value_(std::move(value)) {}

  /** Nothing when `text` is not exactly one value, or nests deeper than 32. */
  static std::optional<Json> parse(std::string_view text);
  std::string text() const;

  /** The member `key`, or null when this is no object or lacks it. */
  const Json& operator[](const std::string& key) const;
  bool has(const std::string& key) const;
  void set(const std::string& key, Json value);

  double number(double otherwise = 0) const;
  std::int64_t integer(std::int64_t otherwise = 0) const;
  bool boolean(bool otherwise = false) const;
  std::string string(const std::string& otherwise = "") const;
  const Array& array() const;
  bool isString() const { return std::holds_alternative<std::string>(value_); }
  bool isArray() const { return std::holds_alternative<Array>(value_); }
  bool isObject() const { return std::holds_alternative<Object>(value_); }

 private:
  void write(std::string& out) const;

  std::variant<std::monostate, bool, double, std::string, Array, Object> value_;
};

}  // namespace standin
