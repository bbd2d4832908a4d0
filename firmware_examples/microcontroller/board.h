// What main.cc needs. tflm.cc gives the network's part with TensorFlow Lite Micro; the other two are yours to
// write for your board, its camera and what it should do.
#pragma once
#include <cstdint>

#include "model.h"

// The network's part.
bool network_start();                 // once; false: the arena is too small, or an operator is missing
model::InputType* network_input();    // of model::kInputShape, valid after network_start
bool network_invoke();                // input to output; false: it failed
const model::OutputType* network_output();  // of model::kOutputShape

// The board's part.
bool board_picture(std::uint8_t* rgb);  // fills kInputShape's pixels, row by row; false: there is none any more
void board_result(const std::uint8_t* mask, const long* areas);  // class ids, and how many pixels each class has
