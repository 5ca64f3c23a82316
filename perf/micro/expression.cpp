// Conditions over an event whose JSON costs nothing to reach: what the evaluation itself takes.
#include "pipeline/expression/expression.h"
#include "perf/micro/micro.h"

namespace penstock::bench {
namespace {

constexpr uint32_t kSeverity = 0, kSubject = 1, kData = 2;

class Event final : public Variables {
  public:
    Value get(uint32_t variable, Path path) const override {
        if (variable == kSeverity) return Value::integer(severity);
        if (variable == kSubject) return Value::string("cam-17");
        if (path.size() == 1 && path[0].name == "total") return Value::real(total);
        return Value::error(EvaluationError::kNoSuchMember);
    }
    int64_t severity = 0;
    double total = 0;
};

void run(const MicroOptions& options, std::string_view name, std::string_view text,
         bool (*expected)(const Event&)) {
    const Schema schema({{"severity", Type::integer(), kSeverity},
                         {"subject", Type::string(), kSubject},
                         {"data", Type::dyn(), kData}});
    const Expression expression = Expression::compile(text, schema);
    const uint64_t evaluations = options.quick ? 200'000 : 5'000'000;
    Runs runs;
    for (size_t run = 0; run < options.runs; ++run) {
        Event event;
        Scratch scratch;
        uint64_t matched = 0, wanted = 0;
        const int64_t begin = monotonic_now_ns();
        for (uint64_t i = 0; i < evaluations; ++i) {
            event.severity = static_cast<int64_t>(i % 7), event.total = static_cast<double>(i % 200);
            matched += expression.evaluate(event, scratch).is_true();
        }
        runs.add(seconds_since(begin) * 1e9 / static_cast<double>(evaluations));
        for (uint64_t i = 0; i < evaluations; ++i) {
            event.severity = static_cast<int64_t>(i % 7), event.total = static_cast<double>(i % 200);
            wanted += expected(event);
        }
        expect_equal(matched, wanted, "events that match");
    }
    Result(name, runs, "ns an evaluation").target(1'000, true).note("the event's JSON not included").print();
}

}  // namespace

void bench_expression(const MicroOptions& options) {
    run(options, "expression/condition", "severity >= 3 && data.total > 100.0",
        [](const Event& e) { return e.severity >= 3 && e.total > 100.0; });
    run(options, "expression/texts",
        "subject.startsWith('cam-') && subject in ['cam-1', 'cam-17'] && severity != 2",
        [](const Event& e) { return e.severity != 2; });
    run(options, "expression/missing", "data.none > 3 || severity == 1",
        [](const Event& e) { return e.severity == 1; });
    run(options, "expression/pattern", "subject.matches('^cam-[0-9]+$') && severity > 5",
        [](const Event& e) { return e.severity > 5; });
}

}  // namespace penstock::bench
