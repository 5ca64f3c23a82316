// Whom a command believes over TLS.
#pragma once

#include <string>

#include "pipeline/tls_identity.h"

namespace penstock::cli {

struct TlsTrust {
    bool wanted = false;  ///< false: plain text
    std::string ca_file;  ///< PEM; empty: the host's own authorities
    std::string
        certificate;  ///< PEM: this one (the first of the file) and no other, whatever its name and age

    /// Of a client. Throws CommandError(kUsage) where a file cannot be used.
    TlsContext context() const;
    /// Has a connection to `host` name it, and verify that it got there.
    void expect(SSL* ssl, const std::string& host) const;
};

}  // namespace penstock::cli
