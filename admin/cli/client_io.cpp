// One turn of the client's pump: take from the source, write, read answers.
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>

#include "admin/cli/client.h"
#include "pipeline/clock.h"
#include "schemas/limits.h"

namespace penstock::cli {
namespace {

/// Large enough that a system call costs nothing beside the copying.
constexpr size_t kPieceBytes = 256 * 1024;
/// Taken from the source ahead of the socket.
constexpr uint64_t kUnwrittenMax = 2 * kPieceBytes;
/// A frame's body. A quarter of the usual credits' quarter: several are under way while one is acknowledged.
constexpr size_t kFrameBodyTarget = 128 * 1024;
constexpr size_t kPartsMax = 16;
constexpr size_t kReceiveBytes = 64 * 1024;

}  // namespace

bool Client::skip_taken() {
    lines_.clear();
    const auto taken = source_.take(lines_, skip_left_, kPieceBytes);
    source_waits_ = taken.waiting;
    source_ended_ = source_ended_ || taken.ended;
    skip_left_ -= taken.events;
    if (source_ended_) skip_left_ = 0;
    return taken.events > 0;
}

bool Client::fill(int64_t now_ns) {
    source_waits_ = false;
    if (source_ended_ || outbox_.unwritten_bytes() >= kUnwrittenMax || outbox_.kept_bytes() >= kKeptBytesMax)
        return false;
    if (skip_left_ > 0) return skip_taken();
    uint64_t events_max = std::numeric_limits<uint64_t>::max();
    if (options_.rate > 0) {
        const double elapsed = static_cast<double>(now_ns - start_ns_) / 1e9;
        const uint64_t due = static_cast<uint64_t>(elapsed * options_.rate) + 1;
        const uint64_t taken = next_position_ - 1 - report_.skipped + dropped_before_.size();
        if (due <= taken || now_ns < next_group_ns_) return false;
        events_max = due - taken;
    }
    std::string bytes = options_.binary ? std::move(lines_) : outbox_.spare();
    bytes.clear();
    const auto taken = source_.take(bytes, events_max, kPieceBytes);
    source_waits_ = taken.waiting;
    source_ended_ = source_ended_ || taken.ended;
    // All that was due is on its way: the next group in a while. After a stall there is more at once.
    if (taken.events == events_max) next_group_ns_ = now_ns + kRateTick;
    for (uint64_t i = 0; i < taken.too_long; ++i) {
        ++report_.refused;
        ++report_.refused_here;
        observer_.on_refused(line_of(next_position_ + taken.events), info(Refusal::kTooLong).name,
                             fmt::format("a line over {} bytes was left out", FileLines::kLineBytesMax));
    }
    const bool moved = !bytes.empty();
    if (options_.binary) {
        encode(bytes);
        lines_ = std::move(bytes);
    } else if (moved) {
        Piece piece;
        piece.bytes = std::move(bytes);
        piece.first = next_position_;
        piece.events = taken.events;
        next_position_ += taken.events;
        outbox_.push(std::move(piece));
    }
    return moved;
}

void Client::encode(const std::string& lines) {
    for (size_t at = 0; at < lines.size();) {
        const size_t end = lines.find('\n', at);
        std::string_view line(lines.data() + at, end - at);
        at = end + 1;
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (kind_of(line) == LineKind::kControl) {
            push_frame();
            encode_control(line);
            continue;
        }
        try {
            encoder_.add(line);
        } catch (const ReadFailure& failure) {
            const uint64_t position = next_position_ + encoder_.count();
            observer_.on_refused(line_of(position), info(failure.cause).name, failure.detail);
            dropped_before_.push_back(position);
            ++report_.refused;
            ++report_.refused_here;
        }
        if (encoder_.body_bytes() >= std::min<size_t>(kFrameBodyTarget, credits_ / 4)) push_frame();
    }
    push_frame();
}

/// Watermarks and the like have frames of their own.
void Client::encode_control(std::string_view line) {
    const size_t body = line.find(',');
    if (line.find("\"watermark\"") != std::string_view::npos && body != std::string_view::npos)
        push_control(make_frame(wire::FrameType::kWatermark, fmt::format("{{{}", line.substr(body + 1))));
    else if (line.find("\"caught-up\"") != std::string_view::npos)
        push_control(make_frame(wire::FrameType::kCaughtUp));
    else if (line.find("\"heartbeat\"") == std::string_view::npos)
        observer_.on_notice("a hello or seq line inside the file was left out; use --tenant and --producer");
}

void Client::push_frame() {
    if (encoder_.count() == 0) return;
    Piece piece;
    piece.first = next_position_;
    piece.events = encoder_.count();
    piece.credit_bytes = encoder_.body_bytes();
    piece.bytes = named() ? encoder_.finish(epoch_, next_position_) : encoder_.finish(0, 0);
    next_position_ += piece.events;
    outbox_.push(std::move(piece));
}

void Client::push_control(std::string bytes) {
    Piece piece;
    piece.bytes = std::move(bytes);
    piece.first = next_position_;
    piece.only_once = true;
    outbox_.push(std::move(piece));
}

void Client::finish_sending() {
    end_sent_ = true;
    if (options_.binary)
        push_control(make_frame(wire::FrameType::kEnd));
    else
        wire_->end();
}

bool Client::nothing_held_back(int64_t now_ns) const {
    if (outbox_.unwritten_bytes() > 0 || skip_left_ > 0) return false;
    return source_ended_ || source_waits_ || (options_.rate > 0 && intended_ns(next_position_) > now_ns);
}

/// After a restart of the appliance, deadlines wait for this.
void Client::tell_caught_up() {
    told_caught_up_ = true;
    push_control(options_.binary ? make_frame(wire::FrameType::kCaughtUp)
                                 : std::string("{\"penstock\":\"caught-up\"}\n"));
}

bool Client::write_some(int64_t now_ns) {
    std::array<iovec, kPartsMax> parts;
    bool moved = false;
    while ((outbox_.unwritten_bytes() > 0 || wire_->waits()) && !lost_) {
        const size_t count = outbox_.gather(parts, credits_);
        if (count == 0 && !wire_->waits()) break;
        const ssize_t n = wire_->write({parts.data(), count});
        if (n < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN) break;
            // Answers that came before the break are still to be read: read_some() reports the loss.
            failure_ = fmt::format("the connection was lost: {}", std::strerror(errno));
            read_some(now_ns);
            lost_ = true;
            break;
        }
        if (n == 0) break;
        outbox_.mark_written(static_cast<size_t>(n), now_ns);
        last_send_ns_ = now_ns;
        moved = true;
    }
    sent_through_ = std::max(sent_through_, outbox_.written_through(next_position_ - 1));
    report_.sent = sent_through_ - report_.skipped;
    return moved;
}

