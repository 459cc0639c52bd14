/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/doi.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/hmac-sha256.h"
#include "state/directory.h"

#define SUFFIX ".key"
#define FILE_BYTES (SVIRT_DOI_NAME_BYTES + sizeof(SUFFIX))

void
svirt_doi_free(SvirtDoi *doi)
{
    if (doi == NULL) {
        return;
    }
    explicit_bzero(doi->key, sizeof(doi->key));
    g_free(doi->name);
    g_free(doi);
}

bool
svirt_doi_name_is_valid(const char *name)
{
    size_t size = strnlen(name, SVIRT_DOI_NAME_BYTES);

    if (size == 0 || size == SVIRT_DOI_NAME_BYTES || name[0] == '.' ||
        name[size - 1] == '.' || strstr(name, "..") != NULL) {
        return false;
    }
    for (const char *p = name; *p != '\0'; p++) {
        if (!g_ascii_isalnum(*p) && strchr(".-_", *p) == NULL) {
            return false;
        }
    }
    return true;
}

char *
svirt_doi_local_name(const char *machine_id)
{
    static const char purpose[] = "svirt local domain of interpretation";
    uint8_t digest[SVIRT_SHA256_BYTES];
    GString *name = g_string_new("local.");

    /* machine-id(5): a keyed hash, the id as the key. */
    svirt_hmac_sha256(machine_id, strlen(machine_id), purpose,
                      sizeof(purpose) - 1, digest);
    for (unsigned i = 0; i < 8; i++) {
        g_string_append_printf(name, "%02x", digest[i]);
    }
    return g_string_free(name, FALSE);
}

/* The name of the directory's only key, owned; NULL in *ret when it has
 * none. */
static bool
find_only(int directory_fd, const char *path, char **ret, GError **error)
{
    int fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    g_autofree char *found = NULL;
    const struct dirent *entry;
    bool several = false;

    if (directory == NULL) {
        svirt_raise_errno(error, errno, NULL, "cannot list '%s'", path);
        svirt_fd_close(&fd);
        return false;
    }
    while ((entry = readdir(directory)) != NULL) {
        g_autofree char *name = NULL;

        if (!g_str_has_suffix(entry->d_name, SUFFIX)) {
            continue;
        }
        name = g_strndup(entry->d_name,
                         strlen(entry->d_name) - strlen(SUFFIX));
        if (svirt_doi_name_is_valid(name)) {
            several = several || found != NULL;
            g_free(found);
            found = g_steal_pointer(&name);
        }
    }
    (void)closedir(directory);
    if (several) {
        return svirt_raise(error, SVIRT_ERROR_STATE, NULL,
                           "name one with doi= in svirt.conf",
                           "'%s' has keys of several domains of "
                           "interpretation",
                           path);
    }
    *ret = g_steal_pointer(&found);
    return true;
}

static bool
write_key(int fd)
{
    uint8_t key[SVIRT_DOI_KEY_BYTES];
    bool written = getrandom(key, sizeof(key), 0) == (ssize_t)sizeof(key) &&
                   svirt_write_full(fd, key, sizeof(key)) && fsync(fd) == 0;
    int saved = errno;

    explicit_bzero(key, sizeof(key));
    errno = saved;
    return written;
}

/* Written under a name of its own, then renamed where nothing is yet: nobody
 * ever reads half a key, and of two processes one wins. */
static bool
create_key(int directory_fd, const char *path, const char *file,
           GError **error)
{
    SVIRT_AUTO_FD fd = -1;
    SVIRT_AUTO_FD sync_fd = -1;
    char draft[32];
    int saved;

    g_snprintf(draft, sizeof(draft), ".new-%d", getpid());
    (void)unlinkat(directory_fd, draft, 0); /* of a killed namesake */
    fd = openat(directory_fd, draft,
                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    sync_fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && sync_fd >= 0 && write_key(fd) &&
        (renameat2(directory_fd, draft, directory_fd, file,
                   RENAME_NOREPLACE) == 0 || errno == EEXIST) &&
        fsync(sync_fd) == 0) {
        (void)unlinkat(directory_fd, draft, 0); /* the loser's */
        return true;
    }
    saved = errno;
    (void)unlinkat(directory_fd, draft, 0);
    return svirt_raise_errno(error, saved, NULL,
                             "cannot create the key '%s/%s'", path, file);
}

static bool
read_key(int directory_fd, const char *path, const char *file,
         uint8_t ret[SVIRT_DOI_KEY_BYTES], GError **error)
{
    uint8_t bytes[SVIRT_DOI_KEY_BYTES + 1];
    SVIRT_AUTO_FD fd = openat(
        directory_fd, file,
        O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    ssize_t size;

    if (fd < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot read the key '%s/%s'", path, file);
    }
    size = svirt_read_full(fd, bytes, sizeof(bytes));
    if (size == SVIRT_DOI_KEY_BYTES) {
        memcpy(ret, bytes, SVIRT_DOI_KEY_BYTES);
    }
    explicit_bzero(bytes, sizeof(bytes));
    if (size != SVIRT_DOI_KEY_BYTES) {
        return svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL,
                           "copy the 32-byte key again from another host",
                           "the key '%s/%s' is not 32 bytes", path, file);
    }
    return true;
}

static bool
open_key(int directory_fd, const char *path, const char *name, bool create,
         SvirtDoi **ret, GError **error)
{
    g_autoptr(SvirtDoi) doi = g_new0(SvirtDoi, 1);
    char file[FILE_BYTES];
    bool exists;

    g_snprintf(file, sizeof(file), "%s" SUFFIX, name);
    doi->name = g_strdup(name);
    if (!svirt_directory_check_file(directory_fd, path, file, &exists,
                                    error)) {
        return false;
    }
    if (!exists && !create) {
        return svirt_raise(error, SVIRT_ERROR_NOT_FOUND, NULL,
                           "copy its key there, mode 0600",
                           "no key of domain of interpretation '%s' in '%s'",
                           name, path);
    }
    if (!exists && (!create_key(directory_fd, path, file, error) ||
                    !svirt_directory_check_file(directory_fd, path, file,
                                                &exists, error))) {
        return false;
    }
    if (!read_key(directory_fd, path, file, doi->key, error)) {
        return false;
    }
    *ret = g_steal_pointer(&doi);
    return true;
}

bool
svirt_doi_open(const char *directory, const char *name,
               const char *machine_id, SvirtDoi **ret, GError **error)
{
    SVIRT_AUTO_FD fd = -1;
    g_autofree char *chosen = g_strdup(name);
    bool create = false;

    if (name != NULL && !svirt_doi_name_is_valid(name)) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "name it like a DNS domain",
                           "'%.64s' is no domain of interpretation", name);
    }
    if (!svirt_directory_open(directory, name == NULL, &fd, error)) {
        return false;
    }
    if (fd < 0) {
        return svirt_raise(error, SVIRT_ERROR_NOT_FOUND, NULL,
                           "copy its key there, mode 0600",
                           "no key of domain of interpretation '%s' in '%s'",
                           name, directory);
    }
    if (name == NULL && !find_only(fd, directory, &chosen, error)) {
        return false;
    }
    if (chosen == NULL) {
        chosen = svirt_doi_local_name(machine_id);
        create = true;
    }
    return open_key(fd, directory, chosen, create, ret, error);
}
