// A stream to the server and the memory that comes over it, for each system.
#ifndef VSFR_CHANNEL_H
#define VSFR_CHANNEL_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "problem.h"
#include "wire.h"

namespace vsfr {

// Memory of a ring. Where the system can, it is checked that it cannot shrink under us.
class Mapping {
public:
    virtual ~Mapping() = default;
    std::uint8_t *data() const { return data_; }
    std::uint64_t size() const { return size_; }

protected:
    std::uint8_t *data_ = nullptr;
    std::uint64_t size_ = 0;
};

class Channel {
public:
    virtual ~Channel() = default;
    // Send all of it, from any thread, one message at a time.
    // Throws Problem lost where the server does not take it within two seconds.
    virtual void send(const std::uint8_t *data, std::size_t size) = 0;
    // Fill the buffer, however long it takes until `stop` or `until`; one thread only.
    // Returns false at the end of the stream.
    virtual bool receive(std::uint8_t *data, std::size_t size, const Patience *patience, Instant until) = 0;
    // Wake whoever receives or sends, for good.
    virtual void stop() = 0;
    // The memory that came with an INFO. Throws Problem refused where it is not what the protocol says.
    virtual std::unique_ptr<Mapping> memory(std::uint32_t server_process, const Info &info, bool writable) = 0;
};

// While it lives, threads that are started get no signals: those are the host's.
class QuietSignals {
public:
    QuietSignals();
    ~QuietSignals();
    QuietSignals(const QuietSignals &) = delete;
    QuietSignals &operator=(const QuietSignals &) = delete;

private:
    std::shared_ptr<void> before_;
};

// Connect to the server of a name ("" for the default) within the time; no more than letters, digits, '-', '_' and '.'
// in a name: host projects come from elsewhere. Throws Problem absent, refused or aborted.
std::unique_ptr<Channel> connect_channel(const std::string &name, const Patience &patience, Instant until);
// In a child of fork: give up the streams that were inherited. No lock is taken, as the thread that held it may not have
// been copied.
void orphan_channels();
// 32 bytes for HELLO.
std::string hello_token(const std::string &name);
std::uint32_t this_process();
// Where a server of this name is looked for, for messages.
std::string where_is(const std::string &name);

}  // namespace vsfr

#endif
