/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/object.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

#define AUTHOR 4711

/*
 * file (0644), private (0600), closed/ (0700) with closed/inside, fifo,
 * socket, good -> file, loop -> loop, out -> /etc
 */
typedef struct Tree {
    char *path; /* owned */
} Tree;

static char *
in(const Tree *tree, const char *name)
{
    return name[0] == '/' ? g_strdup(name)
                          : g_build_filename(tree->path, name, NULL);
}

static void
put(const Tree *tree, const char *name, int mode)
{
    g_autofree char *path = in(tree, name);

    g_assert_true(g_file_set_contents(path, "x", 1, NULL));
    g_assert_cmpint(g_chmod(path, mode), ==, 0);
}

static void
put_link(const Tree *tree, const char *name, const char *target)
{
    g_autofree char *path = in(tree, name);

    g_assert_cmpint(symlink(target, path), ==, 0);
}

static void
put_socket(const Tree *tree)
{
    g_autofree char *path = in(tree, "socket");
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    SVIRT_AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM, 0);

    g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
    g_assert_cmpint(bind(fd, (struct sockaddr *)&address, sizeof(address)),
                    ==, 0);
}

static void
tree_set_up(Tree *tree, gconstpointer data)
{
    g_autofree char *closed = NULL;
    g_autofree char *fifo = NULL;

    tree->path = g_dir_make_tmp("svirt-object-XXXXXX", NULL);
    closed = in(tree, "closed");
    fifo = in(tree, "fifo");
    g_assert_cmpint(g_chmod(tree->path, 0755), ==, 0);
    g_assert_cmpint(g_mkdir(closed, 0700), ==, 0);
    g_assert_cmpint(mkfifo(fifo, 0644), ==, 0);
    put(tree, "file", 0644);
    put(tree, "private", 0600);
    put(tree, "closed/inside", 0644);
    put_link(tree, "good", "file");
    put_link(tree, "loop", "loop");
    put_link(tree, "out", "/etc");
    put_link(tree, "magic", "/proc/self/root/etc/passwd");
    put_socket(tree);
}

static void
tree_tear_down(Tree *tree, gconstpointer data)
{
    static const char *const names[] = {
        "closed/inside", "closed", "fifo", "file", "private",
        "good",          "loop",   "out",  "magic", "socket",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = in(tree, names[i]);

        (void)g_remove(path);
    }
    g_assert_cmpint(g_rmdir(tree->path), ==, 0);
    g_free(tree->path);
}

#define FILES SVIRT_OBJECT_WANT(REGULAR)

static SvirtObject *
open_good(const Tree *tree, const char *name, unsigned flags)
{
    g_autofree char *path = in(tree, name);
    g_autoptr(GError) error = NULL;
    SvirtObject *object = NULL;

    svirt_object_open(path, NULL, SVIRT_OBJECT_WANT_DISK, flags, &object,
                      &error);
    g_assert_no_error(error);
    g_assert_nonnull(object);
    return object;
}

/* The message of the failure, owned. */
static char *
open_bad(const Tree *tree, const char *name, const SvirtCredentials *author,
         unsigned want, unsigned flags, int code)
{
    g_autofree char *path = in(tree, name);
    g_autoptr(GError) error = NULL;
    SvirtObject *object = NULL;

    g_assert_false(
        svirt_object_open(path, author, want, flags, &object, &error));
    g_assert_error(error, SVIRT_ERROR, code);
    g_assert_null(object);
    return g_strdup(error->message);
}

static void
test_facts_are_the_files(Tree *tree, gconstpointer data)
{
    g_autoptr(SvirtObject) object = open_good(tree, "private", 0);
    g_autofree char *path = in(tree, "private");
    g_autofree char *now = svirt_object_current_path(object);
    struct stat st;

    g_assert_cmpint(stat(path, &st), ==, 0);
    g_assert_cmpint(object->type, ==, SVIRT_OBJECT_REGULAR);
    g_assert_cmpuint(object->uid, ==, st.st_uid);
    g_assert_cmphex(object->mode, ==, 0600);
    g_assert_cmpuint(object->link_count, ==, 1);
    g_assert_cmpuint(object->size_bytes, ==, 1);
    g_assert_true(object->dev == st.st_dev && object->ino == st.st_ino);
    g_assert_cmpstr(object->shown_path, ==, path);
    g_assert_cmpstr(now, ==, path);
    g_assert_false(object->is_mount_root);
    g_assert_cmpuint(object->identity.ino, ==, st.st_ino);
    g_assert_cmpint(fcntl(object->path_fd, F_GETFD), ==, FD_CLOEXEC);
    g_assert_cmpint(truncate(path, 9), ==, 0);
    g_assert_true(svirt_object_refresh(object, NULL));
    g_assert_cmpuint(object->size_bytes, ==, 9);
}

