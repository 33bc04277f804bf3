// Unix sockets and descriptors passed over them: Linux (measured), macOS (untested).
#ifndef _WIN32

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>

#include "channel.h"

namespace vsfr {
namespace {

#ifdef MSG_NOSIGNAL
constexpr int kQuiet = MSG_NOSIGNAL;
#else
constexpr int kQuiet = 0;  // macOS: SO_NOSIGPIPE on the socket
#endif

struct Descriptor {
    explicit Descriptor(int number = -1) : number(number) {}
    Descriptor(Descriptor &&other) noexcept : number(other.number) { other.number = -1; }
    Descriptor &operator=(Descriptor &&other) noexcept {
        std::swap(number, other.number);
        return *this;
    }
    ~Descriptor() {
        if (number >= 0) ::close(number);
    }
    int number;
};

std::string reason(const char *what) { return std::string(what) + ": " + std::strerror(errno); }

class UnixMapping final : public Mapping {
public:
    UnixMapping(int fd, std::uint64_t least, bool writable) {
        struct stat facts {};
        if (::fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode) || facts.st_size <= 0)
            throw Problem(Trouble::refused, "the server sent something that is no shared memory");
        size_ = static_cast<std::uint64_t>(facts.st_size);
        if (size_ < least) throw Problem(Trouble::refused, "the server sent less memory than it says");
#ifdef F_GET_SEALS
        const int seals = ::fcntl(fd, F_GET_SEALS);
        if (seals < 0 || !(seals & F_SEAL_SHRINK))  // a file that shrinks would kill the host with SIGBUS
            throw Problem(Trouble::refused, "the server sent memory that is not sealed");
#endif
        void *base = ::mmap(nullptr, size_, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
        if (base == MAP_FAILED) throw Problem(Trouble::refused, reason("cannot map the server's memory"));
#ifdef MADV_DONTFORK
        ::madvise(base, size_, MADV_DONTFORK);
#endif
        data_ = static_cast<std::uint8_t *>(base);
    }
    ~UnixMapping() override { ::munmap(data_, size_); }
};

// Numbers of all open streams, plus one; for children of fork.
std::atomic<int> g_streams[32];

void replace_stream(int from, int to) {
    for (auto &place : g_streams) {
        int expected = from;
        if (place.compare_exchange_strong(expected, to)) return;
    }
}

class UnixChannel final : public Channel {
public:
    explicit UnixChannel(Descriptor socket) : socket_(std::move(socket)) { replace_stream(0, socket_.number + 1); }
    ~UnixChannel() override { replace_stream(socket_.number + 1, 0); }

    void send(const std::uint8_t *data, std::size_t size) override {
        std::lock_guard<std::mutex> lock(sending_);
        const Instant until = Clock::now() + seconds(2);
        while (size > 0) {
            const ssize_t sent = ::send(socket_.number, data, size, kQuiet | MSG_DONTWAIT);
            if (sent > 0) {
                data += sent, size -= static_cast<std::size_t>(sent);
            } else if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) && Clock::now() < until) {
                pollfd waiting{socket_.number, POLLOUT, 0};
                ::poll(&waiting, 1, 50);
            } else if (sent < 0 && errno != EINTR) {
                stop();  // half a message may be out: nothing more can be said
                throw Problem(Trouble::lost, "the server does not listen any more");
            }
        }
    }

    bool receive(std::uint8_t *data, std::size_t size, const Patience *patience, Instant until) override {
        while (size > 0) {
            if (patience && !wait_readable(*patience, until)) return false;
            const ssize_t got = receive_some(data, size);
            if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)) return false;
            if (got < 0) {
                pollfd waiting{socket_.number, POLLIN, 0};
                ::poll(&waiting, 1, 1000);
                if (stopped_) return false;
                continue;
            }
            data += got, size -= static_cast<std::size_t>(got);
        }
        return true;
    }

    void stop() override {
        stopped_ = true;
        ::shutdown(socket_.number, SHUT_RDWR);
    }

    std::unique_ptr<Mapping> memory(std::uint32_t, const Info &info, bool writable) override {
        if (received_.empty()) throw Problem(Trouble::refused, "the server sent no memory with its answer");
        const Descriptor fd = std::move(received_.front());
        received_.pop_front();
        return std::make_unique<UnixMapping>(fd.number, info.slots * info.slot_bytes, writable);
    }

private:
    bool wait_readable(const Patience &patience, Instant until) {
        for (;;) {
            pollfd waiting{socket_.number, POLLIN, 0};
            if (::poll(&waiting, 1, static_cast<int>(kGlance.count())) > 0) return true;
            if (patience.aborted()) throw Problem(Trouble::aborted, "");
            if (Clock::now() >= until) throw Problem(Trouble::late, "the server does not answer");
        }
    }

    // Descriptors wait in a queue for the INFO they came with; none is inherited by programs the host starts.
    ssize_t receive_some(std::uint8_t *data, std::size_t size) {
        iovec part{data, size};
        alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))];
        msghdr message{};
        message.msg_iov = &part, message.msg_iovlen = 1;
        message.msg_control = control, message.msg_controllen = sizeof control;
