// A host of the tests: strict, and poor in every way real hosts are poor. Says on standard output what happened.
//
//   ofx_host PLUGIN EFFECT [words]
//
//   depth=float|half|short|byte  size=64x48  origin=0,0  window=x1,y1,x2,y2  rod=x1,y1,x2,y2  scale=1
//   rows=plain|negative|padded  components=RGBA|RGB  aspect=1  context=filter|general|generator
//   frames=0-7  threads=1  instances=one|each  loads=1  source=1|0  temporal=1|0  range=a,b  messages=1|0
//   abort=MS  dump=FILE  sums=1 (a CRC-32 of each frame in place of a dump)  missing=PROP,PROP  set:PARAM=VALUE  prop:PROP=TEXT  arg:PROP=INT  clip:PROP=INT
//   press=BUTTON  wander=1  timeless=1  bare=1  do=describe|needed|identity|colour|prefs|fork  pause=MS  (between frames)
#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <clocale>
#include <cmath>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "ofx_abi.h"

using Value = std::variant<void *, std::string, double, int>;

struct Set {
    std::map<std::string, std::vector<Value>> values;
    template <class T> Set &put(const std::string &name, std::vector<T> list) {
        values[name].assign(list.begin(), list.end());
        return *this;
    }
    Set &text(const std::string &name, const std::string &value) { return put<Value>(name, {Value(value)}); }
};

struct Param {
    std::string type;
    Set props;
    int integer = 0;
    double real = 0;
    std::string text;
};

struct Effect;

struct Clip {
    std::string name;
    Set props;
    Effect *effect = nullptr;
};

struct Effect {
    Set props;
    std::map<std::string, Param> params;
    std::map<std::string, Clip> clips;
    bool instance = false;
};

static std::map<std::string, std::string> words;
static std::set<std::string> missing;
static std::mutex out_mutex;
static std::atomic<int> faults{0}, images_out{0};
static thread_local bool may_set = false;
static thread_local bool describing = false;
static thread_local std::chrono::steady_clock::time_point render_begun;
static int abort_after = -1;

static void say(const char *format, ...) {
    std::lock_guard<std::mutex> lock(out_mutex);
    va_list arguments;
    va_start(arguments, format);
    std::vprintf(format, arguments);
    va_end(arguments);
    std::printf("\n");
    std::fflush(stdout);
}

static void fault(const std::string &what) {
    ++faults;
    say("fault %s", what.c_str());
}

static std::string word(const std::string &name, const std::string &usual) {
    const auto found = words.find(name);
    return found == words.end() ? usual : found->second;
}

static std::vector<double> numbers(const std::string &text) {
    std::vector<double> list;
    std::string part;
    for (const char c : text + ",") {
        if (c == ',' || c == 'x') {
            if (!part.empty()) list.push_back(std::stod(part));
            part.clear();
        } else {
            part += c;
        }
    }
    return list;
}

// Properties -------------------------------------------------------------------------------------------------------

template <class T> static OfxStatus set_value(OfxPropertySetHandle handle, const char *name, int index, T value) {
    if (!handle) return kOfxStatErrBadHandle;
    if (missing.count(name)) return kOfxStatErrUnknown;
    auto &list = reinterpret_cast<Set *>(handle)->values[name];
    if (index < 0 || index > static_cast<int>(list.size())) return fault(std::string("index of ") + name), kOfxStatErrBadIndex;
    if (index == static_cast<int>(list.size())) list.resize(list.size() + 1);
    list[static_cast<std::size_t>(index)] = Value(value);
    return kOfxStatOK;
}

template <class T> static OfxStatus get_value(OfxPropertySetHandle handle, const char *name, int index, T &value) {
    if (!handle) return kOfxStatErrBadHandle;
    if (missing.count(name)) return kOfxStatErrUnknown;
    auto &values = reinterpret_cast<Set *>(handle)->values;
    const auto found = values.find(name);
    if (found == values.end()) return kOfxStatErrUnknown;
    if (index < 0 || index >= static_cast<int>(found->second.size())) return kOfxStatErrBadIndex;
    const T *held = std::get_if<T>(&found->second[static_cast<std::size_t>(index)]);
    if (!held) return fault(std::string("type of ") + name), kOfxStatErrValue;
    value = *held;
    return kOfxStatOK;
}

