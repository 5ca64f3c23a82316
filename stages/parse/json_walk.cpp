#include "stages/parse/json_walk.h"

namespace penstock {

std::string_view JsonWalk::number_token(std::string_view token) {
    while (!token.empty() &&
           (token.back() == ' ' || token.back() == '\t' || token.back() == '\n' || token.back() == '\r'))
        token.remove_suffix(1);
    size_t at = 0;
    const auto digit = [&] { return at < token.size() && token[at] >= '0' && token[at] <= '9'; };
    const auto digits = [&] {
        const size_t from = at;
        while (digit()) ++at;
        return at > from;
    };
    if (at < token.size() && token[at] == '-') ++at;
    bool good = digit();
    if (good && token[at] == '0') {
        ++at;
    } else {
        good = good && digits();
    }
    if (good && at < token.size() && token[at] == '.') {
        ++at;
        good = digits();
    }
    if (good && at < token.size() && (token[at] == 'e' || token[at] == 'E')) {
        ++at;
        if (at < token.size() && (token[at] == '+' || token[at] == '-')) ++at;
        good = digits();
    }
    if (!good || at != token.size()) throw simdjson::simdjson_error(simdjson::NUMBER_ERROR);
    return token;
}

}  // namespace penstock
