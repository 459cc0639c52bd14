/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selftest/qmp-attack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "hypervisor/life.h"
#include "image/json-load.h"

/* What is attacked; paths are the host's own names. */
typedef struct Targets {
    char *disk;      /* owned: the victim's first disk */
    char *disk_dir;
    char *log;
    char *control;   /* its monitor's socket */
    char *state;     /* svirt's database */
    char *memory;    /* /proc/PID/mem of its emulator */
    char *environment;
    char *image_fd;  /* its open disk, through /proc */
    int listener;    /* fd: a TCP port of the host's loopback */
    char *port;      /* owned */
} Targets;

typedef enum Control {
    CONTROL_OPEN,    /* root opens it for reading */
    CONTROL_WRITE,   /* root may create a file in the directory */
    CONTROL_CONNECT, /* root connects to the port */
    CONTROL_LISTEN,  /* root listens on a port */
} Control;

typedef struct Attempt {
    const char *what;
    /* QMP commands with %s for the target; `undo` (may be NULL) follows a
       success, so that nothing stays behind. */
    const char *command;
    const char *undo;
    size_t target; /* offset of the target's char * in Targets */
    Control control;
} Attempt;

#define T(field) G_STRUCT_OFFSET(Targets, field)

#define READ_BLOCK                                                           \
    "{\"execute\": \"blockdev-add\", \"arguments\": {\"driver\": \"file\", "    \
    "\"node-name\": \"attack\", \"read-only\": true, \"filename\": \"%s\"}}"
#define WRITE_BLOCK                                                          \
    "{\"execute\": \"blockdev-add\", \"arguments\": {\"driver\": \"file\", "    \
    "\"node-name\": \"attack\", \"filename\": \"%s\"}}"
#define NO_BLOCK                                                             \
    "{\"execute\": \"blockdev-del\", \"arguments\": {\"node-name\": "         \
    "\"attack\"}}"
#define CHARDEV(backend)                                                     \
    "{\"execute\": \"chardev-add\", \"arguments\": {\"id\": \"attack\", "       \
    "\"backend\": " backend "}}"
#define NO_CHARDEV                                                           \
    "{\"execute\": \"chardev-remove\", \"arguments\": {\"id\": \"attack\"}}"
#define OBJECT(options)                                                      \
    "{\"execute\": \"object-add\", \"arguments\": {\"id\": \"attack\", "        \
    options "}}"
#define NO_OBJECT                                                            \
    "{\"execute\": \"object-del\", \"arguments\": {\"id\": \"attack\"}}"

static const Attempt attempts[] = {
    { "read the other VM's disk", READ_BLOCK, NO_BLOCK, T(disk),
      CONTROL_OPEN },
    { "write the other VM's disk", WRITE_BLOCK, NO_BLOCK, T(disk),
      CONTROL_OPEN },
    { "read its disk as its emulator has it open", READ_BLOCK, NO_BLOCK,
      T(image_fd), CONTROL_OPEN },
    { "read its console log", READ_BLOCK, NO_BLOCK, T(log), CONTROL_OPEN },
    { "read svirt's database", READ_BLOCK, NO_BLOCK, T(state), CONTROL_OPEN },
    { "read its emulator's environment", READ_BLOCK, NO_BLOCK,
      T(environment), CONTROL_OPEN },
    { "write into a new file beside its disk",
      CHARDEV("{\"type\": \"file\", \"data\": {\"out\": "
              "\"%s/svirt-attack\"}}"),
      NO_CHARDEV, T(disk_dir), CONTROL_WRITE },
    { "dump guest memory beside its disk",
      "{\"execute\": \"pmemsave\", \"arguments\": {\"val\": 0, \"size\": 4096, "
      "\"filename\": \"%s/svirt-attack\"}}",
      NULL, T(disk_dir), CONTROL_WRITE },
    { "map its disk as memory",
      OBJECT("\"qom-type\": \"memory-backend-file\", \"size\": 4096, "
             "\"share\": true, \"mem-path\": \"%s\""),
      NO_OBJECT, T(disk), CONTROL_OPEN },
    { "read its disk as a random source",
      OBJECT("\"qom-type\": \"rng-random\", \"filename\": \"%s\""), NO_OBJECT,
      T(disk), CONTROL_OPEN },
    { "connect to its monitor",
      CHARDEV("{\"type\": \"socket\", \"data\": {\"server\": false, "
              "\"addr\": {\"type\": \"unix\", \"data\": {\"path\": "
              "\"%s\"}}}}"),
      NO_CHARDEV, T(control), CONTROL_OPEN },
    { "connect to a port of the host",
      CHARDEV("{\"type\": \"socket\", \"data\": {\"server\": false, "
              "\"addr\": {\"type\": \"inet\", \"data\": {\"host\": "
              "\"127.0.0.1\", \"port\": \"%s\"}}}}"),
      NO_CHARDEV, T(port), CONTROL_CONNECT },
    { "send a datagram to a port of the host",
      CHARDEV("{\"type\": \"udp\", \"data\": {\"remote\": {\"type\": \"inet\", "
              "\"data\": {\"host\": \"127.0.0.1\", \"port\": \"%s\"}}}}"),
      NO_CHARDEV, T(port), CONTROL_CONNECT },
    { "listen on a port of the host",
      "{\"execute\": \"nbd-server-start\", \"arguments\": {\"addr\": {\"type\": "
      "\"inet\", \"data\": {\"host\": \"0.0.0.0\", \"port\": \"1%.0s0809\"}}}}",
      "{\"execute\": \"nbd-server-stop\"}", T(port), CONTROL_LISTEN },
};

