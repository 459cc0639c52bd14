/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/*
 * Are objects and arrays in `text` nested at most `max` deep? To be asked
 * before the text goes to Jansson, whose own bound is 2,048 levels.
 */
bool svirt_json_depth_fits(const char *text, unsigned max);
