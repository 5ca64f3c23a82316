// What the configuration says of users, and how it becomes state at a start.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "admin/appliance_access.h"
#include "tests/support/access_rig.h"

namespace penstock::test {
namespace {

struct AccessStart : testing::Test {
    std::string folder;
    AccessRig rig;

    AccessStart() {
        std::string pattern = testing::TempDir() + "penstock-access-XXXXXX";
        folder = mkdtemp(pattern.data());
    }
    ~AccessStart() override { std::filesystem::remove_all(folder); }

    Config load(const std::string& text) {
        std::ofstream(folder + "/penstock.toml") << text;
        return load_config(folder + "/penstock.toml", {});
    }
    std::string faults(const std::string& text) {
        try {
            load(text);
        } catch (const ConfigError& e) {
            return e.what();
        }
        return "";
    }
    /// Answers how many records it took.
    size_t start(const std::string& text) {
        const auto records = access_records_of_start(load(text), *rig.book, "blake2b:hash");
        for (const ControlRequest& r : records)
            EXPECT_FALSE(rig.book->refused(rig.control(r.kind, r.name, r.text))) << r.name;
        return records.size();
    }
};

TEST_F(AccessStart, UsersComeOnceAreChangedWhereTheyDifferAndGoWithTheirSection) {
    const std::string ann = "[[user]]\nname = \"ann\"\nrole = \"supervisor\"\nregions = [\"na\"]\n";
    EXPECT_EQ(start(ann), 2u) << "and the local admin's key";
    EXPECT_EQ(rig.book->user("ann")->scope.regions, std::vector<std::string>{"us"}) << "na is us";
    EXPECT_EQ(start(ann), 0u);
    EXPECT_EQ(start(ann + "email = \"a@b.c\"\n"), 1u);
    rig.user("bob");  // by API
    EXPECT_EQ(start(""), 1u);
    EXPECT_FALSE(rig.book->user("ann"));
    EXPECT_TRUE(rig.book->user("bob"));
}

TEST_F(AccessStart, TheDemoHasItsNumbersAndGoesAgain) {
    EXPECT_EQ(start("[access]\ndemo = true\n"), 16u);
    EXPECT_EQ(rig.number("abc-1"), 1u);
    EXPECT_EQ(rig.number("abc-5"), 5u);
    EXPECT_EQ(rig.book->users_of_token(rig.book->user(1)->token_hash).size(), 5u);
    EXPECT_EQ(rig.book->user("raj.patel")->role, Role::kSupervisor);
    EXPECT_EQ(start("[access]\ndemo = true\n"), 0u);
    start("");
    EXPECT_EQ(rig.book->user_count(), 0u);
}

TEST_F(AccessStart, WhatWouldLetStrangersInIsRefused) {
    const std::string beyond = "[http]\nlisten = \"0.0.0.0:3000\"\n[access]\n";
    EXPECT_NE(faults(beyond + "demo = true\n").find("everybody knows the demo's passwords"),
              std::string::npos);
    EXPECT_NE(faults(beyond + "required = false\n").find("access.open = \"yes, to everybody\""),
              std::string::npos);
    EXPECT_EQ(faults(beyond + "required = false\nopen = \"yes, to everybody\"\n").find("access."),
              std::string::npos);
    EXPECT_NE(faults("[access]\nopen = \"sure\"\n"), "");
    EXPECT_EQ(faults("[access]\ndemo = true\nrequired = \"auto\"\n"), "");
    std::ofstream(folder + "/secret") << "short\n";
    EXPECT_NE(faults("[access]\njwt_secret_file = \"secret\"\n").find("at least 32 bytes"),
              std::string::npos);
}

TEST_F(AccessStart, FaultsOfUsersAreNamed) {
    EXPECT_NE(faults("[[user]]\nname = \"Ann\"\nrole = \"viewer\"\n").find("is not a user's name"),
              std::string::npos);
    EXPECT_NE(faults("[[user]]\nname = \"ann\"\nrole = \"king\"\n").find("user[0].role"), std::string::npos);
    EXPECT_NE(faults("[[user]]\nname = \"ann\"\nrole = \"viewer\"\nregions = [\"mars\"]\n").find("mars"),
              std::string::npos);
    EXPECT_NE(
        faults("[[user]]\nname = \"ann\"\nrole = \"viewer\"\npassword_hash = \"pass123\"\n").find("argon2id"),
        std::string::npos);
}

TEST_F(AccessStart, TheLocalAdminsKeyIsMadeOnceAndReadByItsOwnerAlone) {
    const std::string file = folder + "/admin.key";
    const std::string hash = local_admin_key_hash(file);
    EXPECT_EQ(local_admin_key_hash(file), hash);
    ::chmod(file.c_str(), 0644);
    EXPECT_EQ(local_admin_key_hash(file), hash);
    struct stat status{};
    ASSERT_EQ(::stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    std::ofstream(file) << "torn";
    EXPECT_NE(local_admin_key_hash(file), hash);
}

}  // namespace
}  // namespace penstock::test