/* Host files every administrator worries about first. */
static const char *const host_files[] = { "/etc/shadow", "/etc/passwd",
                                          "/dev/kmsg" };

void
svirt_qmp_attack_row_free(SvirtQmpAttackRow *row)
{
    if (row == NULL) {
        return;
    }
    g_free(row->target);
    g_free(row->answer);
    g_free(row);
}

static void
targets_clear(Targets *targets)
{
    g_free(targets->disk);
    g_free(targets->disk_dir);
    g_free(targets->log);
    g_free(targets->control);
    g_free(targets->state);
    g_free(targets->memory);
    g_free(targets->environment);
    g_free(targets->image_fd);
    g_free(targets->port);
    svirt_fd_close(&targets->listener);
}

/* The VMM's first open regular file outside /usr and /dev: a disk. */
static char *
open_image(pid_t pid, const char *disk)
{
    struct stat wanted, found;

    if (stat(disk, &wanted) < 0) {
        return NULL;
    }
    for (int fd = 3; fd < 256; fd++) {
        g_autofree char *path = g_strdup_printf("/proc/%d/fd/%d", pid, fd);

        if (stat(path, &found) == 0 && found.st_ino == wanted.st_ino &&
            found.st_dev == wanted.st_dev) {
            return g_steal_pointer(&path);
        }
    }
    return NULL;
}

static int
listen_loopback(char **ret_port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 ||
        bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(fd, 4) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) < 0) {
        svirt_fd_close(&fd);
        return -1;
    }
    *ret_port = g_strdup_printf("%u", ntohs(address.sin_port));
    return fd;
}

static bool
find_targets(SvirtManager *manager, const SvirtDefinition *victim,
             Targets *ret, GError **error)
{
    const SvirtConnection *connection = svirt_manager_connection(manager);
    g_autoptr(SvirtDomain) domain = NULL;
    char uuid[SVIRT_UUID_TEXT];
    SvirtRunStatus run;
    pid_t pid;

    if (!svirt_manager_parse(victim, &domain, error) ||
        !svirt_manager_run_status(manager, &victim->uuid, &run, error)) {
        return false;
    }
    if (!svirt_run_status_is_active(&run) || domain->disk_count == 0 ||
        domain->disks[0].images[0].path == NULL) {
        return svirt_raise(error, SVIRT_ERROR_STATE, NULL,
                           "start it, with a disk",
                           "domain '%s' has nothing to attack", victim->name);
    }
    svirt_uuid_format(&victim->uuid, uuid);
    pid = run.process[SVIRT_PROCESS_VMM].pid;
    ret->disk = g_strdup(domain->disks[0].images[0].path);
    ret->disk_dir = g_path_get_dirname(ret->disk);
    ret->log = g_strdup_printf("%s/%s.log", connection->log_dir, victim->name);
    ret->control =
        g_strdup_printf("%s/%s/control", connection->run_dir, uuid);
    ret->state = g_strdup_printf("%s/state.db", connection->state_dir);
    ret->environment = g_strdup_printf("/proc/%d/environ", pid);
    ret->image_fd = open_image(pid, ret->disk);
    ret->listener = listen_loopback(&ret->port);
    if (ret->image_fd == NULL || ret->listener < 0) {
        return svirt_raise(error, SVIRT_ERROR_FAILED, NULL, NULL,
                           "cannot prepare the attack on '%s'", victim->name);
    }
    return true;
}

static bool
connects(const char *port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        .sin_port = htons((uint16_t)g_ascii_strtoull(port, NULL, 10)),
    };
    SVIRT_AUTO_FD fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd >= 0 && connect(fd, (const struct sockaddr *)&address,
                              sizeof(address)) == 0;
}

