// The loop for any microcontroller: picture, network, class ids, and what the board does with them.
#include <cstdint>

#include "board.h"

namespace {

constexpr int kPixels = model::kInputShape[1] * model::kInputShape[2];
constexpr int kCells = model::kOutputShape[1] * model::kOutputShape[2];  // fewer: the network's stride
constexpr int kClasses = model::kOutputShape[3];
static_assert(sizeof(model::InputType) == 1 && model::kInputShape[3] == 3, "an RGB picture in 8 bits");
static_assert(sizeof(model::OutputType) == 1 && kClasses > 1, "scores in 8 bits: quantize --output logits");

// An int8 pixel is the uint8 one less 128. The first of equal scores wins.
constexpr int kShift = static_cast<model::InputType>(-1) < 0 ? 128 : 0;

std::uint8_t mask[kCells];
long areas[kClasses];

void feed(std::uint8_t* rgb, model::InputType* input) {
  for (int i = 0; i < kPixels * 3; ++i) input[i] = static_cast<model::InputType>(rgb[i] - kShift);
}

void decode(const model::OutputType* scores) {
  for (long& area : areas) area = 0;
  for (int cell = 0; cell < kCells; ++cell, scores += kClasses) {
    int best = 0;
    for (int i = 1; i < kClasses; ++i) best = scores[i] > scores[best] ? i : best;
    mask[cell] = static_cast<std::uint8_t>(best);
    ++areas[best];
  }
}

}  // namespace

int main() {
  if (!network_start()) return 1;
  // The picture is put where the network reads it, since there may be no room for a second one.
  auto* picture = reinterpret_cast<std::uint8_t*>(network_input());
  while (board_picture(picture)) {
    feed(picture, network_input());
    if (!network_invoke()) return 2;
    decode(network_output());
    board_result(mask, areas);
  }
}
