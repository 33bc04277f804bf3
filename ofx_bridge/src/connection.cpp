#include "connection.h"

#include <algorithm>
#include <atomic>

namespace vsfr {
namespace {

constexpr std::size_t kText = 32000;  // bytes of a name or of settings; both fit into a message
constexpr std::size_t kBacklog = std::size_t{4} << 20;  // bytes that wait for a server that reads nothing
constexpr auto kLastWords = std::chrono::milliseconds(50);
constexpr std::size_t kSources = 8;  // open at a time: a slider that is dragged opens one for every value

std::string text_of(const Message &message, Code &code) {
    Reader in(message.payload);
    code = static_cast<Code>(in.u16());
    std::string text = in.text();
    if (!in.whole()) throw Problem(Trouble::refused, "the server sent a broken message");
    return text;
}

[[noreturn]] void refuse(const Message &message) {
    Code code{};
    const std::string text = text_of(message, code);
    switch (code) {
        case Code::version: throw Problem(Trouble::version, text);
        case Code::busy: throw Problem(Trouble::busy, text);
        case Code::cancelled: throw Problem(Trouble::busy, "cancelled");  // not by us: ask again
        default: throw Problem(Trouble::refused, text.empty() ? "the server refuses without a word" : text);
    }
}

[[noreturn]] void lie(const std::string &what) {
    throw Problem(Trouble::refused, "the server says what cannot be: " + what);
}

// Bytes of the UTF-8 character that begins at a place; 0 where none does (RFC 3629: no surrogates, nothing overlong).
std::size_t character(const std::string &text, std::size_t at) {
    const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    const unsigned first = byte(at), second = byte(at + 1);
    if (first < 0x80) return 1;
    const std::size_t size = first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
    for (std::size_t i = 1; i < size; ++i)
        if ((byte(at + i) & 0xC0) != 0x80) return 0;
    const bool beyond = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
                        (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
    return beyond ? 0 : size;
}

// A host's text as the server takes it. It would end the connection, that of all other clips as well, over one file
// name in an old character set.
std::string utf8(const std::string &text, std::size_t most) {
    std::string clean;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t size = character(text, at);
        if (clean.size() + std::max<std::size_t>(size, 1) > most) break;
        clean += size ? text.substr(at, size) : "?";
        at += std::max<std::size_t>(size, 1);
    }
    return clean;
}

// `count` frames of three planes from `offset` on must lie within the slot's ring, as far as they are read.
void check_place(const Place &place, const Source &source, std::uint64_t count) {
    const std::uint64_t size = source.ring->size(), sample = bytes_of(source.key.depth);
    const std::uint64_t row = place.width * sample;
    if (place.ring != source.info.ring || place.slot >= source.info.slots) lie("a slot that is not there");
    if (place.width == 0 || place.height == 0) lie("a picture of no size");
    if (place.stride < row || place.stride % sample || place.offset % sample || place.plane % sample ||
        place.frame % sample)
        lie("rows that overlap");
    if (place.offset > size || place.plane > size || place.frame > size) lie("pixels outside its memory");
    const std::uint64_t plane = std::uint64_t{place.stride} * (place.height - 1) + row;
    if (place.plane < plane || (count > 1 && place.frame < 2 * place.plane + plane)) lie("planes that overlap");
    const std::uint64_t whole = place.frame * (count - 1) + 2 * place.plane + plane;
    if (count > 65536 || whole > source.info.slot_bytes) lie("pixels outside their slot");
    if (whole > size || place.offset > size - whole) lie("pixels outside its memory");
}

void check_info(const Info &info, const SourceKey &key) {
    constexpr std::uint32_t kLargest = 65536;
    if (info.width == 0 || info.height == 0 || info.width > kLargest || info.height > kLargest) lie("no size");
    constexpr std::int64_t kMost = std::int64_t{1} << 48;
    if (info.first < -kMost || info.first > kMost || info.frames < 0 || info.frames > kMost) lie("frames without end");
    if (info.depth != key.depth) lie("another depth than was asked for");
    if (info.slots == 0 || info.slot_bytes == 0 || info.slot_bytes > (std::uint64_t{1} << 40)) lie("no slots");
    if (key.kind == 3 && (info.width != key.width || info.height != key.height)) lie("another size than was asked for");
}

template <class Work>
std::thread quiet_thread(Work work) {
    const QuietSignals quiet;
    return std::thread(std::move(work));
}

}  // namespace

Lent::~Lent() {
    if (!connection_) return;
    try {
        connection_->release(place_.ring, place_.slot);
    } catch (...) {  // the connection is gone, and the slot with it
    }
}

void check_room(const Lent &slot, std::uint64_t frames) { check_place(slot.place(), slot.source(), frames); }

// Connection -------------------------------------------------------------------------------------------------------

Connection::~Connection() {
    {  // what was called off is called off, if the server listens
        std::unique_lock<std::mutex> lock(outbox_mutex_);
        sent_.wait_for(lock, kLastWords, [&] { return closed_ || unsent_ == 0; });
    }
    stop();
    if (reader_.joinable()) reader_.join();
    if (writer_.joinable()) writer_.join();
}

void Connection::stop() {
    channel_->stop();
    std::lock_guard<std::mutex> lock(outbox_mutex_);
    closed_ = true;
    posted_.notify_all();
    sent_.notify_all();
}

bool Connection::dead() {
    std::lock_guard<std::mutex> lock(mutex_);
    return dead_;
}

void Connection::greet(const std::string &host, const std::string &name, const Patience &patience, Instant until) {
    writer_ = quiet_thread([this] { write_on(); });
    const std::string token = hello_token(name);
    Writer hello;
    hello.u32(kMagic).u16(kMajor).u16(kMinor).u32(this_process()).text(utf8(host, 200));
    hello.raw(token.data(), 32);
    send(Type::hello, 1, hello);
    requests_ = 1;
    Message message;
    do {
        if (!read_message(message, &patience, until))
            throw Problem(Trouble::lost, "the server closed the connection before it was open");
    } while (message.type == Type::status);
    if (message.type == Type::error) refuse(message);
    Reader in(message.payload);
    const std::uint16_t major = in.u16();
    in.u16();
    process_ = in.u32(), slots_ = std::max<std::uint32_t>(1, in.u32()), server_ = in.text();
    if (message.type != Type::welcome || !in.good()) throw Problem(Trouble::version, "what answers is no frame server");
    if (major != kMajor)
        throw Problem(Trouble::version, "the server speaks version " + std::to_string(major) + ", this plug-in " +
                                            std::to_string(kMajor) + ": install both from one release");
    reader_ = quiet_thread([this] { read_on(); });
}

void Connection::send(Type type, std::uint64_t request, const Writer &body) {
    Writer whole;
    whole.u32(static_cast<std::uint32_t>(body.bytes().size())).u16(static_cast<unsigned>(type)).u16(0).u64(request);
    whole.raw(body.bytes().data(), body.bytes().size());
    std::unique_lock<std::mutex> lock(outbox_mutex_);
    const std::size_t size = whole.bytes().size();
    if (closed_ || unsent_ + size > kBacklog) {
        lock.unlock();
        die("the server does not listen any more");
        throw Problem(Trouble::lost, "the server does not listen any more");
    }
    outbox_.push_back(whole.bytes());
    unsent_ += size;
    posted_.notify_one();
}

void Connection::die(const std::string &why) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!dead_) why_ = why;
    dead_ = true;
    pending_.clear();
    changed_.notify_all();
}

