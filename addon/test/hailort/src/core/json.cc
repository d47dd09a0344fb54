#include "core/json.h"

#include <cctype>
#include <charconv>
#include <cmath>
#include <utility>

namespace standin {
namespace {

constexpr int maxDepth = 32;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::optional<Json> whole() {
    auto value = parseValue(0);
    skipSpace();
    if (!value || at_ != text_.size()) return std::nullopt;
    return value;
  }

 private:
  void skipSpace() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) at_++;
  }

  bool take(std::string_view word) {
    skipSpace();
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  std::optional<Json> parseValue(int depth) {
    if (depth > maxDepth) return std::nullopt;
    if (take("{")) return parseObject(depth);
    if (take("[")) return parseArray(depth);
    if (take("\"")) {
      auto text = parseString();
      return text ? std::optional<Json>(std::move(*text)) : std::nullopt;
    }
    if (take("true")) return Json(true);
    if (take("false")) return Json(false);
    if (take("null")) return Json();
    return parseNumber();
  }

  std::optional<Json> parseNumber() {
    double value = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc()) return std::nullopt;
    at_ = static_cast<std::size_t>(end - text_.data());
    return Json(value);
  }

  std::optional<Json> parseArray(int depth) {
    Json::Array items;
    if (take("]")) return Json(items);
    do {
      auto item = parseValue(depth + 1);
      if (!item) return std::nullopt;
      items.push_back(std::move(*item));
    } while (take(","));
    return take("]") ? std::optional<Json>(std::move(items)) : std::nullopt;
  }

  std::optional<Json> parseObject(int depth) {
    Json::Object members;
    if (take("}")) return Json(members);
    do {
      if (!take("\"")) return std::nullopt;
      auto key = parseString();
      if (!key || !take(":")) return std::nullopt;
      auto value = parseValue(depth + 1);
      if (!value) return std::nullopt;
      members.insert_or_assign(std::move(*key), std::move(*value));
    } while (take(","));
    return take("}") ? std::optional<Json>(std::move(members)) : std::nullopt;
  }

  std::optional<std::string> parseString() {
    std::string out;
    while (at_ < text_.size()) {
      const char next = text_[at_++];
      if (next == '"') return out;
      if (next != '\\') {
        out += next;
        continue;
      }
      if (!parseEscape(out)) return std::nullopt;
    }
    return std::nullopt;
  }

  bool parseEscape(std::string& out) {
    if (at_ == text_.size()) return false;
    const char code = text_[at_++];
    constexpr std::string_view from = "\"\\/bfnrt";
    constexpr std::string_view to = "\"\\/\b\f\n\r\t";
    if (const auto found = from.find(code); found != std::string_view::npos) {
      out += to[found];
      return true;
    }
    return code == 'u' && parseUnit(out);
  }

  std::optional<unsigned> hexUnit() {
    unsigned unit = 0;
    if (at_ + 4 > text_.size()) return std::nullopt;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + at_ + 4, unit, 16);
    if (error != std::errc() || end != text_.data() + at_ + 4) return std::nullopt;
    at_ += 4;
    return unit;
  }

  bool parseUnit(std::string& out) {
    auto unit = hexUnit();
    if (!unit) return false;
    if (*unit >= 0xd800 && *unit < 0xdc00 && text_.substr(at_, 2) == "\\u") {
      at_ += 2;
      const auto low = hexUnit();
      if (!low) return false;
      unit = 0x10000 + ((*unit - 0xd800) << 10) + (*low - 0xdc00);
    }
    appendUtf8(out, *unit);
    return true;
  }

  static void appendUtf8(std::string& out, unsigned point) {
    const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((point >> shift) & 0x3f)); };
    if (point < 0x80) {
      out += static_cast<char>(point);
    } else if (point < 0x800) {
      out += static_cast<char>(0xc0 | (point >> 6));
      tail(0);
    } else if (point < 0x10000) {
      out += static_cast<char>(0xe0 | (point >> 12));
      tail(6), tail(0);
    } else {
      out += static_cast<char>(0xf0 | (point >> 18));
      tail(12), tail(6), tail(0);
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

void writeString(std::string& out, const std::string& text) {
  out += '"';
  for (const char next : text) {
    if (next == '"' || next == '\\') {
      out += '\\';
      out += next;
    } else if (static_cast<unsigned char>(next) < 0x20) {
      constexpr const char* digits = "0123456789abcdef";
      out += "\\u00";
      out += digits[(next >> 4) & 15];
      out += digits[next & 15];
    } else {
      out += next;
    }
  }
  out += '"';
}

void writeNumber(std::string& out, double value) {
  char text[32];
  const bool whole = std::abs(value) < 1e15 && value == std::floor(value);
  const auto end = whole ? std::to_chars(text, text + sizeof text, static_cast<std::int64_t>(value)).ptr
                         : std::to_chars(text, text + sizeof text, value).ptr;
  out.append(text, end);
}

}  // namespace

std::optional<Json> Json::parse(std::string_view text) {
  return Parser(text).whole();
}

std::string Json::text() const {
  std::string out;
  write(out);
  return out;
}

void Json::write(std::string& out) const {
  const char* between = "";
  if (const auto* value = std::get_if<bool>(&value_)) {
    out += *value ? "true" : "false";
  } else if (const auto* value = std::get_if<double>(&value_)) {
    writeNumber(out, *value);
  } else if (const auto* value = std::get_if<std::string>(&value_)) {
    writeString(out, *value);
  } else if (const auto* items = std::get_if<Array>(&value_)) {
    out += '[';
    for (const auto& item : *items) {
      out += std::exchange(between, ",");
      item.write(out);
    }
    out += ']';
  } else if (const auto* members = std::get_if<Object>(&value_)) {
    out += '{';
    for (const auto& [key, item] : *members) {
      out += std::exchange(between, ",");
      writeString(out, key);
      out += ':';
      item.write(out);
    }
    out += '}';
  } else {
    out += "null";
  }
}

const Json& Json::operator[](const std::string& key) const {
  static const Json null;
  const auto* members = std::get_if<Object>(&value_);
  if (members == nullptr) return null;
  const auto found = members->find(key);
  return found == members->end() ? null : found->second;
}

bool Json::has(const std::string& key) const {
  const auto* members = std::get_if<Object>(&value_);
  return members != nullptr && members->contains(key);
}

void Json::set(const std::string& key, Json value) {
  if (!isObject()) value_ = Object();
  std::get<Object>(value_).insert_or_assign(key, std::move(value));
}

double Json::number(double otherwise) const {
  const auto* value = std::get_if<double>(&value_);
  return value == nullptr ? otherwise : *value;
}

std::int64_t Json::integer(std::int64_t otherwise) const {
  const auto* value = std::get_if<double>(&value_);
  return value == nullptr ? otherwise : static_cast<std::int64_t>(*value);
}

bool Json::boolean(bool otherwise) const {
  const auto* value = std::get_if<bool>(&value_);
  return value == nullptr ? otherwise : *value;
}

std::string Json::string(const std::string& otherwise) const {
  const auto* value = std::get_if<std::string>(&value_);
  return value == nullptr ? otherwise : *value;
}

const Json::Array& Json::array() const {
  static const Array empty;
  const auto* items = std::get_if<Array>(&value_);
  return items == nullptr ? empty : *items;
}

}  // namespace standin
