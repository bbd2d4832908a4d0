// Segments a stream of raw RGB frames from standard input and prints the share of each class.
#include <cstddef>
#include <cstdio>
#include <vector>

#include "network.h"

int main(int count, char** arguments) {
  need(count < 2, "write  segment MODEL.tflite [MASKS.raw] < frames.rgb");
  std::FILE* masks = count > 2 ? std::fopen(arguments[2], "wb") : nullptr;
  need(count > 2 && !masks, "the file for the masks cannot be written");

  Network network(arguments[1]);
  const int height = network.in.sizes[1], width = network.in.sizes[2];
  std::vector<unsigned char> picture(height * width * 3);
  std::vector<unsigned char> mask(network.out.sizes[1] * network.out.sizes[2]);
  std::fprintf(stderr, "ready for frames of %dx%d, RGB\n", width, height);

  int frames = 0;
  for (; std::fread(picture.data(), 1, picture.size(), stdin) == picture.size(); ++frames) {
    network(picture, mask);
    std::size_t pixels[256] = {};
    for (unsigned char id : mask) ++pixels[id];
    std::printf("frame %d", frames);
    for (int id = 0; id < 256; ++id) {
      if (pixels[id]) std::printf("  %d: %.1f%%", id, 100.0 * pixels[id] / mask.size());
    }
    std::printf("\n");
    std::fflush(stdout);
    if (masks) need(std::fwrite(mask.data(), 1, mask.size(), masks) != mask.size(), "the masks cannot be written");
  }
  need(frames == 0, "no whole frame came");
  need(masks && std::fclose(masks), "the masks cannot be written");
}
