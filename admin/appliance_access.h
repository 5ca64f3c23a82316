// Who may get in, as configuration and host have it, becomes records at a start.
#pragma once

#include <string>
#include <vector>

#include "admin/config.h"
#include "admin/http/access_setup.h"
#include "pipeline/mailbox.h"
#include "schemas/access.h"

namespace penstock {

/// What the HTTP side goes by, without the book. Reads the secret of JWT.
http::AccessSetup access_setup_of(const Config::Access& access);

/// The bounds of sessions, as the boot record has them: JSON.
std::string access_facts_json(const Config::Access& access);

/// The hash of the key in this file, which is made, readable by its owner alone, where it is missing or holds
/// none. Throws std::runtime_error.
std::string local_admin_key_hash(const std::string& file);

/// Records by which the book has the configuration's users (and the demo's) and the local admin's key. None
/// where it has them already.
std::vector<ControlRequest> access_records_of_start(const Config& config, const AccessReader& book,
                                                    const std::string& admin_key_hash);

}  // namespace penstock
