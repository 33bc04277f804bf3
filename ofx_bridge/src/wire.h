// Messages of docs/protocol.md: writing them, and reading them without trusting a length in them.
#ifndef VSFR_WIRE_H
#define VSFR_WIRE_H

#include <cstdint>
#include <string>
#include <vector>

namespace vsfr {

constexpr std::uint32_t kMagic = 0x52465356;  // "VSFR"
constexpr std::uint16_t kMajor = 1, kMinor = 0;
constexpr std::size_t kHeader = 16, kLongest = 65536;

enum class Type : std::uint16_t {
    hello = 1, welcome, list, catalogue, open, info, get, frame, error, cancel, release, reserve, slot, process, status,
    ping, pong, bye, close
};

enum class Code : std::uint16_t {
    broken = 1, version, unknown, not_served, no_such_frame, failed, memory, cancelled, settings, busy
};

enum class Depth : std::uint8_t { byte = 0, word = 1, half = 2, real = 3 };

constexpr std::size_t bytes_of(Depth depth) {
    return depth == Depth::byte ? 1 : depth == Depth::real ? 4 : 2;
}

struct Message {
    Type type{};
    std::uint64_t request = 0;
    std::vector<std::uint8_t> payload;
};

// A payload in the making. Numbers are little-endian on every machine.
class Writer {
public:
    template <class T> Writer &number(T value) {
        auto rest = static_cast<std::uint64_t>(value);
        for (std::size_t i = 0; i < sizeof(T); ++i, rest >>= 8) bytes_.push_back(static_cast<std::uint8_t>(rest));
        return *this;
    }
    Writer &u8(unsigned v) { return number(static_cast<std::uint8_t>(v)); }
    Writer &u16(unsigned v) { return number(static_cast<std::uint16_t>(v)); }
    Writer &u32(std::uint32_t v) { return number(v); }
    Writer &u64(std::uint64_t v) { return number(v); }
    Writer &i64(std::int64_t v) { return number(v); }
    // Cut at what a string may hold; zero bytes may not be in one.
    Writer &text(const std::string &text) {
        std::string clean;
        for (char c : text.substr(0, 32000)) if (c != '\0') clean.push_back(c);
        u16(static_cast<unsigned>(clean.size()));
        bytes_.insert(bytes_.end(), clean.begin(), clean.end());
        return *this;
    }
    Writer &raw(const void *data, std::size_t size) {
        const auto *bytes = static_cast<const std::uint8_t *>(data);
        bytes_.insert(bytes_.end(), bytes, bytes + size);
        return *this;
    }
    const std::vector<std::uint8_t> &bytes() const { return bytes_; }

private:
    std::vector<std::uint8_t> bytes_;
};

// A payload read field by field. What is read past the end is zero, and `whole` is false from then on.
class Reader {
public:
    explicit Reader(const std::vector<std::uint8_t> &bytes) : bytes_(bytes) {}
    template <class T> T number() {
        std::uint64_t value = 0;
        if (bytes_.size() - at_ < sizeof(T)) {
            good_ = false;
            return T{};
        }
        for (std::size_t i = 0; i < sizeof(T); ++i) value |= std::uint64_t{bytes_[at_ + i]} << (8 * i);
        at_ += sizeof(T);
        return static_cast<T>(value);
    }
    std::uint8_t u8() { return number<std::uint8_t>(); }
    std::uint16_t u16() { return number<std::uint16_t>(); }
    std::uint32_t u32() { return number<std::uint32_t>(); }
    std::uint64_t u64() { return number<std::uint64_t>(); }
    std::int64_t i64() { return number<std::int64_t>(); }
    std::string text() {
        const std::size_t size = u16();
        if (!good_ || bytes_.size() - at_ < size) {
            good_ = false;
            return {};
        }
        std::string text(bytes_.begin() + static_cast<std::ptrdiff_t>(at_),
                         bytes_.begin() + static_cast<std::ptrdiff_t>(at_ + size));
        at_ += size;
        if (text.find('\0') != std::string::npos) good_ = false;
        return text;
    }
    bool good() const { return good_; }
    bool whole() const { return good_ && at_ == bytes_.size(); }

private:
    const std::vector<std::uint8_t> &bytes_;
    std::size_t at_ = 0;
    bool good_ = true;
};

struct Info {
    std::uint32_t source = 0, width = 0, height = 0, rate_num = 0, rate_den = 0;
    std::int64_t first = 0, frames = 0;
    std::uint32_t radius = 0, ring = 0;
    std::uint16_t slots = 0;
    std::uint64_t slot_bytes = 0;
    Depth depth = Depth::byte;
    std::string colour;

    static bool read(const std::vector<std::uint8_t> &payload, Info &info) {
        Reader in(payload);
        info.source = in.u32(), info.width = in.u32(), info.height = in.u32();
        info.rate_num = in.u32(), info.rate_den = in.u32();
        info.first = in.i64(), info.frames = in.i64();
        info.radius = in.u32(), info.ring = in.u32(), info.slots = in.u16(), info.slot_bytes = in.u64();
        info.depth = static_cast<Depth>(in.u8()), info.colour = in.text();
        return in.whole();
    }
};

// Where pixels lie in a ring: of FRAME, and of SLOT with `width` and `height` those of the source.
struct Place {
    std::uint32_t source = 0, ring = 0, slot = 0, stride = 0, width = 0, height = 0;
    std::uint64_t offset = 0, plane = 0, frame = 0;
    Depth depth = Depth::byte;
    bool draft = false;
    std::string shot;

    static bool read_frame(const std::vector<std::uint8_t> &payload, Place &place) {
        Reader in(payload);
        place.source = in.u32(), place.ring = in.u32(), place.slot = in.u32(), place.offset = in.u64();
        place.stride = in.u32(), place.plane = in.u64(), place.width = in.u32(), place.height = in.u32();
        place.depth = static_cast<Depth>(in.u8()), place.draft = in.u8() & 1, place.shot = in.text();
        return in.whole();
    }
    static bool read_slot(const std::vector<std::uint8_t> &payload, Place &place) {
        Reader in(payload);
        place.ring = in.u32(), place.slot = in.u32(), place.offset = in.u64(), place.stride = in.u32();
        place.plane = in.u64(), place.frame = in.u64();
        return in.whole();
    }
};

}  // namespace vsfr

#endif
