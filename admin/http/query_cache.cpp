#include "admin/http/query_cache.h"

#include <utility>

namespace penstock::http {

const QueryCache::Entry* QueryCache::find(const std::string& question) {
    const auto at = by_question_.find(question);
    if (at == by_question_.end()) return nullptr;
    newest_first_.splice(newest_first_.begin(), newest_first_, at->second);
    return &at->second->entry;
}

void QueryCache::keep(const std::string& question, Entry entry) {
    forget(question);
    if (entry.body.size() > kAnswerBytesMax) return;
    newest_first_.push_front({question, std::move(entry)});
    by_question_[question] = newest_first_.begin();
    bytes_ += newest_first_.front().bytes();
    while (bytes_ > kBytesMax) forget(std::string(newest_first_.back().question));
}

void QueryCache::forget(const std::string& question) {
    const auto at = by_question_.find(question);
    if (at == by_question_.end()) return;
    bytes_ -= at->second->bytes();
    newest_first_.erase(at->second);
    by_question_.erase(at);
}

}  // namespace penstock::http