static OfxStatus set_pointer(OfxPropertySetHandle h, const char *n, int i, void *v) { return set_value(h, n, i, v); }
static OfxStatus set_string(OfxPropertySetHandle h, const char *n, int i, const char *v) {
    return set_value(h, n, i, std::string(v));
}
static OfxStatus set_double(OfxPropertySetHandle h, const char *n, int i, double v) { return set_value(h, n, i, v); }
static OfxStatus set_int(OfxPropertySetHandle h, const char *n, int i, int v) { return set_value(h, n, i, v); }
static OfxStatus get_pointer(OfxPropertySetHandle h, const char *n, int i, void **v) { return get_value(h, n, i, *v); }
static OfxStatus get_double(OfxPropertySetHandle h, const char *n, int i, double *v) { return get_value(h, n, i, *v); }
static OfxStatus get_int(OfxPropertySetHandle h, const char *n, int i, int *v) { return get_value(h, n, i, *v); }
static OfxStatus get_string(OfxPropertySetHandle handle, const char *name, int index, char **value) {
    if (!handle || missing.count(name)) return kOfxStatErrUnknown;
    auto &values = reinterpret_cast<Set *>(handle)->values;
    const auto found = values.find(name);
    if (found == values.end() || index < 0 || index >= static_cast<int>(found->second.size())) return kOfxStatErrUnknown;
    auto *held = std::get_if<std::string>(&found->second[static_cast<std::size_t>(index)]);
    if (!held) return fault(std::string("type of ") + name), kOfxStatErrValue;
    *value = held->data();
    return kOfxStatOK;
}
static OfxStatus no_set_pointers(OfxPropertySetHandle, const char *, int, void *const *) { return kOfxStatErrUnsupported; }
static OfxStatus no_set_strings(OfxPropertySetHandle, const char *, int, const char *const *) { return kOfxStatErrUnsupported; }
static OfxStatus no_set_doubles(OfxPropertySetHandle, const char *, int, const double *) { return kOfxStatErrUnsupported; }
static OfxStatus no_set_ints(OfxPropertySetHandle, const char *, int, const int *) { return kOfxStatErrUnsupported; }
static OfxStatus no_pointers(OfxPropertySetHandle, const char *, int, void **) { return kOfxStatErrUnsupported; }
static OfxStatus no_strings(OfxPropertySetHandle, const char *, int, char **) { return kOfxStatErrUnsupported; }
static OfxStatus no_doubles(OfxPropertySetHandle, const char *, int, double *) { return kOfxStatErrUnsupported; }
static OfxStatus no_ints(OfxPropertySetHandle, const char *, int, int *) { return kOfxStatErrUnsupported; }
static OfxStatus no_reset(OfxPropertySetHandle, const char *) { return kOfxStatErrUnsupported; }
static OfxStatus dimension(OfxPropertySetHandle handle, const char *name, int *count) {
    const auto &values = reinterpret_cast<Set *>(handle)->values;
    const auto found = values.find(name);
    *count = found == values.end() ? 0 : static_cast<int>(found->second.size());
    return found == values.end() ? kOfxStatErrUnknown : kOfxStatOK;
}

static const OfxPropertySuiteV1 property_suite = {
    set_pointer, set_string, set_double, set_int, no_set_pointers, no_set_strings, no_set_doubles, no_set_ints,
    get_pointer, get_string, get_double, get_int, no_pointers, no_strings, no_doubles, no_ints, no_reset, dimension};

// Parameters -------------------------------------------------------------------------------------------------------

static OfxStatus param_define(OfxParamSetHandle set, const char *type, const char *name, OfxPropertySetHandle *props) {
    auto *effect = reinterpret_cast<Effect *>(set);
    if (!describing) fault("paramDefine outside of describe");
    if (effect->params.count(name)) return fault(std::string("two parameters ") + name), kOfxStatErrExists;
    Param &param = effect->params[name];
    param.type = type;
    if (props) *props = reinterpret_cast<OfxPropertySetHandle>(&param.props);
    return kOfxStatOK;
}

