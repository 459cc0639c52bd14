/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

/*
 * The word of `words` (`count`, NULL entries are passed over) that somebody
 * who wrote `text` may have meant: at most a third of its letters, and at most
 * three, are missing, too many, wrong, or in the wrong order. NULL: none is
 * near. The first of equals; borrowed.
 */
const char *svirt_nearest_word(const char *text, const char *const *words,
                               size_t count);
