#include "pipeline/tls_identity.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/support/appliance_process.h"
#include "tests/support/receiver.h"

namespace penstock::test {
namespace {

using File = TlsIdentity::File;

void expect_fault(const std::string& certificate, const std::string& key, File file,
                  const std::string& text) {
    try {
        const TlsIdentity identity(certificate, key);
        ADD_FAILURE() << "it was taken";
    } catch (const TlsIdentity::Fault& fault) {
        EXPECT_EQ(fault.file, file);
        EXPECT_NE(std::string(fault.what()).find(text), std::string::npos) << fault.what();
    }
}

void replace(const std::string& from, const std::string& to) {
    std::filesystem::copy_file(from, to + ".new", std::filesystem::copy_options::overwrite_existing);
    std::filesystem::rename(to + ".new", to);
}

TEST(TlsIdentity, FaultsNameTheFileAndTheRemedy) {
    const LocalCertificate one, other;
    expect_fault("/nowhere/a.pem", one.key_file(), File::kCertificate,
                 "cannot read /nowhere/a.pem: No such file");
    expect_fault(one.file(), "/nowhere/a.key", File::kKey, "cannot read /nowhere/a.key: No such file");
    expect_fault(one.file(), other.key_file(), File::kKey, "is not the key of the first certificate in");
    expect_fault(one.key_file(), one.key_file(), File::kCertificate, "it must hold PEM certificates");
    expect_fault(one.file(), one.file(), File::kKey, "it must hold a PEM private key");
    expect_fault("/tmp", one.key_file(), File::kCertificate, "/tmp is not a file");
    const TemporaryFile encrypted("locked.key",
                                  "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE "
                                  "KEY-----\n");
    expect_fault(one.file(), encrypted.path(), File::kKey, "without a passphrase");
}

TEST(TlsIdentity, WhatShouldBeMendedIsAWarning) {
    const LocalCertificate sound, expired(-60);
    EXPECT_TRUE(TlsIdentity(sound.file(), sound.key_file()).warnings().empty());
    const TlsIdentity old(expired.file(), expired.key_file());
    ASSERT_EQ(old.warnings().size(), 1u);
    EXPECT_NE(old.warnings()[0].text.find("expired at 20"), std::string::npos) << old.warnings()[0].text;

    ::chmod(sound.key_file().c_str(), 0644);
    const TlsIdentity open(sound.file(), sound.key_file());
    ASSERT_EQ(open.warnings().size(), 1u);
    EXPECT_EQ(open.warnings()[0].file, File::kKey);
    EXPECT_NE(open.warnings()[0].text.find("chmod 640"), std::string::npos);
}

TEST(TlsIdentity, ChangedFilesAreTakenOnceTheyFitTogether) {
    const LocalCertificate shown, next;
    TlsIdentity identity(shown.file(), shown.key_file());
    const TlsContext before = identity.context();
    identity.reload_changed_files();
    EXPECT_EQ(identity.context(), before) << "nothing has changed";

    replace(next.file(), shown.file());
    identity.reload_changed_files();
    EXPECT_EQ(identity.context(), before) << "the key is still the old one's";
    replace(next.key_file(), shown.key_file());
    identity.reload_changed_files();
    EXPECT_NE(identity.context(), before);

    const TlsContext after = identity.context();
    std::filesystem::remove(shown.file());
    identity.reload_changed_files();
    EXPECT_EQ(identity.context(), after);
}

}  // namespace
}  // namespace penstock::test
