// The configuration as people look at it.
#pragma once

#include <string>

namespace penstock::http {

struct Setting {
    std::string key, value, origin;  ///< secrets are masked before they come here
};

}  // namespace penstock::http
