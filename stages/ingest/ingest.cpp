#include "stages/ingest/ingest.h"

#include <fmt/format.h>

#include <utility>

namespace penstock {

namespace {
constexpr int64_t kTimeoutCheckNs = 1'000'000'000;
constexpr size_t kPadding = 64;

WireFormat format_of(uint8_t first) { return first == 'P' ? WireFormat::kBinary : WireFormat::kNdjson; }

NetLoop::Options with_plain_answer(NetLoop::Options options) {
    options.tls.plain_answer = [](uint8_t first) {
        return answers::error(format_of(first), Refusal::kTlsRequired, info(Refusal::kTlsRequired).help);
    };
    return options;
}
}  // namespace

Ingest::Ingest(Options options, IntakeSink& sink, Telemetry& telemetry, const Clock& clock)
    : options_(std::move(options)),
      sink_(sink),
      telemetry_(telemetry),
      clock_(clock),
      hasher_(options_.hash_secret),
      loop_(NetLoop::create(with_plain_answer(options_.net), *this)) {
    for (const Tenant& tenant : options_.tenants) flow_of(tenant).facts = tenant;
}

size_t Ingest::do_work(int64_t timeout_ns) {
    received_ = 0;
    if (next_clear_ns_ != 0)
        timeout_ns = std::clamp<int64_t>(next_clear_ns_ - clock_.monotonic_ns(), 0, timeout_ns);
    loop_->run_once(timeout_ns);
    return received_;
}

// --- sockets ----------------------------------------------------------------------------------------------

bool Ingest::on_accept(ConnectionId id, const std::string& peer, bool loopback) {
    if (stopping_) return false;
    auto c = std::make_unique<Connection>();
    c->id = id;
    c->peer = peer;
    c->loopback = loopback;
    c->last_read_ns = clock_.monotonic_ns();
    connections_.emplace(id, std::move(c));
    telemetry_.connections_accepted.add();
    telemetry_.connections_open.set(static_cast<int64_t>(connections_.size()));
    return true;
}

void Ingest::on_data(ConnectionId id, std::span<const uint8_t> data) {
    Connection* c = find(id);
    if (!c || c->failing || c->ended) return;
    if (round_ns_ == 0) round_ns_ = clock_.monotonic_ns();
    c->last_read_ns = round_ns_;
    telemetry_.received_bytes.add(data.size());
    if (c->format == WireFormat::kUnknown) c->format = format_of(data[0]);
    if (!readable(*c)) return hold(*c, data);
    read(*c, data);
}

void Ingest::read(Connection& c, std::span<const uint8_t> data) {
    const bool was_inside = c.inside();
    const uint64_t units = c.units;
    c.format == WireFormat::kBinary ? read_frames(c, data) : read_lines(c, data);
    if (!was_inside || c.units != units) c.inside_since_ns = clock_.monotonic_ns();
}

void Ingest::on_end_of_stream(ConnectionId id) {
    Connection* c = find(id);
    if (!c) return;
    if (!c->held.empty())
        c->ended_after_held = true;
    else
        end_of_stream(*c);
}

void Ingest::on_closed(ConnectionId id, const std::string&) {
    Connection* c = find(id);
    if (!c) return;
    note_gone(*c);
    // It may be in use further up the stack, and raw events point at it: it goes at the end of a round.
    c->failing = c->ended = true;
    closed_.push_back(id);
}

void Ingest::on_round_end() {
    apply_backpressure();  // what was held while there was no room goes first
    resume();
    process();
    charge_tenants();
    kept_.clear();
    if (const auto position = sink_.publish()) {
        for (const ConnectionId id : touched_) {
            Connection* c = find(id);
            if (!c) continue;
            c->touched = false;
            ++c->answers_under_way;
            owed_.push_back({*position, id, c->counted, std::exchange(c->answers, {}), round_ns_});
        }
        touched_.clear();
    }
    answer_durable();
    if (touched_.empty()) round_ns_ = 0;
    apply_backpressure();
    const int64_t now = clock_.monotonic_ns();
    if (now >= next_timeout_check_ns_) {
        next_timeout_check_ns_ = now + kTimeoutCheckNs;
        check_timeouts(now);
        telemetry_.producers.set(static_cast<int64_t>(producers_.size()));
    }
    for (const ConnectionId id : closed_) connections_.erase(id);
    closed_.clear();
    telemetry_.connections_open.set(static_cast<int64_t>(connections_.size()));
}

// --- raw events and their verdicts ------------------------------------------------------------------------

void Ingest::add_raw(Connection& c, std::span<const uint8_t> bytes, RawEvent::Format format,
                     uint64_t position) {
    if (work_.raw.size() == limits::kBatchEventsMax) process();
    if (c.producer_name.empty() && !std::exchange(c.counted_unnamed, true) &&
        tenants_[c.tenant].unnamed_senders++ == 0)
        note_presence(ControlKind::kProducerConnected, c);
    if (sources_.empty() || sources_.back() != &c) {
        sources_.push_back(&c);
        work_.sources.push_back({c.peer, c.producer_name, c.producer, c.epoch, c.tenant});
    }
    work_.raw.push_back({bytes.data(), static_cast<uint32_t>(bytes.size()), format, c.tenant,
                         static_cast<uint32_t>(sources_.size() - 1), position, c.backfill});
    work_.verdicts.push_back(Verdict::kPending);
    ++received_;
    ++tenants_[c.tenant].uncharged;
}

void Ingest::process() {
    if (!work_.raw.empty()) {
        telemetry_.events_received.add(work_.raw.size());
        StageTelemetry& stage = telemetry_.stage(Stage::kIngest);
        stage.events_in.add(work_.raw.size());
        stage.events_out.add(work_.raw.size());
        work_.read_ns = round_ns_ ? round_ns_ : clock_.monotonic_ns();
        stage.batch_ns.record(static_cast<uint64_t>(clock_.monotonic_ns() - work_.read_ns), work_.raw.size());
        sink_.process(work_);
        account();
        work_.clear();
        sources_.clear();
    }
}

void Ingest::account() {
    size_t next_refused = 0;
    // Refusals come in the order of the stages; answers go in the order of the events.
    std::sort(work_.refused.begin(), work_.refused.end(),
              [](const auto& a, const auto& b) { return a.raw < b.raw; });
    uint64_t duplicates = 0;
    for (size_t i = 0; i < work_.raw.size(); ++i) {
        const RawEvent& raw = work_.raw[i];
        Connection& c = *sources_[raw.source];
        if (work_.verdicts[i] != Verdict::kPending) c.counted.seq = raw.position;
        switch (work_.verdicts[i]) {
            case Verdict::kAccepted:
                ++c.counted.stored;
                break;
            case Verdict::kDuplicate:
                ++c.counted.duplicates, ++duplicates;
                break;
            case Verdict::kPending:
                return;  // the sink gave up: what follows was not taken
            case Verdict::kRefused: {
                const RefusedEvent& r = work_.refused[next_refused++];
                ++c.counted.refused;
                c.answers += answers::refused(c.format, raw.position, r.cause, r.detail);
                telemetry_.dead_letters[static_cast<size_t>(r.cause)].add();
                break;
            }
        }
    }
    telemetry_.events_duplicate.add(duplicates);
    telemetry_.events_stored.add(work_.raw.size() - duplicates - work_.refused.size());
    for (Connection* c : sources_) {
        touch(*c);
        if (c->producer_name.empty()) continue;
        ProducerTable::Producer* p = producers_.find(c->producer);
        // Also where the connection was lost in this very round: what it brought is taken all the same.
        if (p && p->epoch == c->epoch) p->next_seq = std::max(p->next_seq, c->counted.seq + 1);
    }
}

DeadLetter Ingest::letter_for(const Connection& c, uint64_t position) const {
    DeadLetter letter;
    letter.peer = c.peer;
    letter.producer = c.producer_name;
    letter.position = position;
    letter.tenant = c.tenant;
    return letter;
}

void Ingest::refuse_whole(Connection& c, uint64_t position, uint64_t count, Refusal cause, std::string detail,
                          DeadLetter letter) {
    process();  // answers keep the order of the events
    c.counted.seq = position + count - 1;
    c.counted.refused += count;
    telemetry_.events_received.add(count);
    telemetry_.dead_letters[static_cast<size_t>(cause)].add(count);
    c.answers += answers::refused(c.format, position, cause, detail);
    letter.cause = cause;
    letter.detail = std::move(detail);
    sink_.keep_dead_letter(letter);
    if (!c.producer_name.empty()) {
        if (ProducerTable::Producer* p = producers_.find(c.producer)) p->next_seq = c.counted.seq + 1;
        sink_.note_position({c.producer, c.epoch, c.counted.seq});
    }
    touch(c);
}

std::span<const uint8_t> Ingest::keep_for_round(std::vector<uint8_t>&& bytes) {
    const size_t size = bytes.size();
    bytes.resize(size + kPadding);
    kept_.push_back(std::move(bytes));
    return {kept_.back().data(), size};
}

void Ingest::resent(Connection& c) {
    ++c.counted.duplicates;
    telemetry_.events_resent.add();
    touch(c);
}

// --- answers ----------------------------------------------------------------------------------------------

void Ingest::touch(Connection& c) {
    if (!std::exchange(c.touched, true)) touched_.push_back(c.id);
}

void Ingest::answer_durable() {
    if (owed_.empty()) return;
    const uint64_t durable = sink_.committed_position();
    const int64_t now = clock_.monotonic_ns();
    std::vector<Connection*> to_ack;
    while (!owed_.empty() && owed_.front().position <= durable) {
        Owed& owed = owed_.front();
        if (Connection* c = find(owed.connection)) {
            --c->answers_under_way;
            if (!owed.refused.empty()) loop_->send(c->id, owed.refused);
            const uint64_t events = owed.counts.seq - c->acked.seq;
            if (owed.read_ns && events)
                telemetry_.ack_ns.record(static_cast<uint64_t>(now - owed.read_ns), events);
            c->ack_due |= !(c->acked == owed.counts);
            c->acked = owed.counts;
            if (to_ack.empty() || to_ack.back() != c) to_ack.push_back(c);
        }
        owed_.pop_front();
    }
    for (Connection* c : to_ack) {
        if (c->finished) continue;  // named twice in this list
        const uint32_t acks = std::max(std::exchange(c->acks_wanted, 0), uint32_t{c->ack_due});
        for (uint32_t i = 0; i < acks; ++i) send_ack(*c);
        finish_if_done(*c);
    }
}

void Ingest::send_ack(Connection& c) {
    c.ack_due = false;
    loop_->send(c.id, answers::ack(c.format, c.acked, options_.credits_bytes));
    if (loop_->backlog_bytes(c.id) > limits::kSendBacklogBytesMax && !c.answers_untaken) {
        c.answers_untaken = true;
        paused_.push_back(c.id);
        update_reading(c);
        telemetry_.backpressure_pauses.add();
    }
}

void Ingest::finish_if_done(Connection& c) {
    if (!c.ended || c.touched || c.answers_under_way > 0 || std::exchange(c.finished, true)) return;
    if (!c.error.empty())
        loop_->send(c.id, c.error);
    else if (c.format != WireFormat::kBinary)
        loop_->send(c.id, answers::done(c.acked));
    loop_->close_after_send(c.id);
}

bool Ingest::drained() { return owed_.empty() && touched_.empty() && work_.raw.empty(); }

}  // namespace penstock
