// What a server shows over TLS: a certificate chain and its key, PEM files that may change while it runs.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

namespace penstock {

using TlsContext = std::shared_ptr<SSL_CTX>;

/// OpenSSL's own words for what failed last on this thread; empties its queue.
std::string tls_reason();

class TlsIdentity {
  public:
    enum class File : uint8_t { kCertificate, kKey };
    struct Note {
        File file;
        std::string text;
    };
    /// The files cannot be used.
    struct Fault : std::runtime_error {
        Fault(File which, const std::string& text) : std::runtime_error(text), file(which) {}
        File file;
    };

    /// Throws Fault.
    TlsIdentity(std::string certificate_file, std::string key_file);

    /// For new connections, TLS 1.2 and 1.3. Open ones keep what they began with. Any thread.
    TlsContext context() const;
    /// What works but should be mended: out of date, readable by others. Thread of the reloads.
    const std::vector<Note>& warnings() const { return warnings_; }
    /// Reads the files again where they have changed. New ones that cannot be used are left alone, with a
    /// warning in the log. One thread.
    void reload_changed_files();

  private:
    /// Tells one state of both files from another.
    using Stamp = std::vector<int64_t>;
    Stamp stamp() const;
    TlsContext load();

    const std::string certificate_file_, key_file_;
    std::vector<Note> warnings_;
    Stamp stamp_;
    mutable std::mutex mutex_;
    TlsContext context_;  ///< under mutex_
};

}  // namespace penstock
