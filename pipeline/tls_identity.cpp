#include "pipeline/tls_identity.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

namespace penstock {
namespace {

/// A key that asks for a passphrase would wait for a terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

std::string time_text(const ASN1_TIME* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unknown time";
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                       parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::unique_ptr<FILE, int (*)(FILE*)> open_file(TlsIdentity::File which, const std::string& file) {
    std::unique_ptr<FILE, int (*)(FILE*)> opened(std::fopen(file.c_str(), "re"), &std::fclose);
    struct stat status{};
    if (!opened || fstat(fileno(opened.get()), &status) != 0)
        throw TlsIdentity::Fault(which, fmt::format("cannot read {}: {}", file, std::strerror(errno)));
    if (!S_ISREG(status.st_mode)) throw TlsIdentity::Fault(which, fmt::format("{} is not a file", file));
    return opened;
}

}  // namespace

std::string tls_reason() {
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
    return reason == nullptr ? "unknown error" : reason;
}

TlsIdentity::TlsIdentity(std::string certificate_file, std::string key_file)
    : certificate_file_(std::move(certificate_file)),
      key_file_(std::move(key_file)),
      stamp_(stamp()),
      context_(load()) {}

TlsContext TlsIdentity::context() const {
    const std::lock_guard lock(mutex_);
    return context_;
}

TlsIdentity::Stamp TlsIdentity::stamp() const {
    Stamp out;
    for (const std::string& file : {certificate_file_, key_file_}) {
        struct stat status{};
        if (stat(file.c_str(), &status) != 0) status = {};
        out.insert(out.end(),
                   {static_cast<int64_t>(status.st_ino), static_cast<int64_t>(status.st_size),
                    static_cast<int64_t>(status.st_mtim.tv_sec), static_cast<int64_t>(status.st_mtim.tv_nsec),
                    static_cast<int64_t>(status.st_mode)});
    }
    return out;
}

TlsContext TlsIdentity::load() {
    ERR_clear_error();
    TlsContext context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
    if (!context) throw Fault(File::kCertificate, fmt::format("no TLS here: {}", tls_reason()));
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(context.get(), "ECDHE+AESGCM:ECDHE+CHACHA20");  // of TLS 1.2
    SSL_CTX_set_options(context.get(),
                        SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    // Tickets resume a session; a cache would only grow. Idle connections give their buffers back.
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);

    open_file(File::kCertificate, certificate_file_);
    if (SSL_CTX_use_certificate_chain_file(context.get(), certificate_file_.c_str()) != 1)
        throw Fault(
            File::kCertificate,
            fmt::format("{} cannot be used: {}; it must hold PEM certificates, the server's own first",
                        certificate_file_, tls_reason()));
    const auto key_file = open_file(File::kKey, key_file_);
    const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(
        PEM_read_PrivateKey(key_file.get(), nullptr, no_passphrase, nullptr), &EVP_PKEY_free);
    if (!key)
        throw Fault(File::kKey,
                    fmt::format("{} cannot be used: {}; it must hold a PEM private key without a passphrase",
                                key_file_, tls_reason()));
    if (SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1 ||
        SSL_CTX_check_private_key(context.get()) != 1) {
        ERR_clear_error();
        throw Fault(File::kKey, fmt::format("{} is not the key of the first certificate in {}", key_file_,
                                            certificate_file_));
    }

    std::vector<Note> warnings;
    const X509* own = SSL_CTX_get0_certificate(context.get());
    if (X509_cmp_current_time(X509_get0_notAfter(own)) < 0)
        warnings.push_back(
            {File::kCertificate, fmt::format("{} expired at {}; clients will refuse it", certificate_file_,
                                             time_text(X509_get0_notAfter(own)))});
    if (X509_cmp_current_time(X509_get0_notBefore(own)) > 0)
        warnings.push_back(
            {File::kCertificate, fmt::format("{} is not valid before {}; clients will refuse it",
                                             certificate_file_, time_text(X509_get0_notBefore(own)))});
    struct stat status{};
    if (fstat(fileno(key_file.get()), &status) == 0 && (status.st_mode & S_IROTH) != 0)
        warnings.push_back(
            {File::kKey, fmt::format("every user of this host may read {}; chmod 640 it", key_file_)});
    warnings_ = std::move(warnings);
    return context;
}

void TlsIdentity::reload_changed_files() {
    Stamp now = stamp();
    if (now == stamp_) return;
    stamp_ = std::move(now);
    try {
        TlsContext fresh = load();
        for (const Note& note : warnings_) spdlog::warn("tls: {}", note.text);
        spdlog::info("tls: new connections are shown the new {}", certificate_file_);
        const std::lock_guard lock(mutex_);
        context_ = std::move(fresh);
    } catch (const Fault& fault) {
        spdlog::warn("tls: {}; the certificate of before stays in use", fault.what());
    }
}

}  // namespace penstock
