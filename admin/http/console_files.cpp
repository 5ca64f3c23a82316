#include "admin/http/console_files.h"

#include <algorithm>
#include <cstdint>

#include "admin/http/text.h"

namespace penstock::http {
namespace {

extern "C" const char penstock_console_blob[];

/// A span of the blob.
constexpr std::string_view span_of(const char* blob, size_t from, size_t size) { return {blob + from, size}; }

#include "admin/http/console_files.inc"

constexpr std::string_view kNoncePlace = "@NONCE@";

/// Whether the header allows a coding: named, or by "*", and not with q=0.
bool takes(std::string_view header, std::string_view coding) {
    bool by_star = false;
    while (!header.empty()) {
        std::string_view part = header.substr(0, header.find(','));
        header.remove_prefix(std::min(part.size() + 1, header.size()));
        part.remove_prefix(std::min(part.find_first_not_of(" \t"), part.size()));
        const std::string_view name = part.substr(0, part.find_first_of("; \t"));
        const size_t weight = part.find("q=0");
        const bool refused =
            weight != part.npos && part.find_first_of("123456789", weight + 2) == std::string_view::npos;
        if (equal_ignoring_case(name, coding)) return !refused;
        if (name == "*") by_star = !refused;
    }
    return by_star;
}

}  // namespace

std::span<const ConsoleFile> console_files() {
    static const auto kFiles = embedded_console(penstock_console_blob);
    return kFiles;
}

std::string_view console_build() { return kConsoleBuild; }

std::string console_html(std::string_view nonce) {
    const std::string_view page = embedded_console_page(penstock_console_blob);
    std::string out;
    out.reserve(page.size() + 256);
    size_t from = 0;
    for (size_t at; (at = page.find(kNoncePlace, from)) != page.npos; from = at + kNoncePlace.size())
        out.append(page, from, at - from).append(nonce);
    return out.append(page, from);
}

EncodedFile encoded_for(const ConsoleFile& file, std::string_view accept_encoding) {
    if (!file.brotli.empty() && takes(accept_encoding, "br")) return {file.brotli, "br"};
    if (!file.gzip.empty() && takes(accept_encoding, "gzip")) return {file.gzip, "gzip"};
    return {file.plain, ""};
}

}  // namespace penstock::http
