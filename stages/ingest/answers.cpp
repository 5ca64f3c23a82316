#include "stages/ingest/answers.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cstring>

#include "pipeline/stream_hash.h"
#include "schemas/wire.h"

namespace penstock::answers {
namespace {

std::string quoted(std::string_view s) { return boost::json::serialize(boost::json::string(s)); }

std::string frame(wire::FrameType type, std::string_view body) {
    wire::FrameHeader h{};
    h.magic = wire::kMagic;
    h.type = type;
    h.body_bytes = static_cast<uint32_t>(body.size());
    std::string out(sizeof h, '\0');
    std::memcpy(out.data(), &h, sizeof h);
    out += body;
    static thread_local StreamHash hash;
    hash.reset();
    hash.add(out.data(), offsetof(wire::FrameHeader, checksum)).add(body.data(), body.size());
    const uint64_t checksum = hash.digest();
    std::memcpy(out.data() + offsetof(wire::FrameHeader, checksum), &checksum, sizeof checksum);
    return out;
}

std::string in_format(WireFormat format, wire::FrameType type, std::string body) {
    if (format == WireFormat::kBinary) return frame(type, body);
    return body += '\n';
}

}  // namespace

std::string welcome(WireFormat format, std::string_view log_id, std::string_view tenant, uint64_t epoch,
                    uint64_t next, uint64_t credits_bytes) {
    return in_format(
        format, wire::FrameType::kWelcome,
        fmt::format(R"({{"welcome":true,"log_id":{},"tenant":{},"epoch":{},"next":{},"credits_bytes":{}}})",
                    quoted(log_id), quoted(tenant), epoch, next, credits_bytes));
}

std::string ack(WireFormat format, const AckCounts& c, uint64_t credits_bytes) {
    if (format == WireFormat::kBinary) {
        const wire::Ack body{c.seq, c.stored, c.duplicates, c.refused, credits_bytes};
        return frame(wire::FrameType::kAck, {reinterpret_cast<const char*>(&body), sizeof body});
    }
    return fmt::format("{{\"acked\":{},\"stored\":{},\"duplicates\":{},\"refused\":{}}}\n", c.seq, c.stored,
                       c.duplicates, c.refused);
}

std::string done(const AckCounts& c) {
    return fmt::format("{{\"done\":true,\"acked\":{},\"stored\":{},\"duplicates\":{},\"refused\":{}}}\n",
                       c.seq, c.stored, c.duplicates, c.refused);
}

std::string refused(WireFormat format, uint64_t position, Refusal cause, std::string_view detail) {
    return in_format(format, wire::FrameType::kRefused,
                     fmt::format(R"({{"{}":{},"error":"{}","detail":{}}})",
                                 format == WireFormat::kBinary ? "seq" : "refused", position,
                                 info(cause).name, quoted(detail)));
}

std::string error(WireFormat format, Refusal cause, std::string_view detail) {
    return in_format(format, wire::FrameType::kError,
                     fmt::format(R"({{"error":"{}","detail":{}}})", info(cause).name, quoted(detail)));
}

std::string notice(WireFormat format, std::string_view notice, int64_t retry_after_ms,
                   std::string_view detail) {
    return in_format(format, wire::FrameType::kNotice,
                     fmt::format(R"({{"notice":"{}","retry_after_ms":{},"detail":{}}})", notice,
                                 retry_after_ms, quoted(detail)));
}

}  // namespace penstock::answers
