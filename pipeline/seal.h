// What is kept on this host and may be read by nobody without its key: XChaCha20-Poly1305 (libsodium). Any
// thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/limits.h"

namespace penstock {

/// 32 bytes. Its id names it and tells nothing of it; it is never 0.
class SealKey {
  public:
    static constexpr size_t kBytes = 32, kTagBytes = 16, kNonceBytes = 24;
    using Tag = std::array<uint8_t, kTagBytes>;
    using Nonce = std::array<uint8_t, kNonceBytes>;

    explicit SealKey(std::span<const uint8_t, kBytes> bytes);
    ~SealKey();
    SealKey(const SealKey&) = delete;
    SealKey& operator=(const SealKey&) = delete;

    uint64_t id() const { return id_; }
    /// In place, bytes of any length. A nonce is used once with a key.
    Tag seal(std::span<uint8_t> bytes, const Nonce& nonce, std::span<const uint8_t> beside) const;
    /// False: they, the tag or what stands beside them are not what was sealed.
    bool open(std::span<const uint8_t> sealed, const Tag& tag, const Nonce& nonce,
              std::span<const uint8_t> beside, uint8_t* to) const;

  private:
    std::array<uint8_t, kBytes> key_;
    uint64_t id_;
};

std::string seal_key_name(uint64_t id);  ///< 16 hexadecimal digits
SealKey::Nonce random_nonce();

struct SealError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// 64 hexadecimal digits a line; the first is the newest. Empty lines and those that begin with # are passed
/// over. Throws SealError that names the file and what to do, also where others may read it.
std::vector<std::unique_ptr<SealKey>> read_seal_keys(const std::string& file);
/// As read_seal_keys; a file that is not there is made, with one key.
std::vector<std::unique_ptr<SealKey>> read_or_make_seal_keys(const std::string& file);

/// The keys that are known. What was added stays.
class SealKeys {
  public:
    /// The first seals from now on; all open. Throws SealError on a file that cannot be used.
    void add_region(uint16_t region, const std::string& file);
    /// That seals what belongs to no single region: the first that is called so.
    void make_common(uint16_t region);

    /// Null: what is of it is kept in the clear.
    const SealKey* of_region(uint16_t region) const {
        return region < by_region_.size() ? by_region_[region].load(std::memory_order_acquire) : nullptr;
    }
    const SealKey* common() const { return common_.load(std::memory_order_acquire); }
    const SealKey* find(uint64_t id) const;
    bool empty() const { return common() == nullptr && !any_.load(std::memory_order_acquire); }

  private:
    mutable std::mutex mutex_;  // guards all_
    std::vector<std::unique_ptr<SealKey>> all_;
    std::array<std::atomic<const SealKey*>, limits::kRegionsMax> by_region_{};
    std::atomic<const SealKey*> common_{nullptr};
    std::atomic<bool> any_{false};
};

/// Whole: the key's id, a nonce, the text sealed, its tag.
std::vector<uint8_t> seal_whole(const SealKey& key, std::span<const uint8_t> text,
                                std::span<const uint8_t> beside);
/// The id of the key that it needs; 0: it is too short to be sealed.
uint64_t key_of_sealed(std::span<const uint8_t> sealed);
/// Nothing: it is not what was sealed.
std::optional<std::vector<uint8_t>> open_whole(const SealKey& key, std::span<const uint8_t> sealed,
                                               std::span<const uint8_t> beside);

}  // namespace penstock
