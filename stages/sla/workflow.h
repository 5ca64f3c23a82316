// A workflow document in its short form: a name, a key and edges, each a relative SLA.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace penstock {

struct Edge {
    std::string name;  ///< unique in its workflow: "from -> to", or that with " #2" and so on
    std::string from, to;
    uint8_t severity = 3;  ///< of what it finds, 1 to 5
    int64_t within_ns = 0;
    uint64_t from_hash = 0, to_hash = 0;  ///< of the type's text, as in EventHead::type_hash
};

/// Which attribute correlates events.
struct KeySelector {
    enum class Kind : uint8_t { kSubject, kSource, kKeys, kGroups, kExtension, kData };
    Kind kind = Kind::kSubject;
    std::vector<std::string> path;  ///< name in keys or groups; the extension; members of data
};

struct Workflow {
    std::string name;
    std::string key_text;
    KeySelector key;
    std::vector<Edge> edges;
    std::string document;  ///< as given
};

/// One line a fault: "/edges/2/within_ms: must be a positive integer; ...".
struct WorkflowError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// {"name": ..., "key": "subject", "edges": [{"from": ..., "to": ..., "within_ms": ...}]}.
/// `key`: subject, source, keys.NAME, groups.NAME, data.MEMBER[.MEMBER...], or an extension's name.
Workflow parse_workflow(std::string_view document);

}  // namespace penstock
