// What TLS costs on the intake thread: a handshake, and decrypting a stream of events as sockets give it.
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "perf/micro/micro.h"
#include "pipeline/tls_session.h"
#include "schemas/limits.h"

namespace penstock::bench {
namespace {

constexpr size_t kEventBytes = 268;

using Context = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

Context server_context() {
    Context context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86'400);
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
    SSL_CTX_use_certificate(context.get(), certificate);
    SSL_CTX_use_PrivateKey(context.get(), key);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return context;
}

void carry(TlsSession& from, TlsSession& to) {
    const std::string bytes = std::exchange(from.output(), {});
    to.feed({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
    uint8_t none[64];
    expect_equal(to.read(none), size_t{0}, "bytes inside a handshake");
    to.feed({});
}

}  // namespace

void bench_tls(const MicroOptions& options) {
    const Context serving = server_context();
    const Context asking(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
    const int handshakes = options.quick ? 20 : 500;
    const uint64_t rounds = options.quick ? 50 : 2'000;
    const std::string text(limits::kReceiveBufferBytes / kEventBytes * kEventBytes, 'x');
    std::vector<uint8_t> room(limits::kReceiveBufferBytes);
    Runs handshakes_per_s, events_per_s;
    for (size_t run = 0; run < options.runs; ++run) {
        int64_t spent_ns = 0;
        std::unique_ptr<TlsSession> server, client;
        for (int i = 0; i < handshakes; ++i) {
            server = std::make_unique<TlsSession>(serving.get(), TlsSession::Side::kServer);
            client = std::make_unique<TlsSession>(asking.get(), TlsSession::Side::kClient);
            client->shake_hands();
            while (!client->open() || !server->open()) {
                const int64_t begin = monotonic_now_ns();
                carry(*client, *server);
                spent_ns += monotonic_now_ns() - begin;
                carry(*server, *client);
            }
        }
        handshakes_per_s.add(handshakes * 1e9 / static_cast<double>(spent_ns));
        spent_ns = 0;
        for (uint64_t round = 0; round < rounds; ++round) {
            client->write(text);
            const std::string wire = std::exchange(client->output(), {});
            const int64_t begin = monotonic_now_ns();
            server->feed({reinterpret_cast<const uint8_t*>(wire.data()), wire.size()});
            size_t got = 0;
            while (const size_t n = server->read({room.data() + got, room.size() - got})) got += n;
            spent_ns += monotonic_now_ns() - begin;
            expect_equal(got, text.size(), "bytes decrypted");
        }
        events_per_s.add(static_cast<double>(text.size() / kEventBytes * rounds) * 1e9 /
                         static_cast<double>(spent_ns));
    }
    Result("tls/handshake", handshakes_per_s, "handshakes/s")
        .note("the server's part, TLS 1.3, ECDSA P-256")
        .print();
    Result("tls/decrypt", events_per_s, "events/s")
        .more("bytes_an_event", static_cast<double>(kEventBytes))
        .note("64 KiB at a time, as a socket gives them")
        .print();
}

}  // namespace penstock::bench
