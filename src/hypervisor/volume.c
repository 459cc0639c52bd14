/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/error.h"
#include "base/fd.h"
#include "domain/rules.h"
#include "host/trusted-path.h"

#define LIBVIRT_POOLS "/etc/libvirt/storage"
#define POOL_BYTES (64u * 1024u)

/* One file of one directory. */
static bool
is_plain(const char *name)
{
    return name != NULL && name[0] != '\0' && strchr(name, '/') == NULL &&
           strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* *ret NULL: there is no such file. */
static bool
read_pool(const char *path, SvirtXmlDocument **ret, GError **error)
{
    g_autofree char *text = g_malloc(POOL_BYTES);
    ssize_t got = svirt_read_small(AT_FDCWD, path, text, POOL_BYTES);
    GError *cause = NULL;

    *ret = NULL;
    if (got < 0 && errno == ENOENT) {
        return true;
    }
    if (got < 0) {
        return svirt_raise_errno(error, errno, "correct it",
                                 "cannot read storage pool '%s'", path);
    }
    if (!svirt_trusted_path_check(path, &cause)) {
        return svirt_raise(error, SVIRT_ERROR_REFUSED, cause,
                           "let root alone write it",
                           "storage pool '%s' is not root's alone", path);
    }
    return svirt_xml_parse(text, (size_t)got, path, ret, error);
}

/* The directory of a pool, owned by the caller; NULL: it is none. */
static char *
directory_of(const SvirtXmlDocument *pool)
{
    static const char *const types[] = { "dir", "fs", "netfs" };
    const SvirtXmlNode *target = svirt_xml_find(pool->root, "target");
    const SvirtXmlNode *path =
        target != NULL ? svirt_xml_find(target, "path") : NULL;
    const char *type = svirt_xml_get(pool->root, "type");

    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        if (g_strcmp0(type, types[i]) == 0 &&
            strcmp(pool->root->name, "pool") == 0 && path != NULL &&
            path->text != NULL && path->text[0] == '/') {
            return g_strstrip(g_strdup(path->text));
        }
    }
    return NULL;
}

static bool
find_directory(const SvirtConnection *connection, const char *pool,
               char **ret, GError **error)
{
    g_autofree char *own = g_strdup_printf("%s/storage/%s.xml",
                                           connection->config_dir, pool);
    g_autofree char *other =
        connection->session
            ? NULL
            : g_strdup_printf(LIBVIRT_POOLS "/%s.xml", pool);
    g_autoptr(SvirtXmlDocument) document = NULL;

    if (!read_pool(own, &document, error) ||
        (document == NULL && other != NULL &&
         !read_pool(other, &document, error))) {
        return false;
    }
    *ret = document != NULL ? directory_of(document) : NULL;
    return true;
}

/* The attributes that name the volume are gone with it. */
static void
name_file(SvirtXmlDocument *document, SvirtXmlNode *disk,
          SvirtXmlNode *source, const char *directory, const char *volume)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < source->attribute_count; i++) {
        const char *name = source->attributes[i].name;

        if (strcmp(name, "pool") != 0 && strcmp(name, "volume") != 0) {
            source->attributes[kept++] = source->attributes[i];
        }
    }
    source->attribute_count = kept;
    svirt_xml_set(document, source, "file", "%s%s%s", directory,
                  g_str_has_suffix(directory, "/") ? "" : "/", volume);
    svirt_xml_set(document, disk, "type", "file");
}

/* What is a file now is in nobody's way; the domain is read again later. */
static void
forget_obstacle(SvirtDomain *domain, const SvirtXmlNode *disk)
{
    /* A disk may be left out for what else it says. */
    g_autofree char *thing = svirt_rules_show(disk, "type", "volume");
    SvirtObstacle *left =
        svirt_arena_array(domain->document->arena, domain->obstacle_count,
                          sizeof(*left));
    size_t count = 0;

    for (size_t i = 0; i < domain->obstacle_count; i++) {
        const SvirtObstacle *obstacle = &domain->obstacles[i];

        if (obstacle->element != disk ||
            strstr(obstacle->text, thing) == NULL) {
            left[count++] = *obstacle;
        }
    }
    domain->obstacles = left;
    domain->obstacle_count = count;
}

static bool
complete(const SvirtConnection *connection, SvirtDomain *domain,
         SvirtXmlNode *disk, GError **error)
{
    SvirtXmlNode *source = svirt_xml_find(disk, "source");
    const char *pool = source != NULL ? svirt_xml_get(source, "pool") : NULL;
    const char *volume =
        source != NULL ? svirt_xml_get(source, "volume") : NULL;
    g_autofree char *directory = NULL;

    if (!is_plain(pool) || !is_plain(volume)) {
        return true;
    }
    if (!find_directory(connection, pool, &directory, error)) {
        return false;
    }
    if (directory != NULL) {
        forget_obstacle(domain, disk);
        name_file(domain->document, disk, source, directory, volume);
    }
    return true;
}

bool
svirt_volumes_complete(const SvirtConnection *connection, SvirtDomain *domain,
                       GError **error)
{
    SvirtXmlNode *devices =
        svirt_xml_find(domain->document->root, "devices");

    for (SvirtXmlNode *disk = devices != NULL ? devices->first_child : NULL;
         disk != NULL; disk = disk->next) {
        if (strcmp(disk->name, "disk") == 0 &&
            g_strcmp0(svirt_xml_get(disk, "type"), "volume") == 0 &&
            !complete(connection, domain, disk, error)) {
            return false;
        }
    }
    return true;
}
