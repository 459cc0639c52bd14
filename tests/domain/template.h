/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A definition that holds each container the tables speak of, and says
 * nothing that any of them has. */
extern const char template_text[];

/* A concrete path for a pattern: what '*' stands for in each row. Owned by
 * the caller, as is the text of the next. */
char *template_path(const char *pattern);

/* The template with the thing of `path` (as in domain/rules.h) in it. */
char *template_build(const char *path);
