// Sessions of both formats: cutting the bytes elsewhere changes no answer, every event gets one, and a good
// event behind bad ones is taken.
#include <fmt/ranges.h>
#include <xxhash.h>

#include <boost/json.hpp>
#include <cstring>

#include "schemas/event_fields.h"
#include "schemas/wire.h"
#include "tests/fuzz/session.h"
#include "tests/fuzz/targets.h"

namespace penstock::fuzz {
namespace {

namespace json = boost::json;

constexpr std::string_view kGoodId = "a-good-one-behind-the-bad";

std::string good_line() {
    return fmt::format(R"({{"specversion":"1.0","id":"{}","source":"/s","type":"t"}})"
                       "\n",
                       kGoodId);
}
bool took_the_good_one(const SessionResult& r) {
    for (const std::string& bytes : r.accepted)
        if (view_of(event_of({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()})->id()) ==
            kGoodId)
            return true;
    return false;
}

/// Answers without the acks, whose number depends on how the bytes came.
struct Answers {
    std::vector<std::string> said;
    uint64_t seq = 0, stored = 0, duplicates = 0, refused = 0;  ///< of the last ack
    uint64_t refusals = 0;
    bool error = false;
};
Answers of_lines(const std::string& text) {
    Answers a;
    for (size_t at = 0; at < text.size();) {
        const size_t end = text.find('\n', at);
        require(end != text.npos, "an answer without its end: " + text);
        const std::string line = text.substr(at, end - at);
        at = end + 1;
        const json::value v = json::parse(line);
        const json::object& o = v.as_object();
        const auto number = [&](const char* name) { return o.at(name).to_number<uint64_t>(); };
        if (o.contains("acked")) {
            require(number("acked") >= a.seq, "acks go back: " + line);
            a.seq = number("acked"), a.stored = number("stored"), a.duplicates = number("duplicates");
            a.refused = number("refused");
            if (!o.contains("done")) continue;
        }
        a.refusals += o.contains("refused") && o.contains("error");
        a.error |= o.contains("error") && !o.contains("refused");
        a.said.push_back(line);
    }
    return a;
}
Answers of_frames(const std::string& bytes) {
    Answers a;
    for (size_t at = 0; at < bytes.size();) {
        wire::FrameHeader h;
        require(bytes.size() - at >= sizeof h, "an answer shorter than a header");
        std::memcpy(&h, bytes.data() + at, sizeof h);
        require(h.magic == wire::kMagic && bytes.size() - at - sizeof h >= h.body_bytes, "a broken answer");
        const std::string body = bytes.substr(at + sizeof h, h.body_bytes);
        at += sizeof h + h.body_bytes;
        if (h.type == wire::FrameType::kAck) {
            wire::Ack ack;
            std::memcpy(&ack, body.data(), sizeof ack);
            require(ack.seq >= a.seq, "acks go back");
            a.seq = ack.seq, a.stored = ack.stored, a.duplicates = ack.duplicates, a.refused = ack.refused;
            continue;
        }
        a.refusals += h.type == wire::FrameType::kRefused;
        a.error |= h.type == wire::FrameType::kError;
        a.said.push_back(fmt::format("{} {}", static_cast<int>(h.type), body));
    }
    return a;
}

template <typename Read>
void check(const std::string& bytes, Read read) {
    const SessionResult whole = run_session({bytes});
    const Answers answers = read(whole.answers);
    require(answers.stored == whole.accepted.size(), "stored counts what was taken");
    require(answers.refusals <= answers.refused, "a refusal beyond the count");
    for (const std::vector<std::string>& pieces : {cut(bytes, 1), cut(bytes, 2)}) {
        const SessionResult again = run_session(pieces);
        const Answers same = read(again.answers);
        require(same.said == answers.said,
                "other answers when cut:\n" + whole.answers + "\n" + again.answers);
        require(same.seq == answers.seq && same.stored == answers.stored && same.refused == answers.refused &&
                    same.duplicates == answers.duplicates,
                "other counts when cut");
        require(again.accepted == whole.accepted, "other events when cut");
        require(again.letters == whole.letters,
                fmt::format("other dead letters when cut: {}\n{}", fmt::join(whole.letters, "\n"),
                            fmt::join(again.letters, "\n")));
        require(again.controls == whole.controls,
                fmt::format("other control records when cut: {} and {}\n{}", whole.controls.size(),
                            again.controls.size(), whole.answers));
    }
}

}  // namespace

int ndjson(const uint8_t* data, size_t size) {
    std::string bytes(text_of(data, size));
    if (bytes.empty() || bytes[0] == 'P') bytes.insert(0, " ");
    check(bytes, of_lines);
    const SessionResult r = run_session({bytes + "\n" + good_line()});
    const Answers a = of_lines(r.answers);
    // A named producer may have announced older sequences: then the line repeats one of them.
    if (!a.error && bytes.find("penstock") == bytes.npos && bytes.find(kGoodId) == bytes.npos)
        require(took_the_good_one(r), "a good line behind bad ones was not taken: " + r.answers);
    if (!a.error) require(a.stored + a.duplicates + a.refused > 0, "no answer");
    return 0;
}

/// The input says which frames: type, flags (1: leave the checksum wrong; 2: a wrong length), count, epoch,
/// sequence, length of the body, body. What does not suffice for that comes as it is.
int frames(const uint8_t* data, size_t size) {
    std::string bytes;
    while (size >= 8 && bytes.size() < 200'000) {
        wire::FrameHeader h{};
        h.magic = wire::kMagic;
        h.type = static_cast<wire::FrameType>(data[0] % 8);
        const uint8_t flags = data[1];
        h.count = data[2];
        h.epoch = data[3] % 4;
        h.first_seq = data[4];
        const size_t body = std::min<size_t>(size - 8, data[5] | size_t{data[6]} << 8);
        h.body_bytes = static_cast<uint32_t>(body + (flags & 2 ? data[7] : 0));
        std::string frame(reinterpret_cast<const char*>(&h), offsetof(wire::FrameHeader, checksum));
        const std::string hashed = frame + std::string(text_of(data + 8, body));
        const uint64_t checksum = XXH3_64bits(hashed.data(), hashed.size()) + (flags & 1);
        frame.append(reinterpret_cast<const char*>(&checksum), sizeof checksum);
        bytes += frame.append(text_of(data + 8, body));
        data += 8 + body;
        size -= 8 + body;
    }
    bytes += text_of(data, size);
    if (bytes.empty() || bytes[0] != 'P') bytes.insert(0, "P");
    check(bytes, of_frames);
    return 0;
}

}  // namespace penstock::fuzz
