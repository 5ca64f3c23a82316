// [[review.queue]]: reading, and the checks.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "admin/config_loader.h"
#include "pipeline/expression/event_variables.h"

namespace penstock {
namespace {
constexpr size_t kQueuesMax = 100, kTypesMax = 1'000, kSkillsMax = 20;
}

void ConfigLoader::read_review_queues(const toml::node& node) {
    for (const toml::table* table : tables("[[review.queue]]", node)) {
        const std::string prefix = fmt::format("review.queue[{}].", config_.review.queues.size());
        Config::ReviewQueue queue;
        queue.name = text_of(*table, "name", prefix + "name");
        for (const auto& [key, list, max] : {std::tuple{"types", &queue.types, kTypesMax},
                                             std::tuple{"skills", &queue.skills, kSkillsMax}}) {
            const toml::node* items = table->get(key);
            if (items == nullptr) continue;
            text_list(*items, prefix + key, *list);
            if (list->size() > max) fault(at(*items), prefix + key, fmt::format("have at most {}", max));
        }
        queue.condition = text_of(*table, "condition", prefix + "condition");
        queue.alerts = flag_of(*table, "alerts", prefix, false);
        queue.workflow = text_of(*table, "workflow", prefix + "workflow");
        queue.rule = text_of(*table, "rule", prefix + "rule");
        queue.severity_at_least = count_of(*table, "severity_at_least", prefix, {1, 5, ""}, 0);
        queue.priority = count_of(*table, "priority", prefix, {1, 5, ""}, 0);
        if (table->contains("due")) queue.due_ns = duration_of(*table, "due", prefix);
        if (table->contains("expires")) queue.expires_ns = duration_of(*table, "expires", prefix);
        config_.review.queues.push_back(std::move(queue));
        if (config_.review.queues.size() == kQueuesMax + 1)
            fault(at(*table), "review.queue", fmt::format("have at most {}", kQueuesMax));
    }
}

void ConfigLoader::check_review() {
    const auto is_mail = [&](const Config::NotifyTarget& t) {
        return t.name == config_.review.mail && t.kind == "mail";
    };
    const auto& targets = config_.notify.targets;
    if (!config_.review.mail.empty() && std::none_of(targets.begin(), targets.end(), is_mail))
        fault(origin_of("review.mail"), "review.mail",
              fmt::format("\"{}\" is no [[notify.target]] of kind mail", config_.review.mail));
    std::set<std::string> names;
    for (size_t i = 0; i < config_.review.queues.size(); ++i) {
        const Config::ReviewQueue& queue = config_.review.queues[i];
        const std::string prefix = fmt::format("review.queue[{}].", i);
        if (!queue.name.empty() && !is_name(queue.name))
            fault(origin_of(prefix + "name"), prefix + "name",
                  fmt::format("\"{}\" is not a name; {}", queue.name, kNameRule));
        else if (!queue.name.empty() && !names.insert(queue.name).second)
            fault(origin_of(prefix + "name"), prefix + "name",
                  fmt::format("\"{}\" is there already; give it another name", queue.name));
        if (queue.alerts && (!queue.types.empty() || !queue.condition.empty()))
            fault(origin_of(prefix + "alerts"), prefix + "alerts",
                  "a queue of alerts takes no types and no condition; use workflow, rule and "
                  "severity_at_least");
        if (!queue.alerts && (!queue.workflow.empty() || !queue.rule.empty()))
            fault(origin_of(prefix + "workflow"), prefix + "workflow",
                  "workflow and rule are of alerts; write alerts = true");
        if (!queue.alerts && queue.types.empty() && queue.condition.empty() && queue.severity_at_least == 0)
            fault(origin_of(prefix + "name"), prefix + "types",
                  "this queue would take every event; give types, a condition or severity_at_least");
        if (queue.condition.empty()) continue;
        try {
            Expression::compile(queue.condition, event_schema());
        } catch (const ExpressionError& e) {
            fault(origin_of(prefix + "condition"), prefix + "condition", e.what());
        }
    }
}

}  // namespace penstock
