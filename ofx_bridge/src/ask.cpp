#include <algorithm>
#include <cmath>
#include <cstring>

#include "effect.h"

namespace vsfr {
namespace {

std::string said(const CatalogueEntry &entry, std::size_t place, std::size_t all) {
    std::string text = "shot " + std::to_string(place + 1) + " of " + std::to_string(all) + ": " + entry.shot + ", " +
                       std::to_string(entry.frames) + " frames";
    const std::size_t slash = entry.file.find_last_of("/\\");
    if (!entry.file.empty()) text += " of " + entry.file.substr(slash == std::string::npos ? 0 : slash + 1);
    return text;
}

// A button was pressed: go to the server, which no other action but a render does.
std::string pressed(Effect effect, const Params &params, const std::string &button) {
    Patience patience;
    patience.connect = params.real(param::connect, 2);
    patience.reconnect = 0;
    const auto connection = Hub::get().connection(params.text(param::server), patience);
    const auto shots = connection->catalogue(patience, Clock::now() + seconds(5));
    if (effect == Effect::through || button == param::ask || shots.empty())
        return connection->server() + ", " + std::to_string(shots.size()) + " shots";
    const std::string current = params.text(param::shot);
    std::size_t place = 0;
    while (place < shots.size() && shots[place].shot != current) ++place;
    const bool known = place < shots.size();
    if (button == param::next) place = known ? (place + 1) % shots.size() : 0;
    else place = known ? (place + shots.size() - 1) % shots.size() : shots.size() - 1;
    params.set_text(param::shot, shots[place].shot);
    return said(shots[place], place, shots.size());
}

// Names of VapourSynth as INFO has them, in those of the OpenFX configuration; what has none there is raw.
std::string colourspace_of(const std::string &colour) {
    const std::size_t first = colour.find('/'), second = colour.find('/', first + 1);
    if (first == std::string::npos || second == std::string::npos) return "ofx_raw";
    const std::string transfer = colour.substr(first + 1, second - first - 1), primaries = colour.substr(second + 1);
    const auto is = [](const std::string &text, std::initializer_list<const char *> names) {
        return std::any_of(names.begin(), names.end(), [&](const char *name) { return text == name; });
    };
    const bool narrow = primaries == "bt709", wide = primaries == "bt2020";
    if (is(transfer, {"log", "log_100", "log_316"})) return "ofx_scene_log";
    if (is(transfer, {"linear"})) return narrow ? "lin_rec709_srgb" : wide ? "lin_rec2020" : "ofx_scene_linear";
    if (is(transfer, {"st2084"})) return "rec2100_pq_display";
    if (is(transfer, {"arib_b67"})) return "rec2100_hlg_display";
    if (is(transfer, {"iec_61966_2_1"})) return narrow ? "srgb_display" : "ofx_display_sdr";
    if (is(transfer, {"bt1886", "bt709", "bt601", "bt2020_10", "bt2020_12"}))
        return narrow ? "rec1886_rec709_display" : wide ? "rec1886_rec2020_display" : "ofx_display_sdr";
    return "ofx_raw";
}

}  // namespace

OfxStatus instance_changed(Effect effect, OfxImageEffectHandle handle, const Props &in) {
    const std::string name = in.text(kOfxPropName);
    if (name != param::ask && name != param::next && name != param::previous) return kOfxStatReplyDefault;
    if (in.text(kOfxPropChangeReason, kOfxChangeUserEdited) != kOfxChangeUserEdited) return kOfxStatReplyDefault;
    const Params params(handle, in.real(kOfxPropTime, 0));
    try {
        params.set_text(param::status, pressed(effect, params, name));
        clear_message(handle);
    } catch (const Problem &problem) {
        params.set_text(param::status, problem.what());
    }
    return kOfxStatOK;
}

OfxStatus clip_preferences(Effect effect, const Props &out) {
    out.set(kOfxImageEffectPropPreMultiplication, kOfxImageOpaque);
    if (effect == Effect::source) out.set(kOfxImageEffectFrameVarying, 1);
    return kOfxStatOK;
}

OfxStatus frames_needed(Effect effect, OfxImageEffectHandle handle, const Props &in, const Props &out) {
    if (effect == Effect::source || !suites().temporal) return kOfxStatReplyDefault;
    const double time = in.real(kOfxPropTime, 0);
    const int reach = reach_of(Params(handle, time));
    out.set("OfxImageClipPropFrameRange_Source", time - reach, 0);
    out.set("OfxImageClipPropFrameRange_Source", time + reach, 1);
    return kOfxStatOK;
}

// All of the picture, whatever part of it is wanted: filters look around.
OfxStatus region_of_interest(Effect, OfxImageEffectHandle handle, const Props &in, const Props &out) {
    OfxImageClipHandle clip = clip_named(handle, kOfxImageEffectSimpleSourceClipName);
    OfxRectD region{};
    if (!clip || !connected(handle, kOfxImageEffectSimpleSourceClipName)) return kOfxStatReplyDefault;
    if (suites().effect->clipGetRegionOfDefinition(clip, in.real(kOfxPropTime, 0), &region) != kOfxStatOK)
        return kOfxStatReplyDefault;
    if (!(region.x2 > region.x1 && region.y2 > region.y1)) return kOfxStatReplyDefault;  // MLT says yes and gives none
    int index = 0;
    for (const double edge : {region.x1, region.y1, region.x2, region.y2})
        out.set("OfxImageClipPropRoI_Source", edge, index++);
    return kOfxStatOK;
}

OfxStatus identity(Effect effect, OfxImageEffectHandle handle, const Props &in, const Props &out) {
    const double time = in.real(kOfxPropTime, 0);
    if (effect == Effect::source || recipe_words(Params(handle, time)) != "none") return kOfxStatReplyDefault;
    out.set(kOfxPropName, kOfxImageEffectSimpleSourceClipName).set(kOfxPropTime, time);
    return kOfxStatOK;
}

OfxStatus output_colour(Effect effect, OfxImageEffectHandle handle, const Props &in, const Props &out) {
    if (effect == Effect::through) {
        out.set(kOfxImageClipPropColourspace, "OfxColourspace_Source");
        return kOfxStatOK;
    }
    const Params params(handle, in.real(kOfxPropTime, 0));
    constexpr const char *kSaid[] = {nullptr,         "ofx_display_sdr",  "ofx_display_hdr",
                                     "ofx_scene_log", "ofx_scene_linear", "ofx_raw"};
    const int choice = std::clamp(params.integer(param::colour, 0), 0, 5);
    std::string space = choice ? kSaid[choice] : "ofx_raw";
    if (choice == 0) {
        std::int64_t frame = 0;
        Info info;
        if (recall(source_wanted(handle, params, in, frame), info)) space = colourspace_of(info.colour);
    }
    out.set(kOfxImageClipPropColourspace, space.c_str());
    return kOfxStatOK;
}

}  // namespace vsfr
