// Whole graphs against a slow and obvious model: random documents, random streams that arrive out of order
// within the bound, restarts at any moment.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "tests/support/engine_rig.h"
#include "tests/support/seed.h"

namespace penstock::test {
namespace {

constexpr StampNs kT = 1'767'225'600 * kSecond;
constexpr int64_t kBound = 60 * kSecond;  // the document's disorder

struct StageSpec {
    std::string name, type;
    int n = -1;  // the condition data.n == n; below 0: none
    bool exclusive = false, optional = false, drops = false;
    std::string terminal;
    std::vector<size_t> joins;
};
struct EdgeOf {
    size_t from, to;
    int64_t within_s;
    std::string anchor = "first";
    int64_t grace_s = 0;
    int loop = -1;
    bool amber = false;
};
struct Graph {
    std::vector<StageSpec> stages;
    std::vector<EdgeOf> edges;
    bool drop_unexpected = false;

    std::string document() const {
        std::vector<std::string> stage_texts, edge_texts;
        for (const StageSpec& s : stages) {
            std::string text = fmt::format(R"({{"name":"{}")", s.name);
            if (!s.type.empty()) text += fmt::format(R"(,"type":"{}")", s.type);
            if (s.n >= 0) text += fmt::format(R"(,"when":"data.n == {}")", s.n);
            if (s.exclusive) text += R"(,"exclusive":true)";
            if (s.optional) text += R"(,"optional":true)";
            if (!s.terminal.empty()) text += fmt::format(R"(,"terminal":"{}")", s.terminal);
            std::vector<std::string> members;
            for (const size_t j : s.joins) members.push_back('"' + stages[j].name + '"');
            if (!members.empty()) text += fmt::format(R"(,"join":[{}])", fmt::join(members, ","));
            stage_texts.push_back(text + "}");
        }
        for (const EdgeOf& e : edges) {
            std::string text = fmt::format(R"({{"from":"{}","to":"{}","within":"{}s","anchor":"{}")",
                                           stages[e.from].name, stages[e.to].name, e.within_s, e.anchor);
            if (e.grace_s > 0) text += fmt::format(R"(,"grace":"{}s")", e.grace_s);
            if (e.loop >= 0) text += fmt::format(R"(,"loop":{})", e.loop);
            if (!e.amber) text += R"(,"amber":1)";
            edge_texts.push_back(text + "}");
        }
        return fmt::format(R"({{"name":"w","key":"subject","disorder":"60s","order":{{"unexpected":"{}"}},)"
                           R"("stages":[{}],"edges":[{}]}})",
                           drop_unexpected ? "drop" : "flag", fmt::join(stage_texts, ","),
                           fmt::join(edge_texts, ","));
    }
};

struct Happening {
    std::string key, type;
    int n;
    StampNs time;
};

Graph random_graph(Random& random, size_t size) {
    Graph g;
    const size_t count = 2 + random.below(size);
    for (size_t i = 0; i < count; ++i) {
        StageSpec s;
        s.name = fmt::format("s{}", i);
        s.type = fmt::format("t{}", random.below(count));
        if (random.chance(40)) s.n = static_cast<int>(random.below(2));
        s.exclusive = random.chance(20);
        if (i >= 2 && random.chance(20)) {
            for (size_t j = 0; j < i; ++j)
                if (random.chance(50)) s.joins.push_back(j);
            if (!s.joins.empty() && random.chance(60)) s.type.clear(), s.n = -1;
        }
        g.stages.push_back(s);
    }
    for (size_t to = 1; to < count; ++to)
        for (size_t k = 0, n = 1 + random.below(2); k < n; ++k) {
            EdgeOf e{random.below(to), to, random.between(1, 200)};
            e.anchor = random.chance(60) ? "first" : random.chance(50) ? "last" : "each";
            if (random.chance(20)) e.grace_s = random.between(1, 60);
            e.amber = random.chance(50);
            g.edges.push_back(e);
        }
    const auto leads = [&](size_t from, size_t to) {  // over edges and joins
        std::set<size_t> seen{from};
        for (size_t round = 0; round < count; ++round) {
            for (const EdgeOf& e : g.edges)
                if (seen.contains(e.from)) seen.insert(e.to);
            for (size_t i = 0; i < count; ++i)
                for (const size_t j : g.stages[i].joins)
                    if (seen.contains(j)) seen.insert(i);
        }
        return seen.contains(to);
    };
    for (int k = 0; k < 2; ++k) {
        const size_t from = random.below(count), to = random.below(count);
        if (!random.chance(30) || from < to || !leads(to, from)) continue;
        g.edges.push_back({from, to, random.between(1, 200), "first", 0, static_cast<int>(random.below(3))});
    }
    for (size_t i = 0; i < count; ++i) {
        const bool has_out =
            std::any_of(g.edges.begin(), g.edges.end(), [&](const EdgeOf& e) { return e.from == i; });
        if (!has_out && random.chance(50)) g.stages[i].terminal = random.chance(50) ? "success" : "failure";
        if (has_out && random.chance(20)) g.stages[i].optional = true;
    }
    g.drop_unexpected = random.chance(20);
    return g;
}

std::vector<Happening> random_stream(Random& random, const Graph& g, size_t events) {
    std::vector<Happening> out;
    StampNs time = kT;
    const bool coarse = random.chance(50);
    const size_t keys = 1 + random.below(4);
    for (size_t i = 0; i < events; ++i) {
        time += random.between(0, 30 * kSecond);
        if (coarse) time = time / kSecond * kSecond;
        out.push_back({fmt::format("k{}", random.below(keys)),
                       fmt::format("t{}", random.below(g.stages.size())), static_cast<int>(random.below(2)),
                       time});
    }
    return out;
}

/// Places in the order of arrival: nothing comes behind what happened a bound later.
std::vector<size_t> disturbed(Random& random, const std::vector<Happening>& stream) {
    std::vector<std::pair<StampNs, size_t>> by;
    for (size_t i = 0; i < stream.size(); ++i)
        by.emplace_back(stream[i].time + random.between(0, kBound - kSecond), i);
    std::sort(by.begin(), by.end());
    std::vector<size_t> out;
    for (const auto& [at, i] : by) out.push_back(i);
    return out;
}

/// anchored, met, late, missed, pending, cancelled.
using Tally = std::array<uint64_t, 6>;

struct Result {
    std::vector<Tally> edges;
    uint64_t completed = 0, failed = 0, unexpected = 0, out_of_order = 0, duplicate = 0;
    friend bool operator==(const Result&, const Result&) = default;
};
void showValue(const Result& r, std::ostream& out) {
    for (const Tally& t : r.edges) out << fmt::format("[{}] ", fmt::join(t, " "));
    out << fmt::format("completed {} failed {} unexpected {} out of order {} duplicate {}", r.completed,
                       r.failed, r.unexpected, r.out_of_order, r.duplicate);
}
void PrintTo(const Result& r, std::ostream* out) { showValue(r, *out); }

/// The words of docs/workflows.md, one case at a time, its events in the order of their times.
class Model {
  public:
    explicit Model(const Graph& g) : g_(g) { result_.edges.resize(g.edges.size()); }

