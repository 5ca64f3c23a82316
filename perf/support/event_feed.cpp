#include "perf/support/event_feed.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <cstring>
#include <map>

#include "admin/cli/event_generator.h"
#include "admin/cli/event_text.h"
#include "admin/cli/frame_encoder.h"
#include "perf/support/bench.h"
#include "perf/support/event_mix.h"

namespace penstock::bench {

const std::string_view kWorkflow = R"({
  "name": "cameras", "key": "subject",
  "edges": [
    {"from": "motion_detection", "to": "object_detection", "within_ms": 1000},
    {"from": "object_detection", "to": "face_detection", "within_ms": 5000},
    {"from": "motion_detection", "to": "intrusion_detection", "within_ms": 10000}
  ]
}
)";

const std::string_view kTwoStepWorkflow = R"({
  "name": "pairs", "key": "subject",
  "edges": [{"from": "motion_detection", "to": "object_detection", "within_ms": 3600000}]
}
)";

namespace {
constexpr std::array<std::pair<std::string_view, std::string_view>, kEdges> kEdgeTypes{
    {{"motion_detection", "object_detection"},
     {"object_detection", "face_detection"},
     {"motion_detection", "intrusion_detection"}}};
constexpr size_t kPadding = 64;
constexpr size_t kIdBytes = 8,
                 kSubjectBytes = 6;  // what names the round; the subject's first digit: the seed
constexpr size_t kCaseBytes = 11;    // the whole subject: seed and number of the case
constexpr std::string_view kIdBefore = R"("id":")", kTypeBefore = R"("type":")",
                           kSubjectBefore = R"("subject":")", kTimeBefore = R"("time":")";
/// Of kTwoStepWorkflow: what tells its types apart; the rest of both is the same.
constexpr std::string_view kTwoStepType = "motion_detection", kBegins = "motion", kSettles = "object";

/// Ends the types of workflow `number`, instead of the "ion" of the generator's.
std::string type_end(uint32_t number) { return fmt::format("{:03}", number); }
constexpr std::string_view kTypeEnd = "ion";

uint32_t offset_after(std::string_view line, std::string_view mark) {
    const size_t at = line.find(mark);
    expect(at != line.npos, "the generator's events have another form than the feed knows");
    return static_cast<uint32_t>(at + mark.size());
}
std::string_view text_at(std::string_view line, uint32_t offset) {
    return line.substr(offset, line.find('"', offset) - offset);
}
void write_hex(uint8_t* to, uint64_t value, size_t digits) {
    for (size_t i = digits; i-- > 0; value >>= 4)
        to[i] = static_cast<uint8_t>("0123456789abcdef"[value & 15]);
}
/// "2026-01-31T08:00:00.125Z": always of the same length.
std::string text_of_time(StampNs wall_ns) {
    std::string text = cli::format_rfc3339(wall_ns / 1'000'000 * 1'000'000);
    if (text.size() == 20) text.replace(19, 1, ".000Z");
    return text;
}
StampNs late(StampNs wall_ns, uint8_t lateness) { return wall_ns - lateness * kLatenessStepMs * 1'000'000; }
}  // namespace

std::string workflow_of_own_types(uint32_t number) {
    std::string out(kWorkflow);
    out.insert(out.find("cameras") + 7, "_" + type_end(number));
    const std::string before = std::string(kTypeEnd) + '"';
    for (size_t at = 0; (at = out.find(before, at)) != out.npos;)
        out.replace(at, kTypeEnd.size(), type_end(number));
    return out;
}

EventFeed::EventFeed(const Options& options) : options_(options) {
    items_.reserve(options.block_events);
    options.mix ? add_mix() : add_generated();
    block_.resize(block_.size() + kPadding);
    if (options.open_cases) open_.reserve(*options.open_cases + size_t{1});
    if (!options.mix && !options.open_cases) foresee();
    types_.clear(), subjects_.clear();
}

