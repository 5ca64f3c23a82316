// Which events there are, whatever their order: how many, and a sum over the hashes of their ids.
#pragma once

#include <xxhash.h>

#include <cstdint>
#include <string_view>

#include "perf/support/bench.h"
#include "perf/support/event_feed.h"

namespace penstock::bench {

class IdDigest {
  public:
    void add(std::string_view id) {
        sum_ += XXH3_64bits(id.data(), id.size());
        ++count_;
    }
    /// One event as JSON.
    void add_event(std::string_view json) {
        constexpr std::string_view kBefore = R"("id":")";
        const size_t at = json.find(kBefore);
        expect(at != json.npos, "what was read back is no event");
        const size_t begin = at + kBefore.size();
        add(json.substr(begin, json.find('"', begin) - begin));
    }
    uint64_t count() const { return count_; }
    /// Throws CheckFailed where they are not the same.
    void expect_same(const IdDigest& wanted) const {
        expect_equal(count_, wanted.count_, "events read back");
        expect_equal(sum_, wanted.sum_, "digest of the ids read back");
    }

  private:
    uint64_t count_ = 0, sum_ = 0;
};

enum class Repeats : uint8_t { kKept, kOnce };
/// Of the first `events` of a feed.
IdDigest digest_of_feed(EventFeed::Options options, uint64_t events, Repeats repeats);

}  // namespace penstock::bench
