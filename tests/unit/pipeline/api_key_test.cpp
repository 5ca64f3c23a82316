#include "pipeline/api_key.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

TEST(ApiKey, IsKnownAgainByItsHashAndByNothingElse) {
    const std::string key = make_api_key();
    const std::string hash = hash_api_key(key);
    EXPECT_TRUE(api_key_matches(key, hash));
    EXPECT_FALSE(api_key_matches(key + "x", hash));
    EXPECT_FALSE(api_key_matches("", hash));
    EXPECT_FALSE(api_key_matches(key, ""));
    EXPECT_FALSE(api_key_matches(key, hash.substr(0, hash.size() - 1)));
    EXPECT_NE(make_api_key(), key);
}

TEST(ApiKey, TheHashIsBlake2bOf256Bits) {
    // RFC 7693's function with a 32-byte digest; the value is from `b2sum -l 256`.
    EXPECT_EQ(hash_api_key("abc"),
              "blake2b:bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

}  // namespace
}  // namespace penstock
