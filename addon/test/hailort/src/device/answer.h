#pragma once

#include <string>
#include <vector>

namespace standin {

/** What a generation is asked: the rendered prompt, the colours seen in its pictures, and the tools offered. */
struct Question {
  std::string prompt;
  std::vector<std::string> seen;
  std::size_t pictures = 0;
};

/**
 * The answer of a stand-in model: always marked as such, and a function of the question. "count to N" is answered by
 * the numbers up to N; a question that names an offered tool calls it; pictures are described by their colours; all
 * else is told what was last asked.
 */
std::string answer(const Question& question);

/** Pieces whose concatenation is `text`: words with the space before them, at most 12 bytes each. */
std::vector<std::string> pieces(const std::string& text);

/** A number for each piece; the same piece has the same number everywhere. */
std::vector<int> tokenNumbers(const std::string& text);

}  // namespace standin
