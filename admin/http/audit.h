// The audit trail over HTTP.
#pragma once

#include "admin/http/message.h"
#include "schemas/audit.h"

namespace penstock::http {

/// The HTTP thread.
class AuditDoor {
  public:
    explicit AuditDoor(const AuditReader& trail) : trail_(trail) {}
    Response list(const Request& request) const;
    Response head(const Request& request) const;

  private:
    const AuditReader& trail_;
};

}  // namespace penstock::http
