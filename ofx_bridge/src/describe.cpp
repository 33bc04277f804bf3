#include <initializer_list>
#include <utility>

#include "effect.h"

namespace vsfr {
namespace {

// Defines parameters one after the other, in groups and on one page.
class Panel {
public:
    explicit Panel(OfxImageEffectHandle effect) {
        if (suites().effect->getParamSet(effect, &set_) != kOfxStatOK) set_ = nullptr;
    }
    Props add(const char *type, const char *name, const char *label, const char *hint) {
        OfxPropertySetHandle handle = nullptr;
        if (!set_ || suites().param->paramDefine(set_, type, name, &handle) != kOfxStatOK) return Props();
        Props props(handle);
        props.set(kOfxPropLabel, label).set(kOfxParamPropHint, hint);
        if (!group_.empty()) props.set(kOfxParamPropParent, group_.c_str());
        if (std::string(type) != kOfxParamTypeGroup) children_.push_back(name);
        return props;
    }
    Props value(const char *type, const char *name, const char *label, const char *hint) {
        return add(type, name, label, hint).set(kOfxParamPropAnimates, 0);
    }
    void choice(const char *name, const char *label, const char *hint, std::initializer_list<const char *> options,
                int usual = 0) {
        const Props props = value(kOfxParamTypeChoice, name, label, hint);
        int index = 0;
        for (const char *option : options) props.set(kOfxParamPropChoiceOption, option, index++);
        props.set(kOfxParamPropDefault, usual);
    }
    void real(const char *name, const char *label, const char *hint, double usual, double low, double high) {
        value(kOfxParamTypeDouble, name, label, hint)
            .set(kOfxParamPropDefault, usual)
            .set(kOfxParamPropMin, low)
            .set(kOfxParamPropMax, high)
            .set(kOfxParamPropDisplayMin, low)
            .set(kOfxParamPropDisplayMax, high)
            .set(kOfxParamPropIncrement, 0.01)
            .set(kOfxParamPropDigits, 2);
    }
    void integer(const char *name, const char *label, const char *hint, int usual, int low, int high) {
        value(kOfxParamTypeInteger, name, label, hint)
            .set(kOfxParamPropDefault, usual)
            .set(kOfxParamPropMin, low)
            .set(kOfxParamPropMax, high)
            .set(kOfxParamPropDisplayMin, low)
            .set(kOfxParamPropDisplayMax, high);
    }
    Props text(const char *name, const char *label, const char *hint, const char *mode) {
        return value(kOfxParamTypeString, name, label, hint)
            .set(kOfxParamPropStringMode, mode)
            .set(kOfxParamPropStringFilePathExists, 0)
            .set(kOfxParamPropDefault, "");
    }
    void button(const char *name, const char *label, const char *hint) {
        add(kOfxParamTypePushButton, name, label, hint);
    }
    void open_group(const char *name, const char *label, const char *hint) {
        group_.clear();
        add(kOfxParamTypeGroup, name, label, hint);
        group_ = name;
    }
    void close_group() { group_.clear(); }
    void page(const char *name) {
        const auto children = children_;
        const Props props = add(kOfxParamTypePage, name, name, "");
        int index = 0;
        for (const char *child : children) props.set(kOfxParamPropPageChild, child, index++);
    }

private:
    OfxParamSetHandle set_ = nullptr;
    std::string group_;
    std::vector<const char *> children_;
};

void clip(OfxImageEffectHandle effect, const char *name, bool optional, bool temporal) {
    OfxPropertySetHandle handle = nullptr;
    if (suites().effect->clipDefine(effect, name, &handle) != kOfxStatOK) return;
    Props(handle)
        .set(kOfxImageEffectPropSupportedComponents, kOfxImageComponentRGBA)
        .set(kOfxImageEffectPropTemporalClipAccess, temporal)
        .set(kOfxImageEffectPropSupportsTiles, 0)
        .set(kOfxImageClipPropOptional, optional)
        .set(kOfxImageClipPropFieldExtraction, kOfxImageFieldBoth);
}

void source_panel(Panel &panel) {
    panel.choice(param::from, "Show", "Automatic: the file the editing program names, else the file below, else the "
                 "shot below, else the whole reel as the server has it.",
                 {"Automatic", "The file below", "The shot below", "The whole reel"});
    panel.text(param::file, "File", "The scan, as the server's project knows it; its name alone will do where only one "
               "scan has it. In Nuke: [metadata input/filename].", kOfxParamStringIsFilePath);
    panel.text(param::shot, "Shot", "Name or id of a shot of the server's project. The buttons go through them.",
               kOfxParamStringIsSingleLine);
    panel.button(param::previous, "Previous shot", "Ask the server for its shots, and take the one before.");
    panel.button(param::next, "Next shot", "Ask the server for its shots, and take the one after.");
    panel.integer(param::offset, "Offset", "Added to the program's frame number: -1001 where it counts a scan from "
                  "1001. Frames of files and shots are counted from 0.", 0, -10000000, 10000000);
    panel.choice(param::fit, "Size", "How the scan's frame lies in the program's frame.",
                 {"Fit inside", "Fill, cut what is over", "Stretch", "The scan's own, in the middle"});
    panel.choice(param::colour, "Colour", "What a program with colour management is told of the values. They are always "
                 "those of the scan, not converted.",
                 {"As the scan says", "Display, SDR", "Display, HDR", "Log", "Scene linear", "Raw"});
}

void through_panel(Panel &panel) {
    const Props preset = panel.value(kOfxParamTypeChoice, param::preset, "Preset", "The recipe to start from.");
    int index = 0;
#define VSFR_PRESET(name, summary) preset.set(kOfxParamPropChoiceOption, name, index++);
#define VSFR_DOSE(word, label, dose, help)
#include "settings.inc"
#undef VSFR_PRESET
    preset.set(kOfxParamPropDefault, 0);
    panel.open_group("doses", "Steps", "What differs from the preset.");
#undef VSFR_DOSE
#define VSFR_PRESET(name, summary)
#define VSFR_DOSE(word, label, dose, help)                                                      \
    panel.choice(#word "Use", label, help, {"As the preset", "Off", "The strength below"});     \
    panel.real(#word, label " strength", "0 leaves the picture as it is, 1 does all the filter can.", dose, 0, 1);
#include "settings.inc"
#undef VSFR_PRESET
#undef VSFR_DOSE
    panel.close_group();
    panel.text(param::words, "More words", "As in a marker: dust.max_size=60 wires=0.8 wires.only=900,0,1100,1080",
               kOfxParamStringIsSingleLine);
    panel.integer(param::reach, "Neighbours", "Frames on each side that go along with a frame, at most, where the "
                  "program can give them. 0 where the picture next to it is another shot.", 3, 0, 32);
}

void common_panel(Panel &panel) {
    panel.choice(param::no_server, "If no server", "What is given in place of a restored frame that cannot be had.",
                 {"Fail the render", "Show the source", "Show a checkerboard"});
    panel.button(param::ask, "Ask the server", "Look for the server and say what it has.");
    panel.text(param::status, "Status", "What the server last said.", kOfxParamStringIsLabel)
        .set(kOfxParamPropEvaluateOnChange, 0);
    panel.open_group("serverGroup", "Server", "Where the server is, and how long to wait for it.");
    panel.text(param::server, "Name", "That of 'vsfilmrestore serve --name'; empty for the usual one.",
               kOfxParamStringIsSingleLine);
    panel.real(param::connect, "Connect within", "Seconds.", 2, 0.1, 60);
    panel.real(param::first, "First frame within", "Seconds; networks are loaded meanwhile.", 300, 1, 3600);
    panel.real(param::later, "Later frames within", "Seconds.", 60, 1, 3600);
    panel.real(param::reconnect, "Come back within", "Seconds that a render waits for a server that went away.", 30, 0,
               600);
    panel.close_group();
    panel.page("Controls");
}

}  // namespace

OfxStatus describe(Effect effect, OfxImageEffectHandle handle) {
    const bool source = effect == Effect::source;
    const Props props = Props::of_effect(handle);
    if (!props) return kOfxStatFailed;
    props.set(kOfxPropLabel, source ? "VSFilmRestore Source" : "VSFilmRestore Through")
        .set(kOfxPropShortLabel, source ? "VSFR Source" : "VSFR Through")
        .set(kOfxPropLongLabel, source ? "VSFilmRestore Source" : "VSFilmRestore Through")
        .set(kOfxImageEffectPluginPropGrouping, "VSFilmRestore")
        .set(kOfxPropPluginDescription,
             source ? "Restored frames of the original scan, from 'vsfilmrestore serve PROJECT'."
                    : "The incoming picture through a restoration recipe, by 'vsfilmrestore serve PROJECT'.");
    int index = 0;
    if (source) props.set(kOfxImageEffectPropSupportedContexts, kOfxImageEffectContextGenerator, index++);
    props.set(kOfxImageEffectPropSupportedContexts, kOfxImageEffectContextFilter, index++);
    props.set(kOfxImageEffectPropSupportedContexts, kOfxImageEffectContextGeneral, index++);
    index = 0;
    for (const char *depth : {kOfxBitDepthFloat, kOfxBitDepthHalf, kOfxBitDepthShort, kOfxBitDepthByte})
        props.set(kOfxImageEffectPropSupportedPixelDepths, depth, index++);
    props.set(kOfxImageEffectPluginRenderThreadSafety, kOfxImageEffectRenderFullySafe)
        .set(kOfxImageEffectPluginPropHostFrameThreading, 0)
        .set(kOfxImageEffectPluginPropSingleInstance, 0)
        .set(kOfxImageEffectPluginPropFieldRenderTwiceAlways, 0)
        .set(kOfxImageEffectPropSupportsMultiResolution, 0)
        .set(kOfxImageEffectPropSupportsTiles, 0)
        .set(kOfxImageEffectPropSupportsMultipleClipDepths, 0)
        .set(kOfxImageEffectPropSupportsMultipleClipPARs, 0)
        .set(kOfxImageEffectPropTemporalClipAccess, source ? 0 : 1)
        .set(kOfxImageEffectPropColourManagementStyle, kOfxImageEffectColourManagementCore)
        .set(kOfxImageEffectPropColourManagementAvailableConfigs, kOfxConfigIdentifier);
    return kOfxStatOK;
}

OfxStatus describe_in_context(Effect effect, OfxImageEffectHandle handle, const Props &in) {
    const std::string context = in.text(kOfxImageEffectPropContext, kOfxImageEffectContextFilter);
    clip(handle, kOfxImageEffectOutputClipName, false, false);
    if (effect == Effect::through) {
        clip(handle, kOfxImageEffectSimpleSourceClipName, false, true);
    } else if (context != kOfxImageEffectContextGenerator) {
        clip(handle, kOfxImageEffectSimpleSourceClipName, context == kOfxImageEffectContextGeneral, false);
    }
    Panel panel(handle);
    if (effect == Effect::source) source_panel(panel);
    else through_panel(panel);
    common_panel(panel);
    return kOfxStatOK;
}

}  // namespace vsfr