static void
test_symlinks_are_followed_once(Tree *tree, gconstpointer data)
{
    g_autoptr(SvirtObject) file = open_good(tree, "file", 0);
    g_autoptr(SvirtObject) good = open_good(tree, "good", 0);
    g_autofree char *path = in(tree, "good");
    g_autofree char *told = NULL;
    SVIRT_AUTO_FD fd = -1;
    char byte;

    g_assert_true(svirt_object_same_inode(file, good));
    g_assert_true(svirt_identity_same(&file->identity, &good->identity));
    /* Pointed elsewhere afterwards: nobody looks again. */
    g_assert_cmpint(g_unlink(path), ==, 0);
    put_link(tree, "good", "/etc/shadow");
    g_assert_true(svirt_object_reopen(good, NULL, O_RDONLY, &fd, NULL));
    g_assert_cmpint(read(fd, &byte, 1), ==, 1);
    g_assert_cmpint(byte, ==, 'x');
    told = open_bad(tree, "good", NULL, FILES, SVIRT_OBJECT_NO_SYMLINKS,
                    SVIRT_ERROR_REFUSED);
    g_assert_nonnull(strstr(told, "passes a symbolic link"));
}

static void
test_wrong_types_are_told(Tree *tree, gconstpointer data)
{
    static const struct {
        const char *name;
        const char *word;
    } rows[] = {
        { "closed", "is a directory, not a regular file or block device" },
        { "fifo", "is a FIFO, not a regular file or block device" },
        { "socket", "is a socket, not a" },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *told =
            open_bad(tree, rows[i].name, NULL, SVIRT_OBJECT_WANT_DISK, 0,
                     SVIRT_ERROR_REFUSED);

        g_assert_nonnull(strstr(told, rows[i].word));
    }
    g_free(open_bad(tree, "file", NULL, SVIRT_OBJECT_WANT(DIRECTORY), 0,
                    SVIRT_ERROR_REFUSED));
    g_free(open_bad(tree, "/dev/null", NULL, SVIRT_OBJECT_WANT_DISK, 0,
                    SVIRT_ERROR_REFUSED));
}

static void
test_bad_paths_are_told(Tree *tree, gconstpointer data)
{
    g_autofree char *longest = g_strnfill(300, 'n');
    g_autofree char *told =
        open_bad(tree, "loop", NULL, FILES, 0, SVIRT_ERROR_INVALID);
    g_autoptr(GError) error = NULL;
    SvirtObject *object = NULL;

    g_assert_nonnull(strstr(told, "loop of symbolic links"));
    g_free(open_bad(tree, "none", NULL, FILES, 0, SVIRT_ERROR_NOT_FOUND));
    g_free(open_bad(tree, "file/x", NULL, FILES, 0, SVIRT_ERROR_NOT_FOUND));
    g_free(open_bad(tree, longest, NULL, FILES, 0, SVIRT_ERROR_INVALID));
    g_assert_false(svirt_object_open("", NULL, FILES, 0, &object, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_INVALID);
}

static void
test_links_of_procfs_are_refused(Tree *tree, gconstpointer data)
{
    g_autofree char *told =
        open_bad(tree, "magic", NULL, FILES, 0, SVIRT_ERROR_REFUSED);

    g_assert_nonnull(strstr(told, "link of procfs"));
}

static void
test_beneath_stays_in_its_directory(Tree *tree, gconstpointer data)
{
    SVIRT_AUTO_FD directory = open(tree->path, O_PATH | O_DIRECTORY);
    static const char *const names[] = { "out/passwd", "../passwd",
                                         "/etc/passwd" };
    g_autoptr(SvirtObject) inside = NULL;
    SvirtObject *object = NULL;

    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(svirt_object_open_at(directory, names[i], NULL, FILES,
                                            SVIRT_OBJECT_BENEATH, &object,
                                            &error));
        g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_REFUSED);
    }
    g_assert_true(svirt_object_open_at(directory, "closed/inside", NULL,
                                       FILES, SVIRT_OBJECT_BENEATH, &inside,
                                       NULL));
}

