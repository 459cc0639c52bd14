/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "image/chain-private.h"
#include "image/name.h"
#include "image/quote.h"

void
svirt_chain_backing_clear(SvirtChainBacking *backing)
{
    g_clear_pointer(&backing->path, g_free);
}

/* Every one who gives the format must give the same. */
static bool
format_agree(const char *image_path, SvirtChainBacking *backing, bool known,
             SvirtImageFormat format, GError **error)
{
    if (!known) {
        return true;
    }
    if (!backing->format_guessed && backing->format != format) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "make <backingStore> and the header agree",
                           "backing file of image '%s' is %s by its header "
                           "and %s elsewhere",
                           image_path,
                           svirt_image_format_to_string(backing->format),
                           svirt_image_format_to_string(format));
    }
    backing->format = format;
    backing->format_guessed = false;
    return true;
}

/* `named` and `listed`: by the header and by the definition, NULL none. */
static bool
paths_agree(const char *image_path, const char *named, const char *listed,
            GError **error)
{
    g_autofree char *shown_named = svirt_image_quote(named);
    g_autofree char *shown_listed = svirt_image_quote(listed);

    if (named == NULL && listed == NULL) {
        return true;
    }
    if (named != NULL && listed != NULL &&
        svirt_image_name_same(named, listed)) {
        return true;
    }
    return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                       "correct <backingStore>, or the header with "
                       "'qemu-img rebase -u -b NAME -F FORMAT'",
                       "backing file of image '%s' is %s by its header and "
                       "%s by the definition",
                       image_path, shown_named, shown_listed);
}

bool
svirt_chain_backing_find(const SvirtChainRequest *request,
                         const SvirtChainMember *image, unsigned depth,
                         SvirtChainBacking *ret, GError **error)
{
    const SvirtImageHeader *header = image->header;
    const SvirtChainLink *link =
        depth < request->n_backing ? &request->backing[depth] : NULL;
    g_auto(SvirtChainBacking)
        found = { .format = SVIRT_IMAGE_FORMAT_RAW, .format_guessed = true };
    g_auto(SvirtImageName) name = { 0 };
    g_autofree char *named = NULL;

    if (header->backing_name != NULL) {
        if (!svirt_image_name_parse(header->backing_name, &name, error)) {
            return false;
        }
        named = svirt_image_name_resolve(image->path, name.path);
    }
    if ((link != NULL || request->backing_ends) &&
        !paths_agree(image->path, named, link != NULL ? link->path : NULL,
                     error)) {
        return false;
    }
    if (named != NULL) {
        if (!format_agree(image->path, &found, header->backing_format_known,
                          header->backing_format, error) ||
            !format_agree(image->path, &found, name.format_known, name.format,
                          error) ||
            (link != NULL &&
             !format_agree(image->path, &found, link->format_known,
                           link->format, error))) {
            return false;
        }
        found.path =
            link != NULL ? g_strdup(link->path) : g_steal_pointer(&named);
    }
    *ret = found;
    found.path = NULL;
    return true;
}
