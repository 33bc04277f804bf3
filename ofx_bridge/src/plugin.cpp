// What the host loads: two functions, two effects, and the wall no exception passes.
#include <atomic>
#include <cstring>
#include <mutex>
#include <new>

#include "effect.h"

#if defined(_WIN32)
#define VSFR_EXPORT extern "C" __declspec(dllexport)
#else
#define VSFR_EXPORT extern "C" __attribute__((visibility("default")))
#endif

namespace vsfr {
namespace {

std::atomic<OfxHost *> g_host{nullptr};
std::mutex g_loading;
int g_loads = 0;

void set_host(OfxHost *host) { g_host = host; }

// One effect may be loaded while the other renders: the host is asked once for both.
OfxStatus load() {
    std::lock_guard<std::mutex> lock(g_loading);
    if (g_loads == 0) {
        if (!fetch_suites(g_host)) return kOfxStatErrMissingHostFeature;
        Hub::get().set_host(suites().name);
    }
    ++g_loads;
    return kOfxStatOK;
}

// The thread that reads must be gone before the host takes our code away.
OfxStatus unload() {
    std::lock_guard<std::mutex> lock(g_loading);
    if (g_loads > 0 && --g_loads == 0) Hub::get().close_all();
    return kOfxStatOK;
}

OfxStatus act(Effect effect, const char *action, OfxImageEffectHandle handle, const Props &in, const Props &out) {
    const auto is = [&](const char *name) { return std::strcmp(action, name) == 0; };
    if (is(kOfxActionLoad)) return load();
    if (is(kOfxActionUnload)) return unload();
    if (is(kOfxActionDescribe)) return describe(effect, handle);
    if (is(kOfxImageEffectActionDescribeInContext)) return describe_in_context(effect, handle, in);
    if (is(kOfxActionCreateInstance)) return kOfxStatOK;
    if (is(kOfxActionDestroyInstance)) return forget_message(handle), kOfxStatOK;
    if (is(kOfxActionInstanceChanged)) return instance_changed(effect, handle, in);
    if (is(kOfxImageEffectActionGetClipPreferences)) return clip_preferences(effect, out);
    if (is(kOfxImageEffectActionGetFramesNeeded)) return frames_needed(effect, handle, in, out);
    if (is(kOfxImageEffectActionGetRegionsOfInterest)) return region_of_interest(effect, handle, in, out);
    if (is(kOfxImageEffectActionIsIdentity)) return identity(effect, handle, in, out);
    if (is(kOfxImageEffectActionGetOutputColourspace)) return output_colour(effect, handle, in, out);
    if (is(kOfxImageEffectActionRender)) return render(effect, handle, in);
    return kOfxStatReplyDefault;
}

template <Effect effect>
OfxStatus main_entry(const char *action, const void *handle, OfxPropertySetHandle in, OfxPropertySetHandle out) {
    if (!action) return kOfxStatErrValue;
    try {
        auto *instance = static_cast<OfxImageEffectHandle>(const_cast<void *>(handle));
        return act(effect, action, instance, Props(in), Props(out));
    } catch (const std::bad_alloc &) {
        return kOfxStatErrMemory;
    } catch (...) {
        return kOfxStatFailed;
    }
}

OfxPlugin g_plugins[] = {
    {kOfxImageEffectPluginApi, kOfxImageEffectPluginApiVersion, "org.vsfilmrestore.Source", 1, 0, set_host,
     main_entry<Effect::source>},
    {kOfxImageEffectPluginApi, kOfxImageEffectPluginApiVersion, "org.vsfilmrestore.Through", 1, 0, set_host,
     main_entry<Effect::through>},
};

}  // namespace
}  // namespace vsfr

VSFR_EXPORT int OfxGetNumberOfPlugins(void) { return 2; }

VSFR_EXPORT OfxPlugin *OfxGetPlugin(int nth) {
    return nth == 0 || nth == 1 ? &vsfr::g_plugins[nth] : nullptr;
}
