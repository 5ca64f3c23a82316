// What the appliance answers, in either format, as one kind of value. docs/wire_format.md is the contract.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace penstock::cli {

struct Answer {
    enum class Kind : uint8_t { kWelcome, kAck, kRefused, kDone, kError, kNotice } kind = Kind::kAck;
    uint64_t seq = 0;  ///< acked up to here, or the refused one; positions of this connection, or sequences
    uint64_t stored = 0, duplicates = 0, refused = 0;  ///< since the connection began
    uint64_t credits_bytes = 0;                        ///< binary only
    uint64_t epoch = 0, next = 0;                      ///< of a welcome
    std::string error, detail;                         ///< of a refusal or an error; a notice's name
    uint64_t retry_after_ms = 0;                       ///< of a notice
};

/// The peer says something that is no answer: not an ingest port, or damaged bytes.
struct ProtocolError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Cuts received bytes into answers. One thread, one object a connection; holds at most one incomplete
/// answer.
class AnswerReader {
  public:
    explicit AnswerReader(bool binary) : binary_(binary) {}

    void feed(std::string_view bytes);
    /// The next complete answer; false when more bytes are needed. Throws ProtocolError.
    bool next(Answer& out);

  private:
    bool next_line(Answer& out);
    bool next_frame(Answer& out);

    const bool binary_;
    std::string buffer_;
    size_t at_ = 0;
};

}  // namespace penstock::cli
