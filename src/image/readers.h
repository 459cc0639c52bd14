/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/header.h"
#include "image/window.h"

/*
 * Internal to this folder: one reader per format that has more than a magic.
 * Each fills a header that svirt_image_header_new() made, and may leave it
 * half filled when it fails. Errors as svirt_image_header_read().
 */
bool svirt_image_qcow_read(const SvirtImageWindow *window,
                           SvirtImageHeader *header, GError **error);
bool svirt_image_qcow2_read(const SvirtImageWindow *window,
                            SvirtImageHeader *header, GError **error);
bool svirt_image_qed_read(const SvirtImageWindow *window,
                          SvirtImageHeader *header, GError **error);
bool svirt_image_vmdk_read(const SvirtImageWindow *window,
                           SvirtImageHeader *header, GError **error);
bool svirt_image_vmdk_read_extent(const SvirtImageWindow *window,
                                  SvirtImageHeader *header, GError **error);
bool svirt_image_vhdx_read(const SvirtImageWindow *window,
                           SvirtImageHeader *header, GError **error);
bool svirt_image_vpc_read(const SvirtImageWindow *window,
                          SvirtImageHeader *header, GError **error);
/* vdi, luks, dmg, bochs, cloop, parallels: no room for a name in any. */
bool svirt_image_leaf_read(const SvirtImageWindow *window,
                           SvirtImageHeader *header, GError **error);

/*
 * Parse the text of a vmdk descriptor (a NUL at text[size]) into header.
 * `embedded`: it lies inside the sparse image that holds the data, where its
 * extent lines mean nothing.
 */
bool svirt_image_vmdk_descriptor_parse(const char *text, size_t size,
                                       bool embedded, const char *shown_path,
                                       SvirtImageHeader *header,
                                       GError **error);

/*
 * The bytes of a name in a header as a string: INVALID when empty, longer
 * than SVIRT_IMAGE_NAME_MAX or with a NUL inside, UNSUPPORTED when not UTF-8
 * or with control characters. `what` names the field in the message. *ret is
 * the caller's.
 */
bool svirt_image_name_take(const uint8_t *bytes, size_t size, const char *what,
                           const char *shown_path, char **ret, GError **error);
