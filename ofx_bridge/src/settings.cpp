#include <algorithm>
#include <cmath>

#include "effect.h"

namespace vsfr {
namespace {

constexpr const char *kPresets[] = {
#define VSFR_PRESET(name, summary) name,
#define VSFR_DOSE(word, label, dose, help)
#include "settings.inc"
#undef VSFR_PRESET
#undef VSFR_DOSE
};

// With a point whatever the host's language is, and no more digits than a slider has.
std::string dose_text(double dose) {
    const long thousandths = std::lround(std::clamp(dose, 0.0, 1.0) * 1000);
    std::string text = std::to_string(thousandths / 1000) + "." + std::to_string(1000 + thousandths % 1000).substr(1);
    while (text.back() == '0' && text[text.size() - 2] != '.') text.pop_back();
    return text;
}

void add_dose(std::string &words, const Params &params, const char *word, double usual) {
    const int use = params.integer((std::string(word) + "Use").c_str(), 0);
    if (use == 1) words += std::string(" ") + word + "=off";
    if (use == 2) words += std::string(" ") + word + "=" + dose_text(params.real(word, usual));
}

std::string one_line(const std::string &text) {
    std::string line;
    for (const char c : text) {
        const bool blank = static_cast<unsigned char>(c) <= ' ';
        if (!blank) line += c;
        else if (!line.empty() && line.back() != ' ') line += ' ';
    }
    if (!line.empty() && line.back() == ' ') line.pop_back();
    return line;
}

}  // namespace

std::string recipe_words(const Params &params) {
    const int count = static_cast<int>(sizeof kPresets / sizeof *kPresets);
    std::string words = kPresets[std::clamp(params.integer(param::preset, 0), 0, count - 1)];
#define VSFR_PRESET(name, summary)
#define VSFR_DOSE(word, label, dose, help) add_dose(words, params, #word, dose);
#include "settings.inc"
#undef VSFR_PRESET
#undef VSFR_DOSE
    const std::string more = one_line(params.text(param::words));
    return more.empty() ? words : words + " " + more;
}

}  // namespace vsfr
