// A .tflite model ready to run: pixels in, class ids out.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "litert.h"

inline void need(int status, const char* what) {  // 0: it worked
  if (status) std::fprintf(stderr, "error: %s (code %d)\n", what, status), std::exit(1);
}

class Network {
 public:
  explicit Network(const char* path) {
    Handle environment, model, options, threads, signature;
    need(LiteRtCreateEnvironment(0, nullptr, &environment), "LiteRT does not start");
    need(LiteRtCreateModelFromFile(environment, path, &model), "the model cannot be read");
    need(LiteRtCreateOptions(&options), "no options");
    need(LiteRtSetOptionsHardwareAccelerators(options, kCpu), "no CPU");
    need(LiteRtCreateOpaqueOptions("xnnpack", strdup("num_threads = 4"), std::free, &threads), "no CPU options");
    need(LiteRtAddOpaqueOptions(options, threads), "no CPU options");
    need(LiteRtCreateCompiledModel(environment, model, options, &compiled_), "the model cannot run here");
    need(LiteRtGetModelSignature(model, 0, &signature), "the model has no signature; make it with edgeseg quantize");

    Handle tensor, needs;
    need(LiteRtGetSignatureInputTensorByIndex(signature, 0, &tensor), "no input");
    need(LiteRtGetRankedTensorType(tensor, &in), "the input has no size");
    need(in.rank != 4 || in.sizes[3] != 3 || !is_byte(in), "the model takes no RGB in 8 bits");
    need(LiteRtGetCompiledModelInputBufferRequirements(compiled_, 0, 0, &needs), "no input");
    need(LiteRtCreateManagedTensorBufferFromRequirements(environment, &in, needs, &input_), "no memory");

    need(LiteRtGetSignatureOutputTensorByIndex(signature, 0, &tensor), "no output");
    need(LiteRtGetRankedTensorType(tensor, &out), "the output has no size");
    classes_ = out.rank == 4 ? out.sizes[3] : 0;
    need(out.rank < 3 || classes_ == 1 || !is_byte(out), "the model gives neither class ids nor scores in 8 bits");
    need(LiteRtGetCompiledModelOutputBufferRequirements(compiled_, 0, 0, &needs), "no output");
    need(LiteRtCreateManagedTensorBufferFromRequirements(environment, &out, needs, &output_), "no memory");
  }

  // RGB of the input's size to class ids of the output's size, row by row.
  void operator()(const std::vector<unsigned char>& picture, std::vector<unsigned char>& mask) {
    void* memory;
    need(LiteRtLockTensorBuffer(input_, &memory, kWriteLock), "no input");
    for (std::size_t i = 0; i < picture.size(); ++i) static_cast<unsigned char*>(memory)[i] = picture[i] ^ turn(in);
    need(LiteRtUnlockTensorBuffer(input_), "no input");
    need(LiteRtRunCompiledModel(compiled_, 0, 1, &input_, 1, &output_), "the inference failed");
    need(LiteRtLockTensorBuffer(output_, &memory, kReadLock), "no output");
    const unsigned char* result = static_cast<unsigned char*>(memory);
    for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = classes_ ? best(result + i * classes_) : result[i];
    need(LiteRtUnlockTensorBuffer(output_), "no output");
  }

  Shape in, out;

 private:
  static bool is_byte(const Shape& shape) { return shape.type == Shape::kUint8 || shape.type == Shape::kInt8; }
  // An int8 is the uint8 of the same pixel or score less 128, which turns its highest bit over.
  static unsigned char turn(const Shape& shape) { return shape.type == Shape::kInt8 ? 0x80 : 0; }
  unsigned char best(const unsigned char* scores) const {  // of equals the first
    int found = 0;
    for (int i = 1; i < classes_; ++i) found = (scores[i] ^ turn(out)) > (scores[found] ^ turn(out)) ? i : found;
    return found;
  }

  Handle compiled_, input_, output_;
  int classes_;  // 0: the output is class ids
};
