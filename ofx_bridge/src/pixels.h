// Pictures of the host (interleaved, y up, any bounds and row bytes) and of the server (planar, top row first).
#ifndef VSFR_PIXELS_H
#define VSFR_PIXELS_H

#include <cstdint>

#include "host.h"
#include "wire.h"

namespace vsfr {

// An image of the host, checked: what it says fits together, and rows are where samples may lie.
struct Image {
    std::uint8_t *data = nullptr;  // pixel (bounds.x1, bounds.y1), the lowest row
    OfxRectI bounds{};
    std::ptrdiff_t row_bytes = 0;
    int components = 4;
    Depth depth = Depth::real;
    double aspect = 1;

    int width() const { return bounds.x2 - bounds.x1; }
    int height() const { return bounds.y2 - bounds.y1; }
    // Throws Problem host.
    static Image read(const Props &props);
};

// Planes R, G, B of a picture, the top row first.
struct Planes {
    std::uint8_t *data = nullptr;
    std::uint32_t width = 0, height = 0, stride = 0;
    std::uint64_t plane = 0;
    Depth depth = Depth::real;
};

OfxRectI crossed(const OfxRectI &a, const OfxRectI &b);

// The picture into the window, its lower left corner at (left, bottom); black around it, alpha 1 everywhere.
void put(const Image &image, const OfxRectI &window, const Planes &planes, int left, int bottom);
// The same, made as large as the place is, bilinearly.
void put_scaled(const Image &image, const OfxRectI &window, const Planes &planes, const OfxRectI &place);
// All of an image into planes of its size.
void take(const Image &image, const Planes &planes);
// The same pixels of another image of the host, alpha 1.
void copy(const Image &image, const OfxRectI &window, const Image &from);
// What no one takes for a picture.
void checkerboard(const Image &image, const OfxRectI &window);

}  // namespace vsfr

#endif
