/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "domain/resource.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is accepted must survive being printed and read again, word by word. */
static void
read_again(const SvirtDomain *domain)
{
    g_autoptr(SvirtDomain) again = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *text = svirt_domain_print(domain);
    g_autofree char *second = NULL;

    if (!svirt_domain_parse(text, strlen(text), "again.xml", &again, &error)) {
        g_autofree char *why = svirt_error_render(error);

        g_printerr("%s%s", text, why);
        abort();
    }
    second = svirt_domain_print(again);
    if (strcmp(text, second) != 0) {
        g_printerr("%s\n--- differs from ---\n%s", text, second);
        abort();
    }
}

static void
list_resources(const SvirtDomain *domain)
{
    g_autoptr(SvirtResourceList) list = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *json = NULL;

    if (!svirt_resource_list_from_domain(domain, &list, &error)) {
        if (error == NULL || list != NULL) {
            abort();
        }
        return;
    }
    json = svirt_resource_list_to_json(list);
    if (!g_utf8_validate(json, -1, NULL)) {
        abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(SvirtDomain) domain = NULL;
    g_autoptr(GError) error = NULL;

    if (svirt_domain_parse((const char *)data, size, "fuzz.xml", &domain,
                           &error)) {
        if (error != NULL) {
            abort();
        }
        read_again(domain);
        list_resources(domain);
    } else if (error == NULL || domain != NULL) {
        abort();
    }
    return 0;
}