void Connection::release(std::uint32_t ring, std::uint32_t slot) {
    send(Type::release, 0, Writer().u32(ring).u32(slot));
}

void Connection::cancel(std::uint64_t request) {
    try {
        send(Type::cancel, 0, Writer().u64(request));
    } catch (const Problem &) {  // with the connection the request is gone as well
    }
}

Connection::Ticket Connection::ask(Type type, const Writer &body, std::shared_ptr<Source> source) {
    auto pending = std::make_shared<Pending>();
    pending->source = std::move(source);
    std::uint64_t request = 0;
    {
        std::lock_guard<std::mutex> lock(mutex_);
        if (dead_) throw Problem(Trouble::lost, why_);
        request = ++requests_;
        pending_[request] = pending;
    }
    send(type, request, body);
    return {request, pending};
}

template <class Ready>
void Connection::wait(std::unique_lock<std::mutex> &lock, const Patience &patience, Instant until,
                      const Ready &ready) {
    std::string told;
    bool spoken = false;
    const Instant begun = Clock::now();
    while (!ready()) {
        if (dead_) throw Problem(Trouble::lost, why_);
        changed_.wait_for(lock, kGlance);
        const std::string status = status_;
        lock.unlock();  // the host may hold locks of its own
        const bool aborted = patience.aborted();
        const Instant now = Clock::now();
        if (!aborted && now - begun > seconds(0.5) && (!spoken || status != told)) {
            patience.tell(status.empty() ? "waiting for the server" : status);
            told = status, spoken = true;
        }
        lock.lock();
        if (ready()) return;
        if (aborted) throw Problem(Trouble::aborted, "");
        if (now >= until) throw Problem(Trouble::late, "the server did not answer in time");
    }
}

