/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/parse.h"

#include <string.h>

#define SECONDS_MAX (INT64_C(1) << 40)

/* A name below /usr/share/zoneinfo and nothing else. */
static bool
is_timezone(const char *name)
{
    for (const char *p = name; *p != '\0'; p++) {
        if (!g_ascii_isalnum(*p) && strchr("_+-/", *p) == NULL) {
            return false;
        }
    }
    return g_ascii_isalpha(name[0]);
}

static int64_t
read_signed(SvirtReader *reader, SvirtXmlNode *node, const char *name)
{
    const char *text = svirt_reader_attribute(reader, node, name);
    gint64 value = 0;

    if (text != NULL && !g_ascii_string_to_signed(text, 10, -SECONDS_MAX,
                                                  SECONDS_MAX, &value, NULL)) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "give seconds", "%s='%.80s' of <%s> is no number",
                          name, text, node->name);
    }
    return value;
}

static void
parse_basis(SvirtReader *reader, SvirtXmlNode *node, SvirtClock *clock)
{
    const char *basis = svirt_reader_attribute(reader, node, "basis");

    clock->local_basis = g_strcmp0(basis, "localtime") == 0;
    if (basis != NULL && !clock->local_basis && strcmp(basis, "utc") != 0) {
        svirt_reader_bad_word(reader, node, "basis", basis);
    }
}

static void
parse_offset(SvirtReader *reader, SvirtXmlNode *node, SvirtClock *clock)
{
    const char *adjustment;

    SVIRT_READ_ENUM(reader, node, "offset", svirt_clock_offset,
                    &clock->offset);
    switch (clock->offset) {
    case SVIRT_CLOCK_TIMEZONE:
        clock->timezone = svirt_reader_required(reader, node, "timezone");
        if (reader->error == NULL && !is_timezone(clock->timezone)) {
            svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                              "write it as Europe/Paris",
                              "'%.80s' is no time zone", clock->timezone);
        }
        break;
    case SVIRT_CLOCK_VARIABLE:
        clock->adjustment_s = read_signed(reader, node, "adjustment");
        parse_basis(reader, node, clock);
        break;
    case SVIRT_CLOCK_ABSOLUTE:
        (void)svirt_reader_required(reader, node, "start"); /* kept */
        clock->start_s = read_signed(reader, node, "start");
        break;
    case SVIRT_CLOCK_UTC:
    case SVIRT_CLOCK_LOCALTIME:
        adjustment = svirt_reader_attribute(reader, node, "adjustment");
        /* What the guest set is not kept anyway. */
        if (adjustment != NULL && strcmp(adjustment, "reset") != 0) {
            clock->adjustment_s = read_signed(reader, node, "adjustment");
            clock->local_basis = clock->offset == SVIRT_CLOCK_LOCALTIME;
            clock->offset = SVIRT_CLOCK_VARIABLE;
        }
        break;
    case SVIRT_CLOCK_OFFSET_MAX:
        g_assert_not_reached();
    }
}

static void
parse_timer(SvirtReader *reader, SvirtXmlNode *node, SvirtTimer *timer)
{
    const char *name = svirt_reader_required(reader, node, "name");
    const char *present = svirt_reader_attribute(reader, node, "present");

    timer->line = node->line;
    if (reader->error == NULL &&
        !svirt_timer_name_from_string(name, &timer->name)) {
        svirt_reader_bad_word(reader, node, "name", name);
    }
    if (present != NULL) {
        timer->present = svirt_reader_yes_no(reader, node, "present", true)
                             ? SVIRT_SWITCH_ON
                             : SVIRT_SWITCH_OFF;
    }
    if (timer->name == SVIRT_TIMER_RTC) {
        SVIRT_READ_ENUM(reader, node, "track", svirt_timer_track,
                        &timer->track);
    }
    if (timer->name == SVIRT_TIMER_TSC) {
        timer->frequency_hz = svirt_reader_number(reader, node, "frequency", 1,
                                                  INT64_MAX, 0);
    }
    SVIRT_READ_ENUM(reader, node, "tickpolicy", svirt_tick_policy,
                    &timer->tick_policy);
}

void
svirt_parse_clock(SvirtReader *reader, SvirtXmlNode *root, SvirtDomain *domain)
{
    SvirtXmlNode *node = svirt_reader_child(reader, root, "clock");
    SvirtXmlNode *child = NULL;
    SvirtTimer *timers;
    size_t i = 0;

    if (node == NULL) {
        return;
    }
    parse_offset(reader, node, &domain->clock);
    (void)svirt_reader_part(reader);
    domain->timer_count = svirt_reader_count(node, "timer");
    timers =
        svirt_arena_array(reader->arena, domain->timer_count, sizeof(*timers));
    domain->timers = timers;
    while ((child = svirt_reader_next(reader, node, child, "timer"))) {
        parse_timer(reader, child, &timers[i]);
        i++;
    }
}

