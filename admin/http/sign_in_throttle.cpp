#include "admin/http/sign_in_throttle.h"

#include <algorithm>

namespace penstock::http {

int64_t SignInThrottle::wait_ns(const std::string& who, int64_t now_ns) const {
    const auto at = places_.find(who);
    return at == places_.end() ? 0 : std::max<int64_t>(0, at->second->until_ns - now_ns);
}

void SignInThrottle::tried(const std::string& who, int64_t now_ns) {
    const auto at = places_.find(who);
    if (at == places_.end()) {
        if (entries_.size() >= kEntriesMax) {
            places_.erase(entries_.back().who);
            entries_.pop_back();
        }
        entries_.push_front({who});
        places_[who] = entries_.begin();
    } else {
        entries_.splice(entries_.begin(), entries_, at->second);
    }
    Entry& e = entries_.front();
    if (now_ns - std::max(e.last_ns, e.until_ns) > kForgetNs) e.failures = 0;
    e.last_ns = now_ns;
    if (++e.failures <= limits_.free) return;
    const uint32_t doublings = std::min<uint32_t>(e.failures - limits_.free - 1, 30);
    e.until_ns = now_ns + std::min<int64_t>(limits_.max_ns, 1'000'000'000LL << doublings);
}

void SignInThrottle::succeeded(const std::string& who) {
    const auto at = places_.find(who);
    if (at == places_.end()) return;
    entries_.erase(at->second);
    places_.erase(at);
}

}  // namespace penstock::http