void EventFeed::add_generated() {
    cli::EventGenerator::Options made;
    made.cameras = options_.cameras;
    cli::EventGenerator generator(options_.seed, made);
    std::string line;
    std::map<std::string, uint32_t> workflow_of;  // by subject
    for (uint32_t i = 0; i < options_.block_events; ++i) {
        line.clear();
        generator.next(line);
        const std::string_view text(line);
        items_.emplace_back();
        types_.emplace_back(text_at(text, offset_after(text, kTypeBefore)));
        subjects_.emplace_back(text_at(text, offset_after(text, kSubjectBefore)));
        const std::string_view region = text_at(text, offset_after(text, R"("region":")"));
        for (uint8_t r = 0; r < kRegions; ++r)
            if (region == kRegionNames[r]) items_.back().region = r;  // "na" is us, the first
        if (options_.workflows > 0) {
            const auto known = static_cast<uint32_t>(workflow_of.size());
            const uint32_t number = workflow_of.try_emplace(subjects_.back(), known).first->second;
            const size_t end = offset_after(text, kTypeBefore) + types_.back().size();
            line.replace(end - kTypeEnd.size(), kTypeEnd.size(), type_end(number % options_.workflows));
        }
        if (options_.open_cases) {
            expect_equal(subjects_.back().size(), kCaseBytes, "bytes of a subject that is to name its case");
            line.replace(offset_after(text, kTypeBefore), types_.back().size(), kTwoStepType);
        }
        add(line);
    }
}

void EventFeed::add_mix() {
    for (const MixedEvent& event : make_event_mix(options_.seed, options_.block_events)) {
        items_.emplace_back();
        items_.back().lateness = event.lateness;
        items_.back().repeat = event.repeat;
        add(event.line);
    }
}

void EventFeed::add(std::string_view line) {
    options_.format == Format::kJson ? add_line(line) : add_frame_item(line);
}

void EventFeed::add_line(std::string_view line) {
    const auto base = static_cast<uint32_t>(block_.size());
    Item& item = items_.back();
    item.begin = base;
    item.length = static_cast<uint32_t>(line.size() - 1);
    item.id = base + offset_after(line, kIdBefore);
    item.type = base + offset_after(line, kTypeBefore);
    item.subject = base + offset_after(line, kSubjectBefore);
    item.time = base + offset_after(line, kTimeBefore);
    block_.insert(block_.end(), line.begin(), line.end());
    item.next = static_cast<uint32_t>(block_.size());
}

void EventFeed::add_frame_item(std::string_view line) {
    static thread_local cli::FrameEncoder encoder;
    encoder.add(line.substr(0, line.size() - 1));
    const std::string frame = encoder.finish(0, 0);
    const auto base = static_cast<uint32_t>(block_.size());
    const auto* bytes = reinterpret_cast<const uint8_t*>(frame.data());
    block_.insert(block_.end(), bytes + sizeof(wire::FrameHeader), bytes + frame.size());
    Item& item = items_.back();
    std::memcpy(&item.length, block_.data() + base, sizeof item.length);
    item.begin = base + 8;
    const auto* event = flatbuffers::GetRoot<flatbuffers::Table>(block_.data() + item.begin);
    const auto text = [&](flatbuffers::voffset_t field) {
        return reinterpret_cast<const uint8_t*>(
            event->GetPointer<const flatbuffers::String*>(field)->c_str());
    };
    item.id = static_cast<uint32_t>(text(fb::Event::VT_ID) - block_.data());
    item.type = static_cast<uint32_t>(text(fb::Event::VT_TYPE) - block_.data());
    item.subject = static_cast<uint32_t>(text(fb::Event::VT_SUBJECT) - block_.data());
    item.time = static_cast<uint32_t>(event->GetAddressOf(fb::Event::VT_TIME_NS) - block_.data());
    item.next = static_cast<uint32_t>(block_.size());
}

/// A key is anchored by its first `from` and settled by the first `to` after that. A block's keys end with
/// it.
void EventFeed::foresee() {
    enum : uint8_t { kIdle, kArmed, kSettled };
    std::map<std::string_view, std::array<uint8_t, kEdges>> keys;
    for (size_t i = 0; i < items_.size(); ++i) {
        auto& state = keys.try_emplace(subjects_[i]).first->second;
        for (size_t e = 0; e < kEdges; ++e) {
            if (types_[i] == kEdgeTypes[e].second && state[e] == kArmed) {
                state[e] = kSettled;
                items_[i].settles |= static_cast<uint8_t>(1u << e);
            } else if (types_[i] == kEdgeTypes[e].first && state[e] == kIdle) {
                state[e] = kArmed;
                items_[i].anchors |= static_cast<uint8_t>(1u << e);
            }
        }
    }
}

EventFeed::Part EventFeed::next(uint64_t events_max, StampNs wall_ns) {
    if (at_ == items_.size()) {
        at_ = 0;
        ++round_;
    }
    const uint64_t end = std::min<uint64_t>(items_.size(), at_ + events_max);
    if (at_ == 0) begin_round(wall_ns);
    std::array<uint8_t, kIdBytes> id{};
    std::array<uint8_t, kSubjectBytes> subject{};
    write_hex(id.data(), round_, id.size());
    write_hex(subject.data(), options_.seed << 20 | (round_ & 0xfffff), subject.size());
    if (options_.format == Format::kJson && !options_.mix) time_text_ = text_of_time(wall_ns);
    const uint64_t begin = at_;
    for (; at_ < end; ++at_) {
        const Item& item = items_[at_];
        std::memcpy(block_.data() + item.id, id.data(), id.size());
        if (options_.open_cases)
            write_case(item);
        else if (!options_.mix)
            std::memcpy(block_.data() + item.subject, subject.data(), subject.size());
        write_time(item, wall_ns);
        ++effects_.regions[item.region];
        effects_.repeats += item.repeat;
        for (size_t e = 0; e < kEdges; ++e) {
            effects_.anchored[e] += item.anchors >> e & 1;
            effects_.settled[e] += item.settles >> e & 1;
        }
    }
    effects_.events += end - begin;
    const size_t from = begin == 0 ? 0 : items_[begin - 1].next;
    return {{block_.data() + from, items_[end - 1].next - from}, end - begin};
}

/// What is sent twice must be the same twice, so a mix's times are those of its round.
void EventFeed::begin_round(StampNs wall_ns) {
    round_ns_ = wall_ns;
    if (!options_.mix || options_.format != Format::kJson) return;
    late_texts_.clear();
    for (uint8_t lateness = 0; lateness < kLatenessSteps; ++lateness)
        late_texts_.push_back(text_of_time(late(wall_ns, lateness)));
}

void EventFeed::write_time(const Item& item, StampNs wall_ns) {
    uint8_t* to = block_.data() + item.time;
    if (options_.format == Format::kJson) {
        const std::string& text = options_.mix ? late_texts_[item.lateness] : time_text_;
        std::memcpy(to, text.data(), text.size());
    } else {
        const StampNs time_ns = options_.mix ? late(round_ns_, item.lateness) : wall_ns;
        std::memcpy(to, &time_ns, sizeof time_ns);
    }
}

void EventFeed::write_case(const Item& item) {
    const bool settles = open_.size() > *options_.open_cases;
    uint32_t number = cases_;
    if (settles) {
        number = std::exchange(open_[random_.next() % open_.size()], open_.back());
        open_.pop_back();
    } else {
        open_.push_back(cases_++);
    }
    write_hex(block_.data() + item.subject, options_.seed << 40 | number, kCaseBytes);
    const std::string_view type = settles ? kSettles : kBegins;
    std::memcpy(block_.data() + item.type, type.data(), type.size());
    ++(settles ? effects_.settled : effects_.anchored)[0];
}

wire::FrameHeader frame_header(std::span<const uint8_t> body, uint64_t events) {
    wire::FrameHeader h{};
    h.magic = wire::kMagic;
    h.type = wire::FrameType::kEvents;
    h.body_bytes = static_cast<uint32_t>(body.size());
    h.count = static_cast<uint32_t>(events);
    h.checksum = cli::frame_checksum(h, {reinterpret_cast<const char*>(body.data()), body.size()});
    return h;
}

}  // namespace penstock::bench
