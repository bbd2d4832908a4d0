// The network's part of board.h for the test: another process runs tflite-micro and answers over two pipes.
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "board.h"

namespace {

template <int kRank>
std::size_t elements(const int (&shape)[kRank]) {
  std::size_t count = 1;
  for (int length : shape) count *= length;
  return count;
}

std::FILE *questions, *answers;
std::vector<model::InputType> input(elements(model::kInputShape));
std::vector<model::OutputType> output(elements(model::kOutputShape));

}  // namespace

bool network_start() {
  questions = fdopen(std::atoi(std::getenv("QUESTIONS")), "wb");
  answers = fdopen(std::atoi(std::getenv("ANSWERS")), "rb");
  return questions && answers;
}

model::InputType* network_input() { return input.data(); }

bool network_invoke() {
  return std::fwrite(input.data(), 1, input.size(), questions) == input.size() && std::fflush(questions) == 0 &&
         std::fread(output.data(), 1, output.size(), answers) == output.size();
}

const model::OutputType* network_output() { return output.data(); }
