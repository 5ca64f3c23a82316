# Writes the page's files into a C++ include. Called with OUTPUT, PAGE (the folder), FILES (names in it) and
# OPENAPI. The build name is a hash over all files, so modules may import each other by relative names and
# every address changes when any file does.
string(REPLACE "|" ";" FILES "${FILES}")
list(SORT FILES)
set(all "")
foreach(name IN LISTS FILES)
    file(SHA256 "${PAGE}/${name}" hash)
    string(APPEND all "${name}:${hash}\n")
endforeach()
string(SHA256 build "${all}")
string(SUBSTRING "${build}" 0 12 build)

set(delimiter "penstock_page")
set(assets "")
foreach(name IN LISTS FILES)
    file(READ "${PAGE}/${name}" content)
    if(name STREQUAL "index.html")
        string(REPLACE "@ASSETS@" "/assets/${build}" content "${content}")
        string(REPLACE "@BUILD@" "${build}" content "${content}")
        set(index "${content}")
        continue()
    endif()
    if(name MATCHES "\\.css$")
        set(type "text/css; charset=utf-8")
    elseif(name MATCHES "\\.js$")
        set(type "text/javascript; charset=utf-8")
    elseif(name MATCHES "\\.svg$")
        set(type "image/svg+xml")
    else()
        message(FATAL_ERROR "${name}: no content type is known for it")
    endif()
    string(APPEND assets "    {\"${name}\", \"${type}\", R\"${delimiter}(${content})${delimiter}\"},\n")
endforeach()
file(READ "${OPENAPI}" openapi)

file(WRITE "${OUTPUT}" "// Generated from admin/http/page/ and schemas/openapi.yaml.
namespace penstock::http::embedded {
inline constexpr std::string_view kBuild = \"${build}\";
inline constexpr PageAsset kAssets[] = {
${assets}};
inline constexpr std::string_view kIndex = R\"${delimiter}(${index})${delimiter}\";
inline constexpr std::string_view kOpenApi = R\"${delimiter}(${openapi})${delimiter}\";
}  // namespace penstock::http::embedded
")
