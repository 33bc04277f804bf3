// The one connection a process has to a server, shared by all instances and render threads of the host.
#ifndef VSFR_CONNECTION_H
#define VSFR_CONNECTION_H

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <tuple>
#include <vector>

#include "channel.h"
#include "problem.h"
#include "wire.h"

namespace vsfr {

// What is asked for: a reel, shot or file of the server's (kinds 0, 1, 2), or a recipe for frames of ours (3).
struct SourceKey {
    std::uint8_t kind = 0;
    Depth depth = Depth::byte;
    std::uint32_t width = 0, height = 0, rate_num = 0, rate_den = 0;
    std::string name, settings;

    auto parts() const { return std::tie(kind, depth, width, height, rate_num, rate_den, name, settings); }
    bool operator<(const SourceKey &other) const { return parts() < other.parts(); }
};

// An open source and its ring. Everything but `key` is the connection's to change, under its lock, until `ready`.
struct Source {
    SourceKey key;
    bool ready = false;
    std::atomic<bool> warm{false};  // a frame of it has come: what is slow at first is done
    std::unique_ptr<Problem> trouble;
    Info info;
    std::unique_ptr<Mapping> ring;
    std::uint64_t last_use = 0;
};

struct CatalogueEntry {
    std::string shot, file;
    std::int64_t reel_first = 0, frames = 0, file_first = 0;
};

class Connection;

// Pixels in a slot of a ring, lent until this goes.
class Lent {
public:
    Lent(std::shared_ptr<Connection> connection, std::shared_ptr<Source> source, Place place)
        : connection_(std::move(connection)), source_(std::move(source)), place_(std::move(place)) {}
    Lent(Lent &&) = default;
    Lent &operator=(Lent &&) = delete;
    ~Lent();
    const Place &place() const { return place_; }
    const Source &source() const { return *source_; }
    std::uint8_t *pixels() const { return source_->ring->data() + place_.offset; }
    void keep() { connection_.reset(); }  // it is the server's again

private:
    std::shared_ptr<Connection> connection_;
    std::shared_ptr<Source> source_;
    Place place_;
};

// Whether so many frames fit where the server says they go. Throws Problem refused.
void check_room(const Lent &slot, std::uint64_t frames);

class Connection : public std::enable_shared_from_this<Connection> {
public:
    Connection(std::unique_ptr<Channel> channel) : channel_(std::move(channel)) {}
    ~Connection();

    // HELLO and WELCOME, then the thread that reads. Throws Problem version, late, lost or aborted.
    void greet(const std::string &host, const std::string &name, const Patience &patience, Instant until);
    bool dead();
    void stop();

    // All these throw Problem.
    std::shared_ptr<Source> open(const SourceKey &key, const Patience &patience, Instant until);
    Lent get(const std::shared_ptr<Source> &source, std::int64_t frame, std::uint32_t width, std::uint32_t height,
             bool draft, const Patience &patience, Instant until);
    Lent reserve(const std::shared_ptr<Source> &source, const Patience &patience, Instant until);
    Lent process(Lent slot, const std::shared_ptr<Source> &source, std::int64_t frame, unsigned before,
                 unsigned after, const Patience &patience, Instant until);
    std::vector<CatalogueEntry> catalogue(const Patience &patience, Instant until);

    std::string server() const { return server_; }
    void release(std::uint32_t ring, std::uint32_t slot);

private:
    struct Pending {
        bool done = false;
        Message answer;
        std::shared_ptr<Source> source;  // of OPEN: the reading thread sees to it
    };
    using Ticket = std::pair<std::uint64_t, std::shared_ptr<Pending>>;

    Ticket ask(Type type, const Writer &body, std::shared_ptr<Source> source = nullptr);
    Message answer(const Ticket &ticket, Type wanted, const Patience &patience, Instant until);
    template <class Ready>
    void wait(std::unique_lock<std::mutex> &lock, const Patience &patience, Instant until, const Ready &ready);
    // Never waits, so that an abort does not either; what the server does not take yet goes when it does.
    void send(Type type, std::uint64_t request, const Writer &body);
    void cancel(std::uint64_t request);
    void die(const std::string &why);
    void close_idle(std::vector<std::uint32_t> &idle);

    void write_on();
    void read_on();
    bool read_message(Message &message, const Patience *patience, Instant until);
    void handle(Message &message);
    void handle_info(Message &message);
    void give_back(const Message &message);

    std::unique_ptr<Channel> channel_;
    std::string server_;
    std::uint32_t process_ = 0, slots_ = 1;
    std::thread reader_, writer_;

    std::mutex outbox_mutex_;
    std::condition_variable posted_, sent_;
    std::deque<std::vector<std::uint8_t>> outbox_;
    std::size_t unsent_ = 0;  // bytes, with those that are being sent
    bool closed_ = false;

    std::mutex mutex_;
    std::condition_variable changed_;
    bool dead_ = false;
    std::string why_, status_;
    std::uint64_t requests_ = 0, uses_ = 0;
    std::map<std::uint64_t, std::shared_ptr<Pending>> pending_;
    std::map<SourceKey, std::shared_ptr<Source>> sources_;
};

// All connections of the process, by the server's name. Nothing is opened before a frame or a button asks for it.
class Hub {
public:
    // That of this process: a child of fork starts anew and leaves what it inherited alone.
    static Hub &get();
    // A living connection; waits for a server that was there and died, fails at once where there is none.
    std::shared_ptr<Connection> connection(const std::string &name, const Patience &patience);
    void close_all();
    void set_host(const std::string &name);

private:
    struct Server {
        std::shared_ptr<Connection> current;
        bool connecting = false, seen = false;
        Instant next_try{}, give_up{};
        double backoff = 0.25;
        std::string why = "no server";
    };
    void note_loss(Server &server, const Patience &patience);
    std::shared_ptr<Connection> try_once(const std::string &name, const Patience &patience);

    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, Server> servers_;
    std::string host_;
};

}  // namespace vsfr

#endif
