// The console's files (admin/console), carried inside the program as Vite built them.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace penstock::http {

struct ConsoleFile {
    std::string_view path;  ///< "/assets/index-B1x9.js": named by its content
    std::string_view content_type;
    std::string_view plain, gzip, brotli;  ///< the last two empty where they would not be smaller
};

/// Empty where the program was built without the console.
std::span<const ConsoleFile> console_files();
/// Changes with any of the files.
std::string_view console_build();
/// index.html; its nonce is filled in for each answer.
std::string console_html(std::string_view nonce);

/// The form of a file that a client takes best, and its Content-Encoding; empty: none.
struct EncodedFile {
    std::string_view content, encoding;
};
EncodedFile encoded_for(const ConsoleFile& file, std::string_view accept_encoding);

}  // namespace penstock::http
