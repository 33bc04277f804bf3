// What both effects do in each action. Everything here may throw; plugin.cpp lets nothing through to the host.
#ifndef VSFR_EFFECT_H
#define VSFR_EFFECT_H

#include <string>

#include "connection.h"
#include "host.h"

namespace vsfr {

enum class Effect { source, through };

// Names of parameters. They are in host projects from the first release on.
namespace param {
constexpr const char *from = "from", *file = "file", *shot = "shot", *next = "nextShot", *previous = "previousShot",
                     *offset = "offset", *fit = "fit", *colour = "colour", *preset = "preset", *words = "words",
                     *reach = "reach", *no_server = "ifNoServer", *ask = "askServer", *status = "status",
                     *server = "serverName", *connect = "connectTimeout", *first = "firstTimeout",
                     *later = "laterTimeout", *reconnect = "reconnectTimeout";
}

enum class From { automatic, file, shot, reel };
enum class Fit { inside, fill, stretch, own };
enum class NoServer { fail, source, checkerboard };

// describe.cpp
OfxStatus describe(Effect effect, OfxImageEffectHandle handle);
OfxStatus describe_in_context(Effect effect, OfxImageEffectHandle handle, const Props &in);

// settings.cpp: the recipe of the panel as marker words, "archive dust=0.8 grain=off"
std::string recipe_words(const Params &params);

// render.cpp
OfxStatus render(Effect effect, OfxImageEffectHandle handle, const Props &in);

// ask.cpp: all that is not a frame
OfxStatus instance_changed(Effect effect, OfxImageEffectHandle handle, const Props &in);
OfxStatus clip_preferences(Effect effect, const Props &out);
OfxStatus frames_needed(Effect effect, OfxImageEffectHandle handle, const Props &in, const Props &out);
OfxStatus region_of_interest(Effect effect, OfxImageEffectHandle handle, const Props &in, const Props &out);
OfxStatus identity(Effect effect, OfxImageEffectHandle handle, const Props &in, const Props &out);
OfxStatus output_colour(Effect effect, OfxImageEffectHandle handle, const Props &in, const Props &out);

// shared.cpp
Patience patience_of(OfxImageEffectHandle handle, const Params &params);
// Which source of the server the Source effect shows; `frame` is counted as the source counts.
SourceKey source_wanted(OfxImageEffectHandle handle, const Params &params, const Props &in, std::int64_t &frame);
// Frames on each side that Through sends with the frame, as far as it is known without asking.
int reach_of(const Params &params);

// What INFO said of a recipe or source, for actions that must not ask.
void remember(const SourceKey &key, const Info &info);
bool recall(const SourceKey &key, Info &info);

}  // namespace vsfr

#endif
