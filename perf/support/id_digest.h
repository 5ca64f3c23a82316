// Which events there are: how many, a sum over the hashes of their ids, and a hash over these in their order.
#pragma once

#include <xxhash.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "perf/support/bench.h"
#include "perf/support/event_feed.h"

namespace penstock::bench {

/// Who sends over one connection expects the same order, and so the same order of each key. Over several none
/// is promised between them.
enum class Order : uint8_t { kSame, kAny };
inline Order order_over(size_t connections) { return connections == 1 ? Order::kSame : Order::kAny; }

class IdDigest {
  public:
    void add(std::string_view id) {
        const uint64_t hash = XXH3_64bits(id.data(), id.size());
        sum_ += hash;
        in_order_ = (in_order_ ^ hash) * kOddFactor;
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
    void expect_same(const IdDigest& wanted, Order order) const {
        expect_equal(count_, wanted.count_, "events read back");
        expect_equal(sum_, wanted.sum_, "digest of the ids read back");
        if (order == Order::kSame)
            expect_equal(in_order_, wanted.in_order_, "digest of the ids read back, in their order");
    }

  private:
    static constexpr uint64_t kOddFactor = 0x9e37'79b9'7f4a'7c15;
    uint64_t count_ = 0, sum_ = 0, in_order_ = 0;
};

enum class Repeats : uint8_t { kKept, kOnce };
/// Of the first `events` of a feed.
IdDigest digest_of_feed(EventFeed::Options options, uint64_t events, Repeats repeats);
/// Of all that a log holds; `path`: its folder.
IdDigest digest_of_log(const std::string& path);

}  // namespace penstock::bench
