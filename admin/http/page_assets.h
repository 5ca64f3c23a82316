// What is shown without the console, carried inside the program: the sign-in page's style, the API's
// document.
#pragma once

#include <span>
#include <string_view>

namespace penstock::http {

struct PageAsset {
    std::string_view name;  ///< "page.css"
    std::string_view content_type;
    std::string_view content;
};

/// Changes with any of the files. Assets are served under /assets/<build>/, so they may be cached for ever.
std::string_view page_build();
/// All files but index.html.
std::span<const PageAsset> page_assets();
/// What is shown where the console was left out.
std::string_view page_html();
/// schemas/openapi.yaml.
std::string_view openapi_yaml();

}  // namespace penstock::http
