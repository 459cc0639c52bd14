/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * qmp SOCKET COMMAND...: gives each QMP command, a JSON text, to the QEMU that
 * listens at SOCKET and prints its answer on a line of its own; events are
 * passed by. "fd:PATH" sends an open file along with the next command, for
 * reading, "fd+:PATH" for writing too. For scripts that play the owner of a
 * QEMU.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The next line that is an answer; false at the end. */
static int
print_answer(FILE *from)
{
    static char line[1 << 20];

    while (fgets(line, sizeof(line), from) != NULL) {
        if (strncmp(line, "{\"return\"", 9) == 0 ||
            strncmp(line, "{\"error\"", 8) == 0 ||
            strstr(line, "\"error\": {") != NULL) {
            (void)fputs(line, stdout);
            return 1;
        }
    }
    return 0;
}

static int
open_socket(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (fd < 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        perror(path);
        return -1;
    }
    return fd;
}

static int
open_file(const char *word)
{
    if (strncmp(word, "fd:", 3) == 0) {
        return open(word + 3, O_RDONLY | O_CLOEXEC);
    }
    if (strncmp(word, "fd+:", 4) == 0) {
        return open(word + 4, O_RDWR | O_CLOEXEC);
    }
    return -1;
}

static int
send_command(int to, const char *command, int file)
{
    struct iovec text = { (void *)command, strlen(command) };
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = { { 0 } };
    struct msghdr message = { .msg_iov = &text, .msg_iovlen = 1 };

    if (file >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof(control.bytes);
        CMSG_FIRSTHDR(&message)->cmsg_level = SOL_SOCKET;
        CMSG_FIRSTHDR(&message)->cmsg_type = SCM_RIGHTS;
        CMSG_FIRSTHDR(&message)->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), &file, sizeof(int));
    }
    return sendmsg(to, &message, 0) == (ssize_t)text.iov_len &&
           write(to, "\n", 1) == 1;
}

int
main(int argc, char **argv)
{
    static const char hello[] = "{\"execute\": \"qmp_capabilities\"}\n";
    char greeting[4096];
    FILE *from;
    int file = -1;
    int fd;

    if (argc < 2 || (fd = open_socket(argv[1])) < 0) {
        return 1;
    }
    from = fdopen(fd, "r");
    if (from == NULL || fgets(greeting, sizeof(greeting), from) == NULL ||
        write(fd, hello, sizeof(hello) - 1) < 0 ||
        fgets(greeting, sizeof(greeting), from) == NULL) {
        return 1;
    }
    for (int i = 2; i < argc; i++) {
        if (strncmp(argv[i], "fd", 2) == 0) {
            file = open_file(argv[i]);
            continue;
        }
        if (!send_command(fd, argv[i], file) || !print_answer(from)) {
            (void)puts("{\"error\": \"no answer\"}");
            return 1;
        }
        file = -1;
    }
    return 0;
}
