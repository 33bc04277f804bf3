// Named pipes and file mappings of Windows. Built with MinGW, not run.
#ifdef _WIN32

#define WIN32_LEAN_AND_MEAN
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <vector>

#include "channel.h"

namespace vsfr {
namespace {

struct Handle {
    explicit Handle(HANDLE value = nullptr) : value(value) {}
    Handle(Handle &&other) noexcept : value(other.value) { other.value = nullptr; }
    Handle &operator=(Handle &&) = delete;
    ~Handle() {
        if (value && value != INVALID_HANDLE_VALUE) ::CloseHandle(value);
    }
    HANDLE value;
};

std::string variable(const char *name) {
    std::vector<char> text(32768);
    const DWORD size = ::GetEnvironmentVariableA(name, text.data(), static_cast<DWORD>(text.size()));
    return size && size < text.size() ? std::string(text.data(), size) : std::string();
}

class WindowsMapping final : public Mapping {
public:
    WindowsMapping(const std::string &name, std::uint64_t least, bool writable)
        : mapping_(::OpenFileMappingA(writable ? FILE_MAP_WRITE | FILE_MAP_READ : FILE_MAP_READ, FALSE, name.c_str())) {
        if (!mapping_.value) throw Problem(Trouble::refused, "the server's memory cannot be opened");
        void *base = ::MapViewOfFile(mapping_.value, writable ? FILE_MAP_WRITE | FILE_MAP_READ : FILE_MAP_READ, 0, 0, 0);
        if (!base) throw Problem(Trouble::refused, "the server's memory cannot be mapped");
        data_ = static_cast<std::uint8_t *>(base);
        MEMORY_BASIC_INFORMATION facts{};
        ::VirtualQuery(base, &facts, sizeof facts);
        size_ = facts.RegionSize;  // a section cannot shrink while it is mapped
        if (size_ < least) {
            ::UnmapViewOfFile(base);
            throw Problem(Trouble::refused, "the server sent less memory than it says");
        }
    }
    ~WindowsMapping() override { ::UnmapViewOfFile(data_); }

private:
    Handle mapping_;
};

class PipeChannel final : public Channel {
public:
    explicit PipeChannel(Handle pipe)
        : pipe_(std::move(pipe)), stop_(::CreateEventA(nullptr, TRUE, FALSE, nullptr)),
          sent_(::CreateEventA(nullptr, TRUE, FALSE, nullptr)), got_(::CreateEventA(nullptr, TRUE, FALSE, nullptr)) {}

    void send(const std::uint8_t *data, std::size_t size) override {
        std::lock_guard<std::mutex> lock(sending_);
        while (size > 0) {
            OVERLAPPED state{};
            state.hEvent = sent_.value;
            ::ResetEvent(sent_.value);
            DWORD done = 0;
            const BOOL begun = ::WriteFile(pipe_.value, data, static_cast<DWORD>(size), nullptr, &state);
            if ((!begun && ::GetLastError() != ERROR_IO_PENDING) || !finish(state, sent_.value, 2000, done) || !done) {
                stop();
                throw Problem(Trouble::lost, "the server does not listen any more");
            }
            data += done, size -= done;
        }
    }

    bool receive(std::uint8_t *data, std::size_t size, const Patience *patience, Instant until) override {
        while (size > 0) {
            OVERLAPPED state{};
            state.hEvent = got_.value;
            ::ResetEvent(got_.value);
            DWORD done = 0;
            const BOOL begun = ::ReadFile(pipe_.value, data, static_cast<DWORD>(size), nullptr, &state);
            if (!begun && ::GetLastError() != ERROR_IO_PENDING) return false;
            try {
                while (patience && ::WaitForSingleObject(got_.value, static_cast<DWORD>(kGlance.count())) == WAIT_TIMEOUT)
                    if (patience->aborted()) throw Problem(Trouble::aborted, "");
                    else if (Clock::now() >= until) throw Problem(Trouble::late, "the server does not answer");
            } catch (...) {
                finish(state, got_.value, 0, done);  // the buffer is the system's until then
                throw;
            }
            if (!finish(state, got_.value, INFINITE, done) || !done) return false;
            data += done, size -= done;
        }
        return true;
    }

    void stop() override { ::SetEvent(stop_.value); }