static OfxStatus param_handle(OfxParamSetHandle set, const char *name, OfxParamHandle *param, OfxPropertySetHandle *) {
    auto *effect = reinterpret_cast<Effect *>(set);
    const auto found = effect->params.find(name);
    if (!effect->instance || found == effect->params.end()) return fault(std::string("no parameter ") + name), kOfxStatErrUnknown;
    *param = reinterpret_cast<OfxParamHandle>(&found->second);
    return kOfxStatOK;
}

static OfxStatus param_set_props(OfxParamSetHandle, OfxPropertySetHandle *) { return kOfxStatErrUnsupported; }
static OfxStatus param_props(OfxParamHandle, OfxPropertySetHandle *) { return kOfxStatErrUnsupported; }

static OfxStatus read_param(Param &param, va_list arguments) {
    if (param.type == kOfxParamTypeDouble) *va_arg(arguments, double *) = param.real;
    else if (param.type == kOfxParamTypeString) *va_arg(arguments, char **) = param.text.data();
    else *va_arg(arguments, int *) = param.integer;
    return kOfxStatOK;
}

static thread_local bool rendering = false;

static OfxStatus param_get(OfxParamHandle handle, ...) {
    if (rendering && word("timeless", "") != "1") fault("paramGetValue in a render");
    va_list arguments;
    va_start(arguments, handle);
    const OfxStatus status = read_param(*reinterpret_cast<Param *>(handle), arguments);
    va_end(arguments);
    return status;
}

static OfxStatus param_get_at(OfxParamHandle handle, OfxTime time, ...) {
    if (word("timeless", "") == "1") return kOfxStatErrUnsupported;
    va_list arguments;
    va_start(arguments, time);
    const OfxStatus status = read_param(*reinterpret_cast<Param *>(handle), arguments);
    va_end(arguments);
    return status;
}

static OfxStatus param_set(OfxParamHandle handle, ...) {
    if (!may_set) fault("paramSetValue outside of InstanceChanged");
    auto &param = *reinterpret_cast<Param *>(handle);
    va_list arguments;
    va_start(arguments, handle);
    if (param.type == kOfxParamTypeString) param.text = va_arg(arguments, char *);
    else fault("only texts are set");
    va_end(arguments);
    return kOfxStatOK;
}

static OfxParameterSuiteV1 parameter_suite = {
    param_define, param_handle, param_set_props, param_props, param_get, param_get_at, nullptr, nullptr, param_set,
    nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr};

// Images -----------------------------------------------------------------------------------------------------------

constexpr std::uint8_t kGuard = 0xA5;

struct Picture {
    std::vector<std::uint8_t> memory;
    std::size_t first = 0;  // of pixel (x1, y1)
    std::ptrdiff_t row_bytes = 0;
    OfxRectI bounds{};
    int components = 4, sample = 4;
    Set props;

    std::uint8_t *row(int y) { return memory.data() + first + (y - bounds.y1) * row_bytes; }
    std::size_t used() const { return static_cast<std::size_t>((bounds.x2 - bounds.x1) * components * sample); }
    bool guarded() {
        std::vector<bool> pixel(memory.size(), false);
        for (int y = bounds.y1; y < bounds.y2; ++y) {
            const auto begin = static_cast<std::size_t>(row(y) - memory.data());
            std::fill(pixel.begin() + static_cast<std::ptrdiff_t>(begin),
                      pixel.begin() + static_cast<std::ptrdiff_t>(begin + used()), true);
        }
        for (std::size_t i = 0; i < memory.size(); ++i)
            if (!pixel[i] && memory[i] != kGuard) return false;
        return true;
    }
};

static int sample_bytes(const std::string &depth) { return depth == "byte" ? 1 : depth == "float" ? 4 : 2; }

static std::string depth_name(const std::string &depth) {
    return depth == "byte" ? kOfxBitDepthByte : depth == "short" ? kOfxBitDepthShort
         : depth == "half" ? kOfxBitDepthHalf : kOfxBitDepthFloat;
}

