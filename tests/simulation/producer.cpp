#include "tests/simulation/producer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "admin/cli/frame_encoder.h"

namespace penstock::simulation {

struct Producer::Session {
    Session(ConnectionId connection, bool binary) : id(connection), reader(binary) {}
    const ConnectionId id;
    cli::AnswerReader reader;
    uint64_t epoch = 0;
    bool greeted = false, welcomed = false, shut = false, over = false;
    uint64_t at = 1;     ///< position that the appliance gives the next event
    uint64_t acked = 0;  ///< positions answered for
    std::map<uint64_t, MadeEvent> sent;
    std::map<uint64_t, size_t> index;  ///< anonymous: of events_, by position
    std::set<size_t> under_way;
    std::set<uint64_t> refused;
    int quiet = 0;  ///< steps since something was heard
};

Producer::Producer(Options options, Network& network, Checker& checker, const Clock& clock, uint64_t seed)
    : options_(std::move(options)), network_(network), checker_(checker), clock_(clock), random_(seed) {}
Producer::~Producer() = default;

std::string Producer::who() const {
    return fmt::format("{}-{}", options_.named ? "named" : "anonymous", options_.number);
}
std::string Producer::describe() const {
    return fmt::format("{}: made {} of {}, epoch {}, acked {} of {}, {} unanswered, {}", who(), made_,
                       options_.events, epoch_, acked_, events_.size(), unanswered_.size(),
                       session_ ? (session_->welcomed ? "connected" : "greeting") : "away");
}

bool Producer::done() const { return options_.named ? acked_ == events_.size() : unanswered_.empty(); }

void Producer::step() {
    if (zombie_) {
        listen(*zombie_);
        if (!zombie_->over && random_.chance(30)) send_some(*zombie_);
        if (zombie_->over || settling_) {
            network_.abandon(zombie_->id);
            zombie_.reset();
        }
    }
    if (!session_) {
        if (!settling_ && random_.chance(50)) return;
        return connect();
    }
    Session& s = *session_;
    listen(s);
    if (s.over || !session_) return lost(s);
    if (!settling_ && random_.below(1000) < 4) {  // vanishes
        network_.abandon(s.id);
        return lost(s);
    }
    if (options_.named && !settling_ && random_.below(1000) < options_.epochs) return start_over();
    if (!s.greeted) return greet(s);
    if (options_.named && !s.welcomed) return;
    if (random_.chance(settling_ ? 80 : 50)) send_some(s);
    if (random_.below(100) < 3 || ++s.quiet > 20) control(s);
}

void Producer::connect() {
    const ConnectionId id = network_.connect();
    if (id == 0) return;
    session_ = std::make_unique<Session>(id, options_.binary);
    session_->epoch = epoch_;
    if (!options_.named) session_->greeted = session_->welcomed = true;
}

void Producer::greet(Session& s) {
    s.greeted = true;
    if (options_.binary)
        network_.send(s.id, cli::make_frame(wire::FrameType::kHello,
                                            fmt::format(R"({{"producer":"{}","epoch":{}}})", who(), epoch_)));
    else
        network_.send(s.id, fmt::format("{{\"penstock\":\"hello\",\"producer\":\"{}\",\"epoch\":{}}}\n",
                                        who(), epoch_));
}

/// A higher epoch, as after losing its memory of what was answered: what is not surely stored comes again
/// from 1. The older connection goes on for a while.
void Producer::start_over() {
    events_.erase(events_.begin(), events_.begin() + static_cast<ptrdiff_t>(acked_));
    acked_ = 0;
    ++epoch_;
    zombie_ = std::move(session_);
    if (!zombie_->welcomed) {
        network_.abandon(zombie_->id);
        zombie_.reset();
    }
}

void Producer::lost(Session&) { session_.reset(); }

void Producer::control(Session& s) {
    s.quiet = 0;
    static constexpr const char* kLines[] = {"heartbeat", "caught-up", "watermark"};
    const size_t which = settling_ ? 0 : random_.below(3);
    if (options_.binary) {
        static constexpr wire::FrameType kTypes[] = {wire::FrameType::kHeartbeat, wire::FrameType::kCaughtUp,
                                                     wire::FrameType::kWatermark};
        network_.send(s.id,
                      cli::make_frame(kTypes[which],
                                      which == 2 ? R"({"source":"/w","time":"2026-01-01T00:00:00Z"})" : ""));
    } else {
        network_.send(s.id, fmt::format("{{\"penstock\":\"{}\"{}}}\n", kLines[which],
                                        which == 2 ? R"(,"source":"/w","time":"2026-01-01T00:00:00Z")" : ""));
    }
}

// --- sending ----------------------------------------------------------------------------------------------

MadeEvent Producer::make() {
    ++made_;
    MadeEvent e;
    e.source = fmt::format("/{}/{}", options_.named ? "named" : "anonymous", options_.number);
    e.id = std::to_string(made_);
    static constexpr const char* kTypes[] = {"begin", "begin", "work", "end", "other"};
    e.type = kTypes[random_.below(5)];
    if (!random_.chance(5)) e.subject = fmt::format("key-{}", random_.below(options_.keys));
    if (random_.chance(30)) {
        e.time_ns = clock_.wall_ns() - random_.between(-2'000, 20'000) * 1'000'000;
        if (random_.chance(50)) e.time_ns -= e.time_ns % 1'000'000'000;  // equal deadlines
    }
    if (random_.chance(60)) e.region = options_.regions[random_.below(options_.regions.size())];
    e.data = fmt::format(R"({{"n":{},"pad":"{}"}})", made_,
                         std::string(random_.chance(5) ? random_.below(9'000) : random_.below(60), 'x'));
    if (random_.below(1000) < options_.poison)
        e.data = fmt::format(R"({{"n":{},"pad":"{}"}})", made_,
                             random_.chance(50) ? kPoisonAtCopy : kPoisonAtCommit);
    if (random_.chance(options_.faulty)) {
        const size_t kind = random_.below(3);
        e.fault = options_.binary || kind == 0 ? MadeEvent::Fault::kUnknownRegion
                  : kind == 1                  ? MadeEvent::Fault::kBadJson
                                               : MadeEvent::Fault::kMissingField;
        if (e.fault == MadeEvent::Fault::kUnknownRegion) e.region = "atlantis";
    }
    return e;
}

void Producer::send_some(Session& s) {
    if (s.shut || network_.unread_bytes(s.id) > 200'000) return;
    const size_t most = random_.chance(10) ? 1 + random_.below(60) : 1 + random_.below(8);
    std::vector<const MadeEvent*> events;
    if (&s == zombie_.get()) {
        // Never reported as sent once the new epoch speaks: then none of it may be stored.
        zombie_events_.clear();
        for (size_t i = 0; i < most; ++i) {
            MadeEvent& e = zombie_events_.emplace_back();
            e.source = fmt::format("/zombie/{}/{}", options_.number, s.epoch);
            e.id = fmt::format("{}-{}", s.at + i, random_.next() % 1'000'000);
            e.type = "other";
            e.data = "1";
            if (!session_ || !session_->welcomed) checker_.sent(e);
        }
        for (const MadeEvent& e : zombie_events_) events.push_back(&e);
        return put(s, events, s.at);
    }
    if (options_.named) {
        uint64_t first = s.at;
        if (!settling_ && s.at > 1 && random_.chance(options_.repeats)) first = 1 + random_.below(s.at);
        while (!settling_ && made_ < options_.events && events_.size() < first - 1 + most) {
            events_.push_back(make());
            checker_.sent(events_.back());
        }
        const uint64_t end = std::min<uint64_t>(events_.size() + 1, first + most);
        for (uint64_t p = first; p < end; ++p) events.push_back(&events_[p - 1]);
        if (!events.empty()) put(s, events, first);
        return;
    }
    // Memory of events_ may move while new ones are made: so those first.
    std::vector<size_t> chosen;
    for (const size_t i : unanswered_)
        if (!s.under_way.contains(i) && chosen.size() < most) chosen.push_back(i);
    while (!settling_ && made_ < options_.events && chosen.size() < most) {
        if (!events_.empty() && random_.chance(options_.repeats)) {
            MadeEvent again = events_[random_.below(events_.size())];
            if (again.fault == MadeEvent::Fault::kNone && random_.chance(20)) again.data = R"({"other":1})";
            events_.push_back(std::move(again));
        } else {
            events_.push_back(make());
        }
        checker_.sent(events_.back());
        unanswered_.push_back(events_.size() - 1);
        chosen.push_back(events_.size() - 1);
    }
    for (const size_t i : chosen) {
        events.push_back(&events_[i]);
        s.under_way.insert(i);
        s.index[s.at + events.size() - 1] = i;
    }
    if (!events.empty()) put(s, events, s.at);
    if (!options_.binary && chosen.empty() && made_ == options_.events && random_.chance(30)) {
        s.shut = true;
        network_.shut(s.id);
    }
}

void Producer::put(Session& s, const std::vector<const MadeEvent*>& events, uint64_t first) {
    std::string bytes;
    if (options_.binary) {
        cli::FrameEncoder encoder;
        for (const MadeEvent* e : events) encoder.add(e->json());
        bytes = encoder.finish(options_.named ? s.epoch : 0, options_.named ? first : 0);
    } else {
        if (first != s.at) bytes = fmt::format("{{\"penstock\":\"seq\",\"seq\":{}}}\n", first);
        for (const MadeEvent* e : events) bytes += e->json() + "\n";
    }
    for (size_t i = 0; i < events.size(); ++i) s.sent.insert_or_assign(first + i, *events[i]);
    // The appliance counts on from the last line, in frames from what is new.
    s.at = options_.binary ? std::max(s.at, first + events.size()) : first + events.size();
    network_.send(s.id, bytes);
}

// --- listening --------------------------------------------------------------------------------------------

void Producer::listen(Session& s) {
    std::string bytes;
    const bool open = network_.receive(s.id, bytes);
    if (!bytes.empty()) s.quiet = 0;
    s.reader.feed(bytes);
    cli::Answer answer;
    while (s.reader.next(answer)) take(s, answer);
    if (!open) s.over = true;
}

void Producer::take(Session& s, const cli::Answer& answer) {
    const std::string name = options_.named ? who() : network_.peer_of(s.id);
    switch (answer.kind) {
        case cli::Answer::Kind::kWelcome:
            return take_welcome(s, answer);
        case cli::Answer::Kind::kAck:
        case cli::Answer::Kind::kDone:
            return take_ack(s, answer);
        case cli::Answer::Kind::kRefused: {
            const auto it = s.sent.find(answer.seq);
            if (it == s.sent.end())
                return checker_.fail(
                    fmt::format("{}: position {} is refused and was never sent", name, answer.seq));
            s.refused.insert(answer.seq);
            return checker_.told_refused(it->second, Checker::origin_of(name, answer.seq), answer.error);
        }
        case cli::Answer::Kind::kError:
            if (answer.error != "fenced")
                checker_.fail(
                    fmt::format("{}: the connection was refused: {} {}", name, answer.error, answer.detail));
            s.over = true;
            return;
    }
}

void Producer::take_welcome(Session& s, const cli::Answer& answer) {
    s.welcomed = true;
    s.at = answer.next;
    s.acked = answer.next - 1;
    if (answer.next < acked_ + 1)
        checker_.fail(fmt::format("{}: was acknowledged up to {}, and is to continue at {}", who(), acked_,
                                  answer.next));
    if (answer.next > events_.size() + 1)
        checker_.fail(fmt::format("{}: has made {} events, and is to continue at {}", who(), events_.size(),
                                  answer.next));
    for (uint64_t p = 1; p < answer.next && p <= events_.size(); ++p) s.sent.emplace(p, events_[p - 1]);
    if (random_.chance(30) && s.at > acked_ + 1 && !options_.binary) {
        s.at = acked_ + 1;
        network_.send(s.id, fmt::format("{{\"penstock\":\"seq\",\"seq\":{}}}\n", s.at));
    }
}

void Producer::take_ack(Session& s, const cli::Answer& answer) {
    const std::string name = options_.named ? who() : network_.peer_of(s.id);
    if (!options_.named && answer.seq != answer.stored + answer.duplicates + answer.refused)
        checker_.fail(
            fmt::format("{}: acknowledged up to {}, but counts {} stored, {} duplicates, {} refused", name,
                        answer.seq, answer.stored, answer.duplicates, answer.refused));
    if (&s == zombie_.get()) return;  // its sequences are of another epoch than events_
    const uint64_t from = options_.named ? acked_ : s.acked;
    for (uint64_t p = from + 1; p <= answer.seq; ++p) {
        const auto it = s.sent.find(p);
        if (it == s.sent.end())
            return checker_.fail(fmt::format("{}: position {} is acknowledged and was never sent", name, p));
        if (options_.named) {
            checker_.told_done(it->second, Checker::origin_of(name, p));
            continue;
        }
        if (!s.refused.contains(p)) checker_.told_stored(it->second, name);
        std::erase(unanswered_, s.index.at(p));
    }
    s.acked = std::max(s.acked, answer.seq);
    if (options_.named) acked_ = std::max(acked_, answer.seq);
}

}  // namespace penstock::simulation
