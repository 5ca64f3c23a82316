// The one table of configuration keys. The loader, `penstock config`, and docs/configuration.md read it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "admin/config.h"

namespace penstock {

enum class ValueKind : uint8_t {
    kText,
    kChoice,   ///< text out of `choices`
    kAddress,  ///< "host:port"
    kPath,
    kFile,   ///< a path, or empty
    kCount,  ///< integer; its unit is the key's ending (_s, _ms, _days) or none
    kBytes,  ///< integer, or text such as "64GiB"
    kTexts,  ///< list of text; one text with commas in the environment and in flags
    kPaths,
};

/// One key of a plain section. Everything points to static storage.
struct ConfigKey {
    std::string_view section;  ///< "" for the top of the file
    std::string_view key;
    ValueKind kind;
    std::string_view help;  ///< one or two sentences, without the unit and the default
    std::variant<std::string* (*)(Config&), uint64_t* (*)(Config&), std::vector<std::string>* (*)(Config&)>
        field;
    uint64_t min = 0, max = 0;      ///< of kCount and kBytes, both inclusive
    std::string_view choices = {};  ///< of kChoice: "a|b|c"

    /// Of kChoice: true and false are among them, and are written without quotes.
    bool takes_flags() const { return choices.find("true") != choices.npos; }
    std::string name() const;      ///< "ingest.listen"
    std::string variable() const;  ///< "PENSTOCK_INGEST_LISTEN"
    std::string unit() const;      ///< "seconds", "bytes", ...; empty where there is none
    std::string type() const;      ///< for people: "text", "integer", "auto, io_uring or epoll"
};

/// A key of a repeated section ([[region]] and such). Set in the file only, except a region's dsn.
struct ListKey {
    std::string_view section;  ///< as written: "[[region]]"
    std::string_view key;
    std::string_view type;
    bool required;
    std::string_view help;
};

std::span<const ConfigKey> config_keys();
std::span<const ListKey> list_keys();

/// A key's value in `config` as TOML text: `"127.0.0.1:7400"`, `900`, `"64GiB"`, `[]`.
std::string toml_value(const ConfigKey& key, const Config& config);

/// "64GiB", "4096", "1.5 GiB"; units B, K, KB, KiB and so on (all of them 1,024-fold), case ignored.
std::optional<uint64_t> parse_bytes(std::string_view text);
/// The shortest exact form: 4194304 -> "4MiB", 5000 -> "5000".
std::string format_bytes(uint64_t bytes);

/// A whole penstock.toml with every key at its default, each explained.
std::string default_config_text();
/// The tables of docs/configuration.md.
std::string config_reference_markdown();

}  // namespace penstock
