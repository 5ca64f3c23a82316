#include "pipeline/seal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace penstock {
namespace {

void start_sodium() {
    if (sodium_init() < 0) throw SealError("libsodium cannot start");
}

constexpr std::string_view kMake = "make one with: (umask 077; openssl rand -hex 32 > FILE)";

}  // namespace

SealKey::SealKey(std::span<const uint8_t, kBytes> bytes) {
    start_sodium();
    std::memcpy(key_.data(), bytes.data(), kBytes);
    static_assert(kBytes == crypto_aead_xchacha20poly1305_ietf_KEYBYTES &&
                  kTagBytes == crypto_aead_xchacha20poly1305_ietf_ABYTES &&
                  kNonceBytes == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
    constexpr std::string_view kPurpose = "penstock seal key";
    std::array<uint8_t, crypto_generichash_BYTES_MIN> hash;
    crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const uint8_t*>(kPurpose.data()),
                       kPurpose.size(), key_.data(), key_.size());
    std::memcpy(&id_, hash.data(), sizeof id_);
    if (id_ == 0) id_ = 1;
}

SealKey::~SealKey() { sodium_memzero(key_.data(), key_.size()); }

SealKey::Tag SealKey::seal(std::span<uint8_t> bytes, const Nonce& nonce,
                           std::span<const uint8_t> beside) const {
    Tag tag;
    crypto_aead_xchacha20poly1305_ietf_encrypt_detached(bytes.data(), tag.data(), nullptr, bytes.data(),
                                                        bytes.size(), beside.data(), beside.size(), nullptr,
                                                        nonce.data(), key_.data());
    return tag;
}

bool SealKey::open(std::span<const uint8_t> sealed, const Tag& tag, const Nonce& nonce,
                   std::span<const uint8_t> beside, uint8_t* to) const {
    return crypto_aead_xchacha20poly1305_ietf_decrypt_detached(to, nullptr, sealed.data(), sealed.size(),
                                                               tag.data(), beside.data(), beside.size(),
                                                               nonce.data(), key_.data()) == 0;
}

std::string seal_key_name(uint64_t id) { return fmt::format("{:016x}", id); }

SealKey::Nonce random_nonce() {
    start_sodium();
    SealKey::Nonce nonce;
    randombytes_buf(nonce.data(), nonce.size());
    return nonce;
}

std::vector<std::unique_ptr<SealKey>> read_seal_keys(const std::string& file) {
    struct stat about{};
    if (::stat(file.c_str(), &about) != 0)
        throw SealError(
            fmt::format("cannot read the key file {}: {}; {}", file, std::strerror(errno), kMake));
    if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        throw SealError(fmt::format("the key file {} may be read by others; chmod 600 {}", file, file));
    std::ifstream in(file);
    std::vector<std::unique_ptr<SealKey>> keys;
    std::string line;
    for (size_t number = 1; std::getline(in, line); ++number) {
        if (line.empty() || line[0] == '#') continue;
        std::array<uint8_t, SealKey::kBytes> bytes;
        size_t length = 0;
        const char* end = nullptr;
        const bool hex = sodium_hex2bin(bytes.data(), bytes.size(), line.data(), line.size(), nullptr,
                                        &length, &end) == 0 &&
                         length == bytes.size() && end == line.data() + line.size();
        sodium_memzero(line.data(), line.size());
        if (!hex)
            throw SealError(fmt::format("line {} of the key file {} is not 64 hexadecimal digits; {}", number,
                                        file, kMake));
        keys.push_back(std::make_unique<SealKey>(bytes));
        sodium_memzero(bytes.data(), bytes.size());
    }
    if (keys.empty()) throw SealError(fmt::format("the key file {} holds no key; {}", file, kMake));
    return keys;
}

std::vector<std::unique_ptr<SealKey>> read_or_make_seal_keys(const std::string& file) {
    start_sodium();
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) {
        std::array<uint8_t, SealKey::kBytes> bytes;
        randombytes_buf(bytes.data(), bytes.size());
        std::array<char, 2 * SealKey::kBytes + 1> text;
        sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
        text.back() = '\n';
        const bool written =
            ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
        ::close(fd);
        sodium_memzero(text.data(), text.size());
        sodium_memzero(bytes.data(), bytes.size());
        if (!written) {
            ::unlink(file.c_str());
            throw SealError(fmt::format("cannot write {}: {}", file, std::strerror(errno)));
        }
    } else if (errno != EEXIST) {
        throw SealError(fmt::format("cannot make {}: {}", file, std::strerror(errno)));
    }
    return read_seal_keys(file);
}

void SealKeys::add_region(uint16_t region, const std::string& file) {
    auto keys = read_seal_keys(file);
    const std::lock_guard lock(mutex_);
    const SealKey* first = nullptr;
    for (auto& key : keys) {
        const SealKey* known = nullptr;
        for (const auto& k : all_)
            if (k->id() == key->id()) known = k.get();
        if (!known) known = all_.emplace_back(std::move(key)).get();
        if (!first) first = known;
    }
    by_region_.at(region).store(first, std::memory_order_release);
    any_.store(true, std::memory_order_release);
}

void SealKeys::make_common(uint16_t region) {
    if (!common()) common_.store(of_region(region), std::memory_order_release);
}

const SealKey* SealKeys::find(uint64_t id) const {
    const std::lock_guard lock(mutex_);
    for (const auto& key : all_)
        if (key->id() == id) return key.get();
    return nullptr;
}

// --- whole ------------------------------------------------------------------------------------------------

std::vector<uint8_t> seal_whole(const SealKey& key, std::span<const uint8_t> text,
                                std::span<const uint8_t> beside) {
    const SealKey::Nonce nonce = random_nonce();
    const uint64_t id = key.id();
    constexpr size_t kHead = sizeof id + SealKey::kNonceBytes;
    std::vector<uint8_t> out(kHead + text.size() + SealKey::kTagBytes);
    std::memcpy(out.data(), &id, sizeof id);
    std::memcpy(out.data() + sizeof id, nonce.data(), nonce.size());
    if (!text.empty()) std::memcpy(out.data() + kHead, text.data(), text.size());
    const SealKey::Tag tag = key.seal(std::span(out).subspan(kHead, text.size()), nonce, beside);
    std::memcpy(out.data() + kHead + text.size(), tag.data(), tag.size());
    return out;
}

uint64_t key_of_sealed(std::span<const uint8_t> sealed) {
    uint64_t id = 0;
    if (sealed.size() >= sizeof id + SealKey::kNonceBytes + SealKey::kTagBytes)
        std::memcpy(&id, sealed.data(), sizeof id);
    return id;
}

std::optional<std::vector<uint8_t>> open_whole(const SealKey& key, std::span<const uint8_t> sealed,
                                               std::span<const uint8_t> beside) {
    if (key_of_sealed(sealed) != key.id()) return std::nullopt;
    constexpr size_t kHead = sizeof(uint64_t) + SealKey::kNonceBytes;
    SealKey::Nonce nonce;
    std::memcpy(nonce.data(), sealed.data() + sizeof(uint64_t), nonce.size());
    SealKey::Tag tag;
    std::memcpy(tag.data(), sealed.data() + sealed.size() - tag.size(), tag.size());
    std::vector<uint8_t> text(sealed.size() - kHead - tag.size());
    if (!key.open(sealed.subspan(kHead, text.size()), tag, nonce, beside, text.data())) return std::nullopt;
    return text;
}

}  // namespace penstock
