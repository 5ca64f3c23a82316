// How long whoever failed to sign in has to wait: longer with each failure.
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>

namespace penstock::http {

/// One thread. Time is monotonic nanoseconds. Memory: kEntriesMax names or addresses; of more, the one that
/// failed longest ago is forgotten.
class SignInThrottle {
  public:
    static constexpr size_t kEntriesMax = 10'000;
    static constexpr int64_t kForgetNs = 900'000'000'000;

    struct Limits {
        uint32_t free;   ///< failures that cost nothing
        int64_t max_ns;  ///< the longest wait; the first is 1 s, and each is twice the one before
    };
    explicit SignInThrottle(Limits limits) : limits_(limits) {}

    /// 0: may try now.
    int64_t wait_ns(const std::string& who, int64_t now_ns) const;
    /// Told before the secret is looked at, so that many tries at once are many.
    void tried(const std::string& who, int64_t now_ns);
    void succeeded(const std::string& who);
    size_t size() const { return entries_.size(); }

  private:
    struct Entry {
        std::string who;
        uint32_t failures = 0;
        int64_t last_ns = 0, until_ns = 0;
    };
    const Limits limits_;
    std::list<Entry> entries_;  ///< the last that failed first
    std::unordered_map<std::string, std::list<Entry>::iterator> places_;
};

}  // namespace penstock::http
