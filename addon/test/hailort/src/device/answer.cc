#include "device/answer.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "core/json.h"

namespace standin {
namespace {

constexpr std::size_t longestPiece = 12;
constexpr std::size_t vocabulary = 151936;
constexpr int maxCount = 1500;

/** The text of the last user's turn of a rendered prompt; all of it when it was rendered otherwise. */
std::string lastTurn(const std::string& prompt) {
  const std::string opening = "<|im_start|>user\n";
  const auto start = prompt.rfind(opening);
  if (start == std::string::npos) return prompt;
  const auto from = start + opening.size();
  return prompt.substr(from, prompt.find("<|im_end|>", from) - from);
}

std::string count(const std::string& turn) {
  const std::string words = "count to ";
  const auto at = turn.find(words);
  if (at == std::string::npos) return "";
  int last = 0;
  const char* first = turn.data() + at + words.size();
  if (std::from_chars(first, turn.data() + turn.size(), last).ec != std::errc()) return "";
  std::string text = "[stand-in]";
  for (int i = 1; i <= std::min(last, maxCount); i++) text += " " + std::to_string(i);
  return text;
}

/** Tools are rendered as lines of JSON between <tools> and </tools>. */
std::string toolCall(const std::string& prompt, const std::string& turn) {
  const auto start = prompt.rfind("<tools>\n");
  if (start == std::string::npos) return "";
  const auto end = prompt.find("\n</tools>", start);
  std::size_t from = start + 8;
  while (from < end) {
    const auto to = std::min(prompt.find('\n', from), end);
    const auto tool = Json::parse(std::string_view(prompt).substr(from, to - from));
    from = to + 1;
    if (!tool) continue;
    const auto name = ((*tool)["function"].isObject() ? (*tool)["function"] : *tool)["name"].string();
    if (name.empty() || turn.find(name) == std::string::npos) continue;
    return "<tool_call>\n" + Json(Json::Object{{"name", name}, {"arguments", Json::Object{}}}).text() +
           "\n</tool_call>";
  }
  return "";
}

std::string describe(const Question& question) {
  std::string text = "[stand-in] The picture shows";
  if (question.pictures > 1) text = "[stand-in] The " + std::to_string(question.pictures) + " pictures show";
  if (question.seen.empty()) return text + " nothing coloured.";
  for (std::size_t i = 0; i < question.seen.size(); i++)
    text += (i == 0 ? " " : i + 1 == question.seen.size() ? " and " : ", ") + question.seen[i];
  return text + ".";
}

}  // namespace

std::string answer(const Question& question) {
  const auto turn = lastTurn(question.prompt);
  if (auto text = count(turn); !text.empty()) return text;
  if (auto text = toolCall(question.prompt, turn); !text.empty()) return text;
  if (question.pictures > 0) return describe(question);
  return "[stand-in] You asked: " + turn;
}

std::vector<std::string> pieces(const std::string& text) {
  std::vector<std::string> all;
  for (const char next : text) {
    const bool starts = all.empty() || next == ' ' || next == '\n' || all.back().size() >= longestPiece;
    // A piece never ends inside a UTF-8 character.
    const bool continues = (static_cast<unsigned char>(next) & 0xc0) == 0x80;
    if (starts && !continues) all.emplace_back();
    if (all.empty()) all.emplace_back();
    all.back() += next;
  }
  return all;
}

std::vector<int> tokenNumbers(const std::string& text) {
  std::vector<int> numbers;
  for (const auto& piece : pieces(text)) {
    std::uint64_t hash = 14695981039346656037u;
    for (const char next : piece) hash = (hash ^ static_cast<unsigned char>(next)) * 1099511628211u;
    numbers.push_back(static_cast<int>(hash % vocabulary));
  }
  return numbers;
}

}  // namespace standin
