// The host's suites, and access to properties and parameters that may be absent. No function here throws.
#ifndef VSFR_HOST_H
#define VSFR_HOST_H

#include <string>

#include "ofx_abi.h"

namespace vsfr {

struct Suites {
    const OfxHost *host = nullptr;
    const OfxPropertySuiteV1 *prop = nullptr;
    const OfxParameterSuiteV1 *param = nullptr;
    const OfxImageEffectSuiteV1 *effect = nullptr;
    const OfxMessageSuiteV2 *message = nullptr;  // null where the host has none
    bool temporal = false;                       // frames beside the current one are what they say
    std::string name;
};

// Filled by Load, read by everything after it.
Suites &suites();
// Fetches what setHost named. False where a suite is missing that no effect can do without.
bool fetch_suites(const OfxHost *host);

// A set of properties; what the host does not know is the default.
class Props {
public:
    explicit Props(OfxPropertySetHandle handle = nullptr) : handle_(handle) {}
    static Props of_effect(OfxImageEffectHandle effect);
    static Props of_clip(OfxImageClipHandle clip);

    int integer(const char *name, int missing, int index = 0) const;
    double real(const char *name, double missing, int index = 0) const;
    std::string text(const char *name, const std::string &missing = "", int index = 0) const;
    void *pointer(const char *name) const;
    bool has_integer(const char *name, int index = 0) const;
    bool has_real(const char *name, int index = 0) const;
    bool rectangle(const char *name, OfxRectI &value) const;

    const Props &set(const char *name, int value, int index = 0) const;
    const Props &set(const char *name, double value, int index = 0) const;
    const Props &set(const char *name, const char *value, int index = 0) const;
    explicit operator bool() const { return handle_ != nullptr; }

private:
    OfxPropertySetHandle handle_;
};

// Values of parameters of an instance at a time; what the host does not know is the default. A render must ask for the
// values of its time (paramGetValueAtTime); only where the host has none for it are those of now taken.
class Params {
public:
    Params(OfxImageEffectHandle effect, OfxTime time);
    int integer(const char *name, int missing) const;
    double real(const char *name, double missing) const;
    std::string text(const char *name) const;
    // Only within InstanceChanged.
    void set_text(const char *name, const std::string &value) const;

private:
    template <class T> bool read(const char *name, T &value) const;
    OfxParamHandle find(const char *name) const;
    OfxParamSetHandle set_ = nullptr;
    OfxTime time_;
};

OfxImageClipHandle clip_named(OfxImageEffectHandle effect, const char *name);
bool connected(OfxImageEffectHandle effect, const char *clip);
bool aborted(OfxImageEffectHandle effect);

// What is shown on the effect until `clear_message`, where the host has a place for it.
void show_message(OfxImageEffectHandle effect, const char *kind, const std::string &text);
void clear_message(OfxImageEffectHandle effect);
void forget_message(OfxImageEffectHandle effect);

}  // namespace vsfr

#endif
