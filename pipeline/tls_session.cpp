#include "pipeline/tls_session.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "pipeline/tls_identity.h"

namespace penstock {

/// Where OpenSSL reads and writes: the session's spans, without a copy in between.
struct TlsSessionBio {
    static TlsSession& session(BIO* bio) { return *static_cast<TlsSession*>(BIO_get_data(bio)); }
    static int read(BIO* bio, char* out, int size) {
        std::span<const uint8_t>& input = session(bio).input_;
        BIO_clear_retry_flags(bio);
        if (input.empty()) {
            BIO_set_retry_read(bio);
            return -1;
        }
        const size_t n = std::min(static_cast<size_t>(size), input.size());
        std::memcpy(out, input.data(), n);
        input = input.subspan(n);
        return static_cast<int>(n);
    }
    static int write(BIO* bio, const char* bytes, int size) {
        BIO_clear_retry_flags(bio);
        session(bio).output_.append(bytes, static_cast<size_t>(size));
        return size;
    }
    static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

    static BIO* make(TlsSession* owner) {
        static BIO_METHOD* const kMethod = [] {
            BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "session");
            BIO_meth_set_read(method, read);
            BIO_meth_set_write(method, write);
            BIO_meth_set_ctrl(method, control);
            return method;
        }();
        BIO* bio = BIO_new(kMethod);
        if (bio == nullptr) throw std::bad_alloc();
        BIO_set_data(bio, owner);
        BIO_set_init(bio, 1);
        return bio;
    }
};

TlsSession::TlsSession(SSL_CTX* context, Side side) : ssl_(SSL_new(context)) {
    if (ssl_ == nullptr) throw std::bad_alloc();
    BIO* bio = TlsSessionBio::make(this);
    SSL_set_bio(ssl_, bio, bio);
    side == Side::kServer ? SSL_set_accept_state(ssl_) : SSL_set_connect_state(ssl_);
}

TlsSession::~TlsSession() { SSL_free(ssl_); }

void TlsSession::shake_hands() {
    if (state_ != State::kHandshake) return;
    ERR_clear_error();
    if (const int done = SSL_do_handshake(ssl_); done != 1) return settle(done);
    state_ = State::kOpen;
}

size_t TlsSession::read(std::span<uint8_t> room) {
    shake_hands();
    if (state_ != State::kOpen) return 0;
    ERR_clear_error();
    size_t n = 0;
    const int read = SSL_read_ex(ssl_, room.data(), room.size(), &n);
    if (read != 1) return settle(read), 0;
    return n;
}

void TlsSession::write(std::string_view bytes) {
    if (!open() || bytes.empty()) return;
    ERR_clear_error();
    size_t n = 0;
    if (const int written = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &n); written != 1) settle(written);
}

void TlsSession::end() {
    if (!open()) return;
    ERR_clear_error();
    SSL_shutdown(ssl_);
    ERR_clear_error();
}

void TlsSession::settle(int result) {
    switch (SSL_get_error(ssl_, result)) {
        case SSL_ERROR_WANT_READ:
        case SSL_ERROR_WANT_WRITE:
            return;
        case SSL_ERROR_ZERO_RETURN:
            state_ = State::kEnded;
            return;
        default:
            break;
    }
    const long verified = SSL_get_verify_result(ssl_);
    const std::string reason = tls_reason();
    failure_ = verified == X509_V_OK ? reason : reason + ": " + X509_verify_cert_error_string(verified);
    state_ = State::kFailed;
}

}  // namespace penstock
