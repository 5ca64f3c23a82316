// Answers to commands under an Idempotency-Key, as the book of answers (stages/answers) keeps them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schemas/log_record.h"

namespace penstock {

/// Whose command, and which: in the record of the command, and in that of its answer.
struct CommandKey {
    std::string by;       ///< who asked; a key is theirs alone
    std::string key;      ///< the Idempotency-Key
    std::string request;  ///< a hash of what was asked

    friend bool operator==(const CommandKey&, const CommandKey&) = default;
};

struct KeptAnswer {
    CommandKey command;
    StampNs until_ns = 0;
    Seq seq = 0;         ///< the command's record; 0: it needed none
    bool done = false;   ///< that record did what it asked for
    bool known = false;  ///< what follows is; else the appliance stopped before it was kept
    uint32_t status = 0;
    std::string type, body;
    std::vector<std::pair<std::string, std::string>> headers;
};

/// Any thread.
class AnswerReader {
  public:
    virtual ~AnswerReader() = default;
    virtual std::optional<KeptAnswer> answer(std::string_view by, std::string_view key) const = 0;
};

}  // namespace penstock