static SvirtCredentials *
author_or_skip(void)
{
    if (geteuid() != 0) {
        g_test_skip("not root");
        return NULL;
    }
    return svirt_credentials_new(AUTHOR, AUTHOR, NULL, 0);
}

static void
test_author_opens_no_more_than_a_shell(Tree *tree, gconstpointer data)
{
    g_autoptr(SvirtCredentials) author = author_or_skip();
    g_autoptr(SvirtObject) private = NULL;
    g_autoptr(SvirtObject) file = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *told = NULL;
    g_autofree char *path = in(tree, "file");
    int fd = -1;

    if (author == NULL) {
        return;
    }
    told = open_bad(tree, "closed/inside", author, FILES, 0,
                    SVIRT_ERROR_REFUSED);
    g_assert_nonnull(strstr(told, "uid 4711 may not reach"));
    /* A path descriptor needs no right on the file; using it does. */
    private = open_good(tree, "private", 0);
    g_assert_false(
        svirt_object_reopen(private, author, O_RDONLY, &fd, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_REFUSED);
    g_assert_nonnull(strstr(error->message, "uid 4711 may not read"));
    g_clear_error(&error);
    g_assert_true(
        svirt_object_open(path, author, FILES, 0, &file, &error));
    g_assert_false(svirt_object_reopen(file, author, O_RDWR, &fd, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_REFUSED);
    g_clear_error(&error);
    g_assert_cmpint(fd, ==, -1);
    g_assert_true(svirt_object_reopen(file, author, O_RDONLY, &fd, &error));
    svirt_fd_close(&fd);
    g_assert_true(svirt_object_reopen(file, NULL, O_RDWR, &fd, &error));
    svirt_fd_close(&fd);
}

/* The author's own file in a directory only root can pass by name. */
static void
test_home_of_the_author_needs_no_help(Tree *tree, gconstpointer data)
{
    g_autoptr(SvirtCredentials) author = author_or_skip();
    g_autoptr(SvirtObject) object = NULL;
    g_autofree char *closed = in(tree, "closed");
    g_autofree char *inside = in(tree, "closed/inside");
    int fd = -1;

    if (author == NULL) {
        return;
    }
    g_assert_cmpint(chown(closed, AUTHOR, AUTHOR), ==, 0);
    g_assert_cmpint(chown(inside, AUTHOR, AUTHOR), ==, 0);
    g_assert_cmpint(g_chmod(inside, 0600), ==, 0);
    g_assert_true(
        svirt_object_open(inside, author, FILES, 0, &object, NULL));
    g_assert_true(svirt_object_reopen(object, author, O_RDWR, &fd, NULL));
    g_assert_cmpint(fcntl(fd, F_GETFL) & O_ACCMODE, ==, O_RDWR);
    g_assert_cmpint(fcntl(fd, F_GETFD), ==, FD_CLOEXEC);
    svirt_fd_close(&fd);
}

static void
test_descriptor_becomes_an_object(Tree *tree, gconstpointer data)
{
    g_autofree char *path = in(tree, "file");
    SVIRT_AUTO_FD fd = open(path, O_RDONLY);
    g_autoptr(SvirtObject) object = NULL;
    g_autoptr(SvirtObject) file = open_good(tree, "file", 0);
    g_autoptr(GError) error = NULL;
    SvirtObject *none = NULL;

    g_assert_true(
        svirt_object_from_fd(fd, "passed", FILES, 0, &object, &error));
    g_assert_true(svirt_object_same_inode(object, file));
    g_assert_cmpstr(object->shown_path, ==, "passed");
    g_assert_cmpint(fcntl(fd, F_GETFD), >=, 0); /* still the caller's */
    g_assert_false(svirt_object_from_fd(
        fd, "passed", SVIRT_OBJECT_WANT(BLOCK), 0, &none, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_REFUSED);
}

static void
test_deleted_file_is_still_the_object(Tree *tree, gconstpointer data)
{
    g_autoptr(SvirtObject) object = open_good(tree, "file", 0);
    g_autofree char *path = in(tree, "file");
    g_autofree char *now = NULL;
    int fd = -1;

    g_assert_cmpint(g_unlink(path), ==, 0);
    put(tree, "file", 0644);
    now = svirt_object_current_path(object);
    g_assert_true(g_str_has_suffix(now, " (deleted)"));
    g_assert_true(svirt_object_refresh(object, NULL));
    g_assert_cmpuint(object->link_count, ==, 0);
    g_assert_true(svirt_object_reopen(object, NULL, O_RDONLY, &fd, NULL));
    svirt_fd_close(&fd);
}

static void
test_mount_roots_are_known(void)
{
    g_autoptr(SvirtObject) proc = NULL;

    g_assert_true(svirt_object_open("/proc", NULL,
                                    SVIRT_OBJECT_WANT(DIRECTORY), 0, &proc,
                                    NULL));
    g_assert_true(proc->is_mount_root);
    g_assert_cmphex((guint64)proc->fs_magic, ==, 0x9fa0);
}

/* As in a container whose filter does not know openat2. */
static void
forbid_openat2(int errnum)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)errnum),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { G_N_ELEMENTS(code), code };

    g_assert_cmpint(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), ==, 0);
    g_assert_cmpint(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), ==,
                    0);
}

