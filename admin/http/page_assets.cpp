#include "admin/http/page_assets.h"

#include "admin/http/page_assets.inc"

namespace penstock::http {

std::string_view page_build() { return embedded::kBuild; }
std::span<const PageAsset> page_assets() { return embedded::kAssets; }
std::string_view page_html() { return embedded::kIndex; }
std::string_view openapi_yaml() { return embedded::kOpenApi; }

}  // namespace penstock::http