    /// An event and when it arrived.
    using Arrived = std::pair<Happening, StampNs>;

    static bool reaches_any(const Graph& g, const Happening& h) {
        return std::any_of(g.stages.begin(), g.stages.end(),
                           [&](const StageSpec& s) { return s.type == h.type && (s.n < 0 || s.n == h.n); });
    }
    /// In the order of arrival. A case that has not begun is forgotten when a bound has gone by.
    void run_key(const std::vector<Arrived>& events, StampNs now) {
        std::vector<Arrived> so_far;
        for (const Arrived& a : events) {
            if (!so_far.empty() && a.second > so_far.back().second + kBound && !has_begun(so_far)) {
                run_case(so_far, now);
                so_far.clear();
            }
            so_far.push_back(a);
        }
        run_case(so_far, now);
    }
    const Result& result() const { return result_; }

  private:
    bool has_begun(const std::vector<Arrived>& events) const {
        Model alone(g_);
        alone.run_case(events, kT);
        const auto begins = [&](const Happening& h) {
            for (size_t i = 0; i < g_.stages.size(); ++i)
                if (g_.stages[i].type == h.type && (g_.stages[i].n < 0 || g_.stages[i].n == h.n) &&
                    before(i).empty())
                    return true;
            return false;
        };
        return !alone.promises_.empty() || !alone.outcome_.empty() ||
               std::any_of(events.begin(), events.end(), [&](const Arrived& a) { return begins(a.first); });
    }
    void run_case(std::vector<Arrived> events, StampNs now) {
        std::stable_sort(events.begin(), events.end(),
                         [](const Arrived& a, const Arrived& b) { return a.first.time < b.first.time; });
        promises_.clear(), reached_.clear(), arrived_.clear(), passes_.clear(), early_.clear();
        outcome_.clear();
        settled_early_ = 0;
        for (const auto& [h, at] : events) happen(h);
        for (const Promise& p : promises_) {
            Tally& t = result_.edges[p.edge];
            ++t[0];
            const StampNs due = p.deadline + g_.edges[p.edge].grace_s * kSecond;
            ++t[p.state == "open"        ? (due < now ? 3 : 4)
                : p.state == "met"       ? 1
                : p.state == "late"      ? 2
                : p.state == "cancelled" ? 5
                                         : 3];
        }
        if (outcome_ == "success") ++result_.completed;
        if (outcome_ == "failure") ++result_.failed;
        for (const Early& e : early_)
            ++(e.state == "ooo" ? result_.out_of_order : e.state == "fine" ? ignored_ : result_.unexpected);
    }

