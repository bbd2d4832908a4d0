// The part of LiteRT's C interface that segment.cc needs, as libLiteRt.so of ai-edge-litert 2.3 has it:
// its wheel brings the library and no headers. Each function gives 0 where it succeeded.
#pragma once
#include <cstddef>
#include <cstdint>

struct Shape {  // LiteRtRankedTensorType
  enum Type : std::int32_t { kUint8 = 3, kInt8 = 9 };
  Type type;
  std::uint32_t rank : 7, has_strides : 1, : 24;
  std::int32_t sizes[8];
  std::uint32_t strides[8];
};
static_assert(sizeof(Shape) == 72, "as the library has it");

using Handle = void*;
enum { kReadLock = 0, kWriteLock = 1, kCpu = 1 };

extern "C" {
int LiteRtCreateEnvironment(int options, const void* option, Handle* environment);
int LiteRtCreateModelFromFile(Handle environment, const char* path, Handle* model);
int LiteRtCreateOptions(Handle* options);
int LiteRtSetOptionsHardwareAccelerators(Handle options, int accelerators);
int LiteRtCreateOpaqueOptions(const char* name, void* text, void (*destroy)(void*), Handle* opaque);
int LiteRtAddOpaqueOptions(Handle options, Handle opaque);
int LiteRtCreateCompiledModel(Handle environment, Handle model, Handle options, Handle* compiled);
int LiteRtGetModelSignature(Handle model, std::size_t index, Handle* signature);
int LiteRtGetSignatureInputTensorByIndex(Handle signature, std::size_t index, Handle* tensor);
int LiteRtGetSignatureOutputTensorByIndex(Handle signature, std::size_t index, Handle* tensor);
int LiteRtGetRankedTensorType(Handle tensor, Shape* shape);
int LiteRtGetCompiledModelInputBufferRequirements(Handle compiled, std::size_t signature, std::size_t index,
                                                  Handle* requirements);
int LiteRtGetCompiledModelOutputBufferRequirements(Handle compiled, std::size_t signature, std::size_t index,
                                                   Handle* requirements);
int LiteRtCreateManagedTensorBufferFromRequirements(Handle environment, const Shape* shape, Handle requirements,
                                                    Handle* buffer);
int LiteRtLockTensorBuffer(Handle buffer, void** memory, int lock);
int LiteRtUnlockTensorBuffer(Handle buffer);
int LiteRtRunCompiledModel(Handle compiled, std::size_t signature, std::size_t inputs, Handle* input,
                           std::size_t outputs, Handle* output);
}