/* The same on the same target, outside: else the attempt proves nothing. */
static bool
control_succeeds(Control control, const char *target)
{
    struct stat st;
    g_autofree char *unused = NULL;
    SVIRT_AUTO_FD fd = -1;

    switch (control) {
    case CONTROL_OPEN:
        fd = stat(target, &st) == 0 && !S_ISSOCK(st.st_mode)
                 ? open(target, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
                 : open(target, O_PATH | O_CLOEXEC);
        return fd >= 0;
    case CONTROL_WRITE:
        fd = open(target, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
        return fd >= 0;
    case CONTROL_CONNECT:
        return connects(target);
    case CONTROL_LISTEN:
        fd = listen_loopback(&unused);
        return fd >= 0;
    }
    g_assert_not_reached();
}

/*
 * QEMU reports the kernel's errno in words. In a root that holds nothing of
 * the host a path has no object; sockets end at the filter; what a path inside
 * could still reach is the own uid's and Landlock's.
 */
static const char *
layer_of(const char *words)
{
    if (strstr(words, "No such file") != NULL ||
        strstr(words, "Not a directory") != NULL ||
        strstr(words, "non-existent") != NULL) {
        return "own root";
    }
    if (strstr(words, "not permitted") != NULL ||
        strstr(words, "Failed to create socket") != NULL) {
        return "system call filter";
    }
    if (strstr(words, "Permission denied") != NULL) {
        return "landlock, own uid";
    }
    if (strstr(words, "Read-only file system") != NULL) {
        return "read-only root";
    }
    if (strstr(words, "address resolution failed") != NULL ||
        strstr(words, "unreachable") != NULL) {
        return "network namespace";
    }
    return NULL;
}

static void
judge(SvirtQmpAttackRow *row, const char *reply, bool control)
{
    json_t *answer = svirt_json_load(reply, strlen(reply), 0);
    const char *words = json_string_value(
        json_object_get(json_object_get(answer, "error"), "desc"));

    if (words != NULL) {
        const char *last = g_strrstr(words, ": ");

        /* "Could not open '/x': Permission denied": the target is said. */
        row->answer = g_strdup(last != NULL ? last + 2 : words);
        row->layer = layer_of(words);
        row->verdict = control && row->layer != NULL ? SVIRT_QMP_BLOCKED
                                                     : SVIRT_QMP_BROKEN;
    } else {
        row->answer = g_strdup("done");
        row->verdict = json_object_get(answer, "return") != NULL
                           ? SVIRT_QMP_BREACH
                           : SVIRT_QMP_BROKEN;
    }
    json_decref(answer);
}

static bool
attack(SvirtManager *manager, const SvirtDefinition *attacker,
       const Attempt *attempt, const char *target, GPtrArray *rows,
       GError **error)
{
    SvirtQmpAttackRow *row = g_new0(SvirtQmpAttackRow, 1);
    g_autofree char *command = NULL;
    g_autofree char *reply = NULL;

    g_ptr_array_add(rows, row);
    row->what = attempt->what;
    row->target = g_strdup(target);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    command = g_strdup_printf(attempt->command, target);
#pragma GCC diagnostic pop
    if (!svirt_life_qmp(manager, attacker, command, true, &reply, error)) {
        return false;
    }
    judge(row, reply, control_succeeds(attempt->control, target));
    if (row->verdict == SVIRT_QMP_BREACH && attempt->undo != NULL) {
        g_autofree char *ignored = NULL;

        return svirt_life_qmp(manager, attacker, attempt->undo, true, &ignored,
                              error);
    }
    return true;
}

static bool
attack_all(SvirtManager *manager, const SvirtDefinition *attacker,
           const Targets *targets, GPtrArray *rows, GError **error)
{
    static const Attempt host = { "read a file of the host", READ_BLOCK,
                                  NO_BLOCK, 0, CONTROL_OPEN };

    for (unsigned i = 0; i < G_N_ELEMENTS(attempts); i++) {
        const char *target =
            G_STRUCT_MEMBER(char *, targets, attempts[i].target);

        if (!attack(manager, attacker, &attempts[i], target, rows, error)) {
            return false;
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(host_files); i++) {
        if (!attack(manager, attacker, &host, host_files[i], rows, error)) {
            return false;
        }
    }
    return true;
}

bool
svirt_qmp_attack(SvirtManager *manager, const SvirtDefinition *attacker,
                 const SvirtDefinition *victim, GPtrArray **ret_rows,
                 GError **error)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(
        (GDestroyNotify)svirt_qmp_attack_row_free);
    Targets targets = { .listener = -1 };
    bool ok;

    if (svirt_uuid_equal(&attacker->uuid, &victim->uuid)) {
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                           "name two running domains",
                           "domain '%s' cannot attack itself",
                           attacker->name);
    }
    ok = find_targets(manager, victim, &targets, error) &&
         attack_all(manager, attacker, &targets, rows, error);
    targets_clear(&targets);
    if (ok) {
        *ret_rows = g_steal_pointer(&rows);
    }
    return ok;
}

bool
svirt_qmp_attack_held(const GPtrArray *rows)
{
    for (unsigned i = 0; i < rows->len; i++) {
        const SvirtQmpAttackRow *row = rows->pdata[i];

        if (row->verdict != SVIRT_QMP_BLOCKED) {
            return false;
        }
    }
    return rows->len > 0;
}
