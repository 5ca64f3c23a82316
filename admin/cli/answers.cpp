#include "admin/cli/answers.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cstring>

#include "admin/cli/frame_encoder.h"
#include "schemas/limits.h"

namespace penstock::cli {
namespace {

namespace json = boost::json;

constexpr std::string_view kNotIngest =
    "the peer does not answer as a Penstock ingest port; look at the address";

uint64_t number(const json::object& o, std::string_view name) {
    const json::value* v = o.if_contains(name);
    if (v == nullptr) return 0;
    if (v->is_uint64()) return v->get_uint64();
    return v->is_int64() && v->get_int64() > 0 ? static_cast<uint64_t>(v->get_int64()) : 0;
}

std::string text(const json::object& o, std::string_view name) {
    const json::value* v = o.if_contains(name);
    return v != nullptr && v->is_string() ? std::string(v->get_string().c_str()) : std::string();
}

json::object parse_object(std::string_view bytes) {
    json::error_code failed;
    json::value value = json::parse({bytes.data(), bytes.size()}, failed);
    if (failed || !value.is_object())
        throw ProtocolError(fmt::format("{} (it said: {:.60})", kNotIngest, std::string(bytes)));
    return std::move(value.get_object());
}

void read_notice(const json::object& o, Answer& out) {
    out.kind = Answer::Kind::kNotice;
    out.error = text(o, "notice");
    out.detail = text(o, "detail");
    out.retry_after_ms = number(o, "retry_after_ms");
}
void read_welcome(const json::object& o, Answer& out) {
    out.kind = Answer::Kind::kWelcome;
    out.epoch = number(o, "epoch");
    out.next = number(o, "next");
    out.credits_bytes = number(o, "credits_bytes");
}

}  // namespace

void AnswerReader::feed(std::string_view bytes) {
    if (at_ > 0) {
        buffer_.erase(0, at_);
        at_ = 0;
    }
    buffer_ += bytes;
}

bool AnswerReader::next(Answer& out) {
    out = Answer();
    return binary_ ? next_frame(out) : next_line(out);
}

bool AnswerReader::next_line(Answer& out) {
    size_t end = buffer_.find('\n', at_);
    while (end == at_) end = buffer_.find('\n', ++at_);
    if (end == std::string::npos) {
        if (buffer_.size() - at_ > limits::kFrameBodyBytesMax) throw ProtocolError(std::string(kNotIngest));
        return false;
    }
    const json::object o = parse_object(std::string_view(buffer_).substr(at_, end - at_));
    at_ = end + 1;
    out.error = text(o, "error");
    out.detail = text(o, "detail");
    if (o.contains("welcome")) {
        read_welcome(o, out);
    } else if (o.contains("acked")) {
        out.kind = o.contains("done") ? Answer::Kind::kDone : Answer::Kind::kAck;
        out.seq = number(o, "acked");
        out.stored = number(o, "stored");
        out.duplicates = number(o, "duplicates");
        out.refused = number(o, "refused");
    } else if (o.contains("refused")) {
        out.kind = Answer::Kind::kRefused;
        out.seq = number(o, "refused");
    } else if (o.contains("notice")) {
        read_notice(o, out);
    } else if (o.contains("error")) {
        out.kind = Answer::Kind::kError;
    } else {
        throw ProtocolError(std::string(kNotIngest));
    }
    return true;
}

bool AnswerReader::next_frame(Answer& out) {
    wire::FrameHeader header;
    if (buffer_.size() - at_ < sizeof header) return false;
    std::memcpy(&header, buffer_.data() + at_, sizeof header);
    if (header.magic != wire::kMagic || header.body_bytes > limits::kFrameBodyBytesMax)
        throw ProtocolError(std::string(kNotIngest));
    if (buffer_.size() - at_ < sizeof header + header.body_bytes) return false;
    const std::string_view body(buffer_.data() + at_ + sizeof header, header.body_bytes);

    if (frame_checksum(header, body) != header.checksum)
        throw ProtocolError("an answer was damaged on its way (wrong checksum)");
    at_ += sizeof header + header.body_bytes;

    switch (header.type) {
        case wire::FrameType::kAck: {
            wire::Ack ack;
            if (body.size() < sizeof ack) throw ProtocolError("an ack frame is too short");
            std::memcpy(&ack, body.data(), sizeof ack);
            out.kind = Answer::Kind::kAck;
            out.seq = ack.seq;
            out.stored = ack.stored;
            out.duplicates = ack.duplicates;
            out.refused = ack.refused;
            out.credits_bytes = ack.credits_bytes;
            return true;
        }
        case wire::FrameType::kWelcome:
            read_welcome(parse_object(body), out);
            return true;
        case wire::FrameType::kNotice:
            read_notice(parse_object(body), out);
            return true;
        case wire::FrameType::kRefused:
        case wire::FrameType::kError: {
            const json::object o = parse_object(body);
            out.kind = header.type == wire::FrameType::kError ? Answer::Kind::kError : Answer::Kind::kRefused;
            out.seq = number(o, "seq");
            out.error = text(o, "error");
            out.detail = text(o, "detail");
            return true;
        }
        default:
            throw ProtocolError(
                fmt::format("unknown answer frame of type {}", static_cast<int>(header.type)));
    }
}

}  // namespace penstock::cli
