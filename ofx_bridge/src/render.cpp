#include <algorithm>
#include <cmath>
#include <thread>

#include "effect.h"
#include "pixels.h"

namespace vsfr {
namespace {

// An image of the host, given back in any case.
class ClipImage {
public:
    ClipImage(OfxImageClipHandle clip, OfxTime time) {
        if (!clip || suites().effect->clipGetImage(clip, time, nullptr, &handle_) != kOfxStatOK) handle_ = nullptr;
    }
    ClipImage(ClipImage &&other) noexcept : handle_(other.handle_) { other.handle_ = nullptr; }
    ClipImage &operator=(ClipImage &&) = delete;
    ~ClipImage() {
        if (handle_) suites().effect->clipReleaseImage(handle_);
    }
    explicit operator bool() const { return handle_ != nullptr; }
    Props props() const { return Props(handle_); }
    Image image() const { return Image::read(props()); }

private:
    OfxPropertySetHandle handle_ = nullptr;
};

// One call of render: what the host asks for.
struct Job {
    OfxImageEffectHandle effect;
    const Props &in;
    Params params;
    double time;
    Image out;
    OfxRectI window, whole;  // to be filled; and where the frame lies, which may be more than the image holds
    Patience patience;
};

void nap(const Patience &patience, double length) {
    const Instant until = Clock::now() + seconds(length);
    while (Clock::now() < until) {
        if (patience.aborted()) throw Problem(Trouble::aborted, "");
        std::this_thread::sleep_for(kGlance);
    }
}

// Ask the server; begin anew when it dies under the question, three times at most: a frame that kills it once more is
// not asked for for ever.
template <class Attempt> void with_server(const Job &job, const Attempt &attempt) {
    const Instant latest = Clock::now() + seconds(job.patience.first);
    const std::string name = job.params.text(param::server);
    double pause = 0.25;
    for (int losses = 0;;) {
        try {
            attempt(Hub::get().connection(name, job.patience));
            return;
        } catch (const Problem &problem) {
            if (problem.trouble == Trouble::busy && Clock::now() < latest) {
                nap(job.patience, pause);
                pause = std::min(4.0, pause * 2);
            } else if (problem.trouble != Trouble::lost) {
                throw;
            } else if (++losses == 3) {
                throw Problem(Trouble::lost, std::string("the server went away three times: ") + problem.what());
            }
        }
    }
}

Instant patience_left(const Job &job, const Source &source) {
    return Clock::now() + seconds(source.warm ? job.patience.later : job.patience.first);
}

Planes planes_of(const Lent &lent, std::uint64_t skip = 0) {
    const Place &place = lent.place();
    return {lent.pixels() + skip, place.width, place.height, place.stride, place.plane, lent.source().key.depth};
}

// Source -----------------------------------------------------------------------------------------------------------

// Size of the scan's frame in the pixels of the job.
void placed_size(const Job &job, const Info &info, int &width, int &height) {
    const double wide = job.whole.x2 - job.whole.x1, high = job.whole.y2 - job.whole.y1, aspect = job.out.aspect;
    const double across = wide * aspect / info.width, along = high / info.height;
    double x = std::min(across, along), y = x;
    switch (static_cast<Fit>(job.params.integer(param::fit, 0))) {
        case Fit::fill: x = y = std::max(across, along); break;
        case Fit::stretch: x = across, y = along; break;
        case Fit::own:
            x = job.in.real(kOfxImageEffectPropRenderScale, 1, 0), y = job.in.real(kOfxImageEffectPropRenderScale, 1, 1);
            break;
        default: break;
    }
    const auto rounded = [](double size, double frame) {
        if (std::abs(size - frame) < 1.01) size = frame;  // no row of black for a rounding
        return static_cast<int>(std::clamp(std::lround(size), 1L, 65535L));
    };
    width = rounded(info.width * x / aspect, wide), height = rounded(info.height * y, high);
}

void show_frame(const Job &job, const std::shared_ptr<Connection> &connection, SourceKey key, std::int64_t frame) {
    key.depth = job.out.depth;
    const auto source = connection->open(key, job.patience, Clock::now() + seconds(job.patience.first));
    const Info &info = source->info;
    remember(key, info);
    if (frame < info.first || frame - info.first >= info.frames)
        throw Problem(Trouble::refused, "there is no frame " + std::to_string(frame) + "; it goes from " +
                                            std::to_string(info.first) + " to " +
                                            std::to_string(info.first + info.frames - 1));
    int width = 0, height = 0;
    placed_size(job, info, width, height);
    const auto w = static_cast<std::uint32_t>(width), h = static_cast<std::uint32_t>(height);
    // Smaller pictures are the server's to make, as it filters well; larger ones do not fit into its slots.
    const bool full = w >= info.width || h >= info.height;
    const bool draft = job.in.integer(kOfxImageEffectPropRenderQualityDraft, 0) != 0;
    const Lent lent = connection->get(source, frame, full ? 0 : w, full ? 0 : h, draft, job.patience,
                                      patience_left(job, *source));
    const int left = job.whole.x1 + (job.whole.x2 - job.whole.x1 - width) / 2;
    const int bottom = job.whole.y1 + (job.whole.y2 - job.whole.y1 - height) / 2;
    const Planes planes = planes_of(lent);
    if (planes.width == w && planes.height == h) put(job.out, job.window, planes, left, bottom);
    else put_scaled(job.out, job.window, planes, {left, bottom, left + width, bottom + height});
}

void render_source(const Job &job) {
    std::int64_t frame = 0;
    const SourceKey key = source_wanted(job.effect, job.params, job.in, frame);
    with_server(job, [&](const std::shared_ptr<Connection> &connection) { show_frame(job, connection, key, frame); });
}

// Through ----------------------------------------------------------------------------------------------------------

void rate_of(const Job &job, OfxImageClipHandle clip, std::uint32_t &num, std::uint32_t &den) {
    double rate = Props::of_clip(clip).real(kOfxImageEffectPropFrameRate, 0);
    if (!(rate > 0)) rate = Props::of_effect(job.effect).real(kOfxImageEffectPropFrameRate, 0);
    if (!(rate > 0 && rate < 1000)) rate = 24;
    const double tv = rate * 1001 / 1000;
    if (std::abs(rate - std::round(rate)) < 1e-4) num = static_cast<std::uint32_t>(std::lround(rate)), den = 1;
    else if (std::abs(tv - std::round(tv)) < 1e-3) num = static_cast<std::uint32_t>(std::lround(tv)) * 1000, den = 1001;
    else num = static_cast<std::uint32_t>(std::max(1L, std::lround(rate * 1000))), den = 1000;
}

bool alike(const Image &a, const Image &b) {
    return a.width() == b.width() && a.height() == b.height() && a.depth == b.depth;
}

// Frames next to the job's, on one side, the nearest first; the first that is not there ends them.
std::vector<ClipImage> neighbours(const Job &job, OfxImageClipHandle clip, const Image &middle, int count, int step) {
    std::vector<ClipImage> found;
    const Props props = Props::of_clip(clip);
    const bool limited = props.has_real(kOfxImageEffectPropFrameRange, 1);
    for (int i = 1; i <= count; ++i) {
        const double time = job.time + i * step;
        if (limited && (time < props.real(kOfxImageEffectPropFrameRange, 0, 0) - 0.5 ||
                        time > props.real(kOfxImageEffectPropFrameRange, 0, 1) + 0.5))
            break;
        if (job.patience.aborted()) throw Problem(Trouble::aborted, "");
        ClipImage image(clip, time);
        if (!image || !alike(image.image(), middle)) break;
        found.push_back(std::move(image));
    }
    return found;
}

void run_recipe(const Job &job, const std::shared_ptr<Connection> &connection, const SourceKey &key,
                OfxImageClipHandle clip, const Image &middle) {
    const auto source = connection->open(key, job.patience, Clock::now() + seconds(job.patience.first));
    remember(key, source->info);
    // No more than the slot is made for, whatever has been forgotten meanwhile.
    const auto most = static_cast<int>(std::min<std::uint32_t>(source->info.radius, 32));
    const int reach = std::min(reach_of(job.params), most);
    const auto before = neighbours(job, clip, middle, reach, -1), after = neighbours(job, clip, middle, reach, 1);
    Lent slot = connection->reserve(source, job.patience, patience_left(job, *source));
    check_room(slot, before.size() + 1 + after.size());
    std::uint64_t skip = 0;
    const auto add = [&](const Image &image) {
        take(image, planes_of(slot, skip));
        skip += slot.place().frame;
    };
    for (auto image = before.rbegin(); image != before.rend(); ++image) add(image->image());
    add(middle);
    for (const ClipImage &image : after) add(image.image());
    const auto frame = static_cast<std::int64_t>(std::floor(job.time + 1e-4));
    const Lent done = connection->process(std::move(slot), source, frame, static_cast<unsigned>(before.size()),
                                          static_cast<unsigned>(after.size()), job.patience,
                                          patience_left(job, *source));
    put(job.out, job.window, planes_of(done), middle.bounds.x1, middle.bounds.y1);
}

void render_through(const Job &job) {
    OfxImageClipHandle clip = clip_named(job.effect, kOfxImageEffectSimpleSourceClipName);
    const ClipImage held(clip, job.time);
    if (!held) throw Problem(Trouble::host, "there is no picture to restore");
    const Image middle = held.image();
    if (middle.depth != job.out.depth) throw Problem(Trouble::host, "the picture and its result differ in depth");
    SourceKey key;
    key.kind = 3, key.depth = middle.depth;
    key.width = static_cast<std::uint32_t>(middle.width()), key.height = static_cast<std::uint32_t>(middle.height());
    rate_of(job, clip, key.rate_num, key.rate_den);
    key.settings = recipe_words(job.params);
    with_server(job, [&](const std::shared_ptr<Connection> &connection) {
        run_recipe(job, connection, key, clip, middle);
    });
}

// Both -------------------------------------------------------------------------------------------------------------

bool show_source(const Job &job) {
    if (!connected(job.effect, kOfxImageEffectSimpleSourceClipName)) return false;
    const ClipImage held(clip_named(job.effect, kOfxImageEffectSimpleSourceClipName), job.time);
    if (!held) return false;
    const Image image = held.image();
    if (image.depth != job.out.depth) return false;
    copy(job.out, job.window, image);
    return true;
}

// A restored frame cannot be had. Where that fails the render, the picture says so as well: some programs go on with
// what they find in it.
OfxStatus without_frame(const Job &job, const Problem &problem) {
    const auto choice = static_cast<NoServer>(job.params.integer(param::no_server, 0));
    const std::string text = std::string("vsfilmrestore: ") + problem.what();
    if (choice == NoServer::source && show_source(job)) {
        show_message(job.effect, kOfxMessageWarning, text + " (not restored)");
        return kOfxStatOK;
    }
    checkerboard(job.out, job.window);
    const bool goes_on = choice == NoServer::checkerboard;
    show_message(job.effect, goes_on ? kOfxMessageWarning : kOfxMessageError, text);
    return goes_on ? kOfxStatOK : kOfxStatFailed;
}

bool thumbnail(const Job &job) {
    if (job.in.text(kOfxImageEffectPropThumbnailRender, "false") == "true") return true;
    OfxImageClipHandle clip = clip_named(job.effect, kOfxImageEffectSimpleSourceClipName);
    return clip && Props::of_clip(clip).integer(kOfxImageClipPropThumbnail, 0) != 0;
}

OfxStatus rendered(Effect effect, Job &job) {
    if (thumbnail(job) && show_source(job)) return kOfxStatOK;  // nobody waits for a network for an icon
    try {
        const std::string field = job.in.text(kOfxImageEffectPropFieldToRender, kOfxImageFieldNone);
        if (field != kOfxImageFieldNone && field != kOfxImageFieldBoth)
            throw Problem(Trouble::host, "single fields cannot be restored; set the clip to progressive");
        if (effect == Effect::source) render_source(job);
        else render_through(job);
    } catch (const Problem &problem) {
        if (problem.trouble == Trouble::aborted) {
            clear_message(job.effect);
            return kOfxStatFailed;
        }
        return without_frame(job, problem);
    }
    clear_message(job.effect);
    return kOfxStatOK;
}

}  // namespace

OfxStatus render(Effect effect, OfxImageEffectHandle handle, const Props &in) {
    const double time = in.real(kOfxPropTime, 0);
    const ClipImage held(clip_named(handle, kOfxImageEffectOutputClipName), time);
    if (!held) return kOfxStatFailed;
    Job job{handle, in, Params(handle, time), time, Image{}, {}, {}, {}};
    try {
        job.out = held.image();
    } catch (const Problem &problem) {
        show_message(handle, kOfxMessageError, std::string("vsfilmrestore: ") + problem.what());
        return kOfxStatErrImageFormat;
    }
    job.window = job.whole = job.out.bounds;
    constexpr int kFar = 1 << 24;  // as of bounds: sums of places stay numbers
    OfxRectI wanted{};
    if (in.rectangle(kOfxImageEffectPropRenderWindow, wanted)) job.window = crossed(wanted, job.out.bounds);
    if (held.props().rectangle(kOfxImagePropRegionOfDefinition, wanted) && wanted.x2 > wanted.x1 &&
        wanted.y2 > wanted.y1 && wanted.x1 > -kFar && wanted.x1 < kFar && wanted.y1 > -kFar && wanted.y1 < kFar &&
        wanted.x2 - std::int64_t{wanted.x1} < 65536 && wanted.y2 - std::int64_t{wanted.y1} < 65536)
        job.whole = wanted;
    job.patience = patience_of(handle, job.params);
    job.patience.tell = [handle](const std::string &text) { show_message(handle, kOfxMessageMessage, text); };
    return rendered(effect, job);
}

}  // namespace vsfr