static std::unique_ptr<Picture> new_picture() {
    auto picture = std::make_unique<Picture>();
    const auto size = numbers(word("size", "64x48")), origin = numbers(word("origin", "0,0"));
    const int x = static_cast<int>(origin[0]), y = static_cast<int>(origin[1]);
    picture->bounds = {x, y, x + static_cast<int>(size[0]), y + static_cast<int>(size[1])};
    const std::string depth = word("depth", "float"), rows = word("rows", "plain");
    picture->components = word("components", "RGBA") == "RGB" ? 3 : 4;
    picture->sample = sample_bytes(depth);
    const auto height = static_cast<std::size_t>(size[1]);
    const std::size_t stride = picture->used() + (rows == "padded" ? 32 : 0), rim = 64;
    picture->memory.assign(stride * height + 2 * rim, kGuard);
    picture->row_bytes = static_cast<std::ptrdiff_t>(stride);
    picture->first = rim;
    if (rows == "negative") picture->first = rim + stride * (height - 1), picture->row_bytes = -picture->row_bytes;
    const OfxRectI &b = picture->bounds;
    picture->props.put<int>(kOfxImagePropBounds, {b.x1, b.y1, b.x2, b.y2})
        .put<int>(kOfxImagePropRowBytes, {static_cast<int>(picture->row_bytes)})
        .put<void *>(kOfxImagePropData, {picture->memory.data() + picture->first})
        .put<double>(kOfxImagePropPixelAspectRatio, {std::stod(word("aspect", "1"))})
        .text(kOfxImageEffectPropPixelDepth, depth_name(depth))
        .text(kOfxImageEffectPropComponents, picture->components == 3 ? kOfxImageComponentRGB : kOfxImageComponentRGBA)
        .text(kOfxImagePropField, kOfxImageFieldNone);
    if (words.count("rod")) {
        const auto rod = numbers(word("rod", ""));
        picture->props.put<int>(kOfxImagePropRegionOfDefinition, {static_cast<int>(rod[0]), static_cast<int>(rod[1]),
                                                                  static_cast<int>(rod[2]), static_cast<int>(rod[3])});
    }
    return picture;
}

static void store(std::uint8_t *at, const std::string &depth, int v) {
    const auto whole = static_cast<std::uint16_t>(v * 257);
    const float real = static_cast<float>(v) / 255.0F;
    std::uint16_t half = 0;  // of v / 256
    if (v > 0) {
        int exponent = 0;
        std::frexp(static_cast<float>(v), &exponent);
        half = static_cast<std::uint16_t>((exponent + 6) * 1024 + (v << (11 - exponent)) - 1024);
    }
    if (depth == "byte") *at = static_cast<std::uint8_t>(v);
    else if (depth == "short") std::memcpy(at, &whole, 2);
    else if (depth == "half") std::memcpy(at, &half, 2);
    else std::memcpy(at, &real, 4);
}

// What the source clip shows at a time: no two neighbours alike.
static void paint(Picture &picture, int time) {
    const std::string depth = word("depth", "float");
    for (int y = picture.bounds.y1; y < picture.bounds.y2; ++y)
        for (int x = picture.bounds.x1; x < picture.bounds.x2; ++x)
            for (int c = 0; c < picture.components; ++c) {
                const int column = x - picture.bounds.x1, row = picture.bounds.y2 - 1 - y;
                const int v = c == 3 ? 7 : (column * 3 + row * 5 + c * 40 + time * 11) & 255;
                store(picture.row(y) + ((x - picture.bounds.x1) * picture.components + c) * picture.sample, depth, v);
            }
}

struct Held {
    std::unique_ptr<Picture> own;
    Picture *shared = nullptr;
};

static thread_local Picture *output = nullptr;
static thread_local std::map<OfxPropertySetHandle, Held> held;

static OfxStatus clip_image(OfxImageClipHandle handle, OfxTime time, const OfxRectD *, OfxPropertySetHandle *image) {
    auto *clip = reinterpret_cast<Clip *>(handle);
    if (clip->name == "Output") {
        if (!output) return kOfxStatFailed;
        *image = reinterpret_cast<OfxPropertySetHandle>(&output->props);
        held[*image].shared = output;
    } else {
        const auto range = numbers(word("range", "0,100000"));
        if (word("source", "1") != "1" || time < range[0] || time > range[1]) return kOfxStatFailed;
        auto picture = new_picture();
        paint(*picture, static_cast<int>(time));
        *image = reinterpret_cast<OfxPropertySetHandle>(&picture->props);
        held[*image].own = std::move(picture);
    }
    ++images_out;
    return kOfxStatOK;
}

