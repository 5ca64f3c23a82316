// A log in a temporary folder, filled by hand: for tests of what reads the log.
#pragma once

#include <xxhash.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "schemas/event_fields.h"
#include "schemas/identity.h"
#include "schemas/limits.h"
#include "schemas/refusal.h"
#include "storage/event_log.h"

namespace penstock::test {

struct LoggedEvent {
    std::string id = {}, type = "motion_detection", subject = {}, tenant = "default", region = "us",
                data = {};
    uint8_t severity = 0;
    StampNs time_ns = kNoTime;
};

struct LoggedDeadLetter {
    Refusal cause = Refusal::kBadJson;
    std::string detail = {}, peer = {}, raw = {};
    uint64_t position = 1;
    uint64_t cut_off = 0;  ///< bytes that were refused behind raw
};

/// Appends records as the sequencer would, but without any stage. One thread.
class HotLog {
  public:
    explicit HotLog(StampNs first_stamp_ns = 1'767'225'600'000'000'000) : stamp_ns_(first_stamp_ns) {
        std::string pattern = (std::filesystem::temp_directory_path() / "penstock-hot-log-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
        log_ = std::make_unique<EventLog>(EventLog::Options{folder_ + "/log", 1ULL << 30, false});
        log_->register_names({"us", "ca", "eu", "apac", "latam"}, {"default", "acme"});
        next_seq_ = log_->bounds().next_seq;
    }
    ~HotLog() {
        log_.reset();
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }

    EventLog& log() { return *log_; }
    std::string path() const { return folder_ + "/log"; }
    Seq next_seq() const { return next_seq_; }
    /// Received time of the next item.
    void set_stamp(StampNs stamp_ns) { stamp_ns_ = std::max(stamp_ns_, stamp_ns); }

    /// One record with these events; answers its first sequence.
    Seq append(const std::vector<LoggedEvent>& events) {
        begin(RecordKind::kEvents);
        for (const LoggedEvent& e : events) {
            EventFields fields;
            const std::string source = "/test";
            fields.id = e.id;
            fields.source = source;
            fields.type = e.type;
            fields.subject = e.subject;
            fields.data = e.data;
            fields.severity = e.severity;
            fields.time_ns = e.time_ns;
            EventHead& head = add(builder_.build(fields));
            head.type_hash = XXH3_64bits(e.type.data(), e.type.size());
            head.tenant = log_->names().tenant(e.tenant).value();
            head.region = log_->names().region(e.region).value();
            head.severity = e.severity;
            head.time_ns = e.time_ns == kNoTime ? stamp_ns_ : e.time_ns;
            if (!e.subject.empty()) {
                head.key = IdentityHasher(log_->identity().hash_secret).key(head.tenant, e.subject);
                keys_.push_back(head.key);
            }
            record_.header.region_mask |= uint64_t{1} << head.region;
        }
        return commit();
    }
    Seq append(const std::vector<LoggedDeadLetter>& letters) {
        begin(RecordKind::kDeadLetters);
        for (const LoggedDeadLetter& d : letters) {
            flatbuffers::FlatBufferBuilder fbb;
            const auto raw = fbb.CreateVector(reinterpret_cast<const uint8_t*>(d.raw.data()), d.raw.size());
            const auto detail = fbb.CreateString(d.detail);
            const auto peer = fbb.CreateString(d.peer);
            fbb.Finish(fb::CreateDeadLetter(fbb, static_cast<uint16_t>(d.cause), detail, peer, 0, d.position,
                                            raw, d.raw.size() + d.cut_off,
                                            XXH3_64bits(d.raw.data(), d.raw.size())));
            add({fbb.GetBufferPointer(), fbb.GetSize()});
        }
        return commit();
    }
    /// Records of the calls in between are committed together (each commit of its own waits for the disk).
    void hold() { holding_ = true; }
    void release() {
        std::vector<RecordView> views;
        for (const Record& r : held_) views.push_back(r.view());
        log_->append(views);
        held_.clear();
        holding_ = false;
    }

    Seq append_control() {
        begin(RecordKind::kControl);
        return commit();
    }

  private:
    struct Record {
        RecordHeader header{};
        std::vector<EventHead> heads = {};
        std::vector<EventIdentity> identities = {};
        std::vector<uint8_t> heap = {}, bloom = {};
        RecordView view() const { return {&header, bloom, {}, identities, heads, heap}; }
    };

    void begin(RecordKind kind) {
        record_ = Record{};
        record_.header.magic = kRecordMagic;
        record_.header.version = kRecordVersion;
        record_.header.kind = kind;
    }
    EventHead& add(std::span<const uint8_t> bytes) {
        auto& [header, heads, identities, heap, bloom] = record_;
        EventHead head{};
        head.offset = static_cast<uint32_t>(heap.size());
        head.length = static_cast<uint32_t>(bytes.size());
        heap.insert(heap.end(), bytes.begin(), bytes.end());
        heap.resize((heap.size() + 7) / 8 * 8);
        identities.push_back({{next_seq_ + heads.size(), 1}, 0});
        heads.push_back(head);
        return heads.back();
    }
    Seq commit() {
        const Seq first = next_seq_;
        RecordHeader& header = record_.header;
        header.first_seq = first;
        header.base_stamp_ns = stamp_ns_;
        header.count = static_cast<uint32_t>(record_.heads.size());
        header.heap_bytes = static_cast<uint32_t>(record_.heap.size());
        if (!keys_.empty()) record_.bloom.resize(bloom_bytes_for(keys_.size()));
        for (const Hash128& key : keys_) bloom_add(record_.bloom, key);
        header.bloom_bytes = static_cast<uint32_t>(record_.bloom.size());
        keys_.clear();
        next_seq_ += header.span();
        stamp_ns_ += 1'000'000;
        held_.push_back(std::move(record_));
        if (!holding_) release();
        return first;
    }

    std::string folder_;
    std::unique_ptr<EventLog> log_;
    StampNs stamp_ns_;
    Seq next_seq_ = 1;
    EventBuilder builder_;
    Record record_;
    std::vector<Hash128> keys_;
    std::vector<Record> held_;
    bool holding_ = false;
};

}  // namespace penstock::test
