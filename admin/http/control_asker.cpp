#include "admin/http/control_asker.h"

#include <utility>

#include "pipeline/command_key.h"

namespace penstock::http {
namespace {
constexpr int64_t kPatienceNs = 10'000'000'000;
}

bool ControlAsker::ready(const Answer& answer) const {
    if (telemetry_.readiness.load(std::memory_order_acquire) == Readiness::kReady) return true;
    answer(problem(503, "not-ready", "The appliance does not take changes now",
                   "ask again when /readyz answers 200")
               .header("Retry-After", "1"));
    return false;
}

void ControlAsker::ask(ControlKind kind, std::string name, std::string text, const Answer& answer,
                       Done done) {
    const uint64_t id = next_id_++;
    if (answer.once) text = with_command_key(answer.once->command, text);
    ControlRequest request{kind, std::move(name), std::move(text), {}};
    request.answer = [this, id](Seq seq) { post_([this, id, seq] { answered(id, seq); }); };
    pending_[id] = {answer, std::move(done), clock_.monotonic_ns() + kPatienceNs};
    if (mailbox_.try_push(std::move(request))) {
        if (answer.once) answer.once->asked = true;
        return;
    }
    pending_.erase(id);
    answer(
        problem(503, "busy", "Too many requests wait", "ask again in a moment").header("Retry-After", "1"));
}

void ControlAsker::answered(uint64_t id, Seq seq) {
    const auto at = pending_.find(id);
    if (at == pending_.end()) return;  // given up
    const Pending pending = std::move(at->second);
    pending_.erase(at);
    pending.answer(pending.done(seq));
}

void ControlAsker::give_up_old() {
    const int64_t now = clock_.monotonic_ns();
    give_up(pending_, now, "it may still be done: look again before you repeat it");
}

}  // namespace penstock::http
