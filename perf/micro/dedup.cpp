// dedup: new keys, then a stream with 5% repeats, over a million and ten million keys.
#include "stages/dedup/dedup.h"
#include "perf/micro/micro.h"

namespace penstock::bench {
namespace {

EventIdentity identity_of(uint64_t number) {
    Random random(number);
    return {{random.next(), random.next()}, random.next()};
}

struct Figures {
    double new_ns = 0, mixed_ns = 0, bytes_a_key = 0;
};

class Bench {
  public:
    Figures run(uint64_t keys, uint64_t mixed) {
        Figures out;
        uint64_t repeats = 0;
        for (uint64_t done = 0; done < keys;
             done += feed(std::min<uint64_t>(limits::kBatchEventsMax, keys - done), 0, repeats)) {
        }
        expect_equal(stage_.keys(), keys, "keys after as many new ones");
        expect_equal(duplicates_, 0u, "duplicates among new keys");
        out.new_ns = static_cast<double>(spent_ns_) / static_cast<double>(keys);
        out.bytes_a_key = static_cast<double>(stage_.bytes()) / static_cast<double>(keys);
        spent_ns_ = 0;
        for (uint64_t done = 0; done < mixed; done += feed(limits::kBatchEventsMax, 20, repeats)) {
        }
        expect_equal(duplicates_, repeats, "repeats recognised");
        expect_equal(stage_.keys(), next_, "keys after the mixed stream");
        out.mixed_ns = static_cast<double>(spent_ns_) / static_cast<double>(mixed);
        return out;
    }

  private:
    /// One batch; one in `repeat_in` repeats an earlier key, any of them.
    uint64_t feed(uint64_t count, uint64_t repeat_in, uint64_t& repeats) {
        work_.verdicts.assign(count, Verdict::kAccepted);
        batch_.clear();
        batch_.header.count = static_cast<uint32_t>(count);
        const uint64_t known = next_;
        for (uint32_t i = 0; i < count; ++i) {
            const bool repeat = repeat_in != 0 && random_.next() % repeat_in == 0;
            repeats += repeat;
            batch_.identities[i] = identity_of(repeat ? random_.next() % known : next_++);
            batch_.heads[i] = EventHead{};
            work_.raw_of[i] = i;
        }
        work_.batch = &batch_;
        work_.begin = 0;
        const int64_t begin = monotonic_now_ns();
        stage_.do_work(work_, kNow);
        spent_ns_ += monotonic_now_ns() - begin;
        for (const Verdict v : work_.verdicts) duplicates_ += v == Verdict::kDuplicate;
        return count;
    }

    static constexpr StampNs kNow = 1'767'225'600'000'000'000;
    DedupStage stage_{DedupStage::Options{}};
    EventBatch batch_;
    WorkBatch work_;
    Random random_{1};
    uint64_t next_ = 0, duplicates_ = 0;
    int64_t spent_ns_ = 0;
};

void run_size(const MicroOptions& options, uint64_t keys, const std::string& name) {
    Runs fresh, mixed;
    double bytes = 0;
    for (size_t i = 0; i < options.runs; ++i) {
        const Figures f = std::make_unique<Bench>()->run(keys, std::min<uint64_t>(keys, 1'024'000));
        fresh.add(f.new_ns), mixed.add(f.mixed_ns);
        bytes = f.bytes_a_key;
    }
    Result("dedup/new_" + name, fresh, "ns an event")
        .more("bytes_a_key", bytes)
        .note("the table grows from empty")
        .print();
    Result("dedup/repeats_" + name, mixed, "ns an event").note("5% repeat any earlier key").print();
    Result("dedup/bytes_a_key_" + name, bytes, "bytes").print();
}

}  // namespace

void bench_dedup(const MicroOptions& options) {
    run_size(options, options.quick ? 100'000 : 1'000'000, options.quick ? "100K" : "1M");
    if (options.quick) return;
    MicroOptions fewer = options;
    fewer.runs = std::min<size_t>(options.runs, 3);
    run_size(fewer, 10'000'000, "10M");
}

}  // namespace penstock::bench
