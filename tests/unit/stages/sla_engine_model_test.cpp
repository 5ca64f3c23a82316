// The engine against a slow and obvious model, and against itself with restarts in between.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>

#include "tests/support/engine_rig.h"
#include "tests/support/seed.h"

namespace penstock::test {
namespace {

struct Occurrence {
    std::string key, type;
    StampNs time, now;  // now strictly rises
};

std::vector<Occurrence> random_stream(Random& random, size_t events, size_t keys, size_t types, bool coarse) {
    std::vector<Occurrence> out;
    StampNs now = 1'767'225'600 * kSecond;
    for (size_t i = 0; i < events; ++i) {
        // Mostly dense; now and then a long silence.
        now += 1 + random.between(0, random.chance(2) ? 3600 * kSecond : 2 * kSecond);
        if (coarse) now = now / kSecond * kSecond + static_cast<StampNs>(i);
        StampNs time = now - (random.chance(20) ? random.between(0, 120 * kSecond) : 0);
        if (coarse) time = time / kSecond * kSecond;  // many equal times, and exactly at deadlines
        out.push_back({"key" + std::to_string(random.below(keys)),
                       std::string(1, static_cast<char>('a' + random.below(types))), time, now});
    }
    return out;
}

std::vector<EdgeSpec> random_edges(Random& random, size_t types) {
    std::vector<EdgeSpec> edges;
    for (size_t i = 0, n = 1 + random.below(5); i < n; ++i)
        edges.push_back({std::string(1, static_cast<char>('a' + random.below(types))),
                         std::string(1, static_cast<char>('a' + random.below(types))),
                         random.between(0, 300)});
    return edges;
}

/// The words of the definition, one key and edge at a time, over the whole stream in the order of its times.
std::vector<uint64_t> model(std::vector<Occurrence> stream, const EdgeSpec& edge) {
    const StampNs now = stream.empty() ? 0 : stream.back().now;
    std::stable_sort(stream.begin(), stream.end(),
                     [](const Occurrence& a, const Occurrence& b) { return a.time < b.time; });
    std::map<std::string, std::optional<StampNs>> anchors;  // no value: settled
    uint64_t met = 0, late = 0, missed = 0, pending = 0, anchored = 0;
    for (const Occurrence& o : stream) {
        const auto it = anchors.find(o.key);
        if (it == anchors.end()) {
            if (o.type == edge.from) anchors[o.key] = o.time + edge.within_s * kSecond, ++anchored;
        } else if (it->second && o.type == edge.to) {
            ++(o.time <= *it->second ? met : late);
            it->second.reset();
        }
    }
    for (const auto& [key, deadline] : anchors)
        if (deadline) ++(now > *deadline ? missed : pending);
    return {met, late, missed, pending, anchored};
}

TEST(SlaEngineModel, CountsAreThoseOfTheDefinition) {
    SCOPED_TRACE(seed_note());
    for (uint64_t round = 0; round < 120; ++round) {
        SCOPED_TRACE(round);
        Random random(round);
        const auto edges = random_edges(random, 5);
        auto stream = random_stream(random, 1 + random.below(800), 1 + random.below(round % 2 == 0 ? 40 : 3),
                                    5, random.chance(50));
        EngineRig rig;
        // As late as an event may be here, and then what is older is settled; or nothing ever is.
        rig.engine.define(workflow_of(edges, "w", "subject", round % 4 < 2 ? "121s" : "1d"));
        for (const Occurrence& o : stream) rig.event(o.key, o.type, o.time, o.now);
        // What the last event armed in the past fires with the next record.
        const StampNs end = stream.back().now + 1;
        rig.engine.advance(end, rig.seq + 1);
        stream.push_back({"nobody", "z", end, end});
        for (uint32_t e = 0; e < edges.size(); ++e)
            ASSERT_EQ(rig.counts(e), model(stream, edges[e])) << "edge " << e;
    }
}

struct Outcome {
    std::vector<std::vector<uint64_t>> counts;
    std::vector<Told> told;
    std::map<std::string, std::string> rows;
    size_t instances = 0;
};

/// Restarts (checkpoint, new engine, replay) before each event where `restart` says so.
Outcome run(const std::vector<Occurrence>& stream, const std::vector<EdgeSpec>& edges, int64_t retention_ns,
            Random* restarts) {
    auto rig = std::make_unique<EngineRig>(retention_ns);
    rig->engine.define(workflow_of({{"x", "y", 1}}, "gone"));
    rig->engine.define(workflow_of(edges));
    rig->engine.retire("gone");
    Rows rows;
    std::vector<Told> told;
    size_t saved_at = 0, cut_at = 0;
    bool saving = false;
    rows.save(rig->engine);
    for (size_t i = 0; i < stream.size(); ++i) {
        if (restarts && !saving && restarts->chance(8)) {
            rows.begin_save(rig->engine);
            cut_at = i;
            saving = true;
        }
        if (saving && restarts->chance(50) && !rows.save_some(rig->engine, restarts->below(8))) {
            saved_at = cut_at;
            saving = false;
        }
        if (restarts && restarts->chance(4)) {  // what came after the checkpoint is replayed, and told again
            told.insert(told.end(), rig->told.begin(), rig->told.end());
            std::erase_if(told, [&](const Told& t) { return t.cause > saved_at; });
            rig = std::make_unique<EngineRig>(retention_ns);
            saving = false;  // what was not whole is lost
            rows.load(rig->engine, 0);
            rig->seq = saved_at;
            for (size_t j = saved_at; j < i; ++j)
                rig->event(stream[j].key, stream[j].type, stream[j].time, stream[j].now);
        }
        rig->event(stream[i].key, stream[i].type, stream[i].time, stream[i].now);
    }
    rig->engine.advance(stream.back().now + 900 * kSecond, rig->seq + 1);
    Outcome out;
    out.told = std::move(told);
    out.told.insert(out.told.end(), rig->told.begin(), rig->told.end());
    for (uint32_t e = 0; e < edges.size(); ++e) out.counts.push_back(rig->counts(e, 1));
    out.instances = rig->engine.instances();
    while (saving) saving = rows.save_some(rig->engine, 1);
    rows.save(rig->engine);
    out.rows = rows.rows();
    return out;
}

TEST(SlaEngineModel, ARunWithRestartsCountsTellsAndKeepsTheSame) {
    SCOPED_TRACE(seed_note());
    for (uint64_t round = 0; round < 60; ++round) {
        SCOPED_TRACE(round);
        Random random(1000 + round);
        const auto edges = random_edges(random, 5);
        const int64_t retention = random.chance(50) ? 0 : random.between(1, 400) * kSecond;
        const auto stream =
            random_stream(random, 1 + random.below(500), 1 + random.below(60), 5, random.chance(50));
        const Outcome straight = run(stream, edges, retention, nullptr);
        Random restarts(2000 + round);
        const Outcome restarted = run(stream, edges, retention, &restarts);
        ASSERT_EQ(restarted.counts, straight.counts);
        ASSERT_EQ(restarted.instances, straight.instances);
        ASSERT_EQ(restarted.told, straight.told);
        ASSERT_TRUE(restarted.rows == straight.rows);
    }
}

TEST(SlaEngineModel, NumbersOfRetiredWorkflowsAreNotGivenAgain) {
    EngineRig first;
    first.engine.define(workflow_of({{"a", "b", 1}}, "one"));
    first.engine.retire("one");
    Rows rows;
    rows.save(first.engine);
    EngineRig second;
    rows.load(second.engine, 0);
    second.engine.define(workflow_of({{"a", "b", 1}}, "two"));
    EXPECT_EQ(second.engine.workflow_ids(), std::vector<uint32_t>{1});
}

}  // namespace
}  // namespace penstock::test