// The answer to a request. Whoever stops waiting for it says so to the server, and what still comes is given back.
Message Connection::answer(const Ticket &ticket, Type wanted, const Patience &patience, Instant until) {
    Message message;
    {
        std::unique_lock<std::mutex> lock(mutex_);
        try {
            wait(lock, patience, until, [&] { return ticket.second->done; });
        } catch (const Problem &problem) {
            pending_.erase(ticket.first);
            lock.unlock();
            if (problem.trouble != Trouble::lost) cancel(ticket.first);
            throw;
        }
        message = std::move(ticket.second->answer);
    }
    if (message.type == Type::error) refuse(message);
    if (message.type != wanted) {
        stop();
        lie("an answer to another question");
    }
    return message;
}

std::shared_ptr<Source> Connection::open(const SourceKey &key, const Patience &patience, Instant until) {
    std::shared_ptr<Source> source;
    bool ours = false;
    std::vector<std::uint32_t> idle;
    {
        std::lock_guard<std::mutex> lock(mutex_);
        if (dead_) throw Problem(Trouble::lost, why_);
        auto &known = sources_[key];
        if (!known) {
            known = std::make_shared<Source>();
            known->key = key;
            ours = true;
        }
        known->last_use = ++uses_;
        source = known;
        if (ours) close_idle(idle);
    }
    for (const std::uint32_t old : idle) send(Type::close, 0, Writer().u32(old));
    if (ours) {
        Writer body;
        body.u8(key.kind).u8(static_cast<unsigned>(key.depth)).u16(std::min<std::uint32_t>(slots_, 8));
        body.u32(key.width).u32(key.height).u32(key.rate_num).u32(key.rate_den).text(utf8(key.name, kText));
        body.text(utf8(key.settings, kText));
        ask(Type::open, body, source);
    }
    std::unique_lock<std::mutex> lock(mutex_);
    wait(lock, patience, until, [&] { return source->ready || source->trouble; });
    // A text of its own: copies of an exception share theirs, and the source may go on another thread.
    if (source->trouble) throw Problem(source->trouble->trouble, std::string(source->trouble->what()));
    return source;
}

// Sources nobody uses make room, the longest unused first. Called with the lock held.
void Connection::close_idle(std::vector<std::uint32_t> &idle) {
    while (sources_.size() > kSources) {
        auto oldest = sources_.end();
        for (auto at = sources_.begin(); at != sources_.end(); ++at)
            if (at->second->ready && at->second.use_count() == 1 &&
                (oldest == sources_.end() || at->second->last_use < oldest->second->last_use))
                oldest = at;
        if (oldest == sources_.end()) return;
        idle.push_back(oldest->second->info.source);
        sources_.erase(oldest);
    }
}

