// The board's part on a PC, to try a model without one: raw RGB from standard input, the class ids drawn in characters.
#include <cstdio>

#include "board.h"

bool board_picture(std::uint8_t* rgb) {
  const std::size_t bytes = std::size_t{3} * model::kInputShape[1] * model::kInputShape[2];
  return std::fread(rgb, 1, bytes, stdin) == bytes;
}

void board_result(const std::uint8_t* mask, const long* areas) {
  const char digits[] = ".123456789abcdefghijklmnopqrstuvwxyz";
  for (int row = 0; row < model::kOutputShape[1]; ++row) {
    for (int column = 0; column < model::kOutputShape[2]; ++column) std::putchar(digits[*mask++ % 36]);
    std::putchar('\n');
  }
  for (int id = 0; id < model::kOutputShape[3]; ++id) std::printf("%d: %ld  ", id, areas[id]);
  std::printf("\n");
  std::fflush(stdout);
}
