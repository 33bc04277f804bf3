#include "pixels.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "problem.h"

namespace vsfr {
namespace {

template <class T> struct Levels;
template <> struct Levels<std::uint8_t> { static constexpr std::uint8_t one = 255; };
template <> struct Levels<float> { static constexpr float one = 1.0F; };
// Short and half are both 16 bits wide and differ in what is white.
struct Word { std::uint16_t value; };
struct Half { std::uint16_t value; };
template <> struct Levels<Word> { static constexpr Word one{65535}; };
template <> struct Levels<Half> { static constexpr Half one{0x3C00}; };

template <class T> T *row_of(const Image &image, int x, int y) {
    std::uint8_t *row = image.data + (static_cast<std::ptrdiff_t>(y) - image.bounds.y1) * image.row_bytes;
    return reinterpret_cast<T *>(row) + (static_cast<std::ptrdiff_t>(x) - image.bounds.x1) * image.components;
}

template <class T> T *plane_row(const Planes &planes, int plane, std::uint32_t row) {
    return reinterpret_cast<T *>(planes.data + static_cast<std::uint64_t>(plane) * planes.plane +
                                 std::uint64_t{row} * planes.stride);
}

template <class T> void fill(T *out, int count, int components, T r, T g, T b) {
    for (int i = 0; i < count; ++i, out += components) {
        out[0] = r, out[1] = g, out[2] = b;
        if (components == 4) out[3] = Levels<T>::one;
    }
}

template <class T> void put_row(T *out, int count, int components, const T *r, const T *g, const T *b) {
    if (components == 4) {
        for (int i = 0; i < count; ++i) {
            out[4 * i] = r[i], out[4 * i + 1] = g[i], out[4 * i + 2] = b[i];
            out[4 * i + 3] = Levels<T>::one;
        }
        return;
    }
    for (int i = 0; i < count; ++i) out[3 * i] = r[i], out[3 * i + 1] = g[i], out[3 * i + 2] = b[i];
}

template <class T> void put_as(const Image &image, const OfxRectI &window, const Planes &planes, int left, int bottom) {
    const int right = left + static_cast<int>(planes.width), top = bottom + static_cast<int>(planes.height);
    const int from = std::clamp(left, window.x1, window.x2), to = std::clamp(right, from, window.x2);
    const T black{};
    for (int y = window.y1; y < window.y2; ++y) {
        T *out = row_of<T>(image, window.x1, y);
        if (y < bottom || y >= top || from == to) {
            fill(out, window.x2 - window.x1, image.components, black, black, black);
            continue;
        }
        const auto row = static_cast<std::uint32_t>(top - 1 - y);
        const int skip = from - left;
        fill(out, from - window.x1, image.components, black, black, black);
        put_row(row_of<T>(image, from, y), to - from, image.components, plane_row<T>(planes, 0, row) + skip,
                plane_row<T>(planes, 1, row) + skip, plane_row<T>(planes, 2, row) + skip);
        fill(row_of<T>(image, window.x1, y) + static_cast<std::ptrdiff_t>(to - window.x1) * image.components,
             window.x2 - to, image.components, black, black, black);
    }
}

// Samples as numbers; half by its bits, as no compiler of ours has to know it.
float load(std::uint8_t sample) { return sample; }
float load(Word sample) { return sample.value; }
float load(float sample) { return sample; }
float load(Half sample) {
    const int exponent = (sample.value >> 10) & 31, mantissa = sample.value & 1023;
    float size = std::ldexp(static_cast<float>(mantissa), -24);
    if (exponent == 31) size = 65504.0F;  // neither infinity nor nonsense is made larger
    else if (exponent) size = std::ldexp(static_cast<float>(1024 + mantissa), exponent - 25);
    return sample.value & 0x8000 ? -size : size;
}

void store(std::uint8_t &sample, float value) { sample = static_cast<std::uint8_t>(value + 0.5F); }
void store(Word &sample, float value) { sample.value = static_cast<std::uint16_t>(value + 0.5F); }
void store(float &sample, float value) { sample = value; }
void store(Half &sample, float value) {
    const float size = std::min(std::abs(value), 65504.0F);
    int exponent = 0;
    std::frexp(size, &exponent);  // size is below 2 to its power
    exponent = std::max(exponent, -13);
    const auto units = static_cast<unsigned>(std::lround(std::ldexp(size, 11 - exponent)));  // carries run on
    const unsigned bits = units < 1024 ? units : static_cast<unsigned>(exponent + 13) * 1024 + units;
    sample.value = static_cast<std::uint16_t>(bits | (value < 0 ? 0x8000U : 0U));
}

// Where a pixel of the larger picture lies between two of the smaller.
struct Between {
    std::uint32_t low, high;
    float share;
};

Between between(int at, int size, std::uint32_t count) {
    const double place = (at + 0.5) * count / size - 0.5;
    const double low = std::clamp(std::floor(place), 0.0, static_cast<double>(count - 1));
    const auto first = static_cast<std::uint32_t>(low);
    return {first, std::min(first + 1, count - 1), static_cast<float>(std::clamp(place - low, 0.0, 1.0))};
}

template <class T>
void put_scaled_as(const Image &image, const OfxRectI &window, const Planes &planes, const OfxRectI &place) {
    const OfxRectI both = crossed(window, place);
    const T black{};
    std::vector<Between> columns;
    for (int x = both.x1; x < both.x2; ++x)
        columns.push_back(between(x - place.x1, place.x2 - place.x1, planes.width));
    for (int y = window.y1; y < window.y2; ++y) {
        fill(row_of<T>(image, window.x1, y), window.x2 - window.x1, image.components, black, black, black);
        if (y < both.y1 || y >= both.y2) continue;
        const Between row = between(place.y2 - 1 - y, place.y2 - place.y1, planes.height);
        for (int plane = 0; plane < 3; ++plane) {
            const T *upper = plane_row<T>(planes, plane, row.low), *lower = plane_row<T>(planes, plane, row.high);
            T *out = row_of<T>(image, both.x1, y) + plane;
            for (const Between &x : columns) {
                const float a = load(upper[x.low]) + x.share * (load(upper[x.high]) - load(upper[x.low]));
                const float b = load(lower[x.low]) + x.share * (load(lower[x.high]) - load(lower[x.low]));
                store(*out, a + row.share * (b - a));
                out += image.components;
            }
        }
    }
}

template <class T> void take_as(const Image &image, const Planes &planes) {
    for (int y = image.bounds.y1; y < image.bounds.y2; ++y) {
        const T *in = row_of<T>(image, image.bounds.x1, y);
        const auto row = static_cast<std::uint32_t>(image.bounds.y2 - 1 - y);
        T *r = plane_row<T>(planes, 0, row), *g = plane_row<T>(planes, 1, row), *b = plane_row<T>(planes, 2, row);
        for (std::uint32_t i = 0; i < planes.width; ++i, in += image.components) r[i] = in[0], g[i] = in[1], b[i] = in[2];
    }
}

template <class T> void copy_as(const Image &image, const OfxRectI &window, const Image &from) {
    const OfxRectI both = crossed(window, from.bounds);
    const T black{};
    for (int y = window.y1; y < window.y2; ++y) {
        T *out = row_of<T>(image, window.x1, y);
        fill(out, window.x2 - window.x1, image.components, black, black, black);
        if (y < both.y1 || y >= both.y2) continue;
        out = row_of<T>(image, both.x1, y);
        const T *in = row_of<T>(from, both.x1, y);
        for (int x = both.x1; x < both.x2; ++x, out += image.components, in += from.components)
            out[0] = in[0], out[1] = in[1], out[2] = in[2];
    }
}

template <class T> void checker_as(const Image &image, const OfxRectI &window) {
    const T black{}, white = Levels<T>::one;
    for (int y = window.y1; y < window.y2; ++y) {
        T *out = row_of<T>(image, window.x1, y);
        for (int x = window.x1; x < window.x2; ++x, out += image.components) {
            const bool light = ((x >> 4) ^ (y >> 4)) & 1;  // magenta and black, 16 pixels a square
            const T on = light ? white : black;
            fill(out, 1, image.components, on, black, on);
        }
    }
}

template <class Do> void by_depth(Depth depth, const Do &todo) {
    switch (depth) {
        case Depth::byte: return todo(std::uint8_t{});
        case Depth::word: return todo(Word{});
        case Depth::half: return todo(Half{});
        case Depth::real: return todo(float{});
    }
}

Depth depth_named(const std::string &name) {
    if (name == kOfxBitDepthByte) return Depth::byte;
    if (name == kOfxBitDepthShort) return Depth::word;
    if (name == kOfxBitDepthHalf) return Depth::half;
    if (name == kOfxBitDepthFloat) return Depth::real;
    throw Problem(Trouble::host, "the host gives pictures of a depth that is not supported: " + name);
}

// Width of a pixel by its height. MLT gives the shape of the frame in its place.
double aspect_of(const Props &props, const Image &image) {
    const double aspect = props.real(kOfxImagePropPixelAspectRatio, 1);
    const bool of_frame = std::abs(aspect * image.height() - image.width()) < 0.01;
    if (of_frame && suites().name.rfind("MLT", 0) == 0) return 1;
    return aspect > 0.01 && aspect < 100 ? aspect : 1;
}

}  // namespace

OfxRectI crossed(const OfxRectI &a, const OfxRectI &b) {
    OfxRectI both{std::max(a.x1, b.x1), std::max(a.y1, b.y1), std::min(a.x2, b.x2), std::min(a.y2, b.y2)};
    both.x2 = std::max(both.x1, both.x2), both.y2 = std::max(both.y1, both.y2);
    return both;
}

Image Image::read(const Props &props) {
    Image image;
    image.data = static_cast<std::uint8_t *>(props.pointer(kOfxImagePropData));
    if (!image.data) throw Problem(Trouble::host, "the host gives a picture without pixels");
    if (!props.rectangle(kOfxImagePropBounds, image.bounds))
        throw Problem(Trouble::host, "the host gives a picture without bounds");
    constexpr int kFar = 1 << 24;
    for (const int edge : {image.bounds.x1, image.bounds.y1, image.bounds.x2, image.bounds.y2})
        if (edge < -kFar || edge > kFar) throw Problem(Trouble::host, "the host gives a picture without end");
    if (image.width() <= 0 || image.height() <= 0) throw Problem(Trouble::host, "the host gives a picture of no size");
    image.depth = depth_named(props.text(kOfxImageEffectPropPixelDepth, kOfxBitDepthFloat));
    const std::string components = props.text(kOfxImageEffectPropComponents, kOfxImageComponentRGBA);
    if (components != kOfxImageComponentRGBA && components != kOfxImageComponentRGB)
        throw Problem(Trouble::host, "the host gives pictures that are not RGB: " + components);
    image.components = components == kOfxImageComponentRGB ? 3 : 4;
    image.aspect = aspect_of(props, image);
    const auto sample = static_cast<std::ptrdiff_t>(bytes_of(image.depth));
    const std::ptrdiff_t least = image.width() * image.components * sample;
    image.row_bytes = props.integer(kOfxImagePropRowBytes, static_cast<int>(least));
    if (image.row_bytes == 0) image.row_bytes = least;
    if (std::abs(image.row_bytes) < least || image.row_bytes % sample ||
        reinterpret_cast<std::uintptr_t>(image.data) % static_cast<std::uintptr_t>(sample))
        throw Problem(Trouble::host, "the host gives a picture whose rows overlap");
    return image;
}

void put(const Image &image, const OfxRectI &window, const Planes &planes, int left, int bottom) {
    by_depth(image.depth, [&](auto type) { put_as<decltype(type)>(image, window, planes, left, bottom); });
}

void put_scaled(const Image &image, const OfxRectI &window, const Planes &planes, const OfxRectI &place) {
    by_depth(image.depth, [&](auto type) { put_scaled_as<decltype(type)>(image, window, planes, place); });
}

void take(const Image &image, const Planes &planes) {
    by_depth(image.depth, [&](auto type) { take_as<decltype(type)>(image, planes); });
}

void copy(const Image &image, const OfxRectI &window, const Image &from) {
    by_depth(image.depth, [&](auto type) { copy_as<decltype(type)>(image, window, from); });
}

void checkerboard(const Image &image, const OfxRectI &window) {
    by_depth(image.depth, [&](auto type) { checker_as<decltype(type)>(image, window); });
}

}  // namespace vsfr
