#include "stages/sla/workflow_graph.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <set>

namespace penstock {
namespace {

/// Strongly connected parts, after Tarjan, 1972; without recursion, since a document may be long.
class Components {
  public:
    using Arcs = std::vector<std::vector<uint32_t>>;  ///< by stage, where they lead

    explicit Components(const Arcs& arcs)
        : arcs_(arcs), index_(arcs.size(), kNone), low_(arcs.size()), of_(arcs.size(), kNone) {
        for (uint32_t i = 0; i < arcs.size(); ++i)
            if (index_[i] == kNone) visit(i);
    }
    uint32_t count() const { return count_; }
    uint32_t of(uint32_t stage) const { return of_[stage]; }

  private:
    static constexpr uint32_t kNone = 0xffffffff;

    void visit(uint32_t root) {
        struct Frame {
            uint32_t stage;
            size_t next;
        };
        std::vector<Frame> frames{{root, 0}};
        enter(root);
        while (!frames.empty()) {
            const uint32_t at = frames.back().stage;
            if (frames.back().next < arcs_[at].size()) {
                const uint32_t to = arcs_[at][frames.back().next++];
                if (index_[to] == kNone) {
                    enter(to);
                    frames.push_back({to, 0});
                } else if (of_[to] == kNone) {
                    low_[at] = std::min(low_[at], index_[to]);
                }
                continue;
            }
            frames.pop_back();
            if (!frames.empty()) low_[frames.back().stage] = std::min(low_[frames.back().stage], low_[at]);
            if (low_[at] == index_[at]) close(at);
        }
    }
    void enter(uint32_t stage) {
        index_[stage] = low_[stage] = next_++;
        open_.push_back(stage);
    }
    void close(uint32_t head) {
        for (uint32_t stage = kNone; stage != head;) {
            stage = open_.back();
            open_.pop_back();
            of_[stage] = count_;
        }
        ++count_;
    }

    const Arcs& arcs_;
    std::vector<uint32_t> index_, low_, of_, open_;
    uint32_t next_ = 0, count_ = 0;
};

class Connector {
  public:
    Connector(Workflow& w, Faults& faults) : w_(w), faults_(faults) {}

    void run() {
        name_edges();
        check_stages();
        find_loops();
        if (faults_.count() > 0) return;
        for (uint32_t i = 0; i < w_.stages.size(); ++i) {
            add_skips(i);
            add_before(i);
            if (!w_.stages[i].joins.empty()) w_.joins.push_back(i);
        }
    }

  private:
    void name_edges() {
        std::set<std::string> names;
        for (const Edge& e : w_.edges)
            if (!e.name.empty() && !names.insert(e.name).second)
                faults_.add("/edges",
                            fmt::format("two edges are named '{}'; give each its own name", e.name));
        for (const Watch& w : w_.watches)
            if (!names.insert(w.rule.name).second)
                faults_.add("/",
                            fmt::format("two rules are named '{}'; give each its own name", w.rule.name));
        for (uint32_t i = 0; i < w_.edges.size(); ++i) {
            Edge& e = w_.edges[i];
            w_.stages[e.from].out.push_back(i);
            w_.stages[e.to].in.push_back(i);
            if (!e.name.empty()) continue;
            const std::string plain = fmt::format("{} -> {}", w_.from(e).name, w_.to(e).name);
            e.name = plain;
            for (int n = 2; !names.insert(e.name).second; ++n) e.name = fmt::format("{} #{}", plain, n);
        }
    }

    void check_stages() {
        std::vector<bool> joined(w_.stages.size());
        for (const WorkflowStage& s : w_.stages)
            for (const uint32_t member : s.joins) joined[member] = true;
        for (size_t i = 0; i < w_.stages.size(); ++i) {
            const WorkflowStage& s = w_.stages[i];
            const std::string pointer = member_pointer("/stages", i);
            if (s.in.empty() && s.out.empty() && s.terminal == WorkflowStage::Terminal::kNo && !joined[i])
                faults_.add(pointer, "has no edge and ends nothing; give it an edge, or remove it");
            if (s.terminal != WorkflowStage::Terminal::kNo && !s.out.empty())
                faults_.add(pointer + "/terminal",
                            "a terminal stage has no edge out of it; remove one or the other");
            if (s.optional && s.out.empty())
                faults_.add(pointer + "/optional",
                            "nothing follows that could skip it; add an edge out of it");
        }
    }

