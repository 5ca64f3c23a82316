// What the sender has taken from its source and the appliance has not yet acknowledged: kept, so that it can
// be sent again over a new connection.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

namespace penstock::cli {

/// Bytes that go out together: some lines, one events frame, or a control item without events.
struct Piece {
    std::string bytes;
    uint64_t first = 0;         ///< position of its first event, from 1 over the whole run
    uint64_t events = 0;        ///< zero: control
    uint64_t credit_bytes = 0;  ///< what it takes of the connection's credits
    size_t written = 0;         ///< bytes the socket has taken
    bool only_once = false;     ///< of this connection (heartbeat, end): not repeated over the next
    int64_t handed_ns = 0;      ///< when the socket took the first of them (monotonic)

    uint64_t last() const { return first + events - 1; }
};

/// One thread. Pieces are in order of their positions; the written ones come first.
class Outbox {
  public:
    explicit Outbox(bool frames) : frames_(frames) {}

    /// An empty buffer that was used before, so that its memory is warm.
    std::string spare();
    void push(Piece piece);

    /// What may be written now, at most `parts.size()` pieces; one that would exceed `credits_bytes` waits,
    /// except when nothing is under way. Returns how many parts were filled.
    size_t gather(std::span<iovec> parts, uint64_t credits_bytes) const;
    void mark_written(size_t bytes, int64_t now_ns);

    /// The oldest piece, for the times of acknowledged events; nullptr when empty.
    const Piece* front() const { return pieces_.empty() ? nullptr : &pieces_.front(); }
    /// Forgets what lies wholly at or below `position`.
    void acknowledge(uint64_t position);
    /// For a new connection: everything after `position` is to be written again.
    void rewind(uint64_t position);

    /// Position of the last event that the socket has wholly taken; `newest` when all are.
    uint64_t written_through(uint64_t newest) const;
    uint64_t kept_bytes() const { return kept_bytes_; }
    uint64_t unwritten_bytes() const { return unwritten_bytes_; }
    /// Credits that written pieces hold.
    uint64_t under_way_bytes() const { return under_way_bytes_; }

  private:
    const bool frames_;
    std::deque<Piece> pieces_;
    size_t first_unwritten_ = 0;  // pieces before it are wholly written
    uint64_t kept_bytes_ = 0, unwritten_bytes_ = 0, under_way_bytes_ = 0;
    std::vector<std::string> spares_;
};

}  // namespace penstock::cli