static void
without_openat2(const Tree *tree)
{
    g_autofree char *magic = g_strdup_printf("/proc/%d/fd/999", getpid());
    g_autofree char *closed = in(tree, "closed/inside");
    g_autoptr(SvirtObject) good = open_good(tree, "good", 0);
    g_autoptr(SvirtObject) file = open_good(tree, "file", 0);
    g_autoptr(GError) error = NULL;
    SvirtObject *object = NULL;

    g_assert_true(svirt_object_same_inode(good, file));
    g_free(open_bad(tree, "none", NULL, FILES, 0, SVIRT_ERROR_NOT_FOUND));
    g_free(open_bad(tree, "fifo", NULL, FILES, 0, SVIRT_ERROR_REFUSED));
    g_free(open_bad(tree, "loop", NULL, FILES, 0, SVIRT_ERROR_INVALID));
    /* What cannot be kept is not promised. */
    g_assert_false(svirt_object_open(closed, NULL, FILES,
                                     SVIRT_OBJECT_NO_SYMLINKS, &object,
                                     &error));
    g_assert_nonnull(strstr(error->message, "safely"));
    g_clear_error(&error);
    if (geteuid() == 0) {
        g_autoptr(SvirtCredentials) author =
            svirt_credentials_new(AUTHOR, AUTHOR, NULL, 0);
        int fd = open(closed, O_RDONLY);

        /* svirt's own descriptor of a file the author cannot name. */
        g_assert_cmpint(dup2(fd, 999), ==, 999);
        g_assert_false(
            svirt_object_open(magic, author, FILES, 0, &object, &error));
        g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_REFUSED);
    }
}

static void
test_without_openat2(Tree *tree, gconstpointer data)
{
    static const int errnums[] = { ENOSYS, EPERM };

    for (unsigned i = 0; i < G_N_ELEMENTS(errnums); i++) {
        pid_t child = fork();
        int status;

        g_assert_cmpint(child, >=, 0);
        if (child == 0) {
            forbid_openat2(errnums[i]);
            without_openat2(tree);
            _exit(0);
        }
        g_assert_cmpint(waitpid(child, &status, 0), ==, child);
        g_assert_cmpint(status, ==, 0);
    }
}

static void
test_every_type_has_words(void)
{
    for (unsigned i = 0; i < SVIRT_OBJECT_MAX; i++) {
        g_assert_nonnull(svirt_object_type_to_string((SvirtObjectType)i));
    }
}

#define ADD(path, function)                                                  \
    g_test_add(path, Tree, NULL, tree_set_up, function, tree_tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/base/object/facts-are-the-files", test_facts_are_the_files);
    ADD("/base/object/symlinks-are-followed-once",
        test_symlinks_are_followed_once);
    ADD("/base/object/wrong-types-are-told", test_wrong_types_are_told);
    ADD("/base/object/bad-paths-are-told", test_bad_paths_are_told);
    ADD("/base/object/links-of-procfs-are-refused",
        test_links_of_procfs_are_refused);
    ADD("/base/object/beneath-stays-in-its-directory",
        test_beneath_stays_in_its_directory);
    ADD("/base/object/author-opens-no-more-than-a-shell",
        test_author_opens_no_more_than_a_shell);
    ADD("/base/object/home-of-the-author-needs-no-help",
        test_home_of_the_author_needs_no_help);
    ADD("/base/object/descriptor-becomes-an-object",
        test_descriptor_becomes_an_object);
    ADD("/base/object/deleted-file-is-still-the-object",
        test_deleted_file_is_still_the_object);
    g_test_add_func("/base/object/mount-roots-are-known",
                    test_mount_roots_are_known);
    ADD("/base/object/without-openat2", test_without_openat2);
    g_test_add_func("/base/object/every-type-has-words",
                    test_every_type_has_words);
    return g_test_run();
}
