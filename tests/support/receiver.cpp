#include "tests/support/receiver.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <stdexcept>

namespace penstock::test {
namespace {

constexpr int kPollMs = 20;

void expect(bool holds, const char* what) {
    if (!holds) throw std::runtime_error(what);
}

}  // namespace

LocalCertificate::LocalCertificate(int64_t valid_s) {
    char name[] = "/tmp/penstock-certificate-XXXXXX";
    expect(mkdtemp(name) != nullptr, "mkdtemp failed");
    folder_ = name;
    file_ = folder_ + "/localhost.pem";
    key_file_ = folder_ + "/localhost.key";
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    expect(key != nullptr && certificate != nullptr, "no certificate can be made");
    X509_set_version(certificate, 2);
    static std::atomic<long> serial{1};
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
    X509_gmtime_adj(X509_getm_notBefore(certificate), std::min<int64_t>(valid_s, 0) - 3'600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), valid_s);
    X509_set_pubkey(certificate, key);
    X509_NAME* subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost");
    X509_add_ext(certificate, names, -1);
    X509_EXTENSION_free(names);
    X509_sign(certificate, key, EVP_sha256());
    FILE* out = std::fopen(file_.c_str(), "w");
    expect(out != nullptr && PEM_write_X509(out, certificate) == 1, "the certificate cannot be written");
    std::fclose(out);
    out = std::fopen(key_file_.c_str(), "w");
    expect(out != nullptr && fchmod(fileno(out), 0600) == 0 &&
               PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
           "the key cannot be written");
    std::fclose(out);
    context_.reset(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_use_certificate(context_.get(), certificate);
    SSL_CTX_use_PrivateKey(context_.get(), key);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

LocalCertificate::~LocalCertificate() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

ReceiverStream::ReceiverStream(int fd, const std::atomic<bool>& stopping) : fd_(fd), stopping_(stopping) {
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const timeval patience{0, kPollMs * 1000};
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

ReceiverStream::~ReceiverStream() {
    if (ssl_ != nullptr) SSL_free(ssl_);
    close(fd_);
}

bool ReceiverStream::start_tls(const LocalCertificate& certificate) {
    ssl_ = SSL_new(certificate.context());
    SSL_set_fd(ssl_, fd_);
    return SSL_accept(ssl_) == 1;
}

bool ReceiverStream::more() {
    char chunk[16 * 1024];
    while (!stopping_) {
        pollfd fd{fd_, POLLIN, 0};
        if ((ssl_ == nullptr || SSL_pending(ssl_) == 0) && poll(&fd, 1, kPollMs) <= 0) continue;
        const ssize_t n =
            ssl_ != nullptr ? SSL_read(ssl_, chunk, sizeof chunk) : recv(fd_, chunk, sizeof chunk, 0);
        if (n <= 0) return false;
        unread_.append(chunk, static_cast<size_t>(n));
        return true;
    }
    return false;
}

std::optional<std::string> ReceiverStream::read_line() {
    size_t end;
    while ((end = unread_.find('\n')) == std::string::npos)
        if (!more()) return std::nullopt;
    std::string line = unread_.substr(0, end);
    unread_.erase(0, end + 1);
    if (line.ends_with('\r')) line.pop_back();
    return line;
}

std::optional<std::string> ReceiverStream::read(size_t bytes) {
    while (unread_.size() < bytes)
        if (!more()) return std::nullopt;
    std::string out = unread_.substr(0, bytes);
    unread_.erase(0, bytes);
    return out;
}

bool ReceiverStream::write(std::string_view bytes) {
    while (!bytes.empty()) {
        if (stopping_) return false;
        const ssize_t n = ssl_ != nullptr ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                                          : send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n < 0 && ssl_ == nullptr && (errno == EAGAIN || errno == EINTR)) continue;
        if (n <= 0) return false;
        bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
}

void ReceiverStream::hang() {
    while (more()) unread_.clear();
}

void ReceiverStream::sleep_ms(int ms) const {
    for (; ms > 0 && !stopping_; ms -= kPollMs) usleep(static_cast<useconds_t>(std::min(ms, kPollMs)) * 1000);
}

Receiver::Receiver(Serve serve) : serve_(std::move(serve)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    expect(bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
               listen(listener_, 64) == 0 &&
               getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) == 0,
           "the receiver cannot listen");
    port_ = ntohs(address.sin_port);
    accept_thread_ = std::thread([this] { accept_loop(); });
}

Receiver::~Receiver() { stop(); }

void Receiver::stop() {
    stopping_ = true;
    if (accept_thread_.joinable()) accept_thread_.join();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    if (listener_ >= 0) close(listener_);
    listener_ = -1;
}

void Receiver::accept_loop() {
    while (!stopping_) {
        pollfd fd{listener_, POLLIN, 0};
        if (poll(&fd, 1, kPollMs) <= 0) continue;
        const int peer = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (peer < 0) continue;
        ++connections_;
        threads_.emplace_back([this, peer] {
            sigset_t pipe;  // OpenSSL's writes to a peer that has gone
            sigemptyset(&pipe);
            sigaddset(&pipe, SIGPIPE);
            pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
            ReceiverStream stream(peer, stopping_);
            serve_(stream);
        });
    }
}

}  // namespace penstock::test
