// A blocking conversation with a peer in lines and counted bytes: what comes before and after the load.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::bench {

class LineSocket {
  public:
    explicit LineSocket(uint16_t port);
    ~LineSocket();
    LineSocket(const LineSocket&) = delete;
    LineSocket& operator=(const LineSocket&) = delete;

    void say(std::string_view text);
    /// The next line without its "\r\n"; valid until the next call.
    std::string_view line();
    /// The next bytes; valid until the next call.
    std::string_view bytes(size_t count);
    /// Gives the socket away. Nothing may have been left unread.
    int release();

  private:
    void fill();
    int fd_;
    std::string buffer_;
    size_t at_ = 0;
};

}  // namespace penstock::bench