Lent Connection::get(const std::shared_ptr<Source> &source, std::int64_t frame, std::uint32_t width,
                     std::uint32_t height, bool draft, const Patience &patience, Instant until) {
    Writer body;
    body.u32(source->info.source).i64(frame).u32(width).u32(height).u8(draft);
    const Message message = answer(ask(Type::get, body), Type::frame, patience, until);
    Place place;
    if (!Place::read_frame(message.payload, place)) lie("a broken message");
    Lent lent(shared_from_this(), source, place);
    const std::uint32_t wide = width ? width : source->info.width, high = height ? height : source->info.height;
    if (place.source != source->info.source || place.depth != source->key.depth) lie("a frame of something else");
    if (place.width != wide || place.height != high) lie("a frame of another size");
    if (place.draft && !draft) lie("a draft that was not asked for");
    check_place(place, *source, 1);
    source->warm = true;
    return lent;
}

Lent Connection::reserve(const std::shared_ptr<Source> &source, const Patience &patience, Instant until) {
    Writer body;
    body.u32(source->info.source);
    const Message message = answer(ask(Type::reserve, body), Type::slot, patience, until);
    Place place;
    if (!Place::read_slot(message.payload, place)) lie("a broken message");
    place.source = source->info.source, place.width = source->info.width, place.height = source->info.height;
    place.depth = source->key.depth;
    Lent lent(shared_from_this(), source, place);
    check_place(place, *source, 1);
    return lent;
}

Lent Connection::process(Lent slot, const std::shared_ptr<Source> &source, std::int64_t frame, unsigned before,
                         unsigned after, const Patience &patience, Instant until) {
    const Place reserved = slot.place();
    Writer body;
    body.u32(source->info.source).u32(reserved.slot).i64(frame).u16(before).u16(after);
    const Ticket ticket = ask(Type::process, body);
    slot.keep();
    const Message message = answer(ticket, Type::frame, patience, until);
    Place place;
    if (!Place::read_frame(message.payload, place)) lie("a broken message");
    Lent lent(shared_from_this(), source, place);
    if (place.source != source->info.source || place.depth != source->key.depth || place.slot != reserved.slot)
        lie("a frame of something else");
    if (place.width != source->info.width || place.height != source->info.height) lie("a frame of another size");
    check_place(place, *source, 1);
    source->warm = true;
    return lent;
}

std::vector<CatalogueEntry> Connection::catalogue(const Patience &patience, Instant until) {
    std::vector<CatalogueEntry> entries;
    for (;;) {
        Writer body;
        body.u32(static_cast<std::uint32_t>(entries.size()));
        const Message message = answer(ask(Type::list, body), Type::catalogue, patience, until);
        Reader in(message.payload);
        const std::uint32_t all = in.u32(), first = in.u32();
        const unsigned count = in.u16();
        if (first != entries.size()) lie("another part of its list than was asked for");
        for (unsigned i = 0; i < count && in.good(); ++i) {
            CatalogueEntry entry;
            entry.shot = in.text(), entry.file = in.text();
            entry.reel_first = in.i64(), entry.frames = in.i64(), entry.file_first = in.i64();
            entries.push_back(std::move(entry));
        }
        if (!in.whole()) lie("a broken list");
        if (count == 0 || entries.size() >= all || entries.size() > 100000) return entries;
    }
}

// The threads that write and read -------------------------------------------------------------------------------------

void Connection::write_on() {
    std::unique_lock<std::mutex> lock(outbox_mutex_);
    for (;;) {
        posted_.wait(lock, [&] { return closed_ || !outbox_.empty(); });
        if (closed_) return;
        const std::vector<std::uint8_t> message = std::move(outbox_.front());
        outbox_.pop_front();
        lock.unlock();
        try {
            channel_->send(message.data(), message.size());
        } catch (const std::exception &problem) {  // no one is to be given this connection again
            die(problem.what());
            return stop();
        }
        lock.lock();
        unsent_ -= message.size();
        if (unsent_ == 0) sent_.notify_all();
    }
}

