// What goes wrong between the plug-in and the server. Thrown inside, turned into a status before the host sees it.
#ifndef VSFR_PROBLEM_H
#define VSFR_PROBLEM_H

#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>

namespace vsfr {

using Clock = std::chrono::steady_clock;
using Instant = Clock::time_point;

inline Clock::duration seconds(double amount) {
    return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(amount));
}

enum class Trouble {
    aborted,  // the host does not want the frame any more
    absent,   // no server
    version,  // a server of another time
    lost,     // the connection ended under the request
    late,     // a time-out
    busy,     // the server asks to come again
    refused,  // the server says no, or says what cannot be
    host,     // the host gave what cannot be worked with
};

struct Problem : std::runtime_error {
    Problem(Trouble trouble, const std::string &text) : std::runtime_error(text), trouble(trouble) {}
    Trouble trouble;
};

// How long to wait, who may call it off, and who is told what is going on meanwhile.
struct Patience {
    double connect = 2, first = 300, later = 60, reconnect = 30;
    std::function<bool()> aborted = [] { return false; };
    std::function<void(const std::string &)> tell = [](const std::string &) {};
};

// How often a waiting thread looks whether it is still wanted: an abort is to be answered within 50 ms.
constexpr std::chrono::milliseconds kGlance{15};

}  // namespace vsfr

#endif
