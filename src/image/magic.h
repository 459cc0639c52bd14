/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/format.h"
#include "image/window.h"

/* Internal to this folder: does the image carry a magic of `format`? */
bool svirt_image_magic_present(const SvirtImageWindow *window,
                               SvirtImageFormat format);