bool Connection::read_message(Message &message, const Patience *patience, Instant until) {
    std::vector<std::uint8_t> head(kHeader);
    if (!channel_->receive(head.data(), head.size(), patience, until)) return false;
    Reader in(head);
    const std::uint32_t size = in.u32();
    message.type = static_cast<Type>(in.u16());
    const std::uint16_t zero = in.u16();
    message.request = in.u64();
    if (size > kLongest || zero != 0) return false;
    message.payload.resize(size);
    return size == 0 || channel_->receive(message.payload.data(), size, patience, until);
}

void Connection::read_on() {
    std::string why = "the server closed the connection";
    try {
        Message message;
        while (read_message(message, nullptr, Instant{})) {
            if (message.type == Type::bye) {
                const std::string text = Reader(message.payload).text();
                if (!text.empty()) why = "the server is going: " + text;
                break;
            }
            handle(message);
        }
    } catch (const std::exception &problem) {
        why = problem.what();
    }
    die(why);
    stop();
}

void Connection::handle(Message &message) {
    switch (message.type) {
        case Type::ping: return send(Type::pong, message.request, Writer());
        case Type::pong: return;
        case Type::status: {
            std::string text = Reader(message.payload).text();
            std::lock_guard<std::mutex> lock(mutex_);
            status_ = std::move(text);
            return;
        }
        case Type::info: return handle_info(message);
        case Type::welcome: case Type::catalogue: case Type::frame: case Type::slot: case Type::error: break;
        default:
            return send(Type::error, message.request,
                        Writer().u16(static_cast<unsigned>(Code::unknown)).text("unknown message"));
    }
    std::unique_lock<std::mutex> lock(mutex_);
    const auto found = pending_.find(message.request);
    if (found == pending_.end()) {
        lock.unlock();
        return give_back(message);
    }
    const auto pending = found->second;
    pending_.erase(found);
    if (pending->source) {  // of OPEN only an ERROR comes this way
        try {
            if (message.type == Type::error) refuse(message);
            lie("an answer to another question");
        } catch (const Problem &problem) {
            pending->source->trouble = std::make_unique<Problem>(problem);
            sources_.erase(pending->source->key);
        }
    } else {
        pending->answer = std::move(message);
        pending->done = true;
    }
    changed_.notify_all();
}

void Connection::handle_info(Message &message) {
    Info info;
    if (!Info::read(message.payload, info)) throw Problem(Trouble::lost, "the server sent a broken message");
    std::shared_ptr<Source> source;
    {
        std::lock_guard<std::mutex> lock(mutex_);
        const auto found = pending_.find(message.request);
        if (found != pending_.end()) source = found->second->source;
        if (!source) throw Problem(Trouble::lost, "the server answered what was not asked");
        pending_.erase(found);
    }
    std::unique_ptr<Mapping> ring;
    std::unique_ptr<Problem> trouble;
    try {
        // Taken in any case: the next INFO must not find this one's.
        ring = channel_->memory(process_, info, source->key.kind == 3);
        check_info(info, source->key);
    } catch (const Problem &problem) {
        trouble = std::make_unique<Problem>(problem);
    }
    const bool ready = !trouble;
    // Its slots are of no use to anybody. Said before it is known here: whoever hears of it may end the connection.
    if (!ready) send(Type::close, 0, Writer().u32(info.source));
    {
        std::lock_guard<std::mutex> lock(mutex_);
        source->info = info;
        source->ring = std::move(ring);
        source->ready = ready;
        source->trouble = std::move(trouble);
        if (!ready) sources_.erase(source->key);
        changed_.notify_all();
    }
}

// What comes for a request that was given up.
void Connection::give_back(const Message &message) {
    Place place;
    if (message.type == Type::frame && Place::read_frame(message.payload, place)) release(place.ring, place.slot);
    if (message.type == Type::slot && Place::read_slot(message.payload, place)) release(place.ring, place.slot);
}

