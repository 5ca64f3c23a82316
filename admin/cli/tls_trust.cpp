#include "admin/cli/tls_trust.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "admin/cli/terminal.h"

namespace penstock::cli {
namespace {

/// Only the first certificate of the file: those behind it vouch for others, too.
void trust_only(SSL_CTX* context, const std::string& file) {
    const std::unique_ptr<FILE, int (*)(FILE*)> in(std::fopen(file.c_str(), "re"), &std::fclose);
    if (!in) throw CommandError(kUsage, fmt::format("cannot read {}: {}", file, std::strerror(errno)));
    const std::unique_ptr<X509, void (*)(X509*)> own(PEM_read_X509(in.get(), nullptr, nullptr, nullptr),
                                                     &X509_free);
    if (!own) throw CommandError(kUsage, fmt::format("{} holds no certificate: {}", file, tls_reason()));
    X509_STORE* store = SSL_CTX_get_cert_store(context);
    X509_STORE_add_cert(store, own.get());
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME);
}

}  // namespace

TlsContext TlsTrust::context() const {
    ERR_clear_error();
    TlsContext context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    if (!certificate.empty())
        trust_only(context.get(), certificate);
    else if (ca_file.empty())
        SSL_CTX_set_default_verify_paths(context.get());
    else if (SSL_CTX_load_verify_file(context.get(), ca_file.c_str()) != 1)
        throw CommandError(kUsage, fmt::format("{} holds no certificates: {}", ca_file, tls_reason()));
    return context;
}

void TlsTrust::expect(SSL* ssl, const std::string& host) const {
    in6_addr ignored;
    const bool is_address =
        inet_pton(AF_INET, host.c_str(), &ignored) == 1 || inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
    if (!is_address) SSL_set_tlsext_host_name(ssl, host.c_str());
    if (!certificate.empty()) return;
    if (is_address)
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
    else
        SSL_set1_host(ssl, host.c_str());
}

}  // namespace penstock::cli