    std::unique_ptr<Mapping> memory(std::uint32_t server_process, const Info &info, bool writable) override {
        const std::string name = "Local\\vsfilmrestore-" + std::to_string(server_process) + "-" +
                                 std::to_string(info.ring);
        return std::make_unique<WindowsMapping>(name, info.slots * info.slot_bytes, writable);
    }

private:
    // False where it was stopped, failed, or took longer than the time; it is over in any case.
    bool finish(OVERLAPPED &state, HANDLE event, DWORD time, DWORD &done) {
        const HANDLE events[] = {event, stop_.value};
        const bool ready = ::WaitForMultipleObjects(2, events, FALSE, time) == WAIT_OBJECT_0;
        if (!ready) ::CancelIoEx(pipe_.value, &state);
        return ::GetOverlappedResult(pipe_.value, &state, &done, TRUE) && ready;
    }

    Handle pipe_, stop_, sent_, got_;
    std::mutex sending_;
};

bool plain_name(const std::string &name) {
    return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.';
    });
}

std::vector<char> user_of(HANDLE process) {
    HANDLE token = nullptr;
    if (!::OpenProcessToken(process, TOKEN_QUERY, &token)) return {};
    const Handle owned(token);
    DWORD size = 0;
    ::GetTokenInformation(token, TokenUser, nullptr, 0, &size);
    std::vector<char> facts(size);
    if (!size || !::GetTokenInformation(token, TokenUser, facts.data(), size, &size)) return {};
    return facts;
}

// Whether the process that owns the other end of the pipe is the same user's.
bool same_user(HANDLE pipe) {
    ULONG process = 0;
    if (!::GetNamedPipeServerProcessId(pipe, &process)) return false;
    const Handle other(::OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, process));
    if (!other.value) return false;
    const std::vector<char> theirs = user_of(other.value), ours = user_of(::GetCurrentProcess());
    if (theirs.empty() || ours.empty()) return false;
    return ::EqualSid(reinterpret_cast<const TOKEN_USER *>(theirs.data())->User.Sid,
                      reinterpret_cast<const TOKEN_USER *>(ours.data())->User.Sid);
}

// Our code must not be taken away while a thread runs in it, whatever the host forgets to call.
void stay_loaded() {
    static const bool done = [] {
        HMODULE self = nullptr;
        return ::GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS,
                                    reinterpret_cast<LPCSTR>(&stay_loaded), &self) != 0;
    }();
    static_cast<void>(done);
}

}  // namespace

QuietSignals::QuietSignals() = default;
QuietSignals::~QuietSignals() = default;

static std::string pipes_of_user() { return "\\\\.\\pipe\\vsfilmrestore-" + variable("USERNAME") + "-"; }

std::string where_is(const std::string &name) {
    const std::string named = variable("VSFILMRESTORE_SOCKET");
    if (name.empty() && !named.empty()) return named;
    return pipes_of_user() + (name.empty() ? "default" : name);
}

std::unique_ptr<Channel> connect_channel(const std::string &name, const Patience &patience, Instant until) {
    if (!name.empty() && !plain_name(name))
        throw Problem(Trouble::absent, "'" + name + "' is no name of a server: letters, digits, - and _ only");
    stay_loaded();
    const std::string path = where_is(name);
    for (;;) {
        // The server may know who we are, and not act as us.
        Handle pipe(::CreateFileA(path.c_str(), GENERIC_READ | GENERIC_WRITE, 0, nullptr, OPEN_EXISTING,
                                  FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION, nullptr));
        if (pipe.value != INVALID_HANDLE_VALUE) {
            if (!same_user(pipe.value)) throw Problem(Trouble::absent, "the server at " + path + " is another user's");
            return std::make_unique<PipeChannel>(std::move(pipe));
        }
        if (::GetLastError() != ERROR_PIPE_BUSY) throw Problem(Trouble::absent, "no server at " + path + "; start one with: vsfilmrestore serve PROJECT");
        if (Clock::now() >= until) throw Problem(Trouble::absent, "the server at " + path + " does not answer");
        if (patience.aborted()) throw Problem(Trouble::aborted, "");
        ::WaitNamedPipeA(path.c_str(), static_cast<DWORD>(kGlance.count()));
    }
}

void orphan_channels() {}

std::string hello_token(const std::string &name) {
    const std::string pipe = where_is(name), before = pipes_of_user();
    std::string token(32, '\0');
    if (pipe.compare(0, before.size(), before) != 0 || !plain_name(pipe.substr(before.size()))) return token;
    const std::string path = variable("LOCALAPPDATA") + "\\vsfilmrestore\\" + pipe.substr(before.size()) + ".token";
    if (std::FILE *file = std::fopen(path.c_str(), "rb")) {
        if (std::fread(&token[0], 1, 32, file) != 32) token.assign(32, '\0');
        std::fclose(file);
    }
    return token;
}

std::uint32_t this_process() { return ::GetCurrentProcessId(); }

}  // namespace vsfr

#endif