#ifdef MSG_CMSG_CLOEXEC
        const ssize_t got = ::recvmsg(socket_.number, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
#else
        const ssize_t got = ::recvmsg(socket_.number, &message, MSG_DONTWAIT);
#endif
        if (got < 0) return got;
        for (cmsghdr *head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head)) {
            if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
            const std::size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            for (std::size_t i = 0; i < count; ++i) {
                int fd = -1;
                std::memcpy(&fd, CMSG_DATA(head) + i * sizeof(int), sizeof fd);
                ::fcntl(fd, F_SETFD, FD_CLOEXEC);
                received_.emplace_back(fd);
            }
        }
        if ((message.msg_flags & MSG_CTRUNC) || received_.size() > 8) return 0;  // not the protocol: the end
        return got;
    }

    Descriptor socket_;
    std::mutex sending_;
    std::atomic<bool> stopped_{false};
    std::deque<Descriptor> received_;
};

bool plain_name(const std::string &name) {
    if (name.empty() || name.size() > 64 || name[0] == '.') return false;
    for (const char c : name)
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
              c == '.'))
            return false;
    return true;
}

// A folder or socket that another user could have put there is not used.
void check_owner(const std::string &path, bool folder) {
    struct stat facts {};
    if (::lstat(path.c_str(), &facts) != 0) throw Problem(Trouble::absent, "no server at " + path + "; start one with: vsfilmrestore serve PROJECT");
    if (folder ? !S_ISDIR(facts.st_mode) : !S_ISSOCK(facts.st_mode))
        throw Problem(Trouble::absent, path + (folder ? " is no folder" : " is no socket"));
    if (facts.st_uid != ::geteuid()) throw Problem(Trouble::absent, path + " belongs to another user");
    if (folder && (facts.st_mode & 077)) throw Problem(Trouble::absent, path + " is open to other users");
}

bool same_user(int fd) {
#ifdef __linux__
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == ::geteuid();
#else
    uid_t user = 0;
    gid_t group = 0;
    return ::getpeereid(fd, &user, &group) == 0 && user == ::geteuid();
#endif
}

Descriptor open_socket() {
#ifdef SOCK_CLOEXEC
    Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
#else
    Descriptor socket(::socket(AF_UNIX, SOCK_STREAM, 0));
    ::fcntl(socket.number, F_SETFD, FD_CLOEXEC);
    ::fcntl(socket.number, F_SETFL, O_NONBLOCK);
#endif
    if (socket.number < 0) throw Problem(Trouble::absent, reason("no socket"));
#ifdef SO_NOSIGPIPE
    const int on = 1;
    ::setsockopt(socket.number, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
    return socket;
}

}  // namespace

QuietSignals::QuietSignals() : before_(std::make_shared<sigset_t>()) {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, static_cast<sigset_t *>(before_.get()));
}

QuietSignals::~QuietSignals() {
    ::pthread_sigmask(SIG_SETMASK, static_cast<const sigset_t *>(before_.get()), nullptr);
}

std::string where_is(const std::string &name) {
    const char *named = std::getenv("VSFILMRESTORE_SOCKET");
    if (name.empty() && named && *named) return named;
    const char *runtime = std::getenv("XDG_RUNTIME_DIR");
    const std::string folder = runtime && *runtime ? std::string(runtime) + "/vsfilmrestore"
                                                   : "/tmp/vsfilmrestore-" + std::to_string(::getuid());
    return folder + "/" + (name.empty() ? "default" : name) + ".sock";
}

std::unique_ptr<Channel> connect_channel(const std::string &name, const Patience &patience, Instant until) {
    if (!name.empty() && !plain_name(name))
        throw Problem(Trouble::absent, "'" + name + "' is no name of a server: letters, digits, - and _ only");
    const std::string path = where_is(name);
    const char *named = std::getenv("VSFILMRESTORE_SOCKET");
    if (!name.empty() || !named || !*named) check_owner(path.substr(0, path.rfind('/')), true);
    check_owner(path, false);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) throw Problem(Trouble::absent, path + " is too long for a socket");
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    Descriptor socket = open_socket();
    while (::connect(socket.number, reinterpret_cast<const sockaddr *>(&address), sizeof address) != 0) {
        if (errno == EISCONN) break;
        if (errno != EAGAIN && errno != EINTR && errno != EINPROGRESS && errno != EALREADY)
            throw Problem(Trouble::absent, "no server at " + path + "; start one with: vsfilmrestore serve PROJECT");
        if (Clock::now() >= until) throw Problem(Trouble::absent, "the server at " + path + " does not answer");
        if (patience.aborted()) throw Problem(Trouble::aborted, "");
        ::poll(nullptr, 0, static_cast<int>(kGlance.count()));
    }
    if (!same_user(socket.number)) throw Problem(Trouble::absent, "the server at " + path + " is another user's");
    return std::make_unique<UnixChannel>(std::move(socket));
}

void orphan_channels() {
    for (auto &place : g_streams) {
        const int number = place.exchange(0) - 1;
        if (number >= 0) ::close(number);
    }
}

std::string hello_token(const std::string &) { return std::string(32, '\0'); }

std::uint32_t this_process() { return static_cast<std::uint32_t>(::getpid()); }

}  // namespace vsfr

#endif
