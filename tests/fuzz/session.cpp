#include "tests/fuzz/session.h"

#include <spdlog/spdlog.h>
#include <xxhash.h>

#include <deque>

#include "schemas/event_fields.h"
#include "stages/ingest/ingest.h"
#include "stages/parse/parse.h"
#include "tests/fuzz/targets.h"
#include "tests/support/manual_clock.h"

namespace penstock {
namespace {

class MemoryLoop final : public NetLoop {
  public:
    explicit MemoryLoop(NetHandler& handler) : handler_(handler) { current = this; }
    ~MemoryLoop() override { current = nullptr; }
    void run_once(int64_t) override { handler_.on_round_end(); }
    void wake() override {}
    void send(ConnectionId, std::string_view bytes) override {
        if (!closed) sent += bytes;
    }
    size_t backlog_bytes(ConnectionId) const override { return 0; }
    void set_reading(ConnectionId, bool) override {}
    void close_after_send(ConnectionId) override { closed = true; }
    void close_now(ConnectionId, const std::string&) override { closed = true; }
    uint16_t port() const override { return 0; }
    std::string_view backend() const override { return "memory"; }

    static MemoryLoop* current;
    std::string sent;
    bool closed = false;

  private:
    NetHandler& handler_;
};
MemoryLoop* MemoryLoop::current = nullptr;

/// Parses; everything is durable at once.
class ParsingSink final : public IntakeSink {
  public:
    explicit ParsingSink(fuzz::SessionResult& result)
        : result_(result), parse_(std::vector<uint8_t>(192, 7), vocabulary_, 0) {
        vocabulary_.regions["us"] = 0, vocabulary_.regions["eu"] = 1;
    }
    void process(WorkBatch& work) override {
        size_t refused_from = work.refused.size();
        while (work.raw_done < work.raw.size()) {
            batch_->clear();
            work.batch = batch_.get();
            fuzz::require(parse_.do_work(work) > 0, "parse takes nothing into an empty batch");
            for (size_t i = 0; i < batch_->count(); ++i)
                result_.accepted.emplace_back(
                    reinterpret_cast<const char*>(batch_->heap + batch_->heads[i].offset),
                    batch_->heads[i].length);
        }
        for (size_t i = refused_from; i < work.refused.size(); ++i) {
            const RawEvent& raw = work.raw[work.refused[i].raw];
            note(work.refused[i].cause, {reinterpret_cast<const char*>(raw.data), raw.length});
        }
    }
    void keep_dead_letter(const DeadLetter& letter) override {
        note(letter.cause, {reinterpret_cast<const char*>(letter.raw.data()), letter.raw.size()});
    }
    void note_position(const ProducerPosition&) override {}
    void control(ControlKind kind, std::string_view name, std::string_view text) override {
        result_.controls.push_back(fmt::format("{} {} {}", static_cast<int>(kind), name, text));
    }
    std::optional<uint64_t> publish() override { return ++published_; }
    uint64_t committed_position() const override { return published_; }
    bool admits() const override { return true; }

  private:
    void note(Refusal cause, std::string_view raw) {
        result_.letters.push_back(fmt::format("{} {}", info(cause).name, raw));
    }
    fuzz::SessionResult& result_;
    Vocabulary vocabulary_;
    ParseStage parse_;
    std::unique_ptr<EventBatch> batch_ = std::make_unique<EventBatch>();
    uint64_t published_ = 0;
};

}  // namespace

std::unique_ptr<NetLoop> NetLoop::create(const Options&, NetHandler& handler) {
    return std::make_unique<MemoryLoop>(handler);
}

namespace fuzz {

SessionResult run_session(const std::vector<std::string>& pieces) {
    spdlog::set_level(spdlog::level::off);
    SessionResult result;
    ParsingSink sink(result);
    Telemetry telemetry;
    const test::ManualClock clock;
    Ingest::Options o;
    o.idle_timeout_ns = 900'000'000'000;
    o.stall_timeout_ns = 60'000'000'000;
    o.credits_bytes = 4 << 20;
    o.log_id = "log-1";
    o.hash_secret.assign(192, 7);
    o.tenants.push_back({.name = "default", .id = 0, .key_hash = ""});
    Ingest ingest(std::move(o), sink, telemetry, clock);
    MemoryLoop& loop = *MemoryLoop::current;
    constexpr ConnectionId kId = 1;
    ingest.on_accept(kId, "127.0.0.1:1", true);
    for (const std::string& piece : pieces) {
        if (piece.empty() || loop.closed) continue;
        // An allocation of its own, with the padding that the loop promises: a sanitizer sees what reads on.
        std::vector<uint8_t> bytes(piece.size() + 64);
        std::memcpy(bytes.data(), piece.data(), piece.size());
        ingest.on_data(kId, {bytes.data(), piece.size()});
        ingest.on_round_end();
    }
    if (!loop.closed) ingest.on_end_of_stream(kId);
    ingest.on_round_end();
    result.closed = loop.closed;
    ingest.on_closed(kId, "");
    ingest.on_round_end();
    result.answers = std::move(loop.sent);
    return result;
}

std::vector<std::string> cut(std::string_view bytes, uint64_t salt) {
    std::vector<std::string> pieces;
    uint64_t state = XXH3_64bits_withSeed(bytes.data(), bytes.size(), salt);
    while (!bytes.empty()) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        const size_t n = std::min<size_t>(bytes.size(), 1 + (state >> 33) % (state & 0x100000000 ? 7 : 90));
        pieces.emplace_back(bytes.substr(0, n));
        bytes.remove_prefix(n);
    }
    return pieces;
}

}  // namespace fuzz
}  // namespace penstock