    struct Promise {
        size_t edge;
        StampNs deadline;
        std::string state;
        int pass;
    };
    struct Early {
        size_t stage;
        StampNs time;
        std::string state;
    };

    std::set<size_t> component(size_t stage) const {
        std::set<size_t> out;
        for (size_t other = 0; other < g_.stages.size(); ++other)
            if (other == stage || (leads(stage, other) && leads(other, stage))) out.insert(other);
        return out;
    }
    bool leads(size_t from, size_t to) const {
        std::set<size_t> seen;
        std::vector<size_t> look{from};
        while (!look.empty()) {
            const size_t at = look.back();
            look.pop_back();
            const auto go = [&](size_t next) {
                if (seen.insert(next).second) look.push_back(next);
            };
            for (const EdgeOf& e : g_.edges)
                if (e.from == at) go(e.to);
            for (size_t i = 0; i < g_.stages.size(); ++i)
                if (std::count(g_.stages[i].joins.begin(), g_.stages[i].joins.end(), at)) go(i);
        }
        return seen.contains(to);
    }
    /// Edges into optional stages right before, and before those.
    std::set<size_t> skipped(size_t stage) const {
        std::set<size_t> edges, seen{stage};
        std::vector<size_t> look{stage};
        while (!look.empty()) {
            const size_t at = look.back();
            look.pop_back();
            for (const EdgeOf& e : g_.edges) {
                if (e.to != at || !g_.stages[e.from].optional || !seen.insert(e.from).second) continue;
                look.push_back(e.from);
                for (size_t k = 0; k < g_.edges.size(); ++k)
                    if (g_.edges[k].to == e.from) edges.insert(k);
            }
        }
        return edges;
    }
    std::set<size_t> before(size_t stage) const {
        std::set<size_t> out;
        std::set<size_t> in = skipped(stage);
        for (size_t k = 0; k < g_.edges.size(); ++k)
            if (g_.edges[k].to == stage) in.insert(k);
        for (const size_t k : in)
            if (g_.edges[k].loop < 0) out.insert(g_.edges[k].from);
        for (const EdgeOf& e : g_.edges) {
            if (e.to != stage || !g_.stages[e.from].optional) continue;
            const bool begins = std::none_of(g_.edges.begin(), g_.edges.end(),
                                             [&](const EdgeOf& other) { return other.to == e.from; });
            if (begins) out.clear();
        }
        return out;
    }
    bool joined(size_t stage) const {
        for (const size_t j : g_.stages[stage].joins)
            if (!g_.stages[j].optional && !reached_.contains(j)) return false;
        return true;
    }
    void end(Promise& p, StampNs time) { p.state = time <= p.deadline ? "cancelled" : "expired"; }