    Components::Arcs arcs(bool with_back) const {
        Components::Arcs out(w_.stages.size());
        for (const Edge& e : w_.edges)
            if (with_back || !e.leads_back()) out[e.from].push_back(e.to);
        for (uint32_t i = 0; i < w_.stages.size(); ++i)
            for (const uint32_t member : w_.stages[i].joins) out[member].push_back(i);
        return out;
    }

    void find_loops() {
        const Components forward(arcs(false));
        std::vector<std::vector<std::string>> cycles(forward.count());
        std::vector<size_t> edge_of(forward.count(), w_.edges.size());
        for (size_t i = 0; i < w_.edges.size(); ++i) {
            const Edge& e = w_.edges[i];
            if (e.leads_back() || forward.of(e.from) != forward.of(e.to)) continue;
            edge_of[forward.of(e.from)] = i;
        }
        for (uint32_t i = 0; i < w_.stages.size(); ++i) cycles[forward.of(i)].push_back(w_.stages[i].name);
        for (uint32_t c = 0; c < forward.count(); ++c) {
            if (edge_of[c] < w_.edges.size())
                faults_.add(
                    member_pointer("/edges", edge_of[c]),
                    fmt::format("is part of a cycle without a bound ({}); give the edge that leads back "
                                "\"loop\": how often at most",
                                fmt::join(cycles[c], ", ")));
            else if (cycles[c].size() > 1)
                faults_.add("/stages", fmt::format("the joins {} wait for each other; remove one of them",
                                                   fmt::join(cycles[c], ", ")));
        }
        const Components whole(arcs(true));
        std::vector<uint16_t> loop_of(whole.count(), kNoLoop);
        for (size_t i = 0; i < w_.edges.size(); ++i) {
            const Edge& e = w_.edges[i];
            if (!e.leads_back()) continue;
            if (whole.of(e.from) != whole.of(e.to)) {
                if (e.loop_max > 0)
                    faults_.add(member_pointer("/edges", i) + "/loop",
                                fmt::format("nothing leads from {} back to {}; remove it, or add the way",
                                            w_.to(e).name, w_.from(e).name));
                continue;
            }
            uint16_t& loop = loop_of[whole.of(e.from)];
            if (loop != kNoLoop) continue;
            loop = static_cast<uint16_t>(w_.loops.size());
            w_.loops.emplace_back();
        }
        for (uint32_t i = 0; i < w_.stages.size(); ++i) {
            const uint16_t loop = w_.stages[i].loop = loop_of[whole.of(i)];
            if (loop != kNoLoop) w_.loops[loop].push_back(i);
        }
        for (Edge& e : w_.edges)
            if (w_.from(e).loop == w_.to(e).loop) e.loop = w_.from(e).loop;
    }

    void add_skips(uint32_t stage) {
        std::set<uint32_t> seen{stage};
        std::vector<uint32_t> look{stage};
        std::vector<uint32_t> skips;
        while (!look.empty()) {
            const uint32_t at = look.back();
            look.pop_back();
            for (const uint32_t e : w_.stages[at].in) {
                const uint32_t before = w_.edges[e].from;
                if (!w_.stages[before].optional || !seen.insert(before).second) continue;
                skips.insert(skips.end(), w_.stages[before].in.begin(), w_.stages[before].in.end());
                look.push_back(before);
            }
        }
        std::sort(skips.begin(), skips.end());
        w_.stages[stage].skips = std::move(skips);
    }

    void add_before(uint32_t stage) {
        std::set<uint32_t> before;
        for (const auto* edges : {&w_.stages[stage].in, &w_.stages[stage].skips})
            for (const uint32_t e : *edges)
                if (!w_.edges[e].leads_back()) before.insert(w_.edges[e].from);
        // A path may begin with an optional stage: then nothing needs to come before.
        for (const uint32_t e : w_.stages[stage].in) {
            const WorkflowStage& from = w_.from(w_.edges[e]);
            if (from.optional && from.in.empty()) before.clear();
        }
        w_.stages[stage].before.assign(before.begin(), before.end());
    }

    Workflow& w_;
    Faults& faults_;
};

}  // namespace

void connect(Workflow& workflow, Faults& faults) { Connector(workflow, faults).run(); }

}  // namespace penstock
