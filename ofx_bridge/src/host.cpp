#include "host.h"

#include <mutex>
#include <set>

namespace vsfr {

Suites &suites() {
    static Suites *all = new Suites;  // never destroyed: render threads may outlive the end of the process's statics
    return *all;
}

bool fetch_suites(const OfxHost *host) {
    if (!host || !host->fetchSuite) return false;
    Suites &all = suites();
    all.host = host;
    const auto fetch = [&](const char *name, int version) { return host->fetchSuite(host->host, name, version); };
    all.prop = static_cast<const OfxPropertySuiteV1 *>(fetch(kOfxPropertySuite, 1));
    all.param = static_cast<const OfxParameterSuiteV1 *>(fetch(kOfxParameterSuite, 1));
    all.effect = static_cast<const OfxImageEffectSuiteV1 *>(fetch(kOfxImageEffectSuite, 1));
    all.message = static_cast<const OfxMessageSuiteV2 *>(fetch(kOfxMessageSuite, 2));
    if (!all.prop || !all.param || !all.effect) return false;
    const Props props(host->host);
    all.temporal = props.integer(kOfxImageEffectPropTemporalClipAccess, 0) != 0;
    all.name = props.text(kOfxPropName);
    const std::string version = props.text(kOfxPropVersionLabel);
    if (!version.empty()) all.name += " " + version;
    return true;
}

Props Props::of_effect(OfxImageEffectHandle effect) {
    OfxPropertySetHandle handle = nullptr;
    const bool found = effect && suites().effect->getPropertySet(effect, &handle) == kOfxStatOK;
    return Props(found ? handle : nullptr);
}

Props Props::of_clip(OfxImageClipHandle clip) {
    OfxPropertySetHandle handle = nullptr;
    const bool found = clip && suites().effect->clipGetPropertySet(clip, &handle) == kOfxStatOK;
    return Props(found ? handle : nullptr);
}

int Props::integer(const char *name, int missing, int index) const {
    int value = missing;
    return handle_ && suites().prop->propGetInt(handle_, name, index, &value) == kOfxStatOK ? value : missing;
}

double Props::real(const char *name, double missing, int index) const {
    double value = missing;
    return handle_ && suites().prop->propGetDouble(handle_, name, index, &value) == kOfxStatOK ? value : missing;
}

std::string Props::text(const char *name, const std::string &missing, int index) const {
    char *value = nullptr;
    const bool found = handle_ && suites().prop->propGetString(handle_, name, index, &value) == kOfxStatOK;
    return found && value ? value : missing;
}

void *Props::pointer(const char *name) const {
    void *value = nullptr;
    return handle_ && suites().prop->propGetPointer(handle_, name, 0, &value) == kOfxStatOK ? value : nullptr;
}

bool Props::has_integer(const char *name, int index) const {
    int value = 0;
    return handle_ && suites().prop->propGetInt(handle_, name, index, &value) == kOfxStatOK;
}

bool Props::has_real(const char *name, int index) const {
    double value = 0;
    return handle_ && suites().prop->propGetDouble(handle_, name, index, &value) == kOfxStatOK;
}

bool Props::rectangle(const char *name, OfxRectI &value) const {
    for (int i = 0; i < 4; ++i)
        if (!has_integer(name, i)) return false;
    value = {integer(name, 0, 0), integer(name, 0, 1), integer(name, 0, 2), integer(name, 0, 3)};
    return true;
}

const Props &Props::set(const char *name, int value, int index) const {
    if (handle_) suites().prop->propSetInt(handle_, name, index, value);
    return *this;
}

const Props &Props::set(const char *name, double value, int index) const {
    if (handle_) suites().prop->propSetDouble(handle_, name, index, value);
    return *this;
}

const Props &Props::set(const char *name, const char *value, int index) const {
    if (handle_) suites().prop->propSetString(handle_, name, index, value);
    return *this;
}

Params::Params(OfxImageEffectHandle effect, OfxTime time) : time_(time) {
    if (!effect || suites().effect->getParamSet(effect, &set_) != kOfxStatOK) set_ = nullptr;
}

OfxParamHandle Params::find(const char *name) const {
    OfxParamHandle param = nullptr;
    const bool found = set_ && suites().param->paramGetHandle(set_, name, &param, nullptr) == kOfxStatOK;
    return found ? param : nullptr;
}

// A value is taken from a call that succeeded only: some hosts write before they fail.
template <class T> bool Params::read(const char *name, T &value) const {
    OfxParamHandle param = find(name);
    if (!param) return false;
    T held{};
    bool found = suites().param->paramGetValueAtTime(param, time_, &held) == kOfxStatOK;
    if (!found) held = T{}, found = suites().param->paramGetValue(param, &held) == kOfxStatOK;
    if (found) value = held;
    return found;
}

int Params::integer(const char *name, int missing) const {
    int value = missing;
    read(name, value);
    return value;
}

double Params::real(const char *name, double missing) const {
    double value = missing;
    read(name, value);
    return value;
}

std::string Params::text(const char *name) const {
    char *value = nullptr;
    return read(name, value) && value ? value : "";
}

void Params::set_text(const char *name, const std::string &value) const {
    if (OfxParamHandle param = find(name)) suites().param->paramSetValue(param, value.c_str());
}

OfxImageClipHandle clip_named(OfxImageEffectHandle effect, const char *name) {
    OfxImageClipHandle clip = nullptr;
    const bool found = suites().effect->clipGetHandle(effect, name, &clip, nullptr) == kOfxStatOK;
    return found ? clip : nullptr;
}

bool connected(OfxImageEffectHandle effect, const char *clip) {
    OfxImageClipHandle handle = clip_named(effect, clip);
    return handle && Props::of_clip(handle).integer(kOfxImageClipPropConnected, 1) != 0;
}

bool aborted(OfxImageEffectHandle effect) { return suites().effect->abort && suites().effect->abort(effect) != 0; }

namespace {

struct Messages {
    std::mutex mutex;
    std::set<OfxImageEffectHandle> shown;
};

Messages &messages() {
    static auto *all = new Messages;
    return *all;
}

}  // namespace

void show_message(OfxImageEffectHandle effect, const char *kind, const std::string &text) {
    const OfxMessageSuiteV2 *suite = suites().message;
    if (!suite || !suite->setPersistentMessage) return;
    {
        std::lock_guard<std::mutex> lock(messages().mutex);
        messages().shown.insert(effect);
    }
    suite->setPersistentMessage(effect, kind, "", "%s", text.c_str());
}

void clear_message(OfxImageEffectHandle effect) {
    const OfxMessageSuiteV2 *suite = suites().message;
    if (!suite || !suite->clearPersistentMessage) return;
    {
        std::lock_guard<std::mutex> lock(messages().mutex);
        if (messages().shown.erase(effect) == 0) return;
    }
    suite->clearPersistentMessage(effect);
}

void forget_message(OfxImageEffectHandle effect) {
    std::lock_guard<std::mutex> lock(messages().mutex);
    messages().shown.erase(effect);
}

}  // namespace vsfr
