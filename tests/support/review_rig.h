// A book of reviews that is fed by hand: operators, events and commands, with what a replay needs kept.
#pragma once

#include <fmt/format.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "schemas/identity.h"
#include "stages/review/review_book.h"
#include "tests/support/engine_rig.h"

namespace penstock::test {

/// Time is seconds since a start in 2026. One record a call. Regions: 0 us, 1 eu. Tenant 0.
class ReviewRig {
  public:
    static constexpr StampNs kStart = 1'767'225'600'000'000'000;
    static StampNs at(double seconds) { return kStart + static_cast<StampNs>(seconds * 1e9); }
    static constexpr const char* kOneQueue = R"({"name":"q","types":["alarm"]})";

    struct Fed {
        std::optional<Operator> who;
        RecordKind record = RecordKind::kControl;
        ControlKind kind = ControlKind::kTick;
        std::string name, text;
        // Of an event.
        std::string type, subject, data;
        uint16_t region = 0, tenant = 0;
        uint8_t severity = 0, flags = 0;
        Seq seq = 0;
        StampNs stamp_ns = 0;
    };

    explicit ReviewRig(const std::string& queues = kOneQueue, const std::string& rules = R"("held_max":50)") {
        boot(queues, rules);
    }
    void boot(const std::string& queues, const std::string& rules) {
        control(ControlKind::kBoot, "host",
                fmt::format(R"({{"regions":["us","eu"],"review":{{{},"queues":[{}]}}}})", rules, queues));
    }
    void to(double seconds) {
        now_ = seconds;
        control(ControlKind::kTick, "", "");
    }
    /// As to(), while all who are active give signs of life.
    void to_at_work(double seconds) {
        while (now_ + 30 < seconds) {
            now_ += 30;
            for (const auto& [user, who] : std::map<uint64_t, Operator>(people))
                if (who.active) person(user, who.regions, who.role, who.skills);
        }
        to(seconds);
    }
    Operator person(uint64_t user, std::vector<std::string> regions = {}, Role role = Role::kOperator,
                    std::vector<std::string> skills = {}, bool active = true) {
        Operator who;
        who.user = user;
        who.name = fmt::format("u{}", user);
        who.role = role;
        who.regions = std::move(regions);
        who.skills = std::move(skills);
        who.active = active;
        Fed one = next();
        who.last_seen_ns = one.stamp_ns;
        one.who = who;
        feed(std::move(one));
        return who;
    }
    void tell(Operator who) {
        Fed one = next();
        who.last_seen_ns = one.stamp_ns;
        one.who = std::move(who);
        feed(std::move(one));
    }
    void leaves(uint64_t user) { person(user, {}, Role::kOperator, {}, false); }

    Seq event(const std::string& type = "alarm", uint16_t region = 0, uint8_t severity = 3,
              const std::string& data = "{}", uint8_t flags = 0, uint16_t tenant = 0) {
        Fed one = next();
        one.record = RecordKind::kEvents;
        one.type = type;
        one.subject = fmt::format("s{}", one.seq);
        one.region = region;
        one.severity = severity;
        one.data = data;
        one.flags = flags;
        one.tenant = tenant;
        const Seq seq = one.seq;
        feed(std::move(one));
        return seq;
    }
    Seq control(ControlKind kind, const std::string& name, const std::string& text) {
        Fed one = next();
        one.kind = kind;
        one.name = name;
        one.text = text;
        const Seq seq = one.seq;
        feed(std::move(one));
        return seq;
    }
    /// `members`: as JSON, such as "\"fence\":1".
    ReviewOutcome command(ControlKind kind, uint64_t item, uint64_t user, const std::string& members = "",
                          Role role = Role::kOperator) {
        const Seq seq =
            control(kind, std::to_string(item),
                    fmt::format(R"({{"by":"u{}","user":{},"role":{},"peer":"10.0.0.1"{}{}}})", user, user,
                                static_cast<int>(role), members.empty() ? "" : ",", members));
        return book->outcome(seq).value_or(ReviewOutcome{});
    }
    ReviewOutcome claim(uint64_t item, uint64_t user) {
        return command(ControlKind::kReviewClaimed, item, user);
    }
    ReviewOutcome decide(uint64_t item, uint64_t user, uint64_t fence, const std::string& what = "approved",
                         const std::string& more = "") {
        return command(ControlKind::kReviewDecided, item, user,
                       fmt::format(R"("fence":{},"decision":"{}","note":"ok"{})", fence, what, more));
    }
    ReviewItem item(uint64_t id) const { return book->item(id).value_or(ReviewItem{}); }
    size_t held(uint64_t user) const {
        ReviewFilter filter;
        filter.holder = user;
        return book->items(filter, 0, 100'000).size();
    }

    static void apply(ReviewBook& to, const Fed& fed) {
        if (fed.who) to.on_operator(*fed.who, fed.stamp_ns, fed.seq);
        flatbuffers::FlatBufferBuilder fbb;
        RecordHeader header{};
        header.kind = fed.record;
        header.first_seq = fed.seq;
        header.base_stamp_ns = fed.stamp_ns;
        header.count = 1;
        EventHead head{};
        if (fed.record == RecordKind::kEvents) {
            const auto id = fbb.CreateString(fmt::format("e{}", fed.seq)), source = fbb.CreateString("test");
            const auto type = fbb.CreateString(fed.type), subject = fbb.CreateString(fed.subject);
            const auto data = fbb.CreateString(fed.data);
            fb::EventBuilder event(fbb);
            event.add_id(id);
            event.add_source(source);
            event.add_type(type);
            event.add_subject(subject);
            event.add_data(data);
            event.add_severity(fed.severity);
            fbb.Finish(event.Finish());
            head.type_hash = type_hash(fed.type);
            head.region = fed.region;
            head.tenant = fed.tenant;
            head.severity = fed.severity;
            head.time_ns = fed.stamp_ns;
            head.flags = fed.flags;
        } else {
            const auto about = fbb.CreateString(fed.name), text = fbb.CreateString(fed.text);
            fbb.Finish(fb::CreateControl(fbb, static_cast<uint16_t>(fed.kind), about, text));
        }
        const EventIdentity identity{};
        head.length = fbb.GetSize();
        to.apply(
            RecordView{&header, {}, {}, {&identity, 1}, {&head, 1}, {fbb.GetBufferPointer(), fbb.GetSize()}});
    }
    /// Its rows are saved, and a new book is made of them; who is there is told it, as the book of access
    /// does.
    void restart() {
        rows.save(*book);
        book = std::make_unique<ReviewBook>();
        rows.load(*book, at(now_));
        for (const auto& [user, who] : people) book->on_operator(who, 0, 0);
    }

    std::unique_ptr<ReviewBook> book = std::make_unique<ReviewBook>();
    Rows rows;
    std::deque<Fed> fed;
    std::map<uint64_t, Operator> people;

  private:
    Fed next() {
        Fed one;
        one.seq = next_seq_++;
        one.stamp_ns = std::max(at(now_), last_stamp_ + 1);
        last_stamp_ = one.stamp_ns;
        return one;
    }
    void feed(Fed one) {
        if (one.who) people[one.who->user] = *one.who;
        apply(*book, one);
        fed.push_back(std::move(one));
    }
    double now_ = 0;
    Seq next_seq_ = 1;
    StampNs last_stamp_ = 0;
};

}  // namespace penstock::test
