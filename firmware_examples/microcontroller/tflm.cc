// The network's part of board.h with TensorFlow Lite Micro.
#include "board.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"

// Its classes moved from the first of these namespaces to the second in 2026.
namespace tflite {
namespace micro {}
}  // namespace tflite
using namespace tflite;
using namespace tflite::micro;

namespace {

// Measured on x86-64; kernels made for a controller may ask for more: raise it until network_start succeeds.
constexpr std::size_t kSpare = 16 * 1024;
alignas(16) std::uint8_t arena[model::kArenaBytes + kSpare];
MicroInterpreter* interpreter;

}  // namespace

bool network_start() {
  static MicroMutableOpResolver<model::kOperators> resolver;
  if (!model::AddOperators(resolver)) return false;
  static MicroInterpreter only(GetModel(model::kModel), resolver, arena, sizeof(arena));
  interpreter = &only;
  return only.AllocateTensors() == kTfLiteOk;
}

model::InputType* network_input() { return reinterpret_cast<model::InputType*>(interpreter->input(0)->data.raw); }

bool network_invoke() { return interpreter->Invoke() == kTfLiteOk; }

const model::OutputType* network_output() {
  return reinterpret_cast<const model::OutputType*>(interpreter->output(0)->data.raw);
}
