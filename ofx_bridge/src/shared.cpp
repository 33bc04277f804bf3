#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>

#include "effect.h"

namespace vsfr {
namespace {

struct Known {
    std::mutex mutex;
    std::map<SourceKey, Info> infos;
};

Known &known() {
    static auto *all = new Known;
    return *all;
}

// The same recipe has the same reach, and the same scan the same colour, whatever depth and size they are asked in.
SourceKey plain(const SourceKey &key) {
    SourceKey bare;
    bare.kind = key.kind, bare.name = key.name, bare.settings = key.settings;
    return bare;
}

}  // namespace

void remember(const SourceKey &key, const Info &info) {
    std::lock_guard<std::mutex> lock(known().mutex);
    if (known().infos.size() > 256) known().infos.clear();
    known().infos[plain(key)] = info;
}

bool recall(const SourceKey &key, Info &info) {
    std::lock_guard<std::mutex> lock(known().mutex);
    const auto found = known().infos.find(plain(key));
    if (found != known().infos.end()) info = found->second;
    return found != known().infos.end();
}

Patience patience_of(OfxImageEffectHandle handle, const Params &params) {
    const auto limit = [&](const char *name, double usual, double most) {
        const double value = params.real(name, usual);
        return value >= 0 && value <= most ? value : usual;
    };
    Patience patience;
    patience.connect = limit(param::connect, 2, 60);
    patience.first = limit(param::first, 300, 3600);
    patience.later = limit(param::later, 60, 3600);
    patience.reconnect = limit(param::reconnect, 30, 600);
    patience.aborted = [handle] { return aborted(handle); };
    return patience;
}

SourceKey source_wanted(OfxImageEffectHandle handle, const Params &params, const Props &in, std::int64_t &frame) {
    const double time = in.real(kOfxPropTime, 0);
    // A frame is on the screen from its time to that of the next.
    frame = static_cast<std::int64_t>(std::floor(time + 1e-4)) + params.integer(param::offset, 0);
    auto from = static_cast<From>(params.integer(param::from, 0));
    const std::string host_file = Props::of_effect(handle).text(kOfxImageEffectPropSrcFilePath);
    const std::string file = params.text(param::file), shot = params.text(param::shot);
    SourceKey key;
    if (from == From::automatic) {
        key.name = host_file.empty() ? file : host_file;
        from = !key.name.empty() ? From::file : !shot.empty() ? From::shot : From::reel;
    } else if (from == From::file) {
        key.name = file.empty() ? host_file : file;
        if (key.name.empty()) throw Problem(Trouble::refused, "no file is named");
    }
    if (from == From::shot) {
        if (shot.empty()) throw Problem(Trouble::refused, "no shot is named");
        key.name = shot;
    }
    key.kind = from == From::file ? 2 : from == From::shot ? 1 : 0;
    if (key.kind == 2 && in.has_integer(kOfxImageEffectPropSrcFrame))
        frame = std::int64_t{in.integer(kOfxImageEffectPropSrcFrame, 0)} + params.integer(param::offset, 0);
    return key;
}

int reach_of(const Params &params) {
    if (!suites().temporal) return 0;
    const int most = std::min(32, std::max(0, params.integer(param::reach, 3)));
    SourceKey key;
    key.kind = 3, key.settings = recipe_words(params);
    Info info;
    return recall(key, info) ? static_cast<int>(std::min<std::uint32_t>(info.radius, static_cast<unsigned>(most)))
                             : most;
}

}  // namespace vsfr
