/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/passt.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "launch/address.h"

#define BLANKS " \t\r"

static void
add(SvirtPasstArgv *argv, const char *arg)
{
    argv->arg[argv->count++] = arg;
    argv->arg[argv->count] = NULL;
}

void
svirt_passt_argv(const SvirtPasstOptions *options, SvirtPasstArgv *ret)
{
    static const char *const fixed[] = {
        "--foreground", "--quiet", "--stderr", "--no-map-gw", "--no-icmp",
        "-t", "none", "-u", "none",
        /* No search list: the host's is no guest's business. */
        "-S", "none",
    };

    memset(ret, 0, sizeof(*ret));
    (void)snprintf(ret->fd, sizeof(ret->fd), "%d", options->fd);
    add(ret, options->program);
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
        add(ret, fixed[i]);
    }
    if (options->ipv4 != options->ipv6) {
        add(ret, options->ipv4 ? "-4" : "-6");
    }
    if (options->n_nameservers == 0) {
        add(ret, "-D");
        add(ret, "none");
    }
    for (size_t i = 0; i < options->n_nameservers; i++) {
        add(ret, "-D");
        add(ret, options->nameservers[i]);
    }
    add(ret, "-F");
    add(ret, ret->fd);
}

/* `address` in its normal form, when a guest may use it. */
static bool
usable(const char *text, char ret[SVIRT_PASST_ADDRESS])
{
    SvirtAddressRule address = { 0 };

    if (inet_pton(AF_INET, text, address.address) == 1) {
        address.bits = 32;
    } else if (inet_pton(AF_INET6, text, address.address) == 1) {
        address.ipv6 = true;
        address.bits = 128;
    } else {
        return false;
    }
    return !svirt_address_is_refused(&address) &&
           inet_ntop(address.ipv6 ? AF_INET6 : AF_INET, address.address, ret,
                     SVIRT_PASST_ADDRESS) != NULL;
}

size_t
svirt_passt_add_nameservers(const char *resolv_conf,
                            SvirtPasstOptions *options)
{
    static const char keyword[] = "nameserver";
    size_t before = options->n_nameservers;

    for (const char *line = resolv_conf; line != NULL && *line != '\0';
         line = strchr(line, '\n') != NULL ? strchr(line, '\n') + 1 : NULL) {
        char text[SVIRT_PASST_ADDRESS];
        const char *word = line + strspn(line, BLANKS);
        size_t length;

        if (options->n_nameservers == SVIRT_PASST_MAX_NAMESERVERS) {
            break;
        }
        if (strncmp(word, keyword, sizeof(keyword) - 1) != 0) {
            continue;
        }
        word += sizeof(keyword) - 1;
        if (strspn(word, BLANKS) == 0) {
            continue;
        }
        word += strspn(word, BLANKS);
        length = strcspn(word, BLANKS "\n");
        if (length == 0 || length >= sizeof(text)) {
            continue;
        }
        memcpy(text, word, length);
        text[length] = '\0';
        options->n_nameservers +=
            usable(text, options->nameservers[options->n_nameservers]);
    }
    return options->n_nameservers - before;
}

const char *
svirt_passt_program(void)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2") &&
        access(SVIRT_PASST_PROGRAM ".avx2", X_OK) == 0) {
        return SVIRT_PASST_PROGRAM ".avx2";
    }
#endif
    return SVIRT_PASST_PROGRAM;
}