static OfxStatus release_image(OfxPropertySetHandle image) {
    const auto found = held.find(image);
    if (found == held.end()) return fault("an image released twice"), kOfxStatErrBadHandle;
    if (found->second.own && !found->second.own->guarded()) fault("the source was written beside its pixels");
    held.erase(found);
    --images_out;
    return kOfxStatOK;
}

static OfxStatus effect_props(OfxImageEffectHandle effect, OfxPropertySetHandle *props) {
    *props = reinterpret_cast<OfxPropertySetHandle>(&reinterpret_cast<Effect *>(effect)->props);
    return kOfxStatOK;
}
static OfxStatus effect_params(OfxImageEffectHandle effect, OfxParamSetHandle *params) {
    *params = reinterpret_cast<OfxParamSetHandle>(effect);
    return kOfxStatOK;
}
static OfxStatus clip_define(OfxImageEffectHandle handle, const char *name, OfxPropertySetHandle *props) {
    auto *effect = reinterpret_cast<Effect *>(handle);
    if (effect->clips.count(name)) return fault("two clips of a name"), kOfxStatErrExists;
    Clip &clip = effect->clips[name];
    clip.name = name;
    if (props) *props = reinterpret_cast<OfxPropertySetHandle>(&clip.props);
    return kOfxStatOK;
}
static OfxStatus clip_handle(OfxImageEffectHandle handle, const char *name, OfxImageClipHandle *clip, OfxPropertySetHandle *props) {
    auto *effect = reinterpret_cast<Effect *>(handle);
    const auto found = effect->clips.find(name);
    if (found == effect->clips.end()) return kOfxStatErrUnknown;
    *clip = reinterpret_cast<OfxImageClipHandle>(&found->second);
    if (props) *props = reinterpret_cast<OfxPropertySetHandle>(&found->second.props);
    return kOfxStatOK;
}
static OfxStatus clip_props(OfxImageClipHandle clip, OfxPropertySetHandle *props) {
    *props = reinterpret_cast<OfxPropertySetHandle>(&reinterpret_cast<Clip *>(clip)->props);
    return kOfxStatOK;
}
static OfxStatus clip_rod(OfxImageClipHandle, OfxTime, OfxRectD *bounds) {
    if (word("extent", "1") != "1") return kOfxStatOK;  // and nothing said
    const auto size = numbers(word("size", "64x48"));
    *bounds = {0, 0, size[0], size[1]};
    return kOfxStatOK;
}
static int should_abort(OfxImageEffectHandle) {
    const auto passed = std::chrono::steady_clock::now() - render_begun;
    return abort_after >= 0 && passed >= std::chrono::milliseconds(abort_after);
}

static OfxImageEffectSuiteV1 effect_suite = {
    effect_props, effect_params, clip_define, clip_handle, clip_props, clip_image, release_image, clip_rod,
    should_abort, nullptr, nullptr, nullptr, nullptr};

// Messages ---------------------------------------------------------------------------------------------------------

static OfxStatus message(void *, const char *, const char *, const char *, ...) { return fault("a dialogue"), kOfxStatOK; }
static OfxStatus persistent(void *, const char *type, const char *, const char *format, ...) {
    char text[2000];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    say("message %s %s", type, text);
    return kOfxStatOK;
}
static OfxStatus clear_persistent(void *) { return say("cleared"), kOfxStatOK; }
static const OfxMessageSuiteV2 message_suite = {message, persistent, clear_persistent};

static const void *fetch(OfxPropertySetHandle, const char *name, int version) {
    const std::string wanted = name;
    if (wanted == kOfxPropertySuite && version == 1) return &property_suite;
    if (wanted == kOfxParameterSuite && version == 1) return &parameter_suite;
    if (wanted == kOfxImageEffectSuite && version == 1) return word("effects", "1") == "1" ? &effect_suite : nullptr;
    if (wanted == kOfxMessageSuite && version == 2 && word("messages", "1") == "1") return &message_suite;
    return nullptr;
}

// The run ----------------------------------------------------------------------------------------------------------

static OfxPlugin *plugin = nullptr;

static OfxStatus act(const char *action, Effect *effect, Set *in = nullptr, Set *out = nullptr) {
    return plugin->mainEntry(action, effect, reinterpret_cast<OfxPropertySetHandle>(in), reinterpret_cast<OfxPropertySetHandle>(out));
}

