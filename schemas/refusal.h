// Why an event, a frame or a connection is refused: the closed list. The numbers are stored in dead letters
// and sent on the wire, so they never change; new causes are appended.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace penstock {

enum class Refusal : uint16_t {
    kNone = 0,
    kBadJson = 1,
    kNotAnObject = 2,
    kMissingField = 3,
    kWrongType = 4,
    kBadTime = 5,
    kBadUtf8 = 6,
    kTooLong = 7,
    kTooDeep = 8,
    kBadValue = 9,
    kConflict = 10,
    kUnknownRegion = 11,
    kBadChecksum = 12,
    kBadFrame = 13,
    kBadFlatBuffer = 14,
    kUnknownTenant = 15,
    kBadKey = 16,
    kFenced = 17,
    kGap = 18,
    kOverloaded = 19,
    kTruncated = 20,
    kRegionRefused = 21,
    kTlsRequired = 22,
    kRegionDraining = 23,
    kCount
};

inline constexpr size_t kRefusalCount = static_cast<size_t>(Refusal::kCount);

struct RefusalInfo {
    std::string_view name;  ///< stable: metric label, answer's "error"
    std::string_view help;  ///< what the sender can do
};

inline constexpr std::array<RefusalInfo, kRefusalCount> kRefusals{{
    {"none", ""},
    {"bad_json", "the line is not valid JSON; send one JSON object a line"},
    {"not_an_object", "send a JSON object, one CloudEvents event a line"},
    {"missing_field", "CloudEvents 1.0 requires specversion, id, source and type"},
    {"wrong_type", "the attribute has another JSON type than CloudEvents gives it"},
    {"bad_time", "time is RFC 3339, for example 2026-01-31T08:00:00Z"},
    {"bad_utf8", "the bytes are not valid UTF-8"},
    {"too_long", "the event or one of its attributes is longer than the limit"},
    {"too_deep", "data is nested deeper than the limit"},
    {"bad_value", "the attribute's value is outside what is allowed"},
    {"conflict", "an event of this tenant, source and id was stored with other content; send a new id"},
    {"unknown_region", "the region is not configured; add it or an alias, or set routing.unknown_region"},
    {"bad_checksum", "the frame was damaged on its way; send it again"},
    {"bad_frame", "the frame does not follow docs/wire_format.md"},
    {"bad_flatbuffer", "the bytes are not a valid penstock.fb.Event"},
    {"unknown_tenant", "the tenant is not configured, or needs its API key"},
    {"bad_key", "the API key is wrong"},
    {"fenced", "a producer of the same name with a higher epoch has taken over"},
    {"gap", "sequence numbers are missing; continue with the expected one"},
    {"overloaded", "the log is near its quota; send again later"},
    {"truncated", "the connection ended inside the event"},
    {"region_refused", "the region's database refused the row"},
    {"tls_required", "TLS is spoken here; connect with it, for example with penstock send --tls"},
    {"region_draining", "the region takes no new events; resume it, or send them to another"},
}};

constexpr const RefusalInfo& info(Refusal cause) { return kRefusals[static_cast<size_t>(cause)]; }

}  // namespace penstock
