// A book of access that is fed by hand.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "schemas/event_fields.h"
#include "stages/access/access_book.h"
#include "tests/support/engine_rig.h"

namespace penstock::test {

/// A control record as a machine gets it.
inline void apply_control(StateMachine& to, ControlKind kind, const std::string& about,
                          const std::string& text, Seq seq, StampNs stamp_ns) {
    flatbuffers::FlatBufferBuilder fbb;
    const auto name = fbb.CreateString(about), words = fbb.CreateString(text);
    fbb.Finish(fb::CreateControl(fbb, static_cast<uint16_t>(kind), name, words));
    RecordHeader header{};
    header.kind = RecordKind::kControl;
    header.first_seq = seq;
    header.base_stamp_ns = stamp_ns;
    header.count = 1;
    const EventIdentity identity{};
    EventHead head{};
    head.length = fbb.GetSize();
    to.apply(
        RecordView{&header, {}, {}, {&identity, 1}, {&head, 1}, {fbb.GetBufferPointer(), fbb.GetSize()}});
}

/// Time is seconds since a start in 2026. One record a call; each answers its sequence.
class AccessRig {
  public:
    static constexpr StampNs kStart = 1'767'225'600'000'000'000;
    static StampNs at(double seconds) { return kStart + static_cast<StampNs>(seconds * 1e9); }

    AccessRig() { renew(); }
    Seq control(ControlKind kind, const std::string& about, const std::string& text) {
        last_stamp = std::max(at(now), last_stamp + 1);
        apply_control(*book, kind, about, text, next_seq, last_stamp);
        return next_seq++;
    }
    Seq to(double seconds) {
        now = seconds;
        return control(ControlKind::kTick, "", "");
    }
    Seq boot(int64_t idle_s, int64_t life_s) {
        return control(ControlKind::kBoot, "host",
                       fmt::format(R"({{"access":{{"session_idle_ns":{},"session_life_ns":{}}}}})",
                                   idle_s * kSecond, life_s * kSecond));
    }
    Seq user(const std::string& name, const std::string& more = "", const std::string& role = "operator") {
        return control(ControlKind::kUserSet, name, fmt::format(R"({{"role":"{}"{}}})", role, more));
    }
    Seq sign_in(uint64_t user, const std::string& session) {
        return control(ControlKind::kSignedIn, session, fmt::format(R"({{"user":{}}})", user));
    }
    Seq seen(const std::string& name, const std::string& session = "", bool back = false) {
        return control(ControlKind::kUserSeen, name,
                       fmt::format(R"({{"session":"{}","back":{}}})", session, back));
    }
    /// Its rows are saved, and a new book is made of them.
    void restart() {
        rows.save(*book);
        renew();
        rows.load(*book, last_stamp);
    }
    bool active(uint64_t user) const { return book->user(user).value_or(User{}).active; }
    uint64_t number(const std::string& name) const { return book->user(name).value_or(User{}).number; }

    struct Told {
        Operator who;
        StampNs at_ns;
        Seq seq;
    };
    std::unique_ptr<AccessBook> book;
    std::vector<Told> told;
    Rows rows;
    double now = 0;
    Seq next_seq = 1;
    StampNs last_stamp = 0;

  private:
    void renew() {
        book = std::make_unique<AccessBook>();
        book->on_operator = [this](const Operator& who, StampNs at_ns, Seq seq) {
            told.push_back({who, at_ns, seq});
        };
    }
};

}  // namespace penstock::test