static std::string context() {
    const std::string name = word("context", "filter");
    return name == "generator" ? kOfxImageEffectContextGenerator
         : name == "general"   ? kOfxImageEffectContextGeneral : kOfxImageEffectContextFilter;
}

static void describe(Effect &effect) {
    describing = true;
    if (act(kOfxActionDescribe, &effect) != kOfxStatOK) fault("describe");
    Set in;
    in.text(kOfxImageEffectPropContext, context());
    if (act(kOfxImageEffectActionDescribeInContext, &effect, &in) != kOfxStatOK) fault("describe in context");
    describing = false;
}

static Effect instance_of(const Effect &described) {
    Effect effect = described;
    effect.instance = true;
    for (auto &entry : effect.params) {
        Param &param = entry.second;
        const auto usual = param.props.values.find(kOfxParamPropDefault);
        if (usual != param.props.values.end()) {
            const Value &value = usual->second.at(0);
            if (auto *v = std::get_if<int>(&value)) param.integer = *v;
            if (auto *v = std::get_if<double>(&value)) param.real = *v;
            if (auto *v = std::get_if<std::string>(&value)) param.text = *v;
        }
        const auto given = words.find("set:" + entry.first);
        if (given == words.end()) continue;
        if (param.type == kOfxParamTypeDouble) param.real = std::stod(given->second);
        else if (param.type == kOfxParamTypeString) param.text = given->second;
        else param.integer = std::stoi(given->second);
    }
    for (const auto &entry : words) {
        if (entry.first.rfind("set:", 0) == 0 && !effect.params.count(entry.first.substr(4))) fault("no " + entry.first);
        if (entry.first.rfind("prop:", 0) == 0) effect.props.text(entry.first.substr(5), entry.second);
        if (entry.first.rfind("clip:", 0) == 0)
            effect.clips["Source"].props.put<int>(entry.first.substr(5), {std::stoi(entry.second)});
    }
    for (auto &entry : effect.clips) {
        entry.second.props.put<int>(kOfxImageClipPropConnected, {word("source", "1") == "1"});
        if (word("bare", "0") == "1") continue;
        entry.second.props.put<double>(kOfxImageEffectPropFrameRate, {std::stod(word("rate", "25"))});
        const auto range = numbers(word("range", "0,100000"));
        entry.second.props.put<double>(kOfxImageEffectPropFrameRange, {range[0], range[1]});
    }
    return effect;
}

static std::vector<std::string> dumps;

static unsigned crc32(const std::string &bytes) {
    unsigned sum = 0xFFFFFFFFU;
    for (const unsigned char byte : bytes) {
        sum ^= byte;
        for (int bit = 0; bit < 8; ++bit) sum = (sum >> 1) ^ (sum & 1 ? 0xEDB88320U : 0);
    }
    return ~sum;
}

static OfxStatus render(Effect &effect, int frame, std::size_t place) {
    auto picture = new_picture();
    output = picture.get();
    Set in;
    const OfxRectI b = picture->bounds;
    std::vector<int> window{b.x1, b.y1, b.x2, b.y2};
    if (words.count("window")) {
        window.clear();
        for (const double edge : numbers(word("window", ""))) window.push_back(static_cast<int>(edge));
    }
    const double scale = std::stod(word("scale", "1"));
    in.put<double>(kOfxPropTime, {static_cast<double>(frame) + std::stod(word("fraction", "0"))})
        .put<int>(kOfxImageEffectPropRenderWindow, window)
        .put<double>(kOfxImageEffectPropRenderScale, {scale, scale})
        .text(kOfxImageEffectPropFieldToRender, word("field", kOfxImageFieldNone));
    for (const auto &entry : words)
        if (entry.first.rfind("arg:", 0) == 0) in.put<int>(entry.first.substr(4), {std::stoi(entry.second)});
        else if (entry.first.rfind("text:", 0) == 0) in.text(entry.first.substr(5), entry.second);
    render_begun = std::chrono::steady_clock::now();
    rendering = true;
    const OfxStatus status = act(kOfxImageEffectActionRender, &effect, &in);
    rendering = false;
    const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - render_begun);
    if (!picture->guarded()) fault("pixels were written beside the picture");
    if (!held.empty()) fault("an image was kept");
    std::string pixels;
    for (int y = b.y2 - 1; y >= b.y1; --y) pixels.append(reinterpret_cast<char *>(picture->row(y)), picture->used());
    const bool summed = word("sums", "0") == "1";
    say("frame %d status %d ms %d%s", frame, status, static_cast<int>(passed.count()),
        summed ? (" sum " + std::to_string(crc32(pixels))).c_str() : "");
    if (!summed) dumps[place] = std::move(pixels);
    output = nullptr;
    return status;
}