bool Client::read_some(int64_t now_ns) {
    std::array<char, kReceiveBytes> bytes;
    bool moved = false;
    while (!lost_ && !done_ && !rejected_) {
        const ssize_t n = wire_->read(bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) break;
        if (n <= 0) {
            // In the binary format the last ack and the close are the end.
            done_ = end_sent_ && all_acked();
            lost_ = !done_;
            if (failure_.empty())
                failure_ = n == 0 ? std::string("the appliance closed the connection")
                                  : fmt::format("the connection was lost: {}", std::strerror(errno));
            break;
        }
        moved = true;
        now_ns = monotonic_now_ns();  // the turn began before the write that these may answer
        answers_->feed({bytes.data(), static_cast<size_t>(n)});
        Answer answer;
        while (answers_->next(answer)) take_answer(answer, now_ns);
        if (n < static_cast<ssize_t>(bytes.size())) break;
    }
    return moved;
}

void Client::take_answer(const Answer& answer, int64_t now_ns) {
    switch (answer.kind) {
        case Answer::Kind::kWelcome:
            welcomed_ = true;
            resume(answer);
            break;
        case Answer::Kind::kAck:
        case Answer::Kind::kDone:
            take_ack(answer, now_ns);
            done_ = answer.kind == Answer::Kind::kDone ||
                    (options_.binary && end_sent_ && outbox_.unwritten_bytes() == 0 && all_acked());
            if (done_ && !all_acked() && interrupted_ns_ == 0) {
                rejected_ = true;
                failure_ =
                    fmt::format("the appliance counts {} events, {} were sent", acked_, next_position_ - 1);
            }
            break;
        case Answer::Kind::kRefused: {
            const uint64_t position = base_ + answer.seq;
            // What was refused but not yet acknowledged when a connection broke is refused once more.
            if (position <= told_refused_) break;
            last_refused_ = std::max(last_refused_, position);
            observer_.on_refused(line_of(position), answer.error, answer.detail);
            break;
        }
        case Answer::Kind::kNotice:
            // Once a cause: the appliance repeats itself for as long as it lasts.
            if (answer.error != last_notice_)
                observer_.on_notice(fmt::format("{}: {}", answer.error, answer.detail));
            last_notice_ = answer.error;
            told_ns_ = now_ns + static_cast<int64_t>(answer.retry_after_ms) * 1'000'000;
            break;
        case Answer::Kind::kError:
            rejected_ = true;
            failure_ = fmt::format("refused by the appliance: {}{}{}", answer.error,
                                   answer.detail.empty() ? "" : ": ", answer.detail);
            break;
    }
}

void Client::take_ack(const Answer& answer, int64_t now_ns) {
    if (answer.credits_bytes != 0) credits_ = answer.credits_bytes;
    report_.stored = stored_before_ + answer.stored;
    report_.duplicates = duplicates_before_ + answer.duplicates;
    report_.refused = refused_before_ + report_.refused_here + answer.refused;
    acknowledge(base_ + answer.seq, now_ns);
}

void Client::acknowledge(uint64_t position, int64_t now_ns) {
    position = std::min(position, next_position_ - 1);
    if (position <= acked_) {
        outbox_.acknowledge(acked_);
        return;
    }
    lost_since_ns_ = 0;  // progress: the next loss has its whole time again
    while (acked_ < position) {
        if (options_.rate > 0) {
            const int64_t late = std::max<int64_t>(now_ns - intended_ns(acked_ + 1), 0);
            report_.latency_ns.record(static_cast<uint64_t>(late));
            report_.latency_max_ns = std::max(report_.latency_max_ns, static_cast<uint64_t>(late));
            ++acked_;
            continue;
        }
        outbox_.acknowledge(acked_);
        const Piece* piece = outbox_.front();
        const uint64_t through =
            piece == nullptr ? position : std::min(position, std::max(piece->last(), acked_ + 1));
        if (piece != nullptr && piece->handed_ns != 0) {
            const auto took = static_cast<uint64_t>(std::max<int64_t>(now_ns - piece->handed_ns, 0));
            report_.latency_ns.record(took, through - acked_);
            report_.latency_max_ns = std::max(report_.latency_max_ns, took);
        }
        acked_ = through;
    }
    outbox_.acknowledge(acked_);
    report_.acked = acked_ - report_.skipped;
}

}  // namespace penstock::cli