    void happen(const Happening& h) {
        std::vector<size_t> stages, take;
        for (size_t i = 0; i < g_.stages.size(); ++i)
            if (g_.stages[i].type == h.type && (g_.stages[i].n < 0 || g_.stages[i].n == h.n))
                stages.push_back(i);
        if (stages.empty()) return;
        bool repeated = true;
        did_ = false;
        for (const size_t s : stages) repeated &= reached_.contains(s);
        for (const size_t s : stages) {
            if (!outcome_.empty()) {
                result_.unexpected += !reached_.contains(s);
                continue;
            }
            const auto b = before(s);
            if (!b.empty() &&
                std::none_of(b.begin(), b.end(), [&](size_t x) { return reached_.contains(x); })) {
                early_.push_back({s, h.time, ""});
                if (g_.drop_unexpected) continue;
            }
            if (!g_.stages[s].joins.empty()) {
                arrived_.insert(s);
                if (reached_.contains(s) || !joined(s)) continue;
            }
            take.push_back(s);
        }
        while (!take.empty()) {
            step(take, h.time);
            take.clear();
            for (size_t i = 0; i < g_.stages.size(); ++i)
                if (!g_.stages[i].joins.empty() && outcome_.empty() && !reached_.contains(i) && joined(i) &&
                    (g_.stages[i].type.empty() || arrived_.contains(i)))
                    take.push_back(i);
        }
        settled_early_ = early_.size();
        if (repeated && !did_) ++result_.duplicate;
    }

    void step(const std::vector<size_t>& stages, StampNs time) {
        for (const size_t s : stages)
            for (size_t k = 0; k < g_.edges.size(); ++k) {
                if (g_.edges[k].to != s) continue;
                const auto p = std::find_if(promises_.begin(), promises_.end(), [&](const Promise& x) {
                    return x.edge == k && x.state == "open";
                });
                if (p == promises_.end()) continue;
                did_ = true;
                p->state = time <= p->deadline ? "met" : "late";
                if (g_.stages[g_.edges[k].from].exclusive)
                    for (Promise& other : promises_)
                        if (other.state == "open" && other.edge != k &&
                            g_.edges[other.edge].from == g_.edges[k].from)
                            end(other, time);
                if (g_.edges[k].loop < 0) continue;
                const auto body = component(s);
                int& pass = passes_[*body.begin()];
                if (pass >= g_.edges[k].loop) {
                    ++result_.unexpected;
                    continue;
                }
                ++pass;
                for (const size_t b : body) reached_.erase(b), arrived_.erase(b);
            }
        for (const size_t s : stages) {
            reached_.insert(s);
            for (size_t i = 0; i < settled_early_; ++i) {
                Early& e = early_[i];
                if (e.state.empty() && before(e.stage).contains(s))
                    e.state = time - e.time <= kBound ? "fine" : "ooo";
            }
            for (const size_t k : skipped(s))
                for (Promise& p : promises_)
                    if (p.edge == k && p.state == "open") end(p, time), did_ = true;
            if (g_.stages[s].terminal.empty()) continue;
            for (Promise& p : promises_)
                if (p.state == "open") end(p, time);
            outcome_ = g_.stages[s].terminal;
            did_ = true;
        }
        if (!outcome_.empty()) return;
        for (const size_t s : stages)
            for (size_t k = 0; k < g_.edges.size(); ++k) {
                const EdgeOf& e = g_.edges[k];
                if (e.from != s) continue;
                const auto body = component(s);
                const bool in_loop = body.contains(e.to);
                const int pass = in_loop ? passes_[*body.begin()] : 0;
                const auto same = std::find_if(promises_.begin(), promises_.end(), [&](const Promise& p) {
                    return p.edge == k && p.pass == pass;
                });
                const StampNs deadline = time + e.within_s * kSecond;
                if (e.anchor == "each" || same == promises_.end()) {
                    promises_.push_back({k, deadline, "open", pass});
                    did_ = true;
                } else if (e.anchor == "last" && same->state == "open") {
                    same->deadline = deadline;
                    did_ = true;
                }
            }
    }