static void one_frame(const Effect &described, Effect *shared, int frame, std::size_t place) {
    if (shared) {
        render(*shared, frame, place);
        return;
    }
    Effect own = instance_of(described);
    if (word("wander", "") == "1") {  // a slider that is dragged
        own.params["dustUse"].integer = 2;
        own.params["dust"].real = frame / 100.0;
    }
    if (act(kOfxActionCreateInstance, &own) != kOfxStatOK) fault("create");
    render(own, frame, place);
    if (act(kOfxActionDestroyInstance, &own) != kOfxStatOK) fault("destroy");
}

static void render_all(const Effect &described, Effect &effect) {
    const std::string text = word("frames", "0");
    const std::size_t dash = text.find('-', 1);
    const int first = std::stoi(text), last = dash == std::string::npos ? first : std::stoi(text.substr(dash + 1));
    std::vector<int> order;  // 2 3 1 0, 6 7 5 4 and so on
    for (int frame = first; frame <= last; ++frame) order.push_back(frame);
    const int threads = std::stoi(word("threads", "1"));
    if (threads > 1)
        for (std::size_t i = 0; i + 3 < order.size(); i += 4)
            order = [&] {
                auto mixed = order;
                mixed[i] = order[i + 2], mixed[i + 1] = order[i + 3], mixed[i + 2] = order[i + 1], mixed[i + 3] = order[i];
                return mixed;
            }();
    dumps.assign(order.size(), "");
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
        for (std::size_t i = next++; i < order.size(); i = next++) {
            one_frame(described, word("instances", "one") == "each" ? nullptr : &effect, order[i],
                      static_cast<std::size_t>(order[i] - first));
            std::this_thread::sleep_for(std::chrono::milliseconds(std::stoi(word("pause", "0"))));
        }
    };
    std::vector<std::thread> crew;
    for (int i = 1; i < threads; ++i) crew.emplace_back(work);
    work();
    for (auto &thread : crew) thread.join();
    if (words.count("dump")) {
        std::ofstream file(word("dump", ""), std::ios::binary);
        for (const auto &pixels : dumps) file << pixels;
    }
}

static void show(const char *what, OfxStatus status, const Set &set) {
    std::string text;
    for (const auto &entry : set.values)
        for (const Value &value : entry.second) {
            text += " " + entry.first + "=";
            if (auto *v = std::get_if<int>(&value)) text += std::to_string(*v);
            if (auto *v = std::get_if<double>(&value)) text += std::to_string(*v);
            if (auto *v = std::get_if<std::string>(&value)) text += *v;
        }
    say("%s status %d%s", what, status, text.c_str());
}

static void press(Effect &effect, const std::string &buttons) {
    std::string name;
    for (const char c : buttons + ",") {
        if (c != ',') {
            name += c;
            continue;
        }
        Set in;
        in.text(kOfxPropType, kOfxTypeParameter).text(kOfxPropName, name).text(kOfxPropChangeReason, kOfxChangeUserEdited);
        in.put<double>(kOfxPropTime, {0});
        may_set = true;
        const OfxStatus status = act(kOfxActionInstanceChanged, &effect, &in);
        may_set = false;
        say("pressed %s status %d shot=%s says=%s", name.c_str(), status, effect.params["shot"].text.c_str(),
            effect.params["status"].text.c_str());
        name.clear();
    }
}

static void extras(Effect &effect) {
    const std::string what = word("do", "");
    Set in, out;
    in.put<double>(kOfxPropTime, {10.0});
    if (what == "needed") show("needed", act(kOfxImageEffectActionGetFramesNeeded, &effect, &in, &out), out);
    if (what == "identity") show("identity", act(kOfxImageEffectActionIsIdentity, &effect, &in, &out), out);
    if (what == "colour") show("colour", act(kOfxImageEffectActionGetOutputColourspace, &effect, &in, &out), out);
    if (what == "prefs") show("prefs", act(kOfxImageEffectActionGetClipPreferences, &effect, &in, &out), out);
    if (what == "region") show("region", act(kOfxImageEffectActionGetRegionsOfInterest, &effect, &in, &out), out);
}