// Hub --------------------------------------------------------------------------------------------------------------

namespace {

struct Owner {
    std::uint32_t process = 0;
    Hub *hub = nullptr;
};

std::atomic<Owner *> g_owner{nullptr};

}  // namespace

// Hubs are never destroyed: render threads may outlive what the host tears down at its end.
Hub &Hub::get() {
    Owner *owner = g_owner.load();
    const std::uint32_t process = this_process();
    while (!owner || owner->process != process) {
        auto *fresh = new Owner{process, new Hub};
        if (g_owner.compare_exchange_strong(owner, fresh)) {
            if (owner) orphan_channels();
            return *fresh->hub;
        }
        delete fresh->hub;
        delete fresh;
    }
    return *owner->hub;
}

void Hub::set_host(const std::string &name) {
    std::lock_guard<std::mutex> lock(mutex_);
    host_ = name;
}

void Hub::close_all() {
    std::map<std::string, Server> gone;
    {
        std::lock_guard<std::mutex> lock(mutex_);
        gone.swap(servers_);
    }
}

std::shared_ptr<Connection> Hub::try_once(const std::string &name, const Patience &patience) {
    const Instant until = Clock::now() + seconds(patience.connect);
    std::string host;
    {
        std::lock_guard<std::mutex> lock(mutex_);
        host = host_;
    }
    auto connection = std::make_shared<Connection>(connect_channel(name, patience, until));
    connection->greet(host, name, patience, until);
    return connection;
}

void Hub::note_loss(Server &server, const Patience &patience) {
    server.seen = true;
    server.backoff = 0.25;
    server.next_try = Clock::now();
    server.give_up = server.next_try + seconds(patience.reconnect);
}

std::shared_ptr<Connection> Hub::connection(const std::string &name, const Patience &patience) {
    std::unique_lock<std::mutex> lock(mutex_);
    std::shared_ptr<Connection> gone;  // its thread is joined without the lock
    bool told = false;
    for (;;) {
        Server &server = servers_[name];
        if (server.current && !server.current->dead()) return server.current;
        if (server.current) {
            gone = std::move(server.current);
            server.current = nullptr;
            note_loss(server, patience);
        }
        const bool waited_for = server.seen && Clock::now() < server.give_up;
        if (!server.connecting && Clock::now() >= server.next_try) {
            server.connecting = true;
            lock.unlock();
            gone.reset();
            std::shared_ptr<Connection> fresh;
            Problem problem(Trouble::absent, "no server");
            try {
                fresh = try_once(name, patience);
            } catch (const Problem &thrown) {
                problem = thrown;
            } catch (const std::exception &thrown) {
                problem = Problem(Trouble::absent, thrown.what());
            }
            lock.lock();
            Server &again = servers_[name];
            again.connecting = false;
            changed_.notify_all();
            if (fresh) {
                again.current = fresh;
                again.seen = true;
                again.backoff = 0.25;
                return fresh;
            }
            if (problem.trouble == Trouble::aborted) throw problem;
            again.why = problem.what();
            again.next_try = Clock::now() + seconds(again.backoff);
            again.backoff = std::min(4.0, again.backoff * 2);
            if (problem.trouble == Trouble::lost && !again.seen) {  // it was there, and died over our first words
                note_loss(again, patience);
                continue;
            }
            if (!waited_for || problem.trouble == Trouble::version) {
                again.seen = false;
                throw problem;
            }
            continue;
        }
        if (!server.connecting && !waited_for) {
            server.seen = false;
            throw Problem(Trouble::absent, server.why);
        }
        changed_.wait_for(lock, kGlance);
        lock.unlock();
        gone.reset();
        if (patience.aborted()) throw Problem(Trouble::aborted, "");
        if (waited_for && !told) patience.tell("the server is gone; waiting for it to come back");
        told = told || waited_for;
        lock.lock();
    }
}

}  // namespace vsfr