    const Graph& g_;
    std::vector<Promise> promises_;
    std::set<size_t> reached_, arrived_;
    std::map<size_t, int> passes_;
    std::vector<Early> early_;
    size_t settled_early_ = 0;  ///< those of events before this one
    std::string outcome_;
    bool did_ = false;
    uint64_t ignored_ = 0;
    Result result_;
};

Result by_model(const Graph& g, const std::vector<Happening>& stream, const std::vector<size_t>& arrival,
                StampNs end) {
    std::map<std::string, std::vector<Model::Arrived>> cases;
    StampNs now = kT;
    for (const size_t i : arrival) {
        now = std::max(now + 1, stream[i].time);
        if (Model::reaches_any(g, stream[i])) cases[stream[i].key].emplace_back(stream[i], now);
    }
    Model model(g);
    for (const auto& [key, events] : cases) model.run_key(events, end);
    return model.result();
}

/// Findings must pair: trouble begins once, and ends once at most.
struct Troubles {
    std::set<std::tuple<std::string, uint64_t, Seq, StampNs>> open;
    std::vector<std::string> all;

    void take(const Finding& f) {
        all.push_back(fmt::format("{} {} {:x} {} {} {}", static_cast<int>(f.kind), f.rule, f.key.lo,
                                  f.anchor_seq, f.deadline_ns, f.cause_seq));
        const auto id = std::tuple(std::string(f.rule), f.key.lo, f.anchor_seq, f.deadline_ns);
        if (is_trouble(f.kind))
            EXPECT_TRUE(open.insert(id).second) << "told twice: " << all.back();
        else
            EXPECT_EQ(open.erase(id), 1u) << "ended what was not: " << all.back();
    }
};

struct Outcome {
    Result result;
    std::vector<std::string> told;
    std::map<std::string, std::string> rows;
    uint64_t in_trouble = 0;
    size_t open = 0;
};

/// `restarts`: before an event where it says so, a checkpoint is taken and a new engine goes on from it.
Outcome by_engine(const std::string& document, const std::vector<Happening>& stream,
                  const std::vector<size_t>& arrival, StampNs end, Random* restarts) {
    Troubles troubles;
    auto rig = std::make_unique<EngineRig>();
    const auto listen = [&] { rig->engine.on_finding = [&](const Finding& f) { troubles.take(f); }; };
    listen();
    rig->engine.define(parse_workflow(document), kT, 0);
    Rows rows;
    rows.save(rig->engine);
    StampNs now = kT;
    for (const size_t i : arrival) {
        if (restarts && restarts->chance(15)) {
            rows.save(rig->engine);
            const Seq seq = rig->seq;
            rig = std::make_unique<EngineRig>();
            rows.load(rig->engine, now);
            rig->seq = seq;
            listen();
        }
        const Happening& h = stream[i];
        now = std::max(now + 1, h.time);
        EventFields f;
        f.id = "1", f.source = "/s", f.type = h.type, f.subject = h.key;
        const std::string data = fmt::format(R"({{"n":{}}})", h.n);
        f.data = data;
        rig->feed(f, h.key, h.time, now);
    }
    rig->engine.advance(end, rig->seq + 1);
    Outcome out;
    const WorkflowView view = rig->engine.view("w");
    for (const RuleView& r : view.rules) {
        const RuleCounts& c = r.counts;
        out.result.edges.push_back({c.anchored, c.met, c.late, c.missed, c.pending, c.cancelled});
        out.in_trouble += c.in_trouble;
    }
    out.result.completed = view.completed, out.result.failed = view.failed;
    out.result.unexpected = view.disorder.unexpected;
    out.result.out_of_order = view.disorder.out_of_order;
    out.result.duplicate = view.disorder.duplicate;
    out.told = troubles.all;
    out.open = troubles.open.size();
    rows.save(rig->engine);
    out.rows = rows.rows();
    return out;
}

void hold(uint64_t salt, size_t stages, size_t events) {
    Random random(salt);
    const Graph g = random_graph(random, stages);
    const auto stream = random_stream(random, g, events);
    const auto arrival = disturbed(random, stream);
    const std::string document = g.document();
    SCOPED_TRACE(document);
    // No case may be forgotten meanwhile: a case without obligations goes after the bound.
    const StampNs last = stream.empty() ? kT : stream.back().time;
    const StampNs end = last + random.between(1, 300) * kSecond;
    const Outcome straight = by_engine(document, stream, arrival, end, nullptr);
    EXPECT_EQ(straight.result, by_model(g, stream, arrival, end));
    EXPECT_EQ(straight.in_trouble, straight.open) << "what is told and not ended is what is in trouble";
    Random restarts(salt + 1);
    const Outcome restarted = by_engine(document, stream, arrival, end, &restarts);
    EXPECT_EQ(restarted.result, straight.result);
    EXPECT_EQ(restarted.told, straight.told);
    for (const auto& rows : {straight.rows, restarted.rows})
        for (const auto& [key, value] : rows) {
            const auto other = [&](const Outcome& o) {
                return o.rows.contains(key) ? o.rows.at(key) : "none";
            };
            EXPECT_EQ(testing::PrintToString(other(restarted)), testing::PrintToString(other(straight)))
                << "row " << testing::PrintToString(key);
        }
}

TEST(SlaGraphModel, AnyGraphAndAnyOrderOfArrivalGivesWhatTheModelSays) {
    SCOPED_TRACE(seed_note());
    for (uint64_t salt = 0; salt < 1'500; ++salt) {
        SCOPED_TRACE(salt);
        Random size(salt + 1'000'000);
        // Now and then so many that old events of a case are folded together.
        hold(salt, 1 + size.below(7), size.below(size.chance(5) ? 400 : 60));
        if (testing::Test::HasFailure()) return;
    }
}

TEST(SlaGraphModel, TheSmallestGraphThatTheModelContradictsIsFound) {
    rc::check("engine and model agree", [] {
        const auto salt = *rc::gen::arbitrary<uint32_t>();
        const auto stages = *rc::gen::inRange<size_t>(1, 8);
        const auto events = *rc::gen::inRange<size_t>(0, 80);
        Random random(salt);
        const Graph g = random_graph(random, stages);
        const auto stream = random_stream(random, g, events);
        const auto arrival = disturbed(random, stream);
        const StampNs end = (stream.empty() ? kT : stream.back().time) + random.between(1, 300) * kSecond;
        RC_ASSERT(by_engine(g.document(), stream, arrival, end, nullptr).result ==
                  by_model(g, stream, arrival, end));
    });
}

}  // namespace
}  // namespace penstock::test