static void describe_aloud(const Effect &effect) {
    show("effect", 0, effect.props);
    for (const auto &entry : effect.params) show(("param " + entry.first + " " + entry.second.type).c_str(), 0, entry.second.props);
    for (const auto &entry : effect.clips) show(("clip " + entry.first).c_str(), 0, entry.second.props);
}

static int once(Set &host_props) {
    static OfxHost host{reinterpret_cast<OfxPropertySetHandle>(&host_props), fetch};
    plugin->setHost(&host);
    const OfxStatus loaded = act(kOfxActionLoad, nullptr);
    if (loaded != kOfxStatOK) return say("load status %d", loaded), 0;
    Effect described;
    describe(described);
    if (word("do", "") == "describe") describe_aloud(described);
    Effect effect = instance_of(described);
    if (act(kOfxActionCreateInstance, &effect) != kOfxStatOK) fault("create");
    if (words.count("press")) press(effect, word("press", ""));
    if (words.count("frames")) render_all(described, effect);
    extras(effect);
    if (word("do", "") == "fork") {
        const pid_t child = fork();
        if (child == 0) {
            words["dump"] = word("dump", "") + ".child";
            render_all(described, effect);
            std::fflush(stdout);
            _exit(faults ? 1 : 0);
        }
        int status = 0;
        waitpid(child, &status, 0);
        if (status != 0) fault("the child died");
        render_all(described, effect);
    }
    if (act(kOfxActionDestroyInstance, &effect) != kOfxStatOK) fault("destroy");
    const OfxStatus unknown = act("OfxActionThatNobodyKnows", nullptr);
    if (unknown != kOfxStatReplyDefault) fault("an unknown action");
    if (act(kOfxActionUnload, nullptr) != kOfxStatOK) fault("unload");
    return 0;
}

int main(int count, char **arguments) {
    if (count < 3) return std::printf("ofx_host PLUGIN EFFECT [word=value …]\n"), 2;
    if (const char *language = std::getenv("OFX_HOST_LOCALE")) std::setlocale(LC_ALL, language);
    for (int i = 3; i < count; ++i) {
        const std::string text = arguments[i];
        const std::size_t equal = text.find('=');
        words[text.substr(0, equal)] = equal == std::string::npos ? "1" : text.substr(equal + 1);
    }
    std::string name;
    for (const char c : word("missing", "") + ",") {
        if (c == ',') missing.insert(name), name.clear();
        else name += c;
    }
    abort_after = std::stoi(word("abort", "-1"));
    void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    if (!library) return std::printf("%s\n", dlerror()), 2;
    const auto number = reinterpret_cast<int (*)()>(dlsym(library, "OfxGetNumberOfPlugins"));
    const auto get = reinterpret_cast<OfxPlugin *(*)(int)>(dlsym(library, "OfxGetPlugin"));
    if (!number || !get) return std::printf("no plug-in\n"), 2;
    for (int i = -1; i <= number(); ++i) {
        OfxPlugin *candidate = get(i);
        if ((i < 0 || i >= number()) != (candidate == nullptr)) fault("plug-ins that are not there");
        if (candidate && std::string(candidate->pluginIdentifier) == std::string("org.vsfilmrestore.") + arguments[2])
            plugin = candidate;
    }
    if (!plugin || plugin->apiVersion != 1 || std::string(plugin->pluginApi) != kOfxImageEffectPluginApi)
        return std::printf("no effect %s\n", arguments[2]), 2;
    Set host_props;
    host_props.text(kOfxPropName, word("name", "test host"));
    if (word("bare", "0") != "1") host_props.put<int>(kOfxImageEffectPropTemporalClipAccess, {std::stoi(word("temporal", "1"))});
    for (int i = std::stoi(word("loads", "1")); i > 0; --i) once(host_props);
    if (images_out != 0) fault("images were kept");
    dlclose(library);
    say("end faults %d", faults.load());
    return faults ? 1 : 0;
}
